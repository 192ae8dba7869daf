/**
 * `npm run test:skyrl [-- --steps 20 --kill 8]`: SkyRL on this machine's CPU serves the bundled model, and Kelvin trains on it.
 * 1. A toy task through the engine port: the reward must rise within ten steps, and sampler and trainer must agree.
 * 2. The real loop for `steps` steps: the server is killed in the middle of step `kill` + 1, started again, and the run resumed. Every
 *    step must be recorded once, and the journal must have the shape of an embedded run's. Exit code 1 at the first difference.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../../src/commands/open.ts';
import { parseConfig } from '../../src/config.ts';
import { speechFor } from '../../src/core/prompts/index.ts';
import { datumOf } from '../../src/core/datum.ts';
import { writeHuggingFace } from '../../src/engine/ggml/hugging-face.ts';
import { openJournalReader } from '../../src/record/journal.ts';
import { freePort, install, serve, SKYRL } from '../skyrl/server.ts';
import { faultOf, option, ROOT, start, workplace } from './trial.ts';

const MISMATCH = 1e-4;
const [steps, kill] = [option('steps', 20), option('kill', 8)];
using place = workplace();
const python = install();
const model = join(place.dir, 'nano');
writeHuggingFace(join(ROOT, 'models', 'nano.gguf'), model);
const port = await freePort();
const home = join(place.dir, 'server');
let skyrl = await serve(python, model, home, port);
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const insist = (holds: boolean, sentence: string): void => {
  if (holds) return;
  say(`FAILED: ${sentence}`);
  process.exit(1);
};

const engine = {
  mode: 'lora',
  lora: { rank: 16, alpha: 32 },
  parallel: 32,
};
const tinker = { url: skyrl.url, server: 'skyrl-jax', tokenizer: model, unreachableSeconds: 30 };
const remote = {
  extends: join(ROOT, 'configs', 'nano.json'),
  name: 'skyrl',
  model,
  steps,
  engine: { ...engine, kind: 'tinker', tinker },
  algorithm: { proposals: 2, rollouts: 2, seedFactor: 1, seedRounds: 4, maxTokens: { propose: 48, solve: 48 } },
  optim: { lr: 1e-3, gradClip: 0 },
  eval: { suite: 'none' },
};

say(`SkyRL ${SKYRL} serves the bundled model at ${skyrl.url}`);
await toy();
await loop();
await skyrl.kill();
process.exit(0);

/** Reward: 1 for an answer with a thought, on one deduction task. The untrained model thinks now and then. */
async function toy(): Promise<void> {
  await using trained = await openEngine(parseConfig({ model, engine: remote.engine, optim: remote.optim }));
  const { dialect, encode } = speechFor(trained, { language: 'javascript' });
  const base = { id: 'toy', step: 0, parents: [] };
  const task = {
    ...base,
    type: 'deduction' as const,
    program: 'function f(a){let b=a.slice(1);return b.length}',
    input: '[4,9,2]',
    output: '2',
  };
  const prompt = encode({ role: 'solve', taskType: 'deduction', prompt: dialect.solvePrompt(task) });
  const rewards: number[] = [];
  let worst = 0;
  for (let step = 0; step < 10; step++) {
    const [sampled = []] = await trained.sample([{ prompt, n: 32, maxTokens: 24, temperature: 1, seed: step }]);
    const scores = sampled.map(({ tokens }) => (/<think>.+<\/think>/.test(trained.detokenize(tokens)) ? 1 : 0));
    const mean = scores.reduce<number>((sum, score) => sum + score, 0) / scores.length;
    const spread = Math.sqrt(scores.reduce<number>((sum, score) => sum + (score - mean) ** 2, 0) / scores.length) + 1e-6;
    const data = sampled.map((sequence, i) => datumOf({ promptTokens: prompt, ...sequence }, ((scores[i] as number) - mean) / spread, 1));
    const normaliser = sampled.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const { metrics } = await trained.forwardBackward(data, { kind: 'reinforce', normaliser });
    await trained.optimStep({ lr: 3e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, gradClip: 0 });
    worst = Math.max(worst, metrics['mismatch/max'] ?? Number.NaN);
    rewards.push(mean);
  }
  say(`toy task: reward ${rewards.map((reward) => reward.toFixed(2)).join(' ')}; largest mismatch ${worst.toExponential(1)}`);
  insist((rewards.at(-1) as number) > (rewards[0] as number) + 0.2, 'the reward of the toy task did not rise by 0.2 within ten steps.');
  insist(worst <= MISMATCH, `sampler and trainer differ by ${worst}, more than ${MISMATCH}.`);
}

