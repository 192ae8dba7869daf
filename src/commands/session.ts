import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { speechFor } from '../core/prompts/index.ts';
import type { Speech } from '../core/prompts/index.ts';
import type { LiveMessage, RunEvent } from '../core/events.ts';
import { fold } from '../core/fold.ts';
import type { RunView } from '../core/fold.ts';
import type { MemoryPlan, Metrics } from '../core/types.ts';
import type { Config } from '../config.ts';
import { DRILL_THOUGHT } from '../../safety/drill.ts';
import { openEngine } from './open.ts';
import type { Engine } from '../engine/ports.ts';
import { openEnvironment } from './open.ts';
import { openMonitor } from './open-monitor.ts';
import { moduleHash } from '../environment/definitions.ts';
import type { Environment } from '../environment/port.ts';
import { evaluate } from '../eval/evaluate.ts';
import { heldoutTasks } from '../eval/heldout.ts';
import { createAnswered } from '../loop/answered.ts';
import { createConductor } from '../loop/conductor.ts';
import type { ConductorControls } from '../loop/conductor.ts';
import type { LoopContext } from '../loop/context.ts';
import { run } from '../loop/run.ts';
import { initialState, storeState } from '../loop/state.ts';
import type { LoopState } from '../loop/state.ts';
import { heldOutIn } from '../pretrain/split.ts';
import { openCurriculum } from '../tasks/curriculum.ts';
import { createBudget } from '../record/budget.ts';
import { collapseWarning } from './collapse-alarm.ts';
import { digestOf, saveCheckpoint } from '../record/checkpoint.ts';
import { serveControl } from '../record/control.ts';
import { openJournal } from '../record/journal.ts';
import { readRun } from '../record/run-files.ts';
import { takeLastWords } from '../record/last-words.ts';
import { acquireLock } from '../record/lock.ts';
import type { Lock } from '../record/lock.ts';
import type { Journal } from '../record/port.ts';
import { Closing } from './closing.ts';
import { isolationWarnings, knownIsolation, trustWarnings } from './isolation.ts';
import { lastDrill } from './drill/record.ts';
import { heldView } from './held-view.ts';
import { createLive } from './live.ts';
import { userName } from './user.ts';
import { checkChain, figureAt, hasRoom, openThoughtReader, tiersOff, untilWritten } from './watching.ts';
import { EXIT, explain } from './exits.ts';
import { ROOT } from './paths.ts';
import { detectorVersions, machineRecord } from './provenance.ts';
import { commandHandler } from './orders.ts';
import { createRecorder } from './recorder.ts';
import { knownAdapter, restore } from './restore.ts';

/** What a run was made with; dependencies are pinned, so their versions are those of the manifest. */
export function versions(): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    version: string;
    dependencies: Record<string, string>;
  };
  const { version, dependencies } = manifest;
  return { kelvin: version, node: process.versions.node, ...dependencies };
}

/** What a session runs on, for scripts and tests that bring their own. */
export interface SessionParts {
  readonly openEngine: typeof openEngine;
  readonly openEnvironment: typeof openEnvironment;
  readonly knownIsolation: typeof knownIsolation;
}

export interface SessionOptions {
  readonly runDir: string;
  readonly config: Config;
  /** Reason given for going on with a paused run. */
  readonly reason?: string | undefined;
  readonly exitOnPause?: boolean | undefined;
  /** Facts about this start that are recorded as warnings. */
  readonly notes?: readonly string[] | undefined;
  /** How engine and environment are opened; the ones that the config asks for when absent. */
  readonly parts?: SessionParts | undefined;
  /** Sees every event as it is recorded. */
  readonly onEvent: (event: RunEvent) => void;
  /** Called once the run can be steered, for instance by the drill. */
  readonly onReady?: ((controls: ConductorControls) => void) | undefined;
}

/**
 * One process's share of a run: opens what it needs, continues from the last complete step (or starts), runs the loop to
 * its end, a stop or a fault, and closes everything. Returns the exit code (docs/cli.md).
 */
