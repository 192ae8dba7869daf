/** The training state on disk: trainable weights and optimiser moments, exact to the bit, with checksums. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { EngineError } from '../ports.ts';
import type { Parameters } from './parameters.ts';

/** Format 1 carried a SHA-256 of `state.bin`; the manifest of the checkpoint has one, and hashing twice was half of the time of a save. */
const FORMAT = 2;
const MOMENTS = ['w', 'm', 'v'] as const;

interface Header {
  readonly format: number;
  readonly modelHash: string;
  readonly policyVersion: number;
  readonly optimiserSteps: number;
  readonly mode: string;
  readonly lora: { readonly rank: number; readonly alpha: number };
  readonly tensors: readonly { readonly name: string; readonly size: number }[];
  /** Of `state.bin`. */
  readonly crc32?: number;
  readonly sha256?: string;
}

function durable(file: string, parts: readonly Uint8Array[]): void {
  const fd = openSync(file, 'w', 0o600);
  try {
    for (const part of parts) for (let done = 0; done < part.length;) done += writeSync(fd, part, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const bytesOf = (a: Float32Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** Writes `state.bin` (weights, first, second moments in the order of the header) and then `state.json`. */
export function saveState(dir: string, parameters: Parameters, modelHash: string, policyVersion: number, optimiserSteps: number): void {
  const parts = MOMENTS.flatMap((what) => [...parameters.read(what).values()].map(bytesOf));
  const header: Header = {
    format: FORMAT,
    modelHash,
    policyVersion,
    optimiserSteps,
    mode: parameters.mode,
    lora: parameters.lora,
    tensors: [...parameters.trainable.values()].map(({ name, size }) => ({ name, size })),
    crc32: parts.reduce((sum, part) => crc32(part, sum), 0),
  };
  durable(path.join(dir, 'state.bin'), parts);
  durable(path.join(dir, 'state.json'), [Buffer.from(`${JSON.stringify(header)}\n`)]);
}

const failAt =
  (dir: string) =>
  (why: string): never => {
    throw new EngineError('corrupt', `The checkpoint in ${dir} cannot be used: ${why}. Resume from an earlier checkpoint.`);
  };

/** What `saveState` wrote, its checksum checked; `read` gives the weights or a moment by name. */
function readFiles(dir: string): { readonly header: Header; readonly read: (what: (typeof MOMENTS)[number]) => Map<string, Float32Array> } {
  const fail = failAt(dir);
  let header: Header;
  let data: Buffer;
  try {
    header = JSON.parse(readFileSync(path.join(dir, 'state.json'), 'utf8')) as Header;
    data = readFileSync(path.join(dir, 'state.bin'));
  } catch (error) {
    return fail((error as Error).message);
  }
  if (header.format !== 1 && header.format !== FORMAT) return fail(`its format is ${header.format}, this version reads 1 and ${FORMAT}`);
  if (!Array.isArray(header.tensors)) return fail('state.json names no tensors');
  const sound = header.format === 1 ? createHash('sha256').update(data).digest('hex') === header.sha256 : crc32(data) === header.crc32;
  if (!sound) return fail('its checksum does not match');
  const aligned = new Float32Array(new Uint8Array(data).buffer);
  const count = header.tensors.reduce((sum, { size }) => sum + size, 0);
  return {
    header,
    read: (what) => {
      let at = MOMENTS.indexOf(what) * count;
      return new Map(header.tensors.map(({ name, size }) => [name, aligned.subarray(at, (at += size))]));
    },
  };
}

/** The trained weights of a saved state: an adapter's, or a whole model's in full-parameter mode. */
export interface Trained {
  readonly mode: string;
  readonly lora: { readonly rank: number; readonly alpha: number };
  /** SHA-256 of the file of the model that was trained. */
  readonly modelHash: string;
  readonly values: Map<string, Float32Array>;
}

export function readTrained(dir: string): Trained {
  const { header, read } = readFiles(dir);
  return { mode: header.mode, lora: header.lora, modelHash: header.modelHash, values: read('w') };
}

/** Restores into `parameters`; nothing is changed when anything is wrong. */
export function loadState(dir: string, parameters: Parameters, modelHash: string): { policyVersion: number; optimiserSteps: number } {
  const fail = failAt(dir);
  const { header, read } = readFiles(dir);
  if (header.modelHash !== modelHash) return fail('it belongs to another model file');
  const same =
    header.mode === parameters.mode &&
    (header.mode === 'full' || (header.lora.rank === parameters.lora.rank && header.lora.alpha === parameters.lora.alpha)) &&
    JSON.stringify(header.tensors) === JSON.stringify([...parameters.trainable.values()].map(({ name, size }) => ({ name, size })));
  if (!same) return fail(`it was made with engine.mode ${header.mode}, rank ${header.lora.rank} and alpha ${header.lora.alpha}`);
  for (const what of MOMENTS) parameters.write(what, read(what));
  return { policyVersion: header.policyVersion, optimiserSteps: header.optimiserSteps };
}
