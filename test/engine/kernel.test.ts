import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeDevice, openDevice } from '../../src/engine/ggml/backend.ts';
import { F32 } from '../../src/engine/ggml/ffi.ts';
import { Assembler, at, indexed, R12, R13, R9, RAX, RBP, RCX, RSP } from '../../src/engine/ggml/kernel/assembler.ts';
import { hasAvx2 } from '../../src/engine/ggml/kernel/executable.ts';
import { KernelCalls, openKernel } from '../../src/engine/ggml/kernel/products.ts';
import type { Pointer } from '../../src/engine/ggml/libraries.ts';
import { allocate, allocateGraph, getFloats, newContext, newTensor, setData } from '../../src/engine/ggml/memory.ts';
import { uniformAt } from '../../src/engine/ggml/random.ts';

const hex = (write: (a: Assembler) => void): string => {
  const a = new Assembler();
  write(a);
  return Buffer.from(a.bytes()).toString('hex');
};

describe('the assembler', () => {
  // Expected bytes: GNU as.
  it.each([
    ['mov rax, [rbp + 0]', (a: Assembler) => a.load(RAX, at(RBP)), '488b4500'],
    ['mov [rsp + 8], r12', (a: Assembler) => a.store(at(RSP, 8), R12), '4c89642408'],
    ['mov r9, [r13 + 1000]', (a: Assembler) => a.load(R9, at(R13, 1000)), '4d8b8de8030000'],
    ['vmovups ymm12, [r9 + r12*2 + 32]', (a: Assembler) => a.loadVector(12, indexed(R9, R12, 2, 32)), 'c4017c10646120'],
    ['vbroadcastss ymm3, [rax + 64]', (a: Assembler) => a.broadcast(3, at(RAX, 64)), 'c4e27d185840'],
    ['vfmadd231ps ymm1, ymm14, ymm12', (a: Assembler) => a.multiplyAdd(1, 14, 12), 'c4c20db8cc'],
    ['vfnmadd231ps ymm5, ymm4, [rcx + 136]', (a: Assembler) => a.multiplySubtract(5, 4, at(RCX, 136)), 'c4e25dbca988000000'],
    ['vfmadd213ps ymm3, ymm5, [rcx + 200]', (a: Assembler) => a.step(3, 5, at(RCX, 200)), 'c4e255a899c8000000'],
    ['vdivps ymm2, ymm8, ymm3', (a: Assembler) => a.vector('divide', 2, 8, 3), 'c4e13c5ed3'],
    ['vroundps ymm4, ymm12, 0', (a: Assembler) => a.round(4, 12), 'c4c37d08e400'],
    ['vcvtps2dq ymm4, ymm4', (a: Assembler) => a.toIntegers(4, 4), 'c4e17d5be4'],
    ['vpslld ymm4, ymm4, 23', (a: Assembler) => a.shiftLeft(4, 4, 23), 'c4e15d72f417'],
    ['vpaddd ymm3, ymm3, ymm4', (a: Assembler) => a.addIntegers(3, 3, 4), 'c4e165fedc'],
    ['vperm2f128 ymm9, ymm1, ymm5, 0x31', (a: Assembler) => a.permuteHalves(9, 1, 5, 0x31), 'c4637506cd31'],
  ])('encodes %s', (_, write, bytes) => expect(hex(write)).toBe(bytes));

  it('jumps backwards and forwards, and refuses a label that is nowhere', () => {
    expect(
      hex((a) => {
        a.label('top');
        a.jump('end', 'equal');
        a.jump('top');
        a.label('end');
        a.ret();
      }),
    ).toBe('0f8405000000e9f5ffffffc3');
    expect(() => hex((a) => a.jump('nowhere'))).toThrow(/nowhere/);
  });
});

const device = openDevice('cpu', 1);
const kernel = openKernel(device.g);
if (!hasAvx2()) console.log('No AVX2 and FMA on Linux here: the matrix kernel is off, its products are skipped.');

