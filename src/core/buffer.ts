import { narrow } from './mix.ts';
import type { MixState, ReferenceChoice } from './mix.ts';
import { sampleWithoutReplacement } from './rng.ts';
import type { Rng } from './rng.ts';
import { TASK_TYPES } from './types.ts';
import type { InductionTask, Task, TaskType, TripletTask } from './types.ts';

/**
 * The task buffers of Absolute Zero (Alg. 1): one per task type.
 *
 * D2: the reference code drops the NEWEST tasks once a buffer is full, so that it freezes; ours is a ring that drops
 * the oldest. Key: `deviations.bufferOverflow` (`drop-oldest` | `paper`).
 */
export interface BufferOptions {
  /** Tasks kept per type. */
  readonly capacity: number;
  readonly overflow: 'drop-oldest' | 'paper';
}

/** Plain data: goes into the checkpoint as it is. */
export interface TaskBuffers {
  readonly deduction: readonly TripletTask[];
  readonly abduction: readonly TripletTask[];
  readonly induction: readonly InductionTask[];
}

export const EMPTY_BUFFERS: TaskBuffers = { deduction: [], abduction: [], induction: [] };

/** The only task given from outside (Alg. 1): the identity function, in both triplet buffers. */
export function identityBuffers(program: string, input: string, output: string): TaskBuffers {
  const seed = (type: 'deduction' | 'abduction'): TripletTask => ({
    id: `seed-${type}`,
    type,
    program,
    input,
    output,
    step: 0,
    parents: [],
  });
  return { deduction: [seed('deduction')], abduction: [seed('abduction')], induction: [] };
}

/** The buffers with `task` as the newest of its type. */
export function addTask(buffers: TaskBuffers, task: Task, options: BufferOptions): TaskBuffers {
  const current: readonly Task[] = buffers[task.type];
  const full = current.length >= options.capacity;
  if (full && options.overflow === 'paper') return buffers;
  return { ...buffers, [task.type]: [...(full ? current.slice(current.length - options.capacity + 1) : current), task] };
}

/** Where references are drawn from: the `recent` newest tasks, narrowed by a choice (`uniform`, as in the paper: not at all). */
export interface Among {
  readonly recent: number;
  readonly choice: ReferenceChoice;
  readonly rates: MixState['rates'];
}

/** References for a deduction or abduction proposal: distinct tasks of that type. */
export function drawReferences(
  buffers: TaskBuffers,
  type: 'deduction' | 'abduction',
  count: number,
  { recent, choice, rates }: Among,
  random: Rng,
): TripletTask[] {
  return sampleWithoutReplacement(narrow(buffers[type].slice(-recent), choice, rates, count), count, random);
}

/** The program of an induction proposal, from the deduction and abduction buffers. */
export function drawProgram(buffers: TaskBuffers, { recent, choice, rates }: Among, random: Rng): TripletTask {
  const pool = (['deduction', 'abduction'] as const).flatMap((type) => narrow(buffers[type].slice(-recent), choice, rates, 1));
  const task = pool[random.int(pool.length)];
  if (!task) throw new RangeError('No program has been proposed yet.');
  return task;
}

/** A solve batch: the newest valid proposals first, then uniform from the buffer without replacement. */
export function drawSolveBatch(buffers: TaskBuffers, type: TaskType, newest: readonly Task[], count: number, random: Rng): Task[] {
  const first = newest.filter((task) => task.type === type).slice(0, count);
  const taken = new Set(first.map((task) => task.id));
  const rest = (buffers[type] as readonly Task[]).filter((task) => !taken.has(task.id));
  return [...first, ...sampleWithoutReplacement(rest, count - first.length, random)];
}

export const bufferSizes = (buffers: TaskBuffers): Record<string, number> =>
  Object.fromEntries(TASK_TYPES.map((type) => [`buffer/${type}`, buffers[type].length]));
