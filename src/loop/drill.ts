import type { Graded, Rollout } from '../core/types.ts';
import type { LoopContext } from './context.ts';

/**
 * The uh-oh drill: when one is asked for, a planted thought takes the path of every thought (reader, journal, gate), so
 * that it is the real pause that is tried. It is a rollout of no training batch: the update is the same with and without it.
 */
export function injectDrill(context: LoopContext, step: number, sampled: readonly Graded[]): Graded | null {
  const model = sampled[0]?.rollout;
  if (!model || !context.conductor.takeDrill()) return null;
  const thought = context.drillThought;
  const rollout: Rollout = {
    ...model,
    id: `s${step}.drill.0`,
    role: 'solve',
    taskId: null,
    prompt: '(drill: this thought was planted by `kelvin drill`)',
    completion: `<think>${thought}</think><answer></answer>`,
    thought,
    answer: '',
    program: null,
    tokens: [],
    logprobs: [],
  };
  context.reader.read(rollout, true);
  return { rollout, outcome: 'wrong', reward: 0, detail: 'A planted thought; it is no part of the batch.' };
}
