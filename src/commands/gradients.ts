import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Datum } from '../core/types.ts';
import { computeGradients, type GradientOptions, type Gradients } from '../engine/ggml/gradients.ts';
import { writeGguf, type MetadataValue, type WritableTensor } from '../engine/ggml/gguf-write.ts';
import type { LossSpec } from '../engine/ports.ts';
import { EXIT, UsageError } from './exits.ts';

const ids = z.array(z.number().int().min(0)).min(1);
const numbers = z.array(z.number());
const sequence = z.strictObject({
  tokens: ids,
  targets: ids.optional(),
  weights: numbers.optional(),
  logprobs: numbers.optional(),
  advantages: numbers.optional(),
  old: numbers.optional(),
});
const lossSpec = z.strictObject({
  kind: z.enum(['cross_entropy', 'reinforce', 'ppo', 'cispo']).default('cross_entropy'),
  normaliser: z.number().positive().optional(),
  importanceCap: z.number().positive().optional(),
  clipLow: z.number().positive().max(1).optional(),
  clipHigh: z.number().positive().optional(),
  kl: z.strictObject({ coefficient: z.number().min(0), estimator: z.enum(['k2', 'k3']) }).optional(),
});
const batch = z.strictObject({ data: z.array(sequence).min(1), loss: lossSpec.prefault({}) });

export interface GradientsCommand extends GradientOptions {
  readonly data: string;
  readonly out: string;
}

/** `kelvin gradients`: what the trainer computes for a batch of token ids, in a file that other programs read. */
export async function gradientsCommand(options: GradientsCommand): Promise<number> {
  if (!/\.(gguf|json)$/.test(options.out)) throw new UsageError(`--out takes a name that ends in .gguf or .json, not ${options.out}.`);
  const { data, loss } = readBatch(options.data);
  const result = await computeGradients(options, data, loss).catch((error: unknown) => {
    // The trainer's checks of the data itself.
    throw error instanceof RangeError ? new UsageError(`${options.data}: ${error.message}.`) : error;
  });
  try {
    if (options.out.endsWith('.json')) writeJson(options.out, result);
    else writeGguf(options.out, metadataOf(result), tensorsOf(result));
  } catch (error) {
    throw new UsageError(`${options.out} cannot be written: ${(error as Error).message}. Check the path given to --out.`);
  }
  const { mode, loss: value, metrics, tensors } = result;
  process.stdout.write(`${JSON.stringify({ mode, loss: value, metrics, tensors: tensors.size, out: options.out })}\n`);
  return EXIT.ok;
}

function readBatch(path: string): { data: Datum[]; loss: LossSpec } {
  let source: unknown;
  try {
    source = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} cannot be read as JSON: ${(error as Error).message}. Check the path given to --data.`);
  }
  const parsed = batch.safeParse(source);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, 3).map(({ path: at, message }) => `${at.join('.') || 'the file'}: ${message}`);
    throw new UsageError(`${path}: ${issues.join('; ')}. docs/cli.md describes the format.`);
  }
  const data = parsed.data.data.map((given, i): Datum => {
    const { tokens, targets } = given.targets === undefined ? shifted(given.tokens, i) : { tokens: given.tokens, targets: given.targets };
    const floats = (values: readonly number[] | undefined, missing: number): Float32Array =>
      values === undefined ? new Float32Array(tokens.length).fill(missing) : Float32Array.from(values);
    return {
      tokens: Int32Array.from(tokens),
      targets: Int32Array.from(targets),
      weights: floats(given.weights, 1),
      logprobs: floats(given.logprobs, 0),
      advantages: floats(given.advantages, 1),
      ...(given.old === undefined ? {} : { old: floats(given.old, 0) }),
    };
  });
  const { normaliser, ...rest } = parsed.data.loss;
  const scored = data.reduce((sum, d) => sum + d.weights.filter((w) => w !== 0).length, 0);
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { data, loss: { ...given, kind: rest.kind, normaliser: normaliser ?? Math.max(1, scored) } };
}

function shifted(tokens: readonly number[], i: number): { tokens: readonly number[]; targets: readonly number[] } {
  if (tokens.length < 2)
    throw new UsageError(`data.${i}: without "targets" it takes two tokens or more; each is predicted from those before it.`);
  return { tokens: tokens.slice(0, -1), targets: tokens.slice(1) };
}

const metadataOf = ({ mode, loss, metrics }: Gradients): Map<string, MetadataValue> =>
  new Map<string, MetadataValue>([
    ['general.architecture', { text: 'kelvin-gradients' }],
    ['kelvin.mode', { text: mode }],
    ['kelvin.loss', { f32: loss }],
    ...Object.entries(metrics).map(([name, value]) => [`kelvin.metrics.${name}`, { f32: value }] as const),
  ]);

/** `grad/NAME` for each weight, `adapter/NAME` the adapter that was on, `logprobs/I` for each sequence. */
function tensorsOf({ mode, tensors, logprobs }: Gradients): Map<string, WritableTensor> {
  return new Map<string, WritableTensor>([
    ...logprobs.map((data, i) => [`logprobs/${i}`, { shape: [data.length], data }] as const),
    ...[...tensors].map(([name, { shape, gradient }]) => [`grad/${name}`, { shape, data: gradient }] as const),
    ...(mode === 'lora' ? [...tensors].map(([name, { shape, weight }]) => [`adapter/${name}`, { shape, data: weight }] as const) : []),
  ]);
}

/** The same names and numbers as the GGUF; `shape` has the outermost extent first, as NumPy and PyTorch print it. */
function writeJson(path: string, result: Gradients): void {
  const tensors = [...tensorsOf(result)].map(([name, tensor]) => {
    const { shape, data } = tensor as { readonly shape: readonly number[]; readonly data: Float32Array };
    return [name, { shape: [...shape].reverse(), data: Array.from(data) }] as const;
  });
  const { mode, loss, metrics } = result;
  writeFileSync(`${path}.part`, `${JSON.stringify({ mode, loss, metrics, tensors: Object.fromEntries(tensors) })}\n`);
  renameSync(`${path}.part`, path);
}
