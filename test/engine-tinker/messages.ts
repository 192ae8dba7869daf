/** Bodies of the scripted server's requests and answers, in both generations of the wire. */
import { messageType } from '../../src/engine/tinker/proto.ts';
import type { ServerDatum } from './arithmetic.ts';
import type { ServedSequence } from './server.ts';

export const PROTOBUF = 'application/x-protobuf';
export class Status extends Error {
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

export const field = (body: unknown, name: string): string => {
  const value = (body as Record<string, unknown> | null)?.[name];
  if (typeof value !== 'string') throw new Status(422, `${name}: field required`);
  return value;
};

export interface Pass {
  readonly model: string;
  readonly seq: number;
  readonly data: ServerDatum[];
  readonly loss: string;
  readonly config: Record<string, number>;
  readonly forwardOnly: boolean;
}

interface JsonInput {
  readonly data: { model_input: { chunks: { tokens: number[] }[] }; loss_fn_inputs: Record<string, { data: number[] }> }[];
  readonly loss_fn: string;
  readonly loss_fn_config?: Record<string, number>;
}
export function passOfJson(body: unknown, forwardOnly: boolean): Pass {
  const input = (body as Record<string, JsonInput | undefined>)[forwardOnly ? 'forward_input' : 'forward_backward_input'];
  if (input === undefined) throw new Status(422, 'forward_backward_input: field required');
  return {
    ...{ model: field(body, 'model_id'), seq: (body as { seq_id: number }).seq_id, forwardOnly },
    data: input.data.map((d) => ({
      tokens: d.model_input.chunks.flatMap(({ tokens }) => tokens),
      inputs: Object.fromEntries(Object.entries(d.loss_fn_inputs).map(([name, { data }]) => [name, data])),
    })),
    ...{ loss: input.loss_fn, config: input.loss_fn_config ?? {} },
  };
}
const ints = (bytes: Uint8Array): number[] => Array.from(new Int32Array(Uint8Array.from(bytes).buffer));
export function passOfProto(body: Buffer): Pass {
  const message = messageType('ForwardBackwardRequest');
  const m = message.toObject(message.decode(body), { longs: Number }) as {
    model_id: string;
    seq_id: number;
    data: {
      model_input: { encoded_text: { tokens: Uint8Array } }[];
      loss_fn_inputs: Record<string, { dense: Uint8Array; dtype: number }>;
    }[];
    loss_fn: string;
    loss_fn_config?: Record<string, number>;
    forward_only?: boolean;
  };
  const numbers = ({ dense, dtype }: { dense: Uint8Array; dtype: number }): number[] =>
    dtype === 2
      ? Array.from(new BigInt64Array(Uint8Array.from(dense).buffer), Number)
      : Array.from(new Float32Array(Uint8Array.from(dense).buffer));
  return {
    ...{ model: m.model_id, seq: m.seq_id, loss: m.loss_fn, config: m.loss_fn_config ?? {}, forwardOnly: m.forward_only === true },
    data: m.data.map((d) => ({
      tokens: d.model_input.flatMap(({ encoded_text }) => ints(encoded_text.tokens)),
      inputs: Object.fromEntries(Object.entries(d.loss_fn_inputs).map(([name, tensor]) => [name, numbers(tensor)])),
    })),
  };
}

export const jsonOfPass = (pass: number[][]): object => ({
  loss_fn_output_type: 'scalar',
  loss_fn_outputs: pass.map((data) => ({ logprobs: { data, dtype: 'float32', shape: [data.length] } })),
  metrics: {},
});
export const jsonOfSample = (sequences: readonly ServedSequence[]): object => ({
  sequences: sequences.map(({ tokens, logprobs, reason }) => ({ tokens, logprobs, stop_reason: reason })),
});
const floats = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
export function protoOfPass(pass: number[][]): Buffer {
  const offsets = [0];
  for (const row of pass) offsets.push((offsets.at(-1) ?? 0) + row.length * 4);
  const field = { data: floats(pass.flat()), offsets: new Uint8Array(BigInt64Array.from(offsets, BigInt).buffer), dtype: 1 };
  const message = { loss_fn_output_type: 'scalar', loss_fn_outputs: [{ fields: { logprobs: field }, num_datums: pass.length }] };
  return Buffer.from(messageType('ForwardBackwardOutput').encode(messageType('ForwardBackwardOutput').fromObject(message)).finish());
}
export function protoOfSample(sequences: readonly ServedSequence[]): Buffer {
  const message = {
    sequences: sequences.map(({ tokens, logprobs, reason }) => ({
      ...{ stop_reason: reason === 'stop' ? 0 : 1, tokens: new Uint8Array(Int32Array.from(tokens).buffer), logprobs: floats(logprobs) },
    })),
  };
  return Buffer.from(messageType('SampleResponse').encode(messageType('SampleResponse').create(message)).finish());
}
