import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import type { Image, RunResult } from './language.ts';
import { PROGRESS_JOB, PROGRESS_RUNNING, PROGRESS_RUNS, PROGRESS_TICKS } from './protocol.ts';
import type { FromWorker, Job, JobResult, ToWorker, WorkerSetup } from './protocol.ts';
import { loadRuntime } from './runtimes.ts';

const { language, limits, shared, progress: progressBuffer } = workerData as WorkerSetup;
const port = parentPort;
if (port === null) throw new Error('environment/worker runs as a worker thread only.');
const post = (message: FromWorker): void => port.postMessage(message);

const progress = new Int32Array(progressBuffer);
// The one way to the collector without a flag on the command line.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const runtime = await loadRuntime(language);
const interpreter = await runtime.open({
  limits,
  shared,
  tick: () => void Atomics.add(progress, PROGRESS_TICKS, 1),
  collectGarbage,
});

/** Results are sent in groups: a message a run would cost more than the run. */
const GROUP_SIZE = 32;
const GROUP_MS = 20;

async function run(image: Image, job: Job, args: string, calls: 1 | 2): Promise<RunResult> {
  await interpreter.prepare(image);
  Atomics.add(progress, PROGRESS_RUNS, 1);
  Atomics.store(progress, PROGRESS_RUNNING, 1);
  const result = interpreter.run({ code: job.code, args, calls, image });
  Atomics.store(progress, PROGRESS_RUNNING, 0);
  return result;
}

async function runInput(job: Job, args: string): Promise<RunResult> {
  const calls = job.mode === 'proposal' || job.mode === 'twice' ? 2 : 1;
  const here = await run(0, job, args, calls);
  if (job.mode === 'single' || job.mode === 'twice' || here.verdict !== 'ok') return here;
  const there = await run(1, job, args, 1);
  if (there.verdict === 'timeout' || (there.verdict === 'ok' && there.output === here.output)) return there;
  if (here.chance) return { verdict: 'forbidden', detail: 'The output of the program depends on random numbers.' };
  return { verdict: 'nondeterministic', detail: 'Two fresh interpreters gave different outputs for the same input.' };
}

async function runJob(job: Job): Promise<JobResult> {
  Atomics.store(progress, PROGRESS_JOB, job.id);
  const start = performance.now();
  const results: RunResult[] = [];
  for (const args of job.inputs) {
    const result = await runInput(job, args);
    results.push(result);
    if (result.verdict !== 'ok') break;
  }
  return { id: job.id, results, ms: performance.now() - start };
}

async function work(jobs: readonly Job[]): Promise<void> {
  let group: JobResult[] = [];
  let sentAt = performance.now();
  const flush = (): void => {
    if (group.length > 0 || interpreter.worn) post({ type: 'results', results: group, worn: interpreter.worn });
    group = [];
    sentAt = performance.now();
  };
  for (const job of jobs) {
    if (interpreter.worn) break;
    group.push(await runJob(job));
    if (group.length >= GROUP_SIZE || performance.now() - sentAt > GROUP_MS) flush();
  }
  flush();
}

let tail = Promise.resolve();
port.on('message', ({ jobs }: ToWorker) => {
  tail = tail.then(() => work(jobs));
});

await interpreter.prepare(0);
await interpreter.prepare(1);
dropPermissions();
post({ type: 'ready' });

/** Everything is loaded: from now on this thread reads no file and starts no thread. Absent where Node has no permissions. */
function dropPermissions(): void {
  if (typeof process.permission?.drop !== 'function') return;
  for (const scope of ['fs.read', 'worker']) process.permission.drop(scope);
}
