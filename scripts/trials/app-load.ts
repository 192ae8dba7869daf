/**
 * `npm run app-load [-- --seconds 10]`: the app in a terminal of its own on a run that writes 2,000 tokens a second and shows them ten times
 * a second. Prints how soon the first frame comes, for three screens the share of a core that the app takes and the bytes of a frame, and how long a key takes
 * to the screen.
 */
import { join } from 'node:path';
import type { RunEvent } from '../../src/core/events.ts';
import { TASK_TYPES } from '../../src/core/types.ts';
import type { EngineInfo } from '../../src/core/types.ts';
import { serveControl } from '../../src/record/control.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournal } from '../../src/record/journal.ts';
import { acquireLock } from '../../src/record/lock.ts';
import { bundleApp, startApp } from './app.ts';
import { option, workplace } from './trial.ts';

const TICK_MS = 100;
const TOKENS_A_TICK = 200;
const STEP_MS = 2000;
const KEYS = 60;
const STARTS = 7;
const INFO: EngineInfo = {
  backend: 'scripted', model: 'none', modelHash: '00', architecture: 'none', parameters: 870_000, trainable: 870_000,
  contextLength: 512, vocabularySize: 512, eosToken: 0, dialect: 'nano', mode: 'full',
}; // prettier-ignore

const seconds = option('seconds', 10);
using place = workplace();
const main = await bundleApp('app-load');

const runDir = createRunFolder({ root: place.dir, runDir: join(place.dir, 'busy'), name: 'busy', config: {} });
const lock = acquireLock(runDir);
using journal = openJournal(runDir);
const stepOf = (step: number): RunEvent => ({
  type: 'step',
  step,
  metrics: Object.fromEntries(TASK_TYPES.flatMap((type) => ['accuracy/solve', 'reward/solve', 'learnability', 'length/solve', 'valid/propose', 'format/solve'].map((name) => [`${name}/${type}`, 0.5 + 0.4 * Math.sin(step / 7)]))), // prettier-ignore
});
journal.append([
  { type: 'start', step: 0, config: { steps: 1000 }, info: INFO, monitor: 'on', tiers: ['rules'], resumed: false, versions: {} },
]);
for (let step = 1; step <= 200; step++) journal.append([stepOf(step)]);
const server = await serveControl(runDir, () => Promise.resolve({ ok: true, message: 'done' }));

const WORDS = ['take', 'the', 'first', 'item', 'then', 'add', 'two', 'check', 'again', '\n'];
const texts = Array.from({ length: 16 }, () => '');
let tick = 0;
let step = 200;
const timer = setInterval(() => {
  tick++;
  for (let i = 0; i < TOKENS_A_TICK; i++) texts[i % 16] = `${texts[i % 16]} ${WORDS[(tick * 7 + i) % WORDS.length]!}`.slice(-6000);
  if (tick % (STEP_MS / TICK_MS) === 0) journal.append([stepOf(++step)]);
  server.broadcast({ type: 'status', state: 'running', step, phase: 'solve', done: tick % 64, total: 64, tokensPerSecond: 2000, read: tick, generated: tick, rssMb: 300, alert: null }); // prettier-ignore
  server.broadcast({ type: 'live', key: `s${tick % 16}`, role: 'solve', taskType: 'deduction', text: texts[tick % 16]! });
}, TICK_MS);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const starts: number[] = [];
for (let i = 0; i < STARTS; i++) {
  const began = performance.now();
  const first = startApp(main, ['open', runDir]);
  starts.push((await first.saw('solve accuracy')) - began);
  await sleep(300);
  first.write('\x03\x03');
  await first.ended;
}
starts.sort((a, b) => a - b);
process.stdout.write(`first frame: median ${starts[STARTS >> 1]!.toFixed(0)} ms, worst ${starts.at(-1)!.toFixed(0)} ms of ${STARTS}\n`);

let frames = 0;
let bytes = 0;
let heard: (() => void) | null = null;
const app = startApp(main, ['open', runDir]);
app.onData = (data) => {
  frames++;
  bytes += data.length;
  heard?.();
};
await app.saw('solve accuracy');
await sleep(1000);

process.stdout.write('screen      core, %   bytes a frame   frames a second\n');
for (const [name, key] of [
  ['Run', '1'],
  ['Thoughts', '2'],
  ['Charts', '5'],
] as const) {
  app.write(key);
  await sleep(1000);
  [frames, bytes] = [0, 0];
  const [began, used] = [performance.now(), app.cpu()];
  await sleep(seconds * 1000);
  const took = (performance.now() - began) / 1000;
  process.stdout.write(
    `${name.padEnd(10)} ${((100 * (app.cpu() - used)) / took).toFixed(1).padStart(8)} ${(bytes / Math.max(1, frames)).toFixed(0).padStart(15)} ${(frames / took).toFixed(1).padStart(17)}\n`,
  );
}
const times: number[] = [];
for (let i = 0; i < KEYS; i++) {
  await sleep(37);
  const answer = new Promise<void>((resolve) => (heard = resolve));
  const began = performance.now();
  // A list on Charts: each key moves the selection and draws another chart.
  app.write(i % 2 === 0 ? 'j' : 'k');
  await answer;
  times.push(performance.now() - began);
}
times.sort((a, b) => a - b);
process.stdout.write(`key to screen: median ${times[KEYS >> 1]!.toFixed(0)} ms, p95 ${times[Math.floor(KEYS * 0.95)]!.toFixed(0)} ms\n`);
clearInterval(timer);
app.write('\x03\x03');
await app.ended;
await server.close();
lock.release();