async function loop(): Promise<void> {
  const run = join(place.dir, 'run');
  const config = join(place.dir, 'skyrl.json');
  writeFileSync(config, JSON.stringify(remote));
  const kelvin = join(ROOT, 'bin', 'kelvin.mjs');
  let killed = false;
  const first = await start(kelvin, ['train', '--headless', '--json', '--config', config, '--run-dir', run], {
    env: place.env,
    onLine: (line) => {
      if (killed || !line.startsWith(`{"type":"checkpoint","step":${kill}`)) return;
      killed = true;
      // Into the step that follows.
      setTimeout(() => void skyrl.kill(), 1500);
    },
  });
  insist(killed, `the run ended before step ${kill}:\n${first.stdout.slice(-600)}${first.stderr.slice(-600)}`);
  insist(
    first.code === 8,
    `after the server was killed, the run ended with exit code ${first.code} instead of 8: ${first.stderr.slice(-600)}`,
  );
  say(`server killed after step ${kill}: exit code 8, "${first.stderr.trim().split('\n').at(-1) ?? ''}"`);
  skyrl = await serve(python, model, home, port);
  const second = await start(kelvin, ['resume', run, '--headless', '--json'], { env: place.env });
  insist(second.code === 0, `the resumed run ended with exit code ${second.code}: ${second.stderr.slice(-600)}`);

  const embedded = join(place.dir, 'embedded');
  const local = { ...remote, model: 'models/nano.gguf', steps: 1, engine, optim: { lr: 1e-3 } };
  writeFileSync(config, JSON.stringify(local));
  const here = await start(kelvin, ['train', '--headless', '--json', '--config', config, '--run-dir', embedded], { env: place.env });
  insist(here.code === 0, `the embedded run ended with exit code ${here.code}: ${here.stderr.slice(-600)}`);

  using there = openJournalReader(run);
  const events = there.events(0).map(({ event }) => event);
  const done = events.flatMap((event) => (event.type === 'step' ? [event] : []));
  insist(
    JSON.stringify(done.map(({ step }) => step)) === JSON.stringify(Array.from({ length: steps }, (_, i) => i + 1)),
    `the steps recorded are ${done.map(({ step }) => step).join(', ')}.`,
  );
  const fault = faultOf(run);
  insist(fault === null, fault ?? '');
  const worst = Math.max(...done.map(({ metrics }) => metrics['mismatch/max'] ?? 0));
  insist(worst <= MISMATCH, `sampler and trainer differ by ${worst}, more than ${MISMATCH}.`);
  const shape = (dir: string): Set<string> => {
    using reader = openJournalReader(dir);
    const all = reader.events(0).map(({ event }) => event);
    // Names of what every step measures; those of single task types depend on what was proposed.
    const paths = all.flatMap((event) =>
      event.type === 'step' ? Object.keys(event.metrics).filter((path) => !/\/(de|ab|in)duction$/.test(path)) : [],
    );
    return new Set([...all.map(({ type }) => type).filter((type) => type !== 'warning'), ...paths]);
  };
  const [a, b] = [shape(run), shape(embedded)];
  const apart = [...a].filter((name) => !b.has(name)).concat([...b].filter((name) => !a.has(name)));
  const optional = new Set(['novelty/refused', 'diversity/distinct', 'diversity/distance', 'error', 'memory/rss_mb', 'finding']);
  insist(
    apart.every((name) => optional.has(name)),
    `the journals differ in ${apart.join(', ')}.`,
  );
  insist(existsSync(join(run, 'checkpoints')), 'there is no checkpoint.');
  say(
    `${steps} steps on SkyRL, one after a kill: each recorded once, audit log whole, largest mismatch ${worst.toExponential(1)}, journal shaped as an embedded run's.`,
  );
}
