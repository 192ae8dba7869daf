import { addTask, identityBuffers } from '../core/buffer.ts';
import { textsOf } from '../core/prompts/languages.ts';
import type { Graded, Task } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { findingEvents, passGate } from './gate.ts';
import { evenShares, propose } from './propose.ts';

/**
 * Seeding (Alg. 1, INITSEEDING), without weight updates: from the identity triplet alone, the proposer fills the buffers
 * until deduction and abduction hold `proposals × seedFactor` tasks each (or are full), or `seedRounds` rounds have passed.
 * Returns false when the run was asked to stop while it was paused.
 */
export async function seedBuffers(context: LoopContext): Promise<boolean> {
  const { config, environment, state, reader, journal } = context;
  const { seed } = textsOf(environment.language);
  state.buffers = identityBuffers(seed.program, seed.input, seed.output);
  const { proposals: perRound, seedFactor, bufferCapacity } = config.algorithm;
  const wanted = Math.min(perRound * seedFactor, bufferCapacity);
  const types = config.algorithm.taskTypes.filter((type) => type !== 'induction');
  const filled = (): number => Math.min(...types.map((type) => state.buffers[type].length), ...(types.length === 0 ? [wanted] : []));
  for (let round = 1; round <= config.algorithm.seedRounds && filled() < wanted; round++) {
    reader.begin(0);
    const proposals = await propose(context, -round, evenShares(config.algorithm.taskTypes, perRound));
    const tasks: Task[] = proposals.flatMap((item) => (item.task ? [{ ...item.task, step: 0 }] : []));
    for (const task of tasks)
      state.buffers = addTask(state.buffers, task, {
        capacity: bufferCapacity,
        overflow: config.deviations.bufferOverflow,
      });
    const graded: Graded[] = proposals.map(({ rollout, outcome, detail }) => ({ rollout, outcome, reward: 0, detail }));
    const rollouts = graded.map((item) => item.rollout);
    await reader.settle();
    journal.append([
      { type: 'phase', step: 0, phase: 'seed', done: Math.min(filled(), wanted), total: wanted },
      { type: 'tasks', step: 0, tasks },
      {
        type: 'rollouts',
        step: 0,
        rollouts: graded.map((item) => ({
          ...item,
          rollout: { ...item.rollout, step: 0 },
          severity: reader.severity(item.rollout.id),
          advantage: null,
        })),
      },
      ...findingEvents(context, 0, rollouts),
    ]);
    if (!(await passGate(context, rollouts))) return false;
    if (context.conductor.stopping) return false;
  }
  return true;
}