describe.skipIf(!hasAvx2())('the matrix kernel', () => {
  it('passes its self-check on this machine', () => expect(kernel).not.toBeNull());

  const size = fc.integer({ min: 1, max: 35 });
  const side = fc.constantFrom(0 as const, 1 as const);
  it('equals a double-precision product for any shape, side, view and grouping', () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: size,
          columns: size,
          depth: fc.integer({ min: 1, max: 300 }),
          a: side,
          b: side,
          skip: fc.integer({ min: 0, max: 3 }),
        }),
        fc.record({ group: fc.integer({ min: 1, max: 3 }), d2: fc.integer({ min: 1, max: 2 }), d3: fc.integer({ min: 1, max: 2 }) }),
        (shape, batches) => worst(shape, batches) < 1e-4,
      ),
      { numRuns: 40, seed: 1 },
    );
  });

  it('gives a row the same bits whatever rows are beside it', () => {
    const alone = multiply({ rows: 1, columns: 33, depth: 300, a: 0, b: 0, skip: 0 }, { group: 1, d2: 1, d3: 1 }).out;
    const many = multiply({ rows: 29, columns: 33, depth: 300, a: 0, b: 0, skip: 0 }, { group: 1, d2: 1, d3: 1 }).out;
    expect([...many.subarray(0, 33)]).toEqual([...alone]);
  });
});

describe.skipIf(!hasAvx2())('the backward of SwiGLU', () => {
  const gates = [0, -0, 1e-30, -1e-3, 0.5, -3, 8, -8, 20, -20, 60, -60, 86.9, -86.9, 88, -88, 200, -200, 1e30, -1e30, ...Array.from({ length: 492 }, (_, i) => 40 * (uniformAt(3, 0, i) - 0.5))]; // prettier-ignore
  const random = (stream: number): Float32Array => Float32Array.from(gates, (_, i) => 2 * uniformAt(3, stream, i) - 1);

  it('is that of double precision within rounding, from the middle to the ends of the exponential', () => {
    const [gy, up] = [random(1), random(2)];
    const [gGate, gUp] = swigluBack(gy, Float32Array.from(gates), up);
    gates.forEach((gate, i) => {
      const x = Math.fround(gate);
      const sigma = 1 / (1 + Math.exp(-x));
      const wanted = [(gy[i] as number) * (up[i] as number) * sigma * (1 + x * (1 - sigma)), (gy[i] as number) * x * sigma];
      // 1 + x·(1 − σ) cancels near x = −1.28, where the error is that of its terms.
      const terms = [
        Math.abs((gy[i] as number) * (up[i] as number) * sigma) * (1 + Math.abs(x) * (1 - sigma)),
        Math.abs(wanted[1] as number),
      ];
      for (const [j, got] of [gGate[i], gUp[i]].entries())
        expect(Math.abs((got as number) - (wanted[j] as number))).toBeLessThanOrEqual(
          1e-6 * (terms[j] as number) + 1e-35 * Math.max(1, Math.abs(x)),
        );
    });
  });

  it('does not hide what is not a number', () => {
    const nan = Float32Array.from(gates, (_, i) => (i === 5 ? NaN : 1));
    const ones = Float32Array.from(gates, () => 1);
    for (const [gGate, gUp] of [swigluBack(ones, nan, ones), swigluBack(nan, ones, ones)])
      expect([gGate[5], gUp[5], gGate[6]].map(Number.isNaN)).toEqual([true, true, false]);
  });
});

function swigluBack(...values: [gy: Float32Array, gate: Float32Array, up: Float32Array]): [Float32Array, Float32Array] {
  const count = values[0].length;
  const out = computed(
    values.map((numbers) => [[count, 1], numbers]),
    (context, calls, [gy, gate, up]) => kernel?.swigluBack(context, gy as Pointer, gate as Pointer, up as Pointer, calls) as Pointer,
  );
  return [out.subarray(0, count), out.subarray(count)];
}

