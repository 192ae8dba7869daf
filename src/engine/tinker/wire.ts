/**
 * What goes over the wire of the Tinker API, and the checks of what comes back (contract: docs/tinker.md). A server is not
 * trusted: every reply is checked for shape, length and finite numbers before anything else uses it.
 */
import { z } from 'zod';
import { EngineError } from '../ports.ts';

export const PROTOBUF = 'application/x-protobuf';
export const JSON_TYPE = 'application/json';

/** How bodies of `forward_backward` are written; results are read by their own content type. */
export type Wire = 'json' | 'protobuf';

export type LossName = 'cross_entropy' | 'importance_sampling' | 'ppo' | 'cispo';

/** One sequence for `forward_backward`; all arrays have N elements, as those of `Datum`. */
export interface WireDatum {
  readonly tokens: Int32Array;
  readonly inputs: Readonly<Record<string, Int32Array | Float32Array>>;
}

export interface ModelPass {
  readonly modelId: string;
  readonly seqId: number;
  readonly data: readonly WireDatum[];
  readonly loss: LossName;
  readonly config: Readonly<Record<string, number>>;
  readonly forwardOnly: boolean;
}

/** Result of a model pass: numbers by name for each sequence. */
export interface PassOutput {
  readonly outputs: readonly Readonly<Record<string, ArrayLike<number>>>[];
  readonly metrics: Readonly<Record<string, number>>;
}

export interface SampledSequence {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
  readonly stopped: boolean;
}

const number = z.union([z.number(), z.null().transform(() => NaN)]);
const tensor = z.looseObject({ data: z.array(number) });
const metrics = z
  .record(z.string(), number)
  .nullish()
  .transform((found) => found ?? {});

export const passSchema = z.looseObject({ loss_fn_outputs: z.array(z.record(z.string(), tensor)), metrics });
export const sampleSchema = z.looseObject({
  sequences: z.array(
    z.looseObject({ stop_reason: z.enum(['stop', 'length']), tokens: z.array(z.number()), logprobs: z.array(number).nullish() }),
  ),
});
export const futureSchema = z.looseObject({
  request_id: z.union([z.string(), z.number()]).transform(String),
  model_id: z.string().nullish(),
});
export const optimSchema = z.looseObject({ metrics });
export const sessionSchema = z.looseObject({ session_id: z.string().min(1) });
export const createdSchema = z.looseObject({ model_id: z.string().min(1).nullish() });
export const savedSchema = z.looseObject({ path: z.string().min(1).nullish() });
export const samplerSchema = z.looseObject({ sampling_session_id: z.string().min(1) });
export const checkpointsSchema = z.looseObject({ checkpoints: z.array(z.looseObject({ tinker_path: z.string() })) });
export const capabilitiesSchema = z.looseObject({
  supported_models: z.array(z.looseObject({ model_name: z.string().nullish(), max_context_length: z.number().positive().nullish() })),
});

/** Checks a reply. @throws EngineError `server` that names the call and the field. */
export function checked<T>(schema: z.ZodType<T>, value: unknown, call: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return garbled(call, `${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'unknown'}`);
}

/** A reply that makes no sense: nothing of it is used. */
export function garbled(call: string, what: string): never {
  throw new EngineError(
    'server',
    `The answer of the Tinker server to ${call} cannot be used (${what.slice(0, 200)}). Check that engine.tinker.url and engine.tinker.server name the right server, then go on with kelvin resume.`,
  );
}

/** Log-probabilities of every sequence, checked against the lengths that were sent. */
export function logprobsOf(output: PassOutput, lengths: readonly number[], call: string): Float32Array[] {
  if (output.outputs.length !== lengths.length) garbled(call, `${output.outputs.length} results for ${lengths.length} sequences`);
  return output.outputs.map((fields, i) => {
    const found = fields['logprobs'];
    if (found === undefined) garbled(call, `sequence ${i} has no logprobs`);
    if (found.length !== lengths[i]) garbled(call, `sequence ${i} has ${found.length} log-probabilities for ${lengths[i] ?? 0} targets`);
    return Float32Array.from(found);
  });
}

/** Sequences as sampled, checked: as many as asked for, known tokens, one finite log-probability each. */
export function sequencesOf(
  sequences: readonly SampledSequence[],
  wanted: { readonly n: number; readonly maxTokens: number; readonly vocabulary: number },
): readonly SampledSequence[] {
  const call = 'asample';
  if (sequences.length !== wanted.n) garbled(call, `${sequences.length} sequences instead of ${wanted.n}`);
  for (const { tokens, logprobs } of sequences) {
    if (tokens.length > wanted.maxTokens) garbled(call, `${tokens.length} tokens where at most ${wanted.maxTokens} were asked for`);
    if (logprobs.length !== tokens.length) garbled(call, `${tokens.length} tokens with ${logprobs.length} log-probabilities`);
    const bad = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= wanted.vocabulary);
    if (bad !== undefined) garbled(call, `the token ${bad} is not in a vocabulary of ${wanted.vocabulary}`);
    const wrong = logprobs.find((lp) => !Number.isFinite(lp) || lp > 1e-3);
    if (wrong !== undefined) garbled(call, `${wrong} is no log-probability`);
  }
  return sequences;
}
