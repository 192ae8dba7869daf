/**
 * The protobuf generation of the Tinker API: `forward_backward` requests, and results of sampling and of model passes.
 * Field numbers: package tinker_public of the tinker SDK 0.25 – 0.38.
 */
import protobuf from 'protobufjs';
import { garbled, type ModelPass, type PassOutput, type SampledSequence } from './wire.ts';

const SCHEMA = `
syntax = "proto3";
package tinker_public;
enum StopReason { STOP = 0; LENGTH = 1; }
enum DType { UNSPECIFIED = 0; FLOAT32 = 1; INT64 = 2; INT32 = 3; BFLOAT16 = 4; }
message LossConfigValue { oneof value { double number = 1; string text = 2; } }
message EncodedTextChunk { bytes tokens = 1; }
message Chunk { oneof chunk { EncodedTextChunk encoded_text = 1; } }
message Tensor { oneof encoding { bytes dense = 1; } DType dtype = 3; repeated int64 shape = 4; }
message Datum { repeated Chunk model_input = 1; map<string, Tensor> loss_fn_inputs = 2; }
message ForwardBackwardRequest {
  string model_id = 1; int32 seq_id = 2; repeated Datum data = 3; string loss_fn = 4;
  map<string, double> loss_fn_config = 5; bool forward_only = 6; map<string, LossConfigValue> loss_fn_config_v2 = 7;
}
message SampledSequence { StopReason stop_reason = 1; bytes tokens = 2; optional bytes logprobs = 3; }
message SampleResponse { repeated SampledSequence sequences = 1; }
message BatchedTensor { bytes data = 1; bytes offsets = 2; DType dtype = 3; repeated int64 trailing_shape = 4; }
message ArrayRecord { string type_tag = 1; map<string, BatchedTensor> fields = 2; int64 num_datums = 3; }
message ForwardBackwardOutput { string loss_fn_output_type = 1; repeated ArrayRecord loss_fn_outputs = 2; map<string, double> metrics = 3; }
`;
const { root } = protobuf.parse(SCHEMA, { keepCase: true });
/** A message type of the schema; the scripted server of the tests speaks it too. */
export const messageType = (name: string): protobuf.Type => root.lookupType(`tinker_public.${name}`);
const request = messageType('ForwardBackwardRequest');
const sampleResponse = messageType('SampleResponse');
const passResponse = messageType('ForwardBackwardOutput');

const DTYPE = { float32: 1, int64: 2, int32: 3, bfloat16: 4 } as const;
const WIDTH: Readonly<Record<number, number>> = { 1: 4, 2: 8, 3: 4, 4: 2 };

const bytesOf = (a: Int32Array | Float32Array | BigInt64Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** Integers travel as int64, everything else as float32. */
function tensorOf(data: Int32Array | Float32Array): object {
  const integers = data instanceof Int32Array;
  const dense = integers ? bytesOf(BigInt64Array.from(data, BigInt)) : bytesOf(data);
  return { dense, dtype: integers ? DTYPE.int64 : DTYPE.float32, shape: [data.length] };
}

export function encodePass({ modelId, seqId, data, loss, config, forwardOnly }: ModelPass): Uint8Array {
  const entries = Object.entries(config);
  return request
    .encode(
      request.create({
        model_id: modelId,
        seq_id: seqId,
        data: data.map(({ tokens, inputs }) => ({
          model_input: [{ encoded_text: { tokens: bytesOf(tokens) } }],
          loss_fn_inputs: Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, tensorOf(values)])),
        })),
        loss_fn: loss,
        // Older servers read the first map, newer ones the second.
        loss_fn_config: config,
        loss_fn_config_v2: Object.fromEntries(entries.map(([name, value]) => [name, { number: value }])),
        forward_only: forwardOnly,
      }),
    )
    .finish();
}

/** Little-endian numbers of one type, copied so that they are aligned. */
function numbers(bytes: Uint8Array, dtype: number): ArrayLike<number> {
  const width = WIDTH[dtype];
  if (width === undefined || bytes.length % width !== 0) throw new RangeError(`${bytes.length} bytes of the type ${dtype}`);
  const { buffer } = Uint8Array.from(bytes);
  if (dtype === DTYPE.float32) return new Float32Array(buffer);
  if (dtype === DTYPE.int32) return new Int32Array(buffer);
  if (dtype === DTYPE.int64) return Array.from(new BigInt64Array(buffer), Number);
  // bfloat16 is the upper half of a float32.
  return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (half) => half << 16).buffer);
}

interface Decoded {
  readonly sequences?: { readonly stop_reason?: number; readonly tokens?: Uint8Array; readonly logprobs?: Uint8Array }[];
  readonly loss_fn_outputs?: {
    readonly fields?: Record<string, { readonly data?: Uint8Array; readonly offsets?: Uint8Array; readonly dtype?: number }>;
    readonly num_datums?: number;
  }[];
  readonly metrics?: Record<string, number>;
}

function decode<T>(type: protobuf.Type, body: Uint8Array, call: string, read: (message: Decoded) => T): T {
  try {
    return read(type.toObject(type.decode(body), { longs: Number }) as Decoded);
  } catch (error) {
    return garbled(call, `broken protobuf: ${(error as Error).message}`);
  }
}
const NONE = new Uint8Array(0);

export const decodeSample = (body: Uint8Array): SampledSequence[] =>
  decode(sampleResponse, body, 'asample', ({ sequences = [] }) =>
    sequences.map(({ stop_reason, tokens = NONE, logprobs = NONE }) => ({
      stopped: stop_reason !== 1,
      tokens: Array.from(numbers(tokens, DTYPE.int32)),
      logprobs: Array.from(numbers(logprobs, DTYPE.float32)),
    })),
  );

export const decodePass = (body: Uint8Array): PassOutput =>
  decode(passResponse, body, 'forward_backward', ({ loss_fn_outputs = [], metrics = {} }) => ({
    metrics,
    outputs: loss_fn_outputs.flatMap(({ fields = {}, num_datums = 0 }) => {
      const parts = Object.entries(fields).map(([name, { data = NONE, offsets = NONE, dtype = 0 }]) => {
        const at = numbers(offsets, DTYPE.int64);
        // The offsets say how many there are; the count alone could claim any number.
        if (at.length !== num_datums + 1) throw new RangeError(`${at.length} offsets for ${num_datums} sequences`);
        return [name, Array.from({ length: num_datums }, (_, i) => numbers(slice(data, at[i] ?? 0, at[i + 1] ?? 0), dtype))] as const;
      });
      if (parts.length === 0 && num_datums > 0) throw new RangeError(`${num_datums} sequences without a field`);
      return Array.from({ length: num_datums }, (_, i) => Object.fromEntries(parts.map(([name, all]) => [name, all[i] ?? []])));
    }),
  }));

function slice(data: Uint8Array, from: number, to: number): Uint8Array {
  if (!(from >= 0 && from <= to && to <= data.length)) throw new RangeError(`the range ${from}–${to} of ${data.length} bytes`);
  return data.subarray(from, to);
}
