/**
 * AdamW (Loshchilov & Hutter 2019) on every parameter, or Muon (Jordan 2024) on the matrices of the blocks and AdamW on the
 * rest. Gradients of the lanes are summed, clipped by their global L2 norm, applied, and cleared.
 */
import { EngineError, type OptimParams, type OptimResult } from '../ports.ts';
import type { Device } from './backend.ts';
import { F32 } from './ffi.ts';
import type { Pointer } from './libraries.ts';
import { allocate, allocateGraph, getFloats, newContext, newTensor, setData } from './memory.ts';
import type { Parameter, Parameters } from './parameters.ts';

export interface MuonParams {
  readonly lr: number;
  readonly momentum: number;
  /** Decoupled: w ← w·(1 − lr·weightDecay). */
  readonly weightDecay: number;
}

/** Coefficients of the quintic Newton–Schulz iteration that drives singular values to about 1. */
const NEWTON_SCHULZ = [3.4445, -4.775, 2.0315] as const;
const ITERATIONS = 5;

interface Built {
  readonly graph: Pointer;
  readonly allocator: Pointer;
  readonly context: Pointer;
}

export class Optimiser {
  readonly #device: Device;
  readonly #parameters: Parameters;
  readonly #context: Pointer;
  readonly #buffer: Pointer;
  /** Scale of the gradient; AdamW's seven numbers; Muon's 1 − lr·decay, −lr, momentum and 1 − momentum; squared norms. */
  readonly #scale: Pointer;
  readonly #adamw: Pointer;
  readonly #muon: Readonly<Record<'keep' | 'step' | 'momentum' | 'rest', Pointer>>;
  readonly #norms: Pointer;
  readonly #graphs = new Map<string, Built>();
  /** Steps done; the bias correction of AdamW. */
  steps = 0;

