import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfig } from '../config.ts';
import { jsonLine, sanitise } from '../core/inert.ts';
import { digestOf, loadCheckpoint, sizeOf } from '../record/checkpoint.ts';
import { findRun, readRunConfig } from '../record/folder.ts';
import { RecordError } from '../record/port.ts';
import { bestOf, candidates, CHECKPOINTS, readPins, setPin } from '../record/retention.ts';
import { EXIT } from './exits.ts';
import { runsRoot } from './paths.ts';
import { namedIn, readEvents, viewOf } from './recorded.ts';
import { figureAt } from './watching.ts';

export interface CheckpointsOptions {
  readonly run: string;
  readonly pin?: number | undefined;
  readonly unpin?: number | undefined;
  /** Compare every byte with its checksum. */
  readonly check?: boolean | undefined;
  readonly json: boolean;
}

interface Line {
  readonly step: number;
  readonly bytes: number;
  /** ISO 8601. */
  readonly saved: string;
  readonly pinned: boolean;
  readonly best: boolean;
  /** Null: sound, or not looked at. */
  readonly problem: string | null;
}

/** `kelvin checkpoints RUN`: which there are, what they take, which are pinned; exit code 4 when `--check` finds a damaged one. */
export function checkpointsCommand(options: CheckpointsOptions): number {
  const { dir } = findRun(runsRoot(), options.run);
  if (options.pin !== undefined) setPin(dir, options.pin, true);
  if (options.unpin !== undefined) setPin(dir, options.unpin, false);
  const lines = linesOf(dir, options.check ?? false);
  if (options.json) for (const line of lines) process.stdout.write(`${jsonLine(line)}\n`);
  else if (lines.length === 0) process.stdout.write('No checkpoint yet; the first comes after seeding.\n');
  else for (const line of lines) process.stdout.write(`${textOf(line)}\n`);
  return lines.some((line) => line.problem !== null) ? EXIT.record : EXIT.ok;
}

function linesOf(dir: string, check: boolean): Line[] {
  const root = join(dir, CHECKPOINTS);
  const found = candidates(root);
  const pins = readPins(dir);
  const named = check ? namedIn(readEvents(dir)) : null;
  const steps = found.map(({ step }) => step);
  const best = bestStep(dir, steps);
  return found.map(({ step, name }) => ({
    step,
    bytes: sizeOf(join(root, name)),
    saved: statSync(join(root, name)).mtime.toISOString(),
    pinned: pins.includes(step),
    best: step === best,
    problem: named ? problemOf(join(root, name), named.get(step) ?? null) : null,
  }));
}

function bestStep(dir: string, steps: readonly number[]): number | null {
  const { best } = parseConfig(readRunConfig(dir), [], `${dir}: config.json`).checkpoint;
  if (best === '') return null;
  const view = viewOf(dir);
  return bestOf(steps, (step) => figureAt(view, best, step, -1, null));
}

function problemOf(dir: string, digest: string | null): string | null {
  try {
    loadCheckpoint(dir);
    return digest === null || digest === digestOf(dir) ? null : 'it is not the one that this run saved';
  } catch (error) {
    if (error instanceof RecordError) return error.message;
    throw error;
  }
}

function textOf({ step, bytes, saved, pinned, best, problem }: Line): string {
  const marks = [...(step === 0 ? ['first'] : []), ...(pinned ? ['pinned'] : []), ...(best ? ['best'] : [])].join(', ');
  const head = `step ${String(step).padStart(6)}  ${(bytes / 1e6).toFixed(1).padStart(9)} MB  ${saved}  ${marks}`.trimEnd();
  return problem === null ? head : `${head}\n  DAMAGED: ${sanitise(problem)}`;
}
