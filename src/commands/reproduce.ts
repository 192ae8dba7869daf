import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import type { RunEvent } from '../core/events.ts';
import { jsonLine, sanitise } from '../core/inert.ts';
import type { Metrics } from '../core/types.ts';
import { EngineError } from '../engine/ports.ts';
import { sha256 } from '../models/cache.ts';
import { createRunFolder, findRun, readRun } from '../record/folder.ts';
import { forgetAnchor } from '../record/journal.ts';
import { verifyRecord } from '../record/verify.ts';
import { configChanges } from './config-diff.ts';
import { EXIT, UsageError } from './exits.ts';
import { modelFile, threadsFor } from './open.ts';
import { runsRoot } from './paths.ts';
import { detectorVersions, machineRecord } from './provenance.ts';
import { readEvents } from './recorded.ts';
import { runSession, versions } from './session.ts';
import type { SessionParts } from './session.ts';
import { createMonitor } from '../../safety/monitor.ts';

export interface ReproduceOptions {
  readonly run: string;
  /** Steps to compare; all that the run did with its first configuration when absent. */
  readonly steps?: number | undefined;
  /** Where the second run goes; a temporary folder, removed at the end, when absent. */
  readonly out?: string | undefined;
  /** Largest difference |a − b| / max(1, |a|, |b|) that counts as the same; 0: to the bit. */
  readonly tolerance?: number | undefined;
  /** Also repeat the held-out evaluations. */
  readonly eval?: boolean | undefined;
  readonly json: boolean;
  readonly parts?: SessionParts | undefined;
}

type Start = Extract<RunEvent, { type: 'start' }>;

/** Sums of several threads come in another order each time. */
const THREADED = 1e-3;
const MEASURED = /^(time|throughput|memory)\//;

/** Something that may explain a difference. */
export interface Circumstance {
  readonly what: string;
  readonly recorded: string;
  readonly now: string;
}

export interface Difference {
  readonly step: number;
  readonly metric: string;
  /** Null: there is no such figure. */
  readonly recorded: number | null;
  readonly now: number | null;
}

/**
 * `kelvin reproduce RUN`: runs the recorded configuration again from its seed and compares the metrics of each step with the record;
 * wall-clock figures are left out. Exit code 7 when they differ. Throws EngineError when the model is missing or another file.
 */
export async function reproduceCommand(options: ReproduceOptions): Promise<number> {
  const { dir } = findRun(runsRoot(), options.run);
  verifyRecord(dir);
  const events = readEvents(dir);
  const { start, steps } = repeatable(events, basename(dir), options.steps);
  const config = parseConfig(start.config, options.eval ? [] : ['eval.suite="none"'], `${dir}: the recorded configuration`);
  await requireModel(config, start);
  const threads = threadsFor(config.engine.threads, availableParallelism());
  const tolerance = options.tolerance ?? (threads === 1 ? 0 : THREADED);
  const circumstances = circumstancesOf(start, config);
  const say = (line: string): void => void (options.json || process.stdout.write(`${sanitise(line)}\n`));
  say(`Repeating ${steps} ${steps === 1 ? 'step' : 'steps'} of ${basename(dir)} with ${threads} ${threads === 1 ? 'thread' : 'threads'} …`);
  for (const { what, recorded, now } of circumstances) say(`other than recorded: ${what}: ${recorded} → ${now}`);

  const workshop = options.out === undefined ? mkdtempSync(join(tmpdir(), 'kelvin-reproduce-')) : null;
  let again: string | null = null;
  let repeated: readonly RunEvent[];
  try {
    again = createRunFolder({
      root: tmpdir(),
      runDir: workshop ? join(workshop, 'run') : resolve(options.out!),
      name: readRun(dir).name,
      config,
    });
    await repeat(again, config, steps, options.parts, say);
    repeated = readEvents(again);
  } finally {
    if (workshop) {
      if (again) forgetAnchor(again);
      rmSync(workshop, { recursive: true, force: true });
    }
  }
  const result = compare(events, repeated, steps, tolerance, options.eval ?? false);
  const same = result.first === null && result.steps === steps;
  if (options.json)
    process.stdout.write(
      `${jsonLine({ type: 'reproduce', ok: same, ...result, asked: steps, tolerance, circumstances, dir: options.out ?? null })}\n`,
    );
  else {
    const exact = tolerance === 0 ? 'the same to the bit' : `the same within ${tolerance}`;
    if (result.first) {
      const { step, metric, recorded, now } = result.first;
      say(
        `Step ${step} is the first that differs: ${metric} was ${recorded ?? 'absent'} and is ${now ?? 'absent'}; ${result.differing} of ${result.figures} figures differ.`,
      );
    } else say(`${result.steps} of ${steps} steps, ${result.figures} figures: ${exact}.`);
    if (result.paused !== null) say(`The repeated run paused: ${result.paused}`);
  }
  return same ? EXIT.ok : EXIT.failed;
}

