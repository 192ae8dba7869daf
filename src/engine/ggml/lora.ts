/** LoRA adapters in memory: fresh ones, and the checks that every adapter read from a file goes through. */
import { EngineError } from '../ports.ts';
import { adapterTensors } from './parameters.ts';
import { uniformAt } from './random.ts';
import { LINEARS, type Shape } from './shape.ts';

export interface Adapter {
  readonly rank: number;
  /** y += alpha / rank · B A x */
  readonly alpha: number;
  /** A [in, rank] and B [rank, out] of every linear layer, by GGUF name. */
  readonly values: Map<string, Float32Array>;
}

/** A tensor of an adapter file, not yet read. Extents innermost first. */
export interface AdapterTensor {
  readonly shape: readonly number[];
  readonly read: () => Float32Array;
}

/** Fresh adapter: A ~ N(0, 1/in), B = 0, so that it changes nothing at first (Hu et al. 2021). */
export function initialAdapter(shape: Shape, rank: number, uniform: () => number): Map<string, Float32Array> {
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return new Map(
    [...adapterTensors(shape, rank)].map(([name, [n = 1, m = 1]]) => {
      const data = new Float32Array(n * m);
      return [name, name.endsWith('lora_a') ? data.map(() => gauss() / Math.sqrt(n)) : data];
    }),
  );
}

/**
 * Checks the tensors of an adapter file against a model and reads them. A kind of linear layer may be left out in all
 * blocks; it gets a fresh pair, which changes nothing and can be trained.
 */
export function assembleAdapter(path: string, shape: Shape, found: ReadonlyMap<string, AdapterTensor>, alpha: number): Adapter {
  if (!(alpha > 0 && Number.isFinite(alpha)))
    throw new EngineError('corrupt', `${path} has the LoRA alpha ${alpha}, which must be a positive number. Export the adapter again.`);
  const names = [...found.keys()];
  const covered = LINEARS.filter((linear) => names.some((name) => name.includes(`.${linear}.`)));
  const rank = [...found].find(([name]) => name.endsWith('.lora_a'))?.[1].shape[1] ?? 0;
  if (covered.length === 0 || rank < 1 || rank > shape.width)
    throw new EngineError(
      'corrupt',
      `${path} has no LoRA of rank 1 to ${shape.width} on the model's linear layers. It does not belong to this model.`,
    );
  const fresh = covered.length < LINEARS.length ? initialAdapter(shape, rank, counted()) : null;
  const values = new Map<string, Float32Array>();
  const expected = adapterTensors(shape, rank);
  for (const name of names)
    if (!expected.has(name))
      throw new EngineError(
        'unsupported',
        `${path} has the tensor ${name.slice(0, 120)}, which is no LoRA of a linear layer of this model. Give an adapter of this model, on linear layers only.`,
      );
  for (const [name, dims] of expected) {
    const tensor = found.get(name);
    if (tensor === undefined) {
      const data = fresh?.get(name);
      if (data !== undefined && covered.every((linear) => !name.includes(`.${linear}.`))) {
        values.set(name, data);
        continue;
      }
      throw new EngineError('corrupt', `${path} lacks ${name}, which its other tensors call for. Export the adapter again.`);
    }
    const [inside = 1, outside = 1, ...rest] = tensor.shape;
    if (inside !== dims[0] || outside !== dims[1] || rest.some((n) => n !== 1))
      throw new EngineError(
        'corrupt',
        `${path}: ${name} has extents [${tensor.shape.join(', ')}], this model wants [${dims.join(', ')}] at rank ${rank}. It belongs to another model.`,
      );
    const data = tensor.read();
    if (!allFinite(data))
      throw new EngineError('corrupt', `${path}: ${name} holds numbers that are not finite. Go back to an earlier checkpoint of it.`);
    values.set(name, data);
  }
  return { rank, alpha, values };
}

function allFinite(data: Float32Array): boolean {
  for (const x of data) if (!Number.isFinite(x)) return false;
  return true;
}

function counted(): () => number {
  let i = 0;
  return () => uniformAt(0, 0, i++);
}
