import { EMPTY_BUFFERS } from '../core/buffer.ts';
import type { TaskBuffers } from '../core/buffer.ts';
import { EMPTY_MIX } from '../core/mix.ts';
import type { MixState } from '../core/mix.ts';
import { emptyMemory } from '../core/novelty.ts';
import type { NoveltyMemory } from '../core/novelty.ts';

/** All that the loop itself remembers between steps. Chance is derived from (seed, step), so no generator state is needed. */
export interface LoopState {
  /** Optimiser steps done. */
  step: number;
  /** The step under way; equal to `step` between steps. Not stored: an open step is repeated. */
  current: number;
  seeded: boolean;
  buffers: TaskBuffers;
  memory: NoveltyMemory;
  /** What `algorithm.mix: progress` has learned. */
  mix: MixState;
  /** Policy that samples the rollouts of the next step (`algorithm.staleness`); null: the current one. */
  policy: number | null;
}

export const initialState = (): LoopState => ({
  step: 0,
  current: 0,
  seeded: false,
  buffers: EMPTY_BUFFERS,
  memory: emptyMemory(),
  mix: EMPTY_MIX,
  policy: null,
});

/** A copy that a step played ahead can change while the one before it is trained on and stored. */
export const forkState = (state: LoopState): LoopState => ({
  ...state,
  memory: { programs: new Map(state.memory.programs), triplets: new Set(state.memory.triplets) },
});

/** JSON form, for the checkpoint. */
export interface StoredState {
  readonly step: number;
  readonly seeded: boolean;
  readonly buffers: TaskBuffers;
  readonly programs: readonly (readonly [string, number])[];
  readonly triplets: readonly string[];
  /** Absent in checkpoints of version 0.1 and where nothing was learned. */
  readonly mix?: MixState;
  /** Absent where the current policy samples. */
  readonly policy?: number;
}

export const storeState = (state: LoopState): StoredState => ({
  step: state.step,
  seeded: state.seeded,
  buffers: state.buffers,
  programs: [...state.memory.programs],
  triplets: [...state.memory.triplets],
  ...(state.mix === EMPTY_MIX ? {} : { mix: state.mix }),
  ...(state.policy === null ? {} : { policy: state.policy }),
});

export const restoreState = (stored: StoredState): LoopState => ({
  step: stored.step,
  current: stored.step,
  seeded: stored.seeded,
  buffers: stored.buffers,
  memory: { programs: new Map(stored.programs), triplets: new Set(stored.triplets) },
  mix: stored.mix ?? EMPTY_MIX,
  policy: stored.policy ?? null,
});
