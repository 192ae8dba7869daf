/**
 * What training and sampling will take of a device's memory, known before any of it is allocated: the graphs are built on
 * tensors without memory, and ggml's allocator is asked how much it would want.
 */
import type { MemoryPlan } from '../../core/types.ts';
import { EngineError, type EngineOptions } from '../ports.ts';
import type { Device } from './backend.ts';
import { declareFrozen, frozenNames } from './frozen.ts';
import { isF32 } from './gguf-data.ts';
import type { GgufFile } from './gguf.ts';
import { EXTRA_SLOTS } from './graph-decoder.ts';
import { drawGraph, type GraphSize, type GraphStyle } from './graph.ts';
import type { Pointer } from './libraries.ts';
import { bytesOf, measureGraph, pretend } from './memory.ts';
import { longestRow } from './pack.ts';
import { declareParameters, weightsOf } from './parameters.ts';
import { expectedTensors, shapeOf, type Shape } from './shape.ts';

/** Above this many parameters libllama samples: its quantised weights read faster than F32. */
export const SMALL = 30_000_000;
/** Share of the free memory that training may take before `auto` turns checkpointing on. */
const EASY = 0.5;

export type PlanOptions = Pick<EngineOptions, 'mode' | 'lora' | 'contextLength' | 'parallel' | 'tokenBudget' | 'checkpointing' | 'compute'>;

/** The plan that a run records, and what it was made for. */
export interface TrainingPlan extends MemoryPlan {
  /** Tokens of the largest training graph of a lane. */
  readonly tokens: number;
  readonly parameters: number;
}

export const countOf = (tensors: ReadonlyMap<string, readonly number[]>): number =>
  [...tensors.values()].reduce((sum, dims) => sum + dims.reduce((a, b) => a * b, 1), 0);

export function planTraining(device: Device, file: GgufFile, options: PlanOptions): TrainingPlan {
  const { g, lanes } = device;
  const backend = lanes[0] as Pointer;
  const shape = shapeOf(file);
  const { mode, lora, checkpointing = 'auto', compute = 'f32' } = options;
  const declared = declareParameters(g, shape, mode, lora.rank, lanes.length);
  const frozen = declareFrozen(g, file, frozenNames(shape, mode));
  const contexts = [declared.own, frozen.context, ...declared.gradients];
  const pretended: { dispose(): void }[] = [];
  try {
    const own = bytesOf(g, declared.own, backend);
    const weights = bytesOf(g, frozen.context, backend);
    const gradients = declared.gradients.reduce((sum, context) => sum + bytesOf(g, context, backend), 0);
    const largest = [...declared.trainable.values()].reduce((most, p) => Math.max(most, p.size * 4), 0);
    pretended.push(pretend(g, contexts));
    const length = longestRow(Math.min(options.contextLength, shape.context), options.tokenBudget);
    const rows = Math.max(1, Math.floor(options.tokenBudget / length));
    const tokens = rows * length;
    const graph = (style: GraphStyle): number => {
      const size: GraphSize = { rows, length, targets: tokens, base: false, train: true, ...RATIO };
      const lane = weightsOf(declared.trainable, frozen, lora.alpha / lora.rank, 0);
      let inputs = 0;
      const drawing = drawGraph(g, shape, lane, size, style, (context) => {
        inputs = bytesOf(g, context, backend);
        pretended.push(pretend(g, [context]));
      });
      const bytes = measureGraph(g, backend, drawing.graph);
      drawing.dispose();
      return (inputs + bytes) * lanes.length;
    };
    const parameters = countOf(expectedTensors(shape));
    const { model, cache, takesTurns } = samplerBytes(file, shape, options, lanes.length, parameters);
    const fixed = { weights, adapter: own / 3, gradients, optimiser: (2 * own) / 3 + 2 * largest };
    const base = Object.values(fixed).reduce((a, b) => a + b, model);
    const totalWith = (activations: number): number => base + (takesTurns ? Math.max(cache, activations) : cache + activations);
    const available = freeMemory(device);
    const kept = checkpointing === 'on' ? Infinity : graph({ checkpointing: false, compute });
    const on = checkpointing === 'on' || (checkpointing === 'auto' && totalWith(kept) > EASY * available);
    const activations = on ? graph({ checkpointing: true, compute }) : kept;
    const total = totalWith(activations);
    return {
      ...fixed,
      sampler: model + cache,
      activations,
      total,
      available,
      fits: total <= available,
      checkpointing: on,
      tokens,
      parameters,
    };
  } finally {
    for (const { dispose } of pretended) dispose();
    for (const context of contexts) g.f.ggml_free(context);
  }
}

/** The losses differ by a few numbers a token; this is the one with most of them. */
const RATIO = { ratio: 'gate', kl: 'k3', low: 0, high: 2 } as const;

/** What makes a run smaller, where it helps: config keys first, in the order in which to try them. */
export function knobsOf(plan: TrainingPlan, options: PlanOptions): string[] {
  const { mode, lora, tokenBudget, parallel } = options;
  const knobs: readonly (readonly [bytes: number, knob: string])[] = [
    [plan.activations, plan.checkpointing ? '' : 'set engine.checkpointing to "on"'],
    [plan.activations, `lower engine.tokenBudget (now ${tokenBudget}), algorithm.maxTokens and engine.contextLength`],
    [plan.activations, 'lower engine.threads'],
    [plan.sampler, `lower engine.parallel (now ${parallel})`],
    [plan.gradients + plan.optimiser, mode === 'full' ? 'set engine.mode to "lora"' : `lower engine.lora.rank (now ${lora.rank})`],
  ];
  return [...knobs.filter(([bytes, knob]) => knob !== '' && bytes > plan.total / 20).map(([, knob]) => knob), 'choose a smaller model'];
}

/** @throws EngineError `memory` with the knobs that help. */
export function checkPlan(plan: TrainingPlan, options: PlanOptions): void {
  if (plan.fits) return;
  throw new EngineError(
    'memory',
    `Training needs ${gigabytes(plan.total)} and ${gigabytes(plan.available)} are free (weights ${gigabytes(plan.weights + plan.adapter)}, ` +
      `gradients and optimiser ${gigabytes(plan.gradients + plan.optimiser)}, activations ${gigabytes(plan.activations)}, sampling ${gigabytes(plan.sampler)}). ` +
      `${knobsOf(plan, options)
        .join(', or ')
        .replace(/^./, (c) => c.toUpperCase())}.`,
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;

interface Sampler {
  /** libllama's copy of the model. */
  readonly model: number;
  readonly cache: number;
  /** The cache is freed while training, and the activations while sampling. */
  readonly takesTurns: boolean;
}

function samplerBytes(file: GgufFile, shape: Shape, options: PlanOptions, lanes: number, parameters: number): Sampler {
  const own = parameters <= SMALL && isF32(file);
  const slots = Math.max(1, Math.ceil(options.parallel / lanes));
  const cells = Math.min(options.contextLength, shape.context) * (slots + (own ? EXTRA_SLOTS : 1));
  const cache = 2 * shape.layers * shape.kvHeads * shape.headWidth * cells * (own ? 4 : 2);
  const logits = Math.max(own ? 1 : 64, slots) * shape.vocabulary * 4;
  const model = own ? 0 : [...file.tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  return { model, cache: lanes * (cache + 2 * logits), takesTurns: !own };
}

function freeMemory(device: Device): number {
  if (device.name === 'ggml-cpu') return process.availableMemory();
  const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
  const { f } = device.g;
  f.ggml_backend_dev_memory(f.ggml_backend_get_device(device.lanes[0] as Pointer), free, total);
  return Number(free[0]);
}
