/** What a checkpoint of a run keeps of a model that lives on a server: where the server has it, and which policy it is. */
import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../ports.ts';

const STATE_FILE = 'tinker.json';
const FORMAT = 1;

const schema = z.strictObject({
  format: z.literal(FORMAT),
  server: z.string(),
  baseModel: z.string(),
  /** Hash of the tokenizer's files and the name of the base model, as in `EngineInfo.modelHash`. */
  modelHash: z.string(),
  rank: z.number().int().positive(),
  policyVersion: z.number().int().min(0),
  /** Weights and optimiser, and weights for sampling, on the server. */
  weights: z.string(),
  sampler: z.string(),
  /** Weights for sampling of earlier versions that are still sampled with; only where there are such. */
  earlier: z.array(z.strictObject({ policyVersion: z.number().int().min(0), sampler: z.string() })).optional(),
});
export type TinkerState = Omit<z.infer<typeof schema>, 'format'>;

/** Written whole and fsynced. */
export function writeState(dir: string, state: TinkerState): void {
  const fd = openSync(join(dir, STATE_FILE), 'w', 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ format: FORMAT, ...state }, null, 2)}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** True for the engine's folder of a checkpoint of a run on a server. */
export const isTinkerState = (dir: string): boolean => statSync(join(dir, STATE_FILE), { throwIfNoEntry: false }) !== undefined;

/** @throws EngineError `corrupt` */
export function readState(dir: string): TinkerState {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(join(dir, STATE_FILE), 'utf8'));
  } catch (error) {
    throw unusable(dir, (error as Error).message);
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw unusable(dir, `"${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`);
  }
  return parsed.data;
}

export const unusable = (dir: string, why: string): EngineError =>
  new EngineError('corrupt', `The checkpoint in ${dir} cannot be used: ${why}. Resume from an earlier checkpoint.`);
