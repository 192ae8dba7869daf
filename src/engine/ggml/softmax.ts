/**
 * Probabilities from logits, in place: ggml's vectorised softmax over rows that a library left in host memory. The same
 * exponentials in JavaScript, for a vocabulary of 49,152, take about a tenth of the time of the decoding itself.
 */
import koffi from 'koffi';
import { EngineError } from '../ports.ts';
import type { Distributions } from './decoder.ts';
import { F32, type Ggml } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import { allocateGraph, newContext, newTensor } from './memory.ts';
import { largest, pick, type Draw } from './random.ts';

/** Bytes at whose multiples ggml wants tensors to begin; it aborts the process otherwise. */
const ALIGNED = 32n;

interface Built {
  readonly graph: Pointer;
  readonly allocator: Pointer;
  readonly buffer: Pointer;
  readonly context: Pointer;
  readonly values: Float32Array;
}

export class Softmax {
  readonly #g: Ggml;
  readonly #cpu: Pointer;
  readonly #width: number;
  /** Graphs by number of rows, all for the address of the last call. */
  readonly #built = new Map<number, Built>();
  #address: Pointer = 0n;

  /** @param cpu a CPU backend, which stays the caller's. @param width entries of a row. */
  constructor(g: Ggml, cpu: Pointer, width: number) {
    this.#g = g;
    this.#cpu = cpu;
    this.#width = width;
  }

  /** Turns rows of logits at `address` into probabilities at the rows' temperatures (0: greedy, at temperature 1). */
  async apply(address: Pointer, temperatures: readonly number[]): Promise<Probabilities> {
    const built = this.#at(address, temperatures.length);
    const greedy = temperatures.map((temperature, row) => {
      const logits = this.#row(built.values, row);
      if (temperature > 0 && temperature !== 1) for (let i = 0; i < logits.length; i++) logits[i] = (logits[i] as number) / temperature;
      return temperature > 0 ? null : largest(logits);
    });
    await this.#g.compute(this.#cpu, built.graph);
    return new Probabilities(built.values, this.#width, greedy);
  }

  #row(values: Float32Array, row: number): Float32Array {
    return values.subarray(row * this.#width, (row + 1) * this.#width);
  }

  #at(address: Pointer, rows: number): Built {
    if (address % ALIGNED !== 0n) throw new EngineError('native', 'The logits lie at an odd address. Run "npm ci" again.');
    if (address !== this.#address) this.#clear();
    this.#address = address;
    let built = this.#built.get(rows);
    if (built === undefined) this.#built.set(rows, (built = this.#build(address, rows)));
    return built;
  }

  #build(address: Pointer, rows: number): Built {
    const { f } = this.#g;
    const bytes = rows * this.#width * 4;
    const context = newContext(this.#g, 4, 4);
    const logits = newTensor(this.#g, context, F32, this.#width, rows);
    const buffer = f.ggml_backend_cpu_buffer_from_ptr(address, bytes);
    f.ggml_backend_tensor_alloc(buffer, logits, address);
    const graph = f.ggml_new_graph_custom(context, 4, false);
    f.ggml_build_forward_expand(graph, f.ggml_soft_max_inplace(context, logits));
    const allocator = allocateGraph(this.#g, this.#cpu, graph, 'sampling');
    return { graph, allocator, buffer, context, values: new Float32Array(koffi.view(address, bytes) as ArrayBuffer) };
  }

  #clear(): void {
    const { f } = this.#g;
    for (const { allocator, buffer, context } of this.#built.values()) {
      f.ggml_gallocr_free(allocator);
      f.ggml_backend_buffer_free(buffer);
      f.ggml_free(context);
    }
    this.#built.clear();
  }
  dispose(): void {
    this.#clear();
  }
}

/** Rows of probabilities; `greedy` holds the token of each row that is not drawn by chance. */
export class Probabilities implements Distributions {
  readonly #values: Float32Array;
  readonly #width: number;
  readonly #greedy: readonly (number | null)[];

  constructor(values: Float32Array, width: number, greedy: readonly (number | null)[]) {
    this.#values = values;
    this.#width = width;
    this.#greedy = greedy;
  }

  draw(row: number, _temperature: number, u: number): Draw {
    const values = this.#values.subarray(row * this.#width, (row + 1) * this.#width);
    const token = this.#greedy[row] ?? pick(values, u);
    return { token, logprob: Math.log(values[token] as number) };
  }
}
