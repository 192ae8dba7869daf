import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { EnvironmentDefinition } from './definition.ts';

/** Environments that come with Kelvin besides the programming languages. */
export const DEFINED: readonly string[] = ['logic', 'gridworld'];

/** Whether `language` names a file with an environment of one's own. */
export const isModule = (language: string): boolean => /\.m?[jt]s$/.test(language);

/** The file holds no environment; the message says what to change. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/**
 * The definition that `language` names: one of `DEFINED`, or the default export of a file (docs/environments.md). A file is
 * code that runs with the rights of this process.
 * @throws EnvironmentError when there is no such file or it is no definition.
 */
export async function loadDefinition(language: string): Promise<EnvironmentDefinition> {
  if (language === 'logic') return (await import('./logic.ts')).logic;
  if (language === 'gridworld') return (await import('./gridworld.ts')).gridworld;
  if (!existsSync(language)) throw new EnvironmentError(`${language} does not exist. "language" names a file: check the path.`);
  let module: { readonly default?: unknown };
  try {
    module = (await import(/* @vite-ignore */ pathToFileURL(language).href)) as typeof module;
  } catch (error) {
    const old = (error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION';
    const why = old ? 'this Node reads no TypeScript; take Node >= 22.18, or write JavaScript (.mjs)' : String(error);
    throw new EnvironmentError(`${language} cannot be loaded: ${why}.`, { cause: error });
  }
  return checked(module.default, basename(language));
}

/** SHA-256 of a file with an environment, hex; null for those that come with Kelvin. */
export const moduleHash = (language: string): string | null =>
  isModule(language) && existsSync(language) ? createHash('sha256').update(readFileSync(language)).digest('hex') : null;

const FUNCTIONS = ['program.read', 'program.write', 'input.read', 'input.write', 'output', 'run'];
const TEXTS = ['texts.program', 'texts.input', 'texts.output', 'texts.programForm', 'texts.inputForm', 'texts.outputForm', 'seed.program', 'seed.input']; // prettier-ignore
const LISTS = ['texts.rules', 'texts.examples', 'samples'];

/** What is missing from a definition is said now, not in the middle of a run. */
function checked(value: unknown, file: string): EnvironmentDefinition {
  const fail = (why: string): EnvironmentError =>
    new EnvironmentError(`${file}: ${why} docs/environments.md shows how a definition looks.`);
  if (typeof value !== 'object' || value === null) throw fail('it has no default export with a definition.');
  const at = (path: string): unknown =>
    path.split('.').reduce<unknown>((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);
  const { name, trivial } = value as Partial<EnvironmentDefinition>;
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,30}$/.test(name))
    throw fail('"name" is one word of small letters, digits and dashes.');
  for (const path of FUNCTIONS) if (typeof at(path) !== 'function') throw fail(`"${path}" is not a function.`);
  for (const path of TEXTS) if (typeof at(path) !== 'string') throw fail(`"${path}" is not a text.`);
  for (const path of LISTS) if (!Array.isArray(at(path))) throw fail(`"${path}" is not a list.`);
  if (trivial !== undefined && typeof trivial !== 'function') throw fail('"trivial" is not a function.');
  return value as EnvironmentDefinition;
}
