import { readFileSync } from 'node:fs';
import { z } from 'zod';

const share = z.number().min(0).max(1);
const weight = z.number().min(0);
const factor = z.number().min(0).default(1);

/** Recipe of a pre-training run: `configs/pretrain/*.json`. */
const pretrainSchema = z.strictObject({
  name: z.string().min(1),
  model: z.strictObject({
    width: z.number().int().multipleOf(2).positive(),
    layers: z.number().int().positive(),
    heads: z.number().int().positive(),
    feedForward: z.number().int().positive(),
    context: z.number().int().min(64),
  }),
  documents: z.strictObject({
    /** Weight of each kind of document. */
    mix: z.strictObject({ deduction: weight, abduction: weight, induction: weight, proposeTriplet: weight, proposeInputs: weight }),
    /** Factor on the share of thoughts by kind of document. */
    thinkFactor: z.strictObject({ deduction: factor, abduction: factor, induction: factor, proposeTriplet: factor }).optional(),
    /** Weight of programs of 1 – 5 statements. */
    levels: z.array(weight).length(5),
    /** Loss weight of a prompt's tokens; a completion's weigh 1. */
    promptWeight: share,
  }),
  /** Share of answers that show their thought, by progress: the skill first, then the habit is thinned out. */
  thinkShare: z.array(z.strictObject({ until: share, share })).min(1),
  /** Length of the run; `--tokens` and `--minutes` override it. */
  tokens: z.number().int().positive(),
  batchTokens: z.number().int().positive(),
  schedule: z.strictObject({
    warmupSteps: z.number().int().positive(),
    /** Progress up to which the rate is constant; then it falls linearly to `floor` of itself. */
    hold: share,
    floor: share,
  }),
  muon: z.strictObject({ lr: z.number().positive(), momentum: share, weightDecay: z.number().min(0) }),
  adamw: z.strictObject({ lr: z.number().positive(), beta1: share, beta2: share, eps: z.number().positive(), gradClip: z.number().min(0) }),
  /** Tokens of one training graph in each thread. */
  tokenBudget: z.number().int().positive(),
});

export type PretrainConfig = z.infer<typeof pretrainSchema>;

/** @throws Error that names the file and each wrong key. */
export function readPretrainConfig(file: string): PretrainConfig {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Error(
      `Cannot read the pre-training recipe ${file}: ${(error as Error).message}. Give a JSON file such as configs/pretrain/nano.json.`,
      {
        cause: error,
      },
    );
  }
  const parsed = pretrainSchema.safeParse(json);
  if (!parsed.success) throw new Error(`The pre-training recipe ${file} is wrong:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
