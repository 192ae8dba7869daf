/**
 * Machine code of the backward of SwiGLU, silu(gate)·up, for AVX2 and FMA; ggml's goes through one scalar exponential a number.
 * With σ = 1 / (1 + e^−x), g the gradient of the result, x = gate and u = up:
 *
 *   gUp = g·x·σ        gGate = g·u·σ·(1 + x·(1 − σ))
 *
 * A ggml custom operation as in sgemm.ts: src[0] = g, src[1] = gate, src[2] = up; dst holds gGate, then gUp. `call` holds the count of
 * numbers (64 bits, a multiple of 8), then `CONSTANTS`, each eight times.
 */
import { Assembler, at, indexed, R10, R11, R8, R9, RAX, RCX, RDI, RDX, RSI, type Memory } from './assembler.ts';

/** Numbers of one step of the loop. */
export const LANES = 8;

/**
 * e^t = 2^n·e^r with n = round(t / ln 2), |r| ≤ ln 2 / 2, and e^r by its Taylor polynomial of degree 7: 2e-9 beside a rounding of 6e-8.
 * ln 2 is split in two, so that n·ln 2 is exact enough (Cody & Waite 1980).
 */
export const CONSTANTS = {
  zero: 0,
  lowest: -87,
  highest: 87,
  perLn2: Math.LOG2E,
  ln2High: 0.693359375,
  ln2Low: Math.LN2 - 0.693359375,
  c7: 1 / 5040,
  c6: 1 / 720,
  c5: 1 / 120,
  c4: 1 / 24,
  c3: 1 / 6,
  c2: 1 / 2,
  one: 1,
} as const;
type Constant = keyof typeof CONSTANTS;
const constant = (name: Constant): Memory => at(RCX, 8 + 4 * LANES * Object.keys(CONSTANTS).indexOf(name));

/** @param offsets byte offsets of `src[0]` and `data` in `ggml_tensor`. */
export function swigluBackCode(offsets: { readonly source: number; readonly data: number }): Uint8Array {
  const a = new Assembler();
  // Only the first of several threads works.
  a.compareConstant32(RSI, 0);
  a.jump('work', 'equal');
  a.ret();
  a.label('work');
  for (const [i, register] of [R8, R9, R10].entries()) {
    a.load(register, at(RDI, offsets.source + 8 * i));
    a.load(register, at(register, offsets.data));
  }
  a.load(RDI, at(RDI, offsets.data));
  a.load(RDX, at(RCX));
  a.address(R11, indexed(RDI, RDX, 4));
  a.loadConstant(RAX, 0);
  a.loadVector(8, constant('one'));
  a.label('eight');
  const [x, g, sigma, e, n, r] = [0, 1, 2, 3, 4, 5];
  a.loadVector(x, indexed(R9, RAX, 4));
  a.loadVector(g, indexed(R8, RAX, 4));
  // e ← e^−x, with −x held where 2^n is a float.
  a.loadVector(r, constant('zero'));
  a.vector('subtract', r, r, x);
  a.vector('minimum', r, r, constant('highest'));
  a.vector('maximum', r, r, constant('lowest'));
  a.vector('multiply', n, r, constant('perLn2'));
  a.round(n, n);
  a.multiplySubtract(r, n, constant('ln2High'));
  a.multiplySubtract(r, n, constant('ln2Low'));
  a.loadVector(e, constant('c7'));
  for (const name of ['c6', 'c5', 'c4', 'c3', 'c2', 'one', 'one'] as const) a.step(e, r, constant(name));
  a.toIntegers(n, n);
  a.shiftLeft(n, n, 23);
  a.addIntegers(e, e, n);
  a.vector('add', r, e, 8);
  a.vector('divide', sigma, 8, r);
  // gUp
  a.vector('multiply', g, g, sigma);
  a.vector('multiply', n, g, x);
  a.storeVector(indexed(R11, RAX, 4), n);
  // gGate, with 1 − σ = e^−x·σ, which does not cancel.
  a.vector('multiply', sigma, e, sigma);
  a.step(sigma, x, constant('one'));
  a.vector('multiply', g, g, indexed(R10, RAX, 4));
  a.vector('multiply', g, g, sigma);
  a.storeVector(indexed(RDI, RAX, 4), g);
  a.addConstant(RAX, LANES);
  a.compare(RAX, RDX);
  a.jump('eight', 'less');
  a.clearUpper();
  a.ret();
  return a.bytes();
}
