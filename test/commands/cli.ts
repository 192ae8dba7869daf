import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src', 'main.ts');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly Event[];
}

export interface Event {
  readonly type: string;
  readonly step: number;
  readonly metrics?: Record<string, number>;
  readonly [key: string]: unknown;
}

export interface Running {
  readonly pid: number;
  readonly done: Promise<Finished>;
  /** Resolves when an event of this kind (and step) has been printed; rejects when the command ends before. */
  seen(type: string, step?: number): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

interface KelvinOptions {
  readonly input?: string;
  readonly env?: Record<string, string>;
  /** Behind the launcher, in a process group of its own; `pid` is the launcher's. */
  readonly launched?: boolean;
}

const launching = (args: readonly string[]): string[] => [
  '--input-type=module',
  '-e',
  `const { launch } = await import(${JSON.stringify(pathToFileURL(join(ROOT, 'bin', 'launch.mjs')).href)}); launch(${JSON.stringify(MAIN)}, ${JSON.stringify(args)});`,
];

/** Runs a command from source, in its own process. */
export function kelvin(args: readonly string[], options: KelvinOptions = {}): Running {
  const program = options.launched ? launching(args) : [MAIN, ...args];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...program], {
    cwd: ROOT,
    detached: options.launched ?? false,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  });
  const out = { stdout: '', stderr: '' };
  const waiting: {
    readonly type: string;
    readonly step: number | undefined;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  const check = (): void => {
    const events = parseEvents(out.stdout);
    for (const item of waiting)
      if (events.some((event) => event.type === item.type && (item.step === undefined || event.step === item.step))) item.resolve();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text;
    check();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const done = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => {
      for (const item of waiting) item.reject(new Error(`ended (${code ?? signal}) before ${item.type}: ${out.stderr}`));
      resolve({ code, signal, ...out, events: parseEvents(out.stdout) });
    });
  });
  return {
    pid: child.pid ?? -1,
    done,
    seen: (type, step) =>
      new Promise((resolve, reject) => {
        waiting.push({ type, step, resolve, reject });
        check();
      }),
    kill: (signal) => void child.kill(signal),
  };
}

const parseEvents = (stdout: string): Event[] =>
  stdout
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => (line.startsWith('{"type"') ? [JSON.parse(line) as Event] : []));

/** Metrics of the step events, without wall-clock figures. */
export const stepMetrics = (events: readonly Event[]): unknown[] =>
  events
    .filter((event) => event.type === 'step')
    .map(({ step, metrics }) => [
      step,
      Object.fromEntries(Object.entries(metrics ?? {}).filter(([path]) => !/^(time|throughput|memory)\//.test(path))),
    ]);

/** A small, bit-reproducible run on the bundled model. */
export const SMALL = [
  '--json',
  ...[
    'eval.suite=none',
    'algorithm.proposals=3',
    'algorithm.rollouts=3',
    'algorithm.seedFactor=0.4',
    'engine.threads=1',
    'engine.parallel=16',
    'checkpoint.every=1',
  ].flatMap((item) => ['--set', item]),
];

export function scratch(): { readonly dir: string; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), 'kelvin-cli-'));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

export const readJson = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8')) as unknown;
