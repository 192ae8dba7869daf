import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { Parent } from '../core/events.ts';
import { guarded } from './errors.ts';
import { fsyncPath, makePrivateDir, PRIVATE_DIR, writeDurably } from './files.ts';
import { RecordError } from './port.ts';
import { sumOf } from './sums.ts';

/** What a run is, written once. `config.json` beside it holds the resolved configuration. */
export interface RunFacts {
  readonly version: 1;
  /** Name of the configuration, for instance `nano`. */
  readonly name: string;
  /** ISO 8601. */
  readonly started: string;
  /** The run that this one was forked from; absent in a run that began anew. */
  readonly parent?: Parent;
}

const RUN_FILE = 'run.json';
const CONFIG_FILE = 'config.json';

export interface NewRun {
  /** Folder that holds the runs; a new one inside gets a name such as `2026-11-23-kelvin-ab12`. */
  readonly root: string;
  /** The run folder itself, when the user names it; must be absent or empty. */
  readonly runDir?: string | undefined;
  readonly name: string;
  readonly config: unknown;
  readonly parent?: Parent | undefined;
  readonly now?: Date;
}

/** The name of a configuration as part of a folder name. */
const slug = (text: string): string => {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ['run'];
  return words.join('-').slice(0, 40);
};

function chooseDir({ root, runDir, name, now = new Date() }: NewRun): string {
  if (runDir !== undefined) return resolve(runDir);
  const prefix = `${now.toISOString().slice(0, 10)}-${slug(name)}`;
  for (;;) {
    const dir = resolve(root, `${prefix}-${randomBytes(2).toString('hex')}`);
    if (!existsSync(dir)) return dir;
  }
}

export const isRun = (dir: string): boolean => existsSync(join(dir, RUN_FILE));

/**
 * Creates the folder of a new run, readable by its owner only, with `config.json` and `run.json` (the latter last: a
 * folder with it is a run). Returns its absolute path. Throws `RecordError('unwritable')` also for a folder in use.
 */
export function createRunFolder(options: NewRun): string {
  const dir = chooseDir(options);
  guarded(`cannot create the run folder ${dir}`, () => {
    const names = existsSync(dir) ? readdirSync(dir) : [];
    if (isRun(dir)) {
      throw new RecordError(
        'unwritable',
        `${dir} holds a run already. Continue it with \`kelvin resume ${dir}\`, or choose another --run-dir.`,
      );
    }
    // What a start that died before `run.json` left may be overwritten; anything else is not ours.
    if (names.some((name) => !name.startsWith(CONFIG_FILE))) {
      throw new RecordError('unwritable', `${dir} is not empty. Choose another --run-dir, or empty it.`);
    }
    makePrivateDir(dir);
    if (process.platform !== 'win32') chmodSync(dir, PRIVATE_DIR);
    writeDurably(join(dir, CONFIG_FILE), `${JSON.stringify(options.config, null, 2)}\n`);
    const facts: RunFacts = {
      version: 1,
      name: options.name,
      started: (options.now ?? new Date()).toISOString(),
      ...(options.parent ? { parent: options.parent } : {}),
    };
    writeDurably(join(dir, RUN_FILE), `${JSON.stringify({ ...facts, sum: sumOf([JSON.stringify(facts)]) }, null, 2)}\n`);
    fsyncPath(resolve(dir, '..'), true);
  });
  return dir;
}

function readJson(path: string): unknown {
  return guarded(`cannot read ${path}`, () => {
    const text = readFileSync(path, 'utf8');
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new RecordError('corrupt', `${path} is damaged (${(error as Error).message}). Restore it from a backup.`);
    }
  });
}

/** Throws `RecordError`: `missing` when the folder holds no run, `corrupt` when its `run.json` is damaged. */
export function readRun(dir: string): RunFacts {
  if (!isRun(dir)) throw new RecordError('missing', `${dir} holds no run (no ${RUN_FILE}). \`kelvin runs\` lists the runs.`);
  const { sum, ...facts } = (readJson(join(dir, RUN_FILE)) ?? {}) as Partial<RunFacts> & { readonly sum?: unknown };
  const changed = sum !== undefined && sum !== sumOf([JSON.stringify(facts)]);
  if (changed || facts.version !== 1 || typeof facts.name !== 'string' || typeof facts.started !== 'string') {
    throw new RecordError('corrupt', `${join(dir, RUN_FILE)} is damaged or of another version of Kelvin. Restore it from a backup.`);
  }
  return facts as RunFacts;
}

/** The configuration a run was started with, as JSON; the caller checks it. */
export const readRunConfig = (dir: string): unknown => readJson(join(dir, CONFIG_FILE));

/** Replaces the stored configuration, when a resume changes it on purpose. */
export const writeRunConfig = (dir: string, config: unknown): void =>
  writeDurably(join(dir, CONFIG_FILE), `${JSON.stringify(config, null, 2)}\n`);
