import { rng } from '../core/rng.ts';
import type { Curated, Curriculum, TaskType } from '../core/types.ts';
import { LEVEL_SHARES } from '../eval/heldout.ts';
import { INDUCTION_PAIRS, SHOWN_PAIRS, sampleProgram, weighted } from '../pretrain/documents.ts';
import { backwardTrace, trace } from '../pretrain/programs.ts';
import type { Run } from '../pretrain/programs.ts';

/**
 * Tasks of the bundled model's generator, on programs of its training part (`src/pretrain/split.ts`), which shares none with
 * the held-out suites; levels are as frequent as there. Traces are those of pre-training: values forwards for deduction,
 * backwards for abduction, and no thought for induction, where plans do not pay at this size (docs/learning.md).
 */
export const generatedCurriculum =
  (seed: number): Curriculum =>
  (type, from, count) =>
    Array.from({ length: count }, (_, i) => generatedTask(type, from + i, seed));

const LEVELS = Object.keys(LEVEL_SHARES).map(Number);
const SHARES = Object.values(LEVEL_SHARES);

function generatedTask(type: TaskType, number: number, seed: number): Curated {
  const random = rng('curated', seed, type, number);
  const { program, runs } = sampleProgram(LEVELS[weighted(SHARES, random)] as number, 'train', random);
  const base = { id: `generated-${type}-${number}`, program: program.source, step: 0, parents: [] };
  const { input, output, values } = runs[0] as Run;
  switch (type) {
    case 'deduction':
      return { task: { ...base, type, input, output }, trace: trace(values) };
    case 'abduction':
      return { task: { ...base, type, input, output }, trace: backwardTrace(values) };
    case 'induction': {
      const pairs = runs.slice(0, INDUCTION_PAIRS).map((run) => ({ input: run.input, output: run.output }));
      return { task: { ...base, type, pairs, shown: SHOWN_PAIRS, message: program.message }, trace: '' };
    }
  }
}