/** The first start and how many steps were done with its configuration. */
function repeatable(
  events: readonly RunEvent[],
  name: string,
  asked: number | undefined,
): { readonly start: Start; readonly steps: number } {
  const start = events.find((event) => event.type === 'start');
  if (!start) throw new UsageError(`${name} has not begun yet; there is nothing to repeat.`);
  const changed = events.find(
    (event) => event.type === 'start' && configChanges(start.config, event.config).some(({ path }) => path !== 'steps'),
  );
  const done = events.reduce(
    (most, event) => (event.type === 'step' && (!changed || event.step <= changed.step) ? Math.max(most, event.step) : most),
    0,
  );
  if (done === 0) throw new UsageError(`${name} has done no step with the configuration that it began with; there is nothing to compare.`);
  if (asked !== undefined && (asked < 1 || asked > done))
    throw new UsageError(
      `${name} did ${done} ${done === 1 ? 'step' : 'steps'}${changed ? ' before its configuration was changed' : ''}; give --steps a number from 1 to ${done}.`,
    );
  return { start, steps: asked ?? done };
}

async function requireModel(config: Config, { info }: Start): Promise<void> {
  // The weights are the server's; nobody can ask for their hash.
  if (config.engine.kind === 'tinker') return;
  const file = await modelFile(config.model);
  if (!existsSync(file))
    throw new EngineError(
      'missing',
      `${file}, the model of the run, is not there. Put the file with SHA-256 ${info.modelHash} in that place.`,
    );
  const hash = await sha256(file);
  if (hash !== info.modelHash)
    throw new EngineError(
      'corrupt',
      `${file} is not the file that the run was made with (SHA-256 ${hash}, recorded ${info.modelHash}). Put the old one back.`,
    );
}

/** Versions, detectors and machine that are not as recorded. */
function circumstancesOf(start: Start, config: Config): Circumstance[] {
  const text = (value: unknown): string =>
    value === undefined ? 'not recorded' : typeof value === 'string' ? value : JSON.stringify(value);
  const differing = (group: string, recorded: object, now: object): Circumstance[] =>
    configChanges(recorded, now).map(({ path, before, after }) => ({ what: `${group} ${path}`, recorded: text(before), now: text(after) }));
  const monitor = config.safety.monitor ? createMonitor() : null;
  const { memoryMb: _, ...machine } = machineRecord();
  const { memoryMb: __, ...recorded } = start.machine ?? { memoryMb: 0 };
  return [
    ...differing('version', start.versions, versions()),
    ...(start.machine ? differing('machine', recorded, machine) : []),
    ...(start.detectors ? differing('detector', start.detectors, detectorVersions(monitor)) : []),
  ];
}

/** Runs `steps` steps; the configuration keeps its own number of steps, as the learning rate may follow from it. */
async function repeat(
  runDir: string,
  config: Config,
  steps: number,
  parts: SessionParts | undefined,
  say: (line: string) => void,
): Promise<void> {
  let stop = (): void => {};
  await runSession({
    runDir,
    config,
    exitOnPause: true,
    ...(parts ? { parts } : {}),
    onReady: (controls) => (stop = () => controls.requestStop()),
    onEvent: (event) => {
      if (event.type !== 'step') return;
      say(`  step ${event.step} of ${steps}`);
      if (event.step >= steps && steps < config.steps) stop();
    },
  });
}

/** Compares the figures of each step (and evaluation) with the record. */
export function compare(recorded: readonly RunEvent[], repeated: readonly RunEvent[], steps: number, tolerance: number, evals: boolean) {
  const figures = (events: readonly RunEvent[]): ReadonlyMap<string, { readonly step: number; readonly metrics: Metrics }> =>
    new Map(
      events.flatMap((event) =>
        (event.type === 'step' || (evals && event.type === 'eval')) && event.step <= steps
          ? [[`${event.step} ${event.type}`, { step: event.step, metrics: event.metrics }] as const]
          : [],
      ),
    );
  const before = figures(recorded);
  const after = figures(repeated);
  let first: Difference | null = null;
  let count = 0;
  let differing = 0;
  for (const [key, { step, metrics }] of [...after].sort(([, a], [, b]) => a.step - b.step)) {
    const old = before.get(key)?.metrics;
    // An evaluation that the record has at another place (a stop, a resume) has no counterpart.
    if (!old && key.endsWith('eval')) continue;
    for (const metric of new Set([...Object.keys(old ?? {}), ...Object.keys(metrics)])) {
      if (MEASURED.test(metric)) continue;
      count++;
      const [a, b] = [old?.[metric], metrics[metric]];
      if (a !== undefined && b !== undefined && close(a, b, tolerance)) continue;
      differing++;
      first ??= { step, metric, recorded: a ?? null, now: b ?? null };
    }
  }
  const pause = repeated.find((event) => event.type === 'pause');
  return {
    steps: [...after.keys()].filter((key) => key.endsWith('step')).length,
    figures: count,
    differing,
    first,
    paused: pause ? pause.reason : null,
  };
}

const close = (a: number, b: number, tolerance: number): boolean =>
  Object.is(a, b) || Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a), Math.abs(b));
