/**
 * Our side of bench/training.ts, in a process of its own: `node bench/training-step.ts rl|train THREADS REPEATS`.
 * Prints one JSON object a line: CPU-seconds of each part and peak resident memory.
 */
import { datumOf } from '../src/core/datum.ts';
import { openGgmlEngine } from '../src/engine/ggml/engine.ts';
import { uniformAt } from '../src/engine/ggml/random.ts';
import { benchModel } from './model.ts';

const PROMPTS = 16;
const ROLLOUTS = 4;
const PROMPT = 64;
const NEW = 64;
const VOCABULARY = 49152;

const [task = 'rl', threads = '2', repeats = '4'] = process.argv.slice(2);
const engine = await openGgmlEngine({
  model: benchModel(),
  mode: 'lora',
  lora: { rank: 16, alpha: 32 },
  backend: 'cpu',
  threads: Number(threads),
  contextLength: PROMPT + NEW,
  parallel: PROMPTS * ROLLOUTS,
  tokenBudget: 320,
  seed: 1,
});
const optim = { lr: 1e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, gradClip: 1 };
const words = (stream: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => 300 + Math.floor(uniformAt(99, stream, i) * (VOCABULARY - 300)));

/** CPU-seconds between calls. */
function clock(): { lap(name: string): void; parts: Record<string, number> } {
  const parts: Record<string, number> = {};
  const now = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  let last = now();
  return {
    parts,
    lap: (name) => {
      const next = now();
      parts[name] = next - last;
      last = next;
    },
  };
}

async function rl(step: number): Promise<Record<string, number>> {
  const { lap, parts } = clock();
  const prompts = Array.from({ length: PROMPTS }, (_, i) => words(step * PROMPTS + i, PROMPT));
  const samples = await engine.sample(
    prompts.map((prompt, i) => ({ prompt, n: ROLLOUTS, maxTokens: NEW, temperature: 1, seed: step * PROMPTS + i })),
  );
  lap('generate');
  const data = samples.flatMap((all, i) =>
    all.map(({ tokens, logprobs }, j) => datumOf({ promptTokens: prompts[i] as number[], tokens, logprobs }, uniformAt(5, i, j) - 0.5)),
  );
  await engine.forwardBackward(data, { kind: 'reinforce', normaliser: PROMPTS * ROLLOUTS * NEW, importanceCap: 2 });
  lap('train');
  await engine.optimStep(optim);
  lap('optimiser');
  const generated = samples.flat().reduce((sum, { tokens }) => sum + tokens.length, 0);
  if (generated < 0.98 * PROMPTS * ROLLOUTS * NEW) throw new Error(`only ${generated} tokens were generated`);
  return parts;
}

async function train(step: number): Promise<Record<string, number>> {
  const { lap, parts } = clock();
  const data = Array.from({ length: 4 }, (_, i) => {
    const [first = 0, ...tokens] = words(step * 4 + i, 129);
    return datumOf({ promptTokens: [first], tokens, logprobs: tokens.map(() => -10.8) }, 1);
  });
  await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 512 });
  lap('train');
  await engine.optimStep(optim);
  lap('optimiser');
  return parts;
}

for (let step = 0; step < Number(repeats); step++) {
  const parts = task === 'rl' ? await rl(step) : await train(step);
  const total = Object.values(parts).reduce((a, b) => a + b, 0);
  const line = { ...parts, total, peakMb: process.resourceUsage().maxRSS / 1024 };
  process.stdout.write(`${JSON.stringify(line, (_, x: unknown) => (typeof x === 'number' ? Math.round(x * 100) / 100 : x))}\n`);
}
await engine[Symbol.asyncDispose]();
