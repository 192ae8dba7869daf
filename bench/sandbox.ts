/**
 * Fresh executions a second in one worker, thousands in flight; Python beside `python3 -c` and a fork server of CPython
 * that has the same modules loaded, taking turns.
 *
 *   npm run bench sandbox [-- LANGUAGES EXECUTIONS ROUNDS]     default javascript,python 2000 3
 *
 * Wall-clock rates hold on a quiet machine only; the processor time of the sandbox process and the ratios hold longer.
 */
import { spawnSync } from 'node:child_process';
import { LANGUAGES, loadLanguage } from '../src/environment/languages.ts';
import type { SandboxEnvironment } from '../src/environment/sandbox.ts';
import { median } from './report.ts';

const [names = LANGUAGES.join(','), executions = '2000', rounds = '3'] = process.argv.slice(2);
const COUNT = Number(executions);
/** The others are slow: fewer runs say as much. */
const COMMANDS = 12;
const FORKS = 200;
/** Counts of the sandbox process come once a second. */
const REPORT_MS = 1_200;

const PROGRAMS: Readonly<Record<string, (index: number) => string>> = {
  javascript: (index) => `function f(x) { return x.map((v) => v * ${index}) }`,
  python: (index) => `def f(x):\n    return [v * ${index} for v in x]`,
};

const FORK_SERVER = `
import sys, os, time, math, re, json, random, string, collections, itertools, functools, heapq, bisect, datetime, copy, operator
n = int(sys.argv[1])
start = time.perf_counter()
for i in range(n):
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        scope = {}
        exec("def f(x):\\n    return [v * %d for v in x]" % i, scope)
        os.write(write, repr(scope["f"]([1, 2, 3])).encode())
        os._exit(0)
    os.close(write)
    os.read(read, 1000)
    os.close(read)
    os.waitpid(pid, 0)
print(n / (time.perf_counter() - start))
`;

interface Rate {
  readonly perSecond: number;
  /** Processor time of the sandbox process, milliseconds an execution. */
  readonly cpuMs: number;
}

async function ours(environment: SandboxEnvironment, program: (index: number) => string): Promise<Rate> {
  const before = environment.stats().cpuMs;
  const start = performance.now();
  const all = await Promise.all(Array.from({ length: COUNT }, (_, index) => environment.execute(program(index), '[1, 2, 3]')));
  const seconds = (performance.now() - start) / 1_000;
  if (all.some(({ verdict }) => verdict !== 'ok')) throw new Error('A program of the benchmark failed.');
  await new Promise((resolve) => setTimeout(resolve, REPORT_MS));
  return { perSecond: COUNT / seconds, cpuMs: (environment.stats().cpuMs - before) / COUNT };
}

function commandRate(): number {
  const start = performance.now();
  for (let index = 0; index < COMMANDS; index++)
    spawnSync('python3', ['-c', `f = lambda x: [v * ${index} for v in x]\nprint(f([1, 2, 3]))`]);
  return COMMANDS / ((performance.now() - start) / 1_000);
}

const forkRate = (): number => Number(spawnSync('python3', ['-c', FORK_SERVER, String(FORKS)], { encoding: 'utf8' }).stdout);
const say = (line: string): unknown => process.stdout.write(`${line}\n`);

for (const language of LANGUAGES.filter((known) => names.split(',').includes(known))) {
  const { open } = await loadLanguage(language);
  await using environment = await open({}, { workers: 1 });
  const program = PROGRAMS[language] as (index: number) => string;
  await ours(environment, program);
  const compare = language === 'python' && spawnSync('python3', ['--version']).status === 0;
  const rates: Rate[] = [];
  const commands: number[] = [];
  const forks: number[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    rates.push(await ours(environment, program));
    if (compare) {
      commands.push(commandRate());
      forks.push(forkRate());
    }
  }
  const own = median(rates.map(({ perSecond }) => perSecond));
  say(
    `${language}: ${own.toFixed(0)} fresh executions a second in one worker (${rates.map(({ perSecond }) => perSecond.toFixed(0)).join(' ')})`,
  );
  say(
    `  ${median(rates.map(({ cpuMs }) => cpuMs)).toFixed(2)} ms of processor time each in the sandbox process, ${environment.stats().rssMb} MB`,
  );
  if (!compare) continue;
  say(`  python3 -c: ${median(commands).toFixed(1)} a second; ours is ${(own / median(commands)).toFixed(1)} times as fast`);
  say(`  fork server: ${median(forks).toFixed(0)} a second; ours is ${(own / median(forks)).toFixed(2)} times as fast`);
}
