import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Box } from './box.ts';
import type { BoxResult, BoxRun } from './box.ts';
import { compileSandbox } from './gate.ts';
import { PROGRESS_JOB, PROGRESS_RUNS } from './protocol.ts';
import type { FromWorker, Job, JobResult, ToWorker, WorkerSetup } from './protocol.ts';

const { limits, progress: shared } = workerData as WorkerSetup;
const port = parentPort;
if (port === null) throw new Error('environment/worker runs as a worker thread only.');
const post = (message: FromWorker): void => port.postMessage(message);

const progress = new Int32Array(shared);
const sandbox = compileSandbox();
// The one way to the collector without a flag on the command line.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
/** Two images that differ in clock, random numbers (seeded by the clock) and in where things lie in memory. */
const first = new Box({ sandbox, limits, collectGarbage, clockMs: 1_000_000_000_000, padding: 1_024 });
const second = new Box({ sandbox, limits, collectGarbage, clockMs: 1_234_567_890_123, padding: 65_536 });

/** Results are sent in groups: a message a run would cost more than the run. */
const GROUP_SIZE = 32;
const GROUP_MS = 20;

async function run(box: Box, boxRun: BoxRun): Promise<BoxResult> {
  await box.prepare();
  Atomics.add(progress, PROGRESS_RUNS, 1);
  return box.run(boxRun);
}

async function runInput(job: Job, args: string): Promise<BoxResult> {
  const calls = job.mode === 'proposal' || job.mode === 'twice' ? 2 : 1;
  const here = await run(first, { code: job.code, args, calls });
  if (job.mode === 'single' || job.mode === 'twice' || here.verdict !== 'ok') return here;
  const there = await run(second, { code: job.code, args, calls: 1 });
  if (there.verdict === 'timeout' || (there.verdict === 'ok' && there.output === here.output)) return there;
  return { verdict: 'nondeterministic', detail: 'Two fresh interpreters gave different outputs for the same input.' };
}

async function runJob(job: Job): Promise<JobResult> {
  Atomics.store(progress, PROGRESS_JOB, job.id);
  const results: BoxResult[] = [];
  for (const args of job.inputs) {
    const result = await runInput(job, args);
    results.push(result);
    if (result.verdict !== 'ok') break;
  }
  return { id: job.id, results };
}

async function work(jobs: readonly Job[]): Promise<void> {
  let group: JobResult[] = [];
  let sentAt = performance.now();
  const flush = (): void => {
    if (group.length > 0) post({ type: 'results', results: group });
    group = [];
    sentAt = performance.now();
  };
  for (const job of jobs) {
    group.push(await runJob(job));
    if (group.length >= GROUP_SIZE || performance.now() - sentAt > GROUP_MS) flush();
  }
  flush();
}

let tail = Promise.resolve();
port.on('message', ({ jobs }: ToWorker) => {
  tail = tail.then(() => work(jobs));
});

await Promise.all([first.prepare(), second.prepare()]);
post({ type: 'ready' });
