import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseConfig } from '../../config.ts';
import type { Config } from '../../config.ts';
import { sha256 } from '../../models/cache.ts';
import { CATALOGUE } from '../../models/catalogue.ts';
import { isUri } from '../../models/resolve.ts';
import { hasJournal } from '../../record/journal.ts';
import type { Closing } from '../closing.ts';
import { UsageError } from '../exits.ts';
import { learnedIn, writeLearned } from '../export.ts';
import { resolveShipped } from '../paths.ts';

/** What is evaluated: a model, a model with an adapter, or what a run has learned. */
export interface Subject {
  /** How a person calls it. */
  readonly label: string;
  readonly model: string;
  readonly adapter: string | undefined;
  readonly adapterHash: string | null;
  readonly lora: Config['engine']['lora'];
  readonly template: Config['template'];
  /** The run and the step of its weights; null for a model. */
  readonly run: { readonly dir: string; readonly step: number } | null;
}

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();

/** Whether a name stands for a run: a folder with a journal, or something that is no model at all. */
const isRun = (target: string): boolean =>
  hasJournal(target) ||
  !(
    isUri(target) ||
    target.endsWith('.gguf') ||
    isFile(resolveShipped(target)) ||
    CATALOGUE.some(({ name }) => name.toLowerCase() === target.toLowerCase())
  );

/** @throws UsageError when the name is neither; EngineError when model and run do not belong together. */
export async function subjectOf(target: string, adapter: string | undefined, stack: Closing): Promise<Subject> {
  const { lora } = parseConfig({}).engine;
  if (!isRun(target)) {
    const known = CATALOGUE.find(({ name }) => name.toLowerCase() === target.toLowerCase());
    const model = known?.uri ?? target;
    return {
      label: known?.name ?? `${basename(model)}${adapter === undefined ? '' : ` + ${basename(adapter)}`}`,
      model,
      adapter,
      adapterHash: adapter === undefined ? null : await adapterHash(adapter),
      lora,
      template: known?.kind === 'base' ? 'base' : 'auto',
      run: null,
    };
  }
  if (adapter !== undefined) throw new UsageError('A run brings its own adapter; leave --adapter out.');
  const learned = await learnedIn(target);
  const folder = mkdtempSync(join(tmpdir(), 'kelvin-eval-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'learned.gguf');
  await writeLearned(learned, 'gguf', file);
  const full = learned.trained.mode === 'full';
  return {
    label: `${basename(learned.dir)} @ ${learned.step}`,
    model: full ? file : learned.model,
    adapter: full ? undefined : file,
    adapterHash: full ? null : await sha256(file),
    lora: learned.config.engine.lora,
    template: learned.config.template,
    run: { dir: learned.dir, step: learned.step },
  };
}

async function adapterHash(path: string): Promise<string> {
  const file = [path, join(path, 'adapter_model.safetensors')].find(isFile);
  if (file === undefined) throw new UsageError(`${path} is no adapter: a GGUF file, or a PEFT folder with adapter_model.safetensors.`);
  return await sha256(file);
}
