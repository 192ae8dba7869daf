/** Opens a trainer on a GGUF file or on fresh weights: what pre-training and the engine share. */
import type { EngineOptions } from '../ports.ts';
import { openDevice } from './backend.ts';
import { readGguf } from './gguf.ts';
import { readF32 } from './gguf-data.ts';
import { Parameters } from './parameters.ts';
import type { Shape } from './shape.ts';
import { Trainer } from './trainer.ts';

/**
 * A full-parameter trainer.
 * @param model path of an F32 GGUF of the llama architecture, or a shape with its weights (`initialWeights`).
 * @param tokenBudget tokens of one graph in each lane; 1024 is a good value on CPU.
 */
export function openFullTrainer(
  model: string | { readonly shape: Shape; readonly values: ReadonlyMap<string, Float32Array> },
  options: { readonly threads: number; readonly tokenBudget: number; readonly backend?: EngineOptions['backend'] },
): Trainer {
  const { shape, values } = typeof model === 'string' ? readF32(readGguf(model)) : model;
  const device = openDevice(options.backend ?? 'cpu', options.threads);
  return new Trainer(device, new Parameters(device, { shape, mode: 'full', lora: { rank: 1, alpha: 1 }, values }), options);
}