export async function runSession(options: SessionOptions): Promise<number> {
  const { runDir, config, parts = { openEngine, openEnvironment, knownIsolation } } = options;
  await using stack = new Closing();
  const lock = stack.use(acquireLock(runDir));
  const before = takeLastWords(runDir);
  const { parent, started } = readRun(runDir);
  // What a wrong config breaks comes first, before anything is recorded.
  const curriculum = openCurriculum(config);
  const planned = (plan: MemoryPlan): void => options.onEvent({ type: 'plan', step: 0, plan });
  const engine = stack.use(await parts.openEngine(config, false, planned));
  const environment = stack.use(await parts.openEnvironment(config));
  const speech = speechFor(engine, { ...config, language: environment.language });
  const isolation = await parts.knownIsolation(config.language);
  const journal = stack.use(openJournal(runDir));
  const restored = restore(journal, runDir, started);
  const adapterHash = await knownAdapter(config, restored.events);
  const environmentHash = moduleHash(config.language);
  const state = restored.state ?? initialState();
  if (restored.dir) await engine.loadState(join(restored.dir, ENGINE_FOLDER));

  let view: RunView = heldView(restored.view, config.checkpoint.best);
  const answered = createAnswered();
  for (const event of restored.events) answered.take(event);
  const recorder = createRecorder(
    guardedBy(lock, journal),
    (event) => {
      view = fold(view, event);
      if (event.type === 'step') view = heldView(view, config.checkpoint.best);
      answered.take(event);
      options.onEvent(event);
    },
    (error) => conductor.pause('disk', error.message, null),
  );
  const { record } = recorder;

  const signals = { code: 0 };
  const conductor = createConductor(
    {
      onPause: (cause, reason, rolloutId) => {
        record([{ type: 'pause', step: state.current, cause, reason, rolloutId }]);
        if (options.exitOnPause) {
          signals.code = EXIT.paused;
          conductor.requestStop();
        }
      },
      onResume: (reason, by) => recorder.insist([{ type: 'resume', step: state.current, reason, by }]),
    },
    view.pause !== null,
  );
  const monitor = await openMonitor(config, stack);
  const server = await serveControl(runDir, commandHandler({ conductor, record, step: () => state.current }));
  stack.defer(() => server.close());
  const live = createLive(
    (message: LiveMessage) => server.broadcast(message),
    () => view,
    () => (recorder.waiting ? (view.pause?.reason ?? 'Events wait for the disk.') : null),
    () => environment.stats?.(),
  );
  stack.defer(() => live.close());
  onSignals(stack, conductor, (code) => (signals.code = code));

  recorder.insist([
    {
      type: 'start',
      step: state.step,
      config,
      info: engine.info,
      monitor: monitor?.version ?? 'off',
      tiers: monitor?.tiers ?? [],
      resumed: restored.events.length > 0,
      versions: versions(),
      off: tiersOff(monitor),
      drill: lastDrill(),
      machine: machineRecord(),
      detectors: detectorVersions(monitor),
      adapterHash,
      ...(environmentHash === null ? {} : { environmentHash }),
      began: started,
      ...(parent ? { parent } : {}),
    },
    ...(before === null ? [] : [{ type: 'warning' as const, step: state.step, message: `The run was interrupted. ${before}` }]),
    ...[...restored.warnings, ...(options.notes ?? [])].map((message): RunEvent => ({ type: 'warning', step: state.step, message })),
  ]);
  if (!monitor) record([{ type: 'warning', step: state.step, message: 'The safety monitor is switched off: no thought is read.' }]);
  record(
    trustWarnings(config.language, environmentHash, restored.events).map((message): RunEvent => ({
      type: 'warning',
      step: state.step,
      message,
    })),
  );
  record(isolationWarnings(isolation).map((message): RunEvent => ({ type: 'warning', step: state.step, message })));
  if (options.reason !== undefined && conductor.paused) conductor.resume(options.reason, userName());
  options.onReady?.(conductor);

  const context: LoopContext = {
    config,
    engine,
    environment,
    ...speech,
    reader: openThoughtReader(monitor, config, runDir, restored.events, answered.has),
    journal: {
      append: (events) => {
        record(events);
        const warning = collapseWarning(view, events);
        if (warning) record([warning]);
      },
      close: () => journal.close(),
    },
    conductor,
    state,
    curriculum,
    isHeldOut: heldOutIn(config.language),
    observer: live.observer,
    answered,
    drillThought: DRILL_THOUGHT,
  };
  const budget = createBudget(runDir);
  const cause = await run(context, {
    evaluate: evaluator(config, engine, speech, environment, live),
    checkpoint: async (step, metrics) => {
      lock.check();
      const { keep, milestone, best } = config.checkpoint;
      const score = best === '' ? undefined : (at: number) => figureAt(view, best, at, step, metrics);
      const save = () => saveCheckpoint(runDir, step, (dir) => saveEngine(engine, dir), storeState(state), { keep, milestone, score });
      const dir = await untilWritten(conductor, save);
      checkChain(runDir, conductor);
      return { dir, digest: digestOf(dir) };
    },
    room: () => hasRoom(conductor, budget),
    firstEval: view.evals[0]?.[1] ?? null,
  }).catch((error: unknown) => {
    recordFault(record, state, error);
    throw error;
  });
  // Written now if the disk allows it, else the last events are lost, and that must be said.
  if (recorder.waiting) recorder.insist([]);
  return cause === 'stopped' ? signals.code : EXIT.ok;
}