  constructor(device: Device, parameters: Parameters) {
    this.#device = device;
    this.#parameters = parameters;
    this.#context = newContext(device.g, 16);
    const make = (n: number): Pointer => newTensor(device.g, this.#context, F32, n);
    this.#scale = make(1);
    this.#adamw = make(7);
    this.#muon = { keep: make(1), step: make(1), momentum: make(1), rest: make(1) };
    this.#norms = make(Math.max(1, parameters.trainable.size));
    this.#buffer = allocate(device.g, this.#context, device.lanes[0] as Pointer, 'the optimiser');
  }

  async step(params: OptimParams, muon: MuonParams | null): Promise<OptimResult> {
    const { g, lanes } = this.#device;
    const all = [...this.#parameters.trainable.values()];
    const byMuon = (p: Parameter): boolean => muon !== null && p.shape.length === 2 && p.name.startsWith('blk.');
    const run = (built: Built): Promise<void> => g.compute(lanes[0] as Pointer, built.graph);
    await run(this.#built('norms', (c, graph) => this.#sumAndNorms(c, graph, all)));
    const squares = getFloats(g, this.#norms, all.length);
    let total = 0;
    let clipped = 0;
    all.forEach((p, i) => {
      total += squares[i] ?? 0;
      if (!byMuon(p)) clipped += squares[i] ?? 0;
    });
    if (!Number.isFinite(total)) {
      this.#parameters.clearGradients();
      throw new EngineError(
        'native',
        'The gradient is not finite, so this step was refused. Go back to a checkpoint and lower the learning rate.',
      );
    }
    const norm = Math.sqrt(clipped);
    const scale = params.gradClip > 0 && norm > params.gradClip ? params.gradClip / norm : 1;
    this.steps++;
    setData(g, this.#scale, Float32Array.of(scale));
    const { lr, beta1, beta2, eps, weightDecay } = params;
    setData(
      g,
      this.#adamw,
      Float32Array.of(lr, beta1, beta2, eps, weightDecay, 1 / (1 - beta1 ** this.steps), 1 / (1 - beta2 ** this.steps)),
    );
    if (muon !== null) {
      setData(g, this.#muon.keep, Float32Array.of(1 - muon.lr * muon.weightDecay));
      setData(g, this.#muon.step, Float32Array.of(-muon.lr));
      setData(g, this.#muon.momentum, Float32Array.of(muon.momentum));
      setData(g, this.#muon.rest, Float32Array.of(1 - muon.momentum));
    }
    await run(this.#built(muon === null ? 'adamw' : 'muon', (c, graph) => this.#update(c, graph, all, byMuon)));
    this.#parameters.clearGradients();
    return { gradNorm: Math.sqrt(total) };
  }

  #built(key: string, fill: (c: Pointer, graph: Pointer) => void): Built {
    const found = this.#graphs.get(key);
    if (found !== undefined) return found;
    const { g, lanes } = this.#device;
    const nodes = this.#parameters.trainable.size * (80 + lanes.length) + 64;
    const context = newContext(g, nodes, nodes);
    const graph = g.f.ggml_new_graph_custom(context, nodes, false);
    fill(context, graph);
    const allocator = allocateGraph(g, lanes[0] as Pointer, graph, 'the optimiser step');
    const built = { graph, allocator, context };
    this.#graphs.set(key, built);
    return built;
  }

  #sumAndNorms(c: Pointer, graph: Pointer, all: readonly Parameter[]): void {
    const { f } = this.#device.g;
    all.forEach((p, i) => {
      let sum = p.g[0] as Pointer;
      for (const other of p.g.slice(1)) sum = f.ggml_add_inplace(c, sum, other);
      f.ggml_build_forward_expand(graph, f.ggml_cpy(c, f.ggml_sum(c, f.ggml_sqr(c, sum)), f.ggml_view_1d(c, this.#norms, 1, i * 4)));
    });
  }

  #update(c: Pointer, graph: Pointer, all: readonly Parameter[], byMuon: (p: Parameter) => boolean): void {
    const { f } = this.#device.g;
    for (const p of all) {
      const gradient = p.g[0] as Pointer;
      if (byMuon(p)) this.#muonUpdate(c, graph, p, gradient);
      else f.ggml_build_forward_expand(graph, f.ggml_opt_step_adamw(c, p.w, f.ggml_mul(c, gradient, this.#scale), p.m, p.v, this.#adamw));
    }
  }

  /** Momentum with Nesterov's look-ahead, orthogonalised, scaled by √max(1, out / in). */
  #muonUpdate(c: Pointer, graph: Pointer, p: Parameter, gradient: Pointer): void {
    const { f } = this.#device.g;
    const { keep, step, momentum, rest } = this.#muon;
    const [inside = 1, outside = 1] = p.shape;
    const mixed = (a: Pointer): Pointer => f.ggml_add(c, f.ggml_mul(c, a, momentum), f.ggml_mul(c, gradient, rest));
    const m = f.ggml_cpy(c, mixed(p.m), p.m);
    f.ggml_build_forward_expand(graph, m);
    const look = mixed(m);
    const flip = outside > inside;
    const transpose = (x: Pointer): Pointer => f.ggml_cont(c, f.ggml_transpose(c, x));
    let x = flip ? transpose(look) : look;
    x = f.ggml_div(c, x, f.ggml_scale_bias(c, f.ggml_sqrt(c, f.ggml_sum(c, f.ggml_sqr(c, x))), 1, 1e-7));
    const [a, b, d] = NEWTON_SCHULZ;
    for (let i = 0; i < ITERATIONS; i++) {
      const gram = f.ggml_mul_mat(c, x, x);
      const poly = f.ggml_add(c, f.ggml_scale(c, gram, b), f.ggml_scale(c, f.ggml_mul_mat(c, gram, gram), d));
      x = f.ggml_add(c, f.ggml_scale(c, x, a), f.ggml_mul_mat(c, transpose(x), poly));
    }
    if (flip) x = transpose(x);
    const delta = f.ggml_mul(c, f.ggml_scale(c, x, Math.sqrt(Math.max(1, outside / inside))), step);
    f.ggml_build_forward_expand(graph, f.ggml_cpy(c, f.ggml_add(c, f.ggml_mul(c, p.w, keep), delta), p.w));
  }

  dispose(): void {
    const { f } = this.#device.g;
    for (const { allocator, context } of this.#graphs.values()) {
      f.ggml_gallocr_free(allocator);
      f.ggml_free(context);
    }
    f.ggml_backend_buffer_free(this.#buffer);
    f.ggml_free(this.#context);
  }
}