/** Numbers of the node that `build` makes of tensors with these extents and numbers. */
function computed(
  operands: readonly (readonly [extents: readonly number[], numbers: Float32Array])[],
  build: (context: Pointer, calls: KernelCalls, tensors: readonly Pointer[]) => Pointer,
): Float32Array {
  const { g, lanes } = device;
  const { f } = g;
  const inputs = newContext(g, operands.length);
  const tensors = operands.map(([extents]) => newTensor(g, inputs, F32, ...extents));
  const buffer = allocate(g, inputs, lanes[0] as Pointer, 'a test');
  tensors.forEach((tensor, i) => setData(g, tensor, operands[i]?.[1] as Float32Array));
  const context = newContext(g, 16, 16);
  const graph = f.ggml_new_graph_custom(context, 16, false);
  const calls = new KernelCalls();
  const node = build(context, calls, tensors);
  f.ggml_build_forward_expand(graph, node);
  const allocator = allocateGraph(g, lanes[0] as Pointer, graph, 'a test');
  f.ggml_backend_graph_compute(lanes[0] as Pointer, graph);
  const out = getFloats(g, node);
  f.ggml_gallocr_free(allocator);
  f.ggml_backend_buffer_free(buffer);
  calls.dispose();
  f.ggml_free(context);
  f.ggml_free(inputs);
  return out;
}

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** Dimension of each operand that is summed over. */
  readonly a: 0 | 1;
  readonly b: 0 | 1;
  /** Elements left out at the start of each line of both operands, so that they are views. */
  readonly skip: number;
}
interface Batches {
  readonly group: number;
  readonly d2: number;
  readonly d3: number;
}

/** Values are those of position (line, place) of a grid that does not depend on the number of lines. */
const value = (stream: number, batch: number, line: number, place: number): number =>
  uniformAt(7, stream + 2 * batch, line * 1000 + place) - 0.5;

function multiply({ rows, columns, depth, a, b, skip }: Shape, { group, d2, d3 }: Batches) {
  const dims = (depthSide: 0 | 1, other: number): [number, number] => (depthSide === 0 ? [depth, other] : [other, depth]);
  const grid = (stream: number, [n0, n1]: [number, number], n2: number): Float32Array =>
    Float32Array.from({ length: (n0 + skip) * n1 * n2 * d3 }, (_, i) => {
      const place = (i % (n0 + skip)) - skip;
      const line = Math.floor(i / (n0 + skip)) % n1;
      return value(stream, Math.floor(i / ((n0 + skip) * n1)), line, place);
    });
  const [da, db] = [dims(a, rows), dims(b, columns)];
  const [ga, gb] = [grid(0, da, d2 * group), grid(1, db, d2)];
  const view = (context: Pointer, t: Pointer, [n0, n1]: [number, number], n2: number): Pointer => {
    const line = (n0 + skip) * 4;
    return device.g.f.ggml_view_4d(context, t, n0, n1, n2, d3, line, line * n1, line * n1 * n2, skip * 4);
  };
  const out = computed(
    [
      [[da[0] + skip, da[1], d2 * group, d3], ga],
      [[db[0] + skip, db[1], d2, d3], gb],
    ],
    (context, calls, [x, y]) =>
      kernel?.node(
        context,
        { a: view(context, x as Pointer, da, d2 * group), aDepth: a, b: view(context, y as Pointer, db, d2), bDepth: b },
        calls,
      ) as Pointer,
  );
  return { out, ga, gb, da, db };
}

function worst(shape: Shape, batches: Batches): number {
  const { rows, columns, depth, a, b, skip } = shape;
  const { out, ga, gb, da, db } = multiply(shape, batches);
  const at = (data: Float32Array, [n0, n1]: [number, number], batch: number, side: 0 | 1, other: number, p: number): number => {
    const [line, place] = side === 0 ? [other, p] : [p, other];
    return data[(batch * n1 + line) * (n0 + skip) + skip + place] ?? NaN;
  };
  let most = 0;
  for (let batch = 0; batch < batches.d2 * batches.group * batches.d3; batch++)
    for (let j = 0; j < rows; j++)
      for (let c = 0; c < columns; c++) {
        let sum = 0;
        for (let p = 0; p < depth; p++) sum += at(ga, da, batch, a, j, p) * at(gb, db, Math.floor(batch / batches.group), b, c, p);
        const error = Math.abs(sum - (out[(batch * rows + j) * columns + c] ?? NaN));
        if (!(error <= most)) most = error;
      }
  return most;
}

// The process ends with the tests; closing here would race with other files in the same worker.
process.on('exit', () => closeDevice(device));
