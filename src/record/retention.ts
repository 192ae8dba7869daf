import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { guarded } from './errors.ts';
import { writeDurably } from './files.ts';
import { RecordError } from './port.ts';

/** Checkpoint folders of a run: `checkpoints/step-000012/`. */
export const CHECKPOINTS = 'checkpoints';
const PINS_FILE = 'pins.json';
/** `.old` is the former checkpoint of a step that is being saved again; it counts only while there is no new one. */
export const CHECKPOINT_NAME = /^step-(\d{6,})(\.old)?$/;

export const nameOf = (step: number): string => `step-${String(step).padStart(6, '0')}`;

/** Checkpoint folders by step, newest first. */
export function candidates(root: string): { step: number; name: string }[] {
  const names = existsSync(root) ? readdirSync(root) : [];
  return names
    .flatMap((name) => {
      const match = CHECKPOINT_NAME.exec(name);
      return match && !(match[2] && names.includes(name.slice(0, -4))) ? [{ step: Number(match[1]), name }] : [];
    })
    .sort((a, b) => b.step - a.step);
}

/** Steps whose checkpoints a person wants kept, in order. Throws `RecordError('corrupt')` when the list is damaged. */
export function readPins(runDir: string): number[] {
  const file = join(runDir, CHECKPOINTS, PINS_FILE);
  if (!existsSync(file)) return [];
  const corrupt = new RecordError('corrupt', `${file} is damaged, so no checkpoint is removed. Delete it, then pin again.`);
  return guarded(`cannot read ${file}`, () => {
    const text = readFileSync(file, 'utf8');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw corrupt;
    }
    if (!Array.isArray(value) || !value.every((step) => Number.isSafeInteger(step) && step >= 0)) throw corrupt;
    return value as number[];
  });
}

/** Keeps the checkpoint of `step`, or lets it go again. Throws `RecordError('missing')` when there is none. */
export function setPin(runDir: string, step: number, pinned: boolean): void {
  const root = join(runDir, CHECKPOINTS);
  const there = (): boolean => candidates(root).some((item) => item.step === step);
  const steps = candidates(root).map((item) => item.step);
  const missing = new RecordError(
    'missing',
    steps.length === 0
      ? `${runDir} has no checkpoint yet.`
      : `There is no checkpoint of step ${step}; there are those of ${steps.join(', ')}.`,
  );
  if (pinned && !there()) throw missing;
  const others = readPins(runDir).filter((item) => item !== step);
  writeDurably(join(root, PINS_FILE), `${JSON.stringify(pinned ? [...others, step].sort((a, b) => a - b) : others)}\n`);
  // A live run may have removed it in between.
  if (pinned && !there()) throw missing;
}

export interface Retention {
  /** Newest checkpoints that stay. At least 2: until the journal names the newest, the one before it counts. */
  readonly keep: number;
  /** Checkpoints of steps that this divides stay for good; 0 or absent: none. */
  readonly milestone?: number | undefined;
  /** The figure by which the best checkpoint is chosen; null where a step has none. */
  readonly score?: ((step: number) => number | null) | undefined;
}

/** The step with the highest figure; of equals the newest. Null when no step has one. */
export function bestOf(steps: readonly number[], score: Retention['score']): number | null {
  let best: { step: number; value: number } | null = null;
  for (const step of [...steps].sort((a, b) => b - a)) {
    const value = score?.(step) ?? null;
    if (value !== null && Number.isFinite(value) && (best === null || value > best.value)) best = { step, value };
  }
  return best?.step ?? null;
}

/**
 * Removes checkpoints after that of `step` was saved. What stays: step 0, the newest, the milestones, the best, the pinned. Later steps that are
 * not pinned belong to an abandoned future and go. A damaged list of pins keeps everything.
 */
export function retain(runDir: string, step: number, { keep, milestone = 0, score }: Retention): void {
  const root = join(runDir, CHECKPOINTS);
  let pins: readonly number[];
  try {
    pins = readPins(runDir);
  } catch (error) {
    if (error instanceof RecordError && error.code === 'corrupt') return;
    throw error;
  }
  const past = candidates(root).filter((item) => item.step <= step);
  const newest = past.slice(0, Math.max(2, keep)).map((item) => item.name);
  const best = bestOf(
    past.map((item) => item.step),
    score,
  );
  const milestones = past.filter((item) => milestone > 0 && item.step % milestone === 0).map((item) => item.name);
  const stays = new Set([...newest, ...milestones, nameOf(0), ...pins.map(nameOf), ...(best === null ? [] : [nameOf(best)])]);
  for (const entry of readdirSync(root)) if (CHECKPOINT_NAME.test(entry) && !stays.has(entry)) discard(root, entry);
}

/** Removes a folder so that a kill in between leaves only a `.tmp`, which the next save sweeps. */
function discard(root: string, name: string): void {
  renameSync(join(root, name), join(root, `${name}.gone.tmp`));
  rmSync(join(root, `${name}.gone.tmp`), { recursive: true, force: true });
}
