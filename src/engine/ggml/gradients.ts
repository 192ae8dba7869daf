/** Loss, log-probabilities and every gradient of a batch, for comparison with another implementation. */
import type { Datum } from '../../core/types.ts';
import { EngineError, type EngineOptions, type LossSpec } from '../ports.ts';
import { readAdapter } from './adapter.ts';
import { closeDevice, openDevice } from './backend.ts';
import { dequantise, loadFrozen } from './frozen.ts';
import { readGguf, type TensorEntry } from './gguf.ts';
import { initialAdapter } from './lora.ts';
import { Parameters } from './parameters.ts';
import { checkPlan, planTraining } from './plan.ts';
import { uniformAt } from './random.ts';
import { expectedTensors, shapeOf, type Shape } from './shape.ts';
import { Trainer } from './trainer.ts';

export interface GradientOptions extends Pick<EngineOptions, 'backend' | 'threads' | 'tokenBudget' | 'checkpointing' | 'compute' | 'seed'> {
  readonly model: string;
  /** Absent: gradients of all weights, dequantised to F32. */
  readonly lora?: { readonly rank: number; readonly alpha: number } | undefined;
  /** GGUF adapter or PEFT folder; brings its own rank and alpha. */
  readonly adapter?: string | undefined;
}

export interface Gradients {
  readonly mode: 'full' | 'lora';
  readonly loss: number;
  readonly logprobs: readonly Float32Array[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Extents innermost first, the gradient, and the weight it belongs to. */
  readonly tensors: ReadonlyMap<
    string,
    { readonly shape: readonly number[]; readonly gradient: Float32Array; readonly weight: Float32Array }
  >;
}

/** @throws EngineError, as the engine itself does when it opens a model. */
export async function computeGradients(options: GradientOptions, data: readonly Datum[], loss: LossSpec): Promise<Gradients> {
  const file = readGguf(options.model);
  const shape = shapeOf(file);
  const lora = options.adapter === undefined ? fresh(options, shape) : readAdapter(options.adapter, shape);
  const mode = lora === null ? 'full' : 'lora';
  const device = openDevice(options.backend, options.threads);
  const closers: (() => void)[] = [() => closeDevice(device)];
  try {
    const scale = lora ?? { rank: 1, alpha: 1 };
    const contextLength = data.reduce((most, d) => Math.max(most, d.tokens.length), 1);
    const wanted = { ...options, mode, lora: scale, contextLength, parallel: 1 } as const;
    const plan = planTraining(device, file, wanted);
    checkPlan(plan, wanted);
    const frozen = await loadFrozen(device, file, shape, mode);
    const values = new Map(lora?.values);
    if (lora === null)
      for (const name of expectedTensors(shape).keys())
        values.set(name, await dequantise(device.g, file, file.tensors.get(name) as TensorEntry));
    const parameters = new Parameters(device, { shape, mode, lora: scale, values, frozen });
    closers.push(() => parameters.dispose());
    const { tokenBudget, compute = 'f32' } = options;
    const trainer = new Trainer(device, parameters, { tokenBudget, checkpointing: plan.checkpointing, compute });
    closers.push(() => trainer.dispose());
    const result = await trainer.forwardBackward(data, loss);
    const lanes = device.lanes.map((_, lane) => parameters.readGradients(lane));
    const tensors = new Map(
      [...parameters.trainable].map(([name, { shape: dims }]) => {
        const gradient = lanes.map((all) => all.get(name) as Float32Array).reduce((a, b) => a.map((x, i) => x + (b[i] ?? 0)));
        return [name, { shape: dims, gradient, weight: values.get(name) as Float32Array }];
      }),
    );
    for (const [name, { gradient }] of tensors)
      if (!gradient.every(Number.isFinite))
        throw new EngineError(
          'native',
          `The gradient of ${name} is not finite, though the loss is. Check the hyper-parameters of ${options.model}, or compare with a smaller loss.`,
        );
    return { mode, loss: result.loss, logprobs: result.logprobs, metrics: result.metrics, tensors };
  } finally {
    for (const close of closers.reverse()) close();
  }
}

function fresh({ lora, seed }: GradientOptions, shape: Shape): { rank: number; alpha: number; values: Map<string, Float32Array> } | null {
  if (lora === undefined) return null;
  if (!(Number.isInteger(lora.rank) && lora.rank >= 1 && lora.rank <= shape.width && lora.alpha > 0))
    throw new EngineError(
      'unsupported',
      `A LoRA wants a rank from 1 to ${shape.width} and a positive alpha, not ${lora.rank} and ${lora.alpha}.`,
    );
  let counter = 0;
  return { ...lora, values: initialAdapter(shape, lora.rank, () => uniformAt(seed, 0, counter++)) };
}
