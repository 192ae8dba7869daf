import { parentPort } from 'node:worker_threads';
import { equivalent } from './compare.ts';
import type { Symbolic } from './compare.ts';
import { createSymbolic } from './symbolic.ts';

/** One question to the worker: does any of the answer's readings mean what is expected? */
export interface MathQuestion {
  readonly answer: string;
  readonly expected: string;
  readonly tolerance: number | null;
}

/** Entry of the thread that compares mathematical answers. The library is loaded when the first answer needs it. */
let symbolic: Symbolic | null = null;
const lazily: Symbolic = (a, b) => {
  symbolic ??= createSymbolic();
  try {
    return symbolic(a, b);
  } catch {
    // What the library cannot read is not equal to what it can.
    return null;
  }
};

parentPort?.on('message', ({ answer, expected, tolerance }: MathQuestion) => {
  parentPort?.postMessage(equivalent(answer, expected, { tolerance, symbolic: lazily }));
});
