import { bufferSizes } from '../core/buffer.ts';
import { diversity } from '../core/diversity.ts';
import { ROLES, TASK_TYPES } from '../core/types.ts';
import type { Graded, Metrics } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import type { JudgedProposal } from './propose.ts';
import type { SolvedTask } from './solve.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** What a step did, by slash path; a path is absent where there was nothing to average. Names: docs/metrics.md. */
export function stepMetrics(
  context: LoopContext,
  proposals: readonly JudgedProposal[],
  solved: readonly SolvedTask[],
  graded: readonly Graded[],
): Metrics {
  const out: Record<string, number> = {};
  const put = (path: string, values: readonly number[]): void => {
    if (values.length > 0) out[path] = mean(values);
  };
  for (const role of ROLES) {
    for (const type of TASK_TYPES) {
      const group = graded.filter(({ rollout }) => rollout.role === role && rollout.taskType === type);
      put(
        `reward/${role}/${type}`,
        group.map((item) => item.reward),
      );
      put(
        `format/${role}/${type}`,
        group.map((item) => (item.outcome === 'malformed' ? 0 : 1)),
      );
      put(
        `length/${role}/${type}`,
        group.map((item) => item.rollout.tokens.length),
      );
      put(
        `length/thought/${role}/${type}`,
        group.map((item) => item.rollout.thought.length),
      );
      put(
        `clipped/${role}/${type}`,
        group.map((item) => (item.rollout.stopReason === 'length' ? 1 : 0)),
      );
      if (role === 'solve')
        put(
          `accuracy/solve/${type}`,
          group.map((item) => (item.outcome === 'passable' ? 1 : 0)),
        );
    }
  }
  for (const type of TASK_TYPES) {
    const proposed = proposals.filter((item) => item.rollout.taskType === type);
    put(
      `valid/propose/${type}`,
      proposed.map((item) => (item.task ? 1 : 0)),
    );
    const rates = solved.filter(({ task }) => task.type === type).map((item) => item.solveRate);
    put(`solve_rate/${type}`, rates);
    put(
      `learnability/${type}`,
      rates.map((rate) => (rate === 0 || rate === 1 ? 0 : 1 - rate)),
    );
    put(
      `learnable/${type}`,
      rates.map((rate) => (rate === 0 || rate === 1 ? 0 : 1)),
    );
  }
  const { generated, read } = context.reader.counts();
  return {
    ...out,
    ...bufferSizes(context.state.buffers),
    ...diversity(proposedPrograms(context, proposals)),
    'novelty/refused': proposals.filter((item) => item.refused).length,
    'novelty/held_out': proposals.filter((item) => item.excluded).length,
    'novelty/programs': context.state.memory.programs.size,
    'monitor/generated': generated,
    'monitor/read': read,
  };
}

/** Programs of the step's own making, normalised: those of deduction and abduction proposals that hold one. */
const proposedPrograms = ({ environment }: LoopContext, proposals: readonly JudgedProposal[]): string[] =>
  proposals.flatMap(({ rollout: { taskType, program } }) =>
    taskType === 'induction' || program === null ? [] : [environment.normalise(program)],
  );
