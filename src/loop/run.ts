import type { EndCause } from '../core/events.ts';
import type { Metrics } from '../core/types.ts';
import type { LoopContext } from './context.ts';
import { Pipeline } from './pipeline.ts';
import { seedBuffers } from './seed.ts';

/** A checkpoint on the disk. */
export interface Saved {
  readonly dir: string;
  readonly digest?: string | undefined;
}

export interface RunHooks {
  /** Held-out evaluation of the current weights, or null when the config asks for none. */
  readonly evaluate: (() => Promise<Metrics>) | null;
  /** Makes the state after `step` durable; returns where. `metrics` are those of the step, null before the first. */
  readonly checkpoint: (step: number, metrics: Metrics | null) => Promise<Saved>;
  /** Called before each step: waits until there is room for what it will write. False when the run was asked to stop meanwhile. */
  readonly room?: (() => Promise<boolean>) | undefined;
  /** The last evaluation that the journal holds (a resumed run has one from before any update). */
  readonly firstEval: Metrics | null;
}

/**
 * A whole run: evaluation before any update, seeding (in self-play), steps with checkpoints, evaluation after all. Returns why it ended.
 * A stop between steps leaves a checkpoint; a stop during a pause leaves the last one, and the open step is repeated.
 */
export async function run(context: LoopContext, hooks: RunHooks): Promise<EndCause> {
  const { config, state, journal, conductor, observer } = context;
  const selfPlay = config.paradigm === 'absolute-zero';
  let first = hooks.firstEval;
  let last: Metrics | null = null;
  const evaluate = async (): Promise<void> => {
    if (!hooks.evaluate) return;
    observer.phase('eval', 0, 1);
    const metrics = await hooks.evaluate();
    // A run that is stopped before its second evaluation has nothing to say about "after".
    if (first === null) first = metrics;
    else last = metrics;
    journal.append([{ type: 'eval', step: state.step, metrics }]);
  };
  const checkpoint = async (): Promise<void> => {
    observer.phase('checkpoint', 0, 1);
    const saved = await hooks.checkpoint(state.step, null);
    journal.append([{ type: 'checkpoint', step: state.step, ...saved }]);
  };
  const end = (cause: EndCause): EndCause => {
    journal.append([{ type: 'end', step: state.step, cause, summary: summarise(first, last) }]);
    return cause;
  };

  if (!(await conductor.proceed())) return end('stopped');
  if (!state.seeded) {
    if (first === null) await evaluate();
    if (conductor.stopping || (selfPlay && !(await seedBuffers(context)))) return end('stopped');
    state.seeded = true;
    await checkpoint();
  }
  await using pipeline = new Pipeline(context);
  while (state.step < config.steps) {
    if (hooks.room && !(await hooks.room())) return end('stopped');
    if (!(await conductor.proceed()) || conductor.stopping) return end('stopped');
    const step = state.step + 1;
    const metrics = await pipeline.step(step);
    if (metrics === null) return end('stopped');
    const due = step % config.checkpoint.every === 0 || step === config.steps || conductor.stopping;
    if (due) {
      observer.phase('checkpoint', 0, 1);
      const saved = await hooks.checkpoint(step, metrics);
      journal.append([
        { type: 'step', step, metrics },
        { type: 'checkpoint', step, ...saved },
      ]);
    } else journal.append([{ type: 'step', step, metrics }]);
    if (config.eval.every > 0 && step % config.eval.every === 0 && step < config.steps) await evaluate();
  }
  await evaluate();
  return end('finished');
}

/** `before/…` and `after/…` of the headline figures. */
function summarise(first: Metrics | null, last: Metrics | null): Metrics {
  const pick = (prefix: string, metrics: Metrics | null): [string, number][] =>
    Object.entries(metrics ?? {})
      .filter(([path]) => /^heldout\/(temp1|greedy)(\/(deduction|abduction|induction))?$/.test(path))
      .map(([path, value]) => [`${prefix}/${path}`, value]);
  return Object.fromEntries([...pick('before', first), ...pick('after', last)]);
}
