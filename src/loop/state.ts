import { EMPTY_BUFFERS } from '../core/buffer.ts';
import type { TaskBuffers } from '../core/buffer.ts';
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
}

export const initialState = (): LoopState => ({ step: 0, current: 0, seeded: false, buffers: EMPTY_BUFFERS, memory: emptyMemory() });

/** JSON form, for the checkpoint. */
export interface StoredState {
  readonly step: number;
  readonly seeded: boolean;
  readonly buffers: TaskBuffers;
  readonly programs: readonly (readonly [string, number])[];
  readonly triplets: readonly string[];
}

export const storeState = (state: LoopState): StoredState => ({
  step: state.step,
  seeded: state.seeded,
  buffers: state.buffers,
  programs: [...state.memory.programs],
  triplets: [...state.memory.triplets],
});

export const restoreState = (stored: StoredState): LoopState => ({
  step: stored.step,
  current: stored.step,
  seeded: stored.seeded,
  buffers: stored.buffers,
  memory: { programs: new Map(stored.programs), triplets: new Set(stored.triplets) },
});
