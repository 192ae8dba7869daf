import { existsSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { writeAdapter } from '../engine/ggml/adapter.ts';
import { exportFull } from '../engine/ggml/export.ts';
import { readGguf } from '../engine/ggml/gguf.ts';
import { exportMerged } from '../engine/ggml/merge.ts';
import { exportPeft } from '../engine/ggml/peft.ts';
import { shapeOf } from '../engine/ggml/shape.ts';
import { readTrained } from '../engine/ggml/state.ts';
import type { Trained } from '../engine/ggml/state.ts';
import { EngineError } from '../engine/ports.ts';
import { isTinkerState } from '../engine/tinker/state.ts';
import { sha256 } from '../models/cache.ts';
import { inline } from '../core/inert.ts';
import { latestCheckpoint } from '../record/checkpoint.ts';
import { hasJournal } from '../record/journal.ts';
import { findRun, readRunConfig } from '../record/folder.ts';
import { EXIT, UsageError } from './exits.ts';
import { modelFile } from './model-file.ts';
import { runsRoot } from './paths.ts';
import { namedIn, readEvents } from './recorded.ts';
import { ENGINE_FOLDER } from './session.ts';

export type ExportFormat = 'gguf' | 'peft' | 'merged';

/** What a run has learned so far: the weights of its newest checkpoint. */
export interface Learned {
  readonly dir: string;
  readonly step: number;
  readonly config: Config;
  /** File of the model that was trained. */
  readonly model: string;
  readonly trained: Trained;
}

/** @throws UsageError when the run has no checkpoint; EngineError when model and checkpoint do not belong together. */
export async function learnedIn(run: string): Promise<Learned> {
  const { dir } = findRun(runsRoot(), run);
  const found = hasJournal(dir) ? latestCheckpoint(dir, namedIn(readEvents(dir))) : null;
  if (found === null) throw new UsageError(`${basename(dir)} has no checkpoint yet; the first comes after seeding. Let it run on.`);
  for (const warning of found.warnings) process.stderr.write(`${inline(warning)} Step ${found.step} is taken instead.\n`);
  const config = parseConfig(readRunConfig(dir), [], `${dir}: config.json`);
  if (isTinkerState(join(found.dir, ENGINE_FOLDER))) {
    const { learnedOnServer } = await import('./learned-on-server.ts');
    const { model, trained } = await learnedOnServer(config, join(found.dir, ENGINE_FOLDER));
    return { dir, step: found.step, config, model, trained };
  }
  const model = await modelFile(config.model);
  const trained = readTrained(join(found.dir, ENGINE_FOLDER));
  if ((await sha256(model)) !== trained.modelHash)
    throw new EngineError(
      'corrupt',
      `${model} is not the file that ${basename(dir)} was trained on: it has changed. Put the old one back, or fetch it again.`,
    );
  return { dir, step: found.step, config, model, trained };
}

/** `kelvin export RUN`: what a run has learned, as files that other programs load. */
export async function exportCommand(options: {
  readonly run: string;
  readonly format: ExportFormat;
  readonly out?: string | undefined;
  readonly json: boolean;
}): Promise<number> {
  const learned = await learnedIn(options.run);
  const full = learned.trained.mode === 'full';
  if (full && options.format === 'peft')
    throw new UsageError('This run trained all weights, so there is no adapter to write. Use --format gguf for the whole model.');
  const name = `${basename(learned.dir)}-${full || options.format === 'merged' ? 'model' : options.format === 'peft' ? 'peft' : 'adapter'}`;
  const out = resolve(options.out ?? (options.format === 'peft' ? name : `${name}.gguf`));
  if (existsSync(out)) throw new UsageError(`${out} is there already. Name another file with --out, or remove it.`);
  try {
    await writeLearned(learned, options.format, out);
  } catch (error) {
    if (options.format === 'peft') rmSync(out, { recursive: true, force: true });
    throw error;
  }
  const kind = full ? 'model' : options.format === 'merged' ? 'merged model' : options.format === 'peft' ? 'PEFT adapter' : 'adapter';
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ type: 'export', file: out, kind, step: learned.step, model: learned.model })}\n`
      : `${out}\n${kind} of ${basename(learned.dir)} after step ${learned.step}, for ${learned.model}\n`,
  );
  return EXIT.ok;
}

/** Writes what was learned to `out`. */
export async function writeLearned({ model, config, trained }: Learned, format: ExportFormat, out: string): Promise<void> {
  const file = readGguf(model);
  const shape = shapeOf(file);
  if (trained.mode === 'full') exportFull(out, file, trained.values);
  else if (format === 'gguf') writeAdapter(out, shape, trained.lora, trained.values);
  else if (format === 'peft') exportPeft(out, shape, trained.lora, trained.values, config.model);
  else await exportMerged(out, file, { ...trained.lora, values: trained.values });
}
