import type { Metrics } from '../core/types.ts';
import { conclude } from './conclude.ts';
import type { Played } from './conclude.ts';
import type { LoopContext } from './context.ts';
import { playCurated } from './curated.ts';
import { forkState } from './state.ts';
import type { LoopState } from './state.ts';
import { playStep } from './step.ts';
import { stopwatch } from './stopwatch.ts';
import type { Stopwatch } from './stopwatch.ts';

/** A step that is being played: sampled, read and judged, with no update yet. */
interface Turn {
  readonly lap: Stopwatch;
  readonly played: Promise<Played>;
  /** What the loop remembers once the step counts. */
  readonly state: LoopState;
}

/**
 * Plays and concludes steps in order. With `algorithm.staleness` 1, step k + 1 is played while step k trains: it begins when
 * every thought of step k has passed the gate, and its rollouts come from the policy before step k's update. Which policy
 * that is belongs to the checkpoint, so that a resumed run plays the same. Only one step is ever ahead, and its own gate
 * stands before its own update. With 0 a step is played when the one before it is done.
 */
export class Pipeline {
  readonly #context: LoopContext;
  readonly #stop = new AbortController();
  #ahead: Turn | null = null;

  constructor(context: LoopContext) {
    this.#context = context;
  }

  /** One step. Its metrics, or null when the run was asked to stop while it was paused: then nothing of it counts. */
  async step(step: number): Promise<Metrics | null> {
    const { state, config } = this.#context;
    state.current = step;
    const ahead = this.#ahead;
    this.#ahead = null;
    const { lap, played, state: next } = ahead ?? this.#play(step);
    if (ahead) lap.turn();
    const made = await played;
    if (ahead) lap('wait');
    return await conclude(this.#context, step, lap, made, () => {
      if (config.algorithm.staleness === 0) return void (state.policy = null);
      Object.assign(state, { ...next, step: state.step, current: step, policy: this.#context.engine.policyVersion });
      if (step < config.steps && !this.#context.conductor.stopping) this.#ahead = this.#play(step + 1);
    });
  }

  #play(step: number): Turn {
    const { state, config, engine } = this.#context;
    const lap = stopwatch();
    const play = config.paradigm === 'absolute-zero' ? playStep : playCurated;
    if (config.algorithm.staleness === 0) return { lap, played: play(this.#context, step, lap), state };
    const fork = forkState(state);
    const ahead = { policy: state.policy ?? engine.policyVersion, signal: this.#stop.signal };
    const played = play({ ...this.#context, state: fork, ahead }, step, lap);
    // A fault is thrown where the step's turn comes.
    played.catch(() => undefined);
    return { lap, played, state: fork };
  }

  /** Breaks off what is played ahead. Nothing of it was recorded; a resumed run samples it again. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ahead?.played.catch(() => undefined);
  }
}
