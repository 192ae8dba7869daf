import { rng } from '../core/rng.ts';
import type { Task, TaskType } from '../core/types.ts';
import { TASK_TYPES } from '../core/types.ts';
import { INDUCTION_PAIRS, SHOWN_PAIRS, sampleProgram } from '../pretrain/documents.ts';
import type { Sample } from '../pretrain/documents.ts';

/** `heldout` is reported; settings are chosen on `tune`. Neither shares a program with the other or with training. */
export type Suite = 'heldout' | 'tune';

/** Share of each level, in percent: mostly 3 – 5 statements, where answering at once fails and working it out does not. */
export const LEVEL_SHARES = { 2: 18, 3: 27, 4: 29, 5: 26 } as const;

/** Size of the suite that figures are reported on: 510 tasks of each type. */
export const SUITE_SIZE = 1530;

/**
 * `count` tasks of the suite, always the same ones for the same count, every program in one task only.
 * @throws RangeError for a count that is not a positive whole number.
 */
export function heldoutTasks(suite: Suite, count: number = SUITE_SIZE): Task[] {
  if (!Number.isInteger(count) || count < 1) throw new RangeError(`The held-out suite needs a positive number of tasks, not ${count}.`);
  const tasks: Task[] = [];
  const seen = new Set<string>();
  for (const [type, ofType] of apportion(count, TASK_TYPES, () => 1)) {
    for (const [level, ofLevel] of apportion(
      ofType,
      Object.keys(LEVEL_SHARES).map(Number),
      (l) => LEVEL_SHARES[l as keyof typeof LEVEL_SHARES],
    )) {
      const random = rng('heldout', suite, type, level);
      for (let made = 0; made < ofLevel;) {
        const sample = sampleProgram(level, suite, random);
        if (seen.has(sample.program.source)) continue;
        seen.add(sample.program.source);
        tasks.push(taskOf(type, sample, `${suite}-${type}-${level}-${made++}`));
      }
    }
  }
  return tasks;
}

/** Whole numbers that sum to `count` and follow the weights: cumulative rounding. */
function apportion<K>(count: number, keys: readonly K[], weight: (key: K) => number): [K, number][] {
  const total = keys.reduce((sum, key) => sum + weight(key), 0);
  let [before, given] = [0, 0];
  return keys.map((key) => {
    before += weight(key);
    const part = Math.round((count * before) / total) - given;
    given += part;
    return [key, part];
  });
}

function taskOf(type: TaskType, { program, runs }: Sample, id: string): Task {
  const base = { id, program: program.source, step: 0, parents: [] };
  const pairs = runs.slice(0, INDUCTION_PAIRS).map(({ input, output }) => ({ input, output }));
  const [first] = pairs;
  if (!first) throw new Error('The generator made a program without a run.');
  return type === 'induction' ? { ...base, type, pairs, shown: SHOWN_PAIRS, message: program.message } : { ...base, type, ...first };
}

/** Number of statements of a generated program. */
export const levelOf = (task: Task): number => task.program.split('let ').length;
