/** The training state on disk: trainable weights and optimiser moments, exact to the bit, with checksums. */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { EngineError } from '../ports.ts';
import type { Parameters } from './parameters.ts';

const FORMAT = 1;
const MOMENTS = ['w', 'm', 'v'] as const;

interface Header {
  readonly format: number;
  readonly modelHash: string;
  readonly policyVersion: number;
  readonly optimiserSteps: number;
  readonly mode: string;
  readonly lora: { readonly rank: number; readonly alpha: number };
  readonly tensors: readonly { readonly name: string; readonly size: number }[];
  readonly sha256: string;
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
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  const header: Header = {
    format: FORMAT,
    modelHash,
    policyVersion,
    optimiserSteps,
    mode: parameters.mode,
    lora: parameters.lora,
    tensors: [...parameters.trainable.values()].map(({ name, size }) => ({ name, size })),
    sha256: hash.digest('hex'),
  };
  durable(path.join(dir, 'state.bin'), parts);
  durable(path.join(dir, 'state.json'), [Buffer.from(`${JSON.stringify(header)}\n`)]);
}

/** Restores into `parameters`; nothing is changed when anything is wrong. */
export function loadState(dir: string, parameters: Parameters, modelHash: string): { policyVersion: number; optimiserSteps: number } {
  const fail = (why: string): never => {
    throw new EngineError('corrupt', `The checkpoint in ${dir} cannot be used: ${why}. Resume from an earlier checkpoint.`);
  };
  let header: Header;
  let data: Buffer;
  try {
    header = JSON.parse(readFileSync(path.join(dir, 'state.json'), 'utf8')) as Header;
    data = readFileSync(path.join(dir, 'state.bin'));
  } catch (error) {
    return fail((error as Error).message);
  }
  if (header.format !== FORMAT) return fail(`its format is ${header.format}, this version reads ${FORMAT}`);
  if (header.modelHash !== modelHash) return fail('it belongs to another model file');
  const same =
    header.mode === parameters.mode &&
    (header.mode === 'full' || (header.lora.rank === parameters.lora.rank && header.lora.alpha === parameters.lora.alpha)) &&
    JSON.stringify(header.tensors) === JSON.stringify([...parameters.trainable.values()].map(({ name, size }) => ({ name, size })));
  if (!same) return fail(`it was made with engine.mode ${header.mode}, rank ${header.lora.rank} and alpha ${header.lora.alpha}`);
  if (createHash('sha256').update(data).digest('hex') !== header.sha256) return fail('its checksum does not match');
  const aligned = new Float32Array(new Uint8Array(data).buffer);
  let at = 0;
  for (const what of MOMENTS) {
    const values = new Map<string, Float32Array>();
    for (const { name, size } of header.tensors) {
      values.set(name, aligned.subarray(at, at + size));
      at += size;
    }
    parameters.write(what, values);
  }
  return { policyVersion: header.policyVersion, optimiserSteps: header.optimiserSteps };
}