/** A process that lost its lock (it was asleep, or somebody deleted the file) writes nothing more beside the new holder. */
const guardedBy = (lock: Pick<Lock, 'check'>, journal: Journal): Journal => ({
  append(events) {
    lock.check();
    journal.append(events);
  },
  close: () => journal.close(),
});

/** The engine's files have a folder of their own in a checkpoint, beside the loop's state. */
export const ENGINE_FOLDER = 'engine';

async function saveEngine(engine: Engine, dir: string): Promise<void> {
  const folder = join(dir, ENGINE_FOLDER);
  mkdirSync(folder, { mode: 0o700 });
  await engine.saveState(folder);
}

function evaluator(
  config: Config,
  engine: Engine,
  speech: Speech,
  environment: Environment,
  live: ReturnType<typeof createLive>,
): (() => Promise<Metrics>) | null {
  const { suite, tasks } = config.eval;
  if (suite === 'none') return null;
  return () =>
    evaluate({
      engine,
      speech,
      environment,
      tasks: heldoutTasks(suite, tasks),
      seed: config.seed,
      maxTokens: config.algorithm.maxTokens.solve,
      onProgress: (done: number, total: number) => live.observer.phase('eval', done, total),
    });
}

function recordFault(record: (events: readonly RunEvent[]) => void, state: LoopState, error: unknown): void {
  try {
    record([
      { type: 'error', step: state.step, message: error instanceof Error ? error.message : String(error), exitCode: explain(error).code },
    ]);
  } catch {
    // The journal itself is the fault (a full disk): the message still reaches the terminal and the exit code.
  }
}

/** Sent to a process group, a signal comes twice within this: from its sender, and from the launcher, which passes it on. */
const ECHO_MS = 300;

/** First signal: finish the step, checkpoint, end. Second: end at once; the last complete step is on disk. */
function onSignals(stack: Closing, conductor: ConductorControls, setCode: (code: number) => void): void {
  let asked = -Infinity;
  const handle = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (now - asked < ECHO_MS) return;
    asked = now;
    const code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    if (conductor.stopping) process.exit(code);
    setCode(code);
    conductor.requestStop();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, handle);
    stack.defer(() => void process.off(signal, handle));
  }
}
