/** Weights on the device: frozen ones, trainable ones with gradients per lane and optimiser moments. */
import { EngineError } from '../ports.ts';
import type { Device } from './backend.ts';
import type { Weights } from './block.ts';
import { F32, type Ggml } from './ffi.ts';
import type { Frozen } from './frozen.ts';
import type { Pointer } from './libraries.ts';
import { allocate, getFloats, newContext, newTensor, setData } from './memory.ts';
import { expectedTensors, LINEARS, type Shape } from './shape.ts';

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  readonly w: Pointer;
  /** First and second moment of AdamW; Muon uses the first. */
  readonly m: Pointer;
  readonly v: Pointer;
  /** One accumulator per lane. */
  readonly g: readonly Pointer[];
}

export interface ParameterSpec {
  readonly shape: Shape;
  readonly mode: 'full' | 'lora';
  readonly lora: { readonly rank: number; readonly alpha: number };
  /** Initial values of the trainable tensors by name. */
  readonly values: ReadonlyMap<string, Float32Array>;
  readonly frozen?: Frozen | null;
  readonly inference?: boolean;
}

/** Declares trainable tensors without memory: `own` holds weights and moments, `gradients` one accumulator a lane; 0 lanes = no training. */
export function declareParameters(
  g: Ggml,
  shape: Shape,
  mode: 'full' | 'lora',
  rank: number,
  lanes: number,
): { trainable: Map<string, Parameter>; own: Pointer; gradients: Pointer[] } {
  const shapes = mode === 'full' ? expectedTensors(shape) : adapterTensors(shape, rank);
  const own = newContext(g, 3 * shapes.size);
  const gradients = Array.from({ length: lanes }, () => newContext(g, shapes.size));
  const trainable = new Map<string, Parameter>();
  for (const [name, dims] of shapes) {
    const make = (context: Pointer): Pointer => newTensor(g, context, F32, ...dims);
    const w = make(own);
    g.f.ggml_set_param(w);
    const [m, v] = lanes === 0 ? [w, w] : [make(own), make(own)];
    trainable.set(name, { name, shape: dims, size: dims.reduce((a, b) => a * b, 1), w, m, v, g: gradients.map(make) });
  }
  return { trainable, own, gradients };
}

/** The tensors as the graphs of one lane look them up. @param scale of the adapter, alpha / rank */
export function weightsOf(
  trainable: ReadonlyMap<string, Parameter>,
  frozen: Pick<Frozen, 'weights' | 'rows'> | null,
  scale: number,
  lane: number,
): Weights {
  return {
    weight: (name) => {
      const tensor = trainable.get(name)?.w ?? frozen?.weights.get(name);
      if (tensor === undefined) throw new EngineError('native', `The weight ${name} was not loaded.`);
      return tensor;
    },
    gradient: (name) => trainable.get(name)?.g[lane] ?? null,
    adapter: (name) => {
      const [a, b] = [trainable.get(`${name}.lora_a`), trainable.get(`${name}.lora_b`)];
      return a === undefined || b === undefined ? null : { a: a.w, b: b.w, scale };
    },
    rows: frozen?.rows ?? null,
  };
}

export class Parameters {
  readonly shape: Shape;
  readonly mode: 'full' | 'lora';
  readonly lora: { readonly rank: number; readonly alpha: number };
  readonly trainable: ReadonlyMap<string, Parameter>;
  readonly #g: Ggml;
  readonly #frozen: Frozen | null;
  readonly #gradientBuffers: Pointer[] = [];
  readonly #buffers: Pointer[] = [];
  readonly #contexts: Pointer[] = [];

  /** @param frozen what is never trained: the base weights of a LoRA, the constants of a model. `inference` leaves out gradients and moments. */
  constructor(device: Device, spec: ParameterSpec) {
    const { shape, mode, lora, values, frozen = null, inference = false } = spec;
    this.#frozen = frozen;
    this.#g = device.g;
    this.shape = shape;
    this.mode = mode;
    this.lora = lora;
    const backend = device.lanes[0] as Pointer;
    const { trainable, own, gradients } = declareParameters(device.g, shape, mode, lora.rank, inference ? 0 : device.lanes.length);
    this.#contexts.push(own, ...gradients);
    this.trainable = trainable;
    this.#buffers.push(allocate(device.g, own, backend, 'the weights and optimiser state'));
    for (const context of gradients) this.#gradientBuffers.push(allocate(device.g, context, backend, 'the gradients'));
    this.write('w', values);
  }

  forLane(lane: number): Weights {
    return weightsOf(this.trainable, this.#frozen, this.lora.alpha / this.lora.rank, lane);
  }

  clearGradients(): void {
    for (const buffer of this.#gradientBuffers) this.#g.f.ggml_backend_buffer_clear(buffer, 0);
  }

  read(what: 'w' | 'm' | 'v'): Map<string, Float32Array> {
    return new Map([...this.trainable].map(([name, p]) => [name, getFloats(this.#g, p[what], p.size)]));
  }
  readGradients(lane = 0): Map<string, Float32Array> {
    return new Map([...this.trainable].map(([name, p]) => [name, getFloats(this.#g, p.g[lane] as Pointer, p.size)]));
  }
  write(what: 'w' | 'm' | 'v', values: ReadonlyMap<string, Float32Array>): void {
    for (const [name, p] of this.trainable) {
      const data = values.get(name);
      if (data?.length !== p.size)
        throw new EngineError('corrupt', `The tensor ${name} has ${data?.length ?? 0} numbers instead of ${p.size}.`);
      setData(this.#g, p[what], data);
    }
  }

  dispose(): void {
    for (const buffer of [...this.#gradientBuffers, ...this.#buffers]) this.#g.f.ggml_backend_buffer_free(buffer);
    for (const context of this.#contexts) this.#g.f.ggml_free(context);
    this.#frozen?.dispose();
  }
}

/** Names and extents of a LoRA over all linear layers, as llama.cpp names them. */
export function adapterTensors(shape: Shape, rank: number): Map<string, readonly number[]> {
  const all = expectedTensors(shape);
  const out = new Map<string, readonly number[]>();
  for (let l = 0; l < shape.layers; l++)
    for (const linear of LINEARS) {
      const name = `blk.${l}.${linear}.weight`;
      const [inside = 0, outside = 0] = all.get(name) ?? [];
      out.set(`${name}.lora_a`, [inside, rank]);
      out.set(`${name}.lora_b`, [rank, outside]);
    }
  return out;
}
