import { parseConfig } from '../../config.ts';
import type { Config } from '../../config.ts';
import { inline } from '../../core/inert.ts';
import type { PlannedRun } from '../../experiments/plan.ts';
import { createRunFolder, isAlive, readRunConfig } from '../../record/folder.ts';
import { isRun } from '../../record/run-files.ts';
import type { ChildRun, RunChild } from './child.ts';
import { changeLine, configChanges } from '../config-diff.ts';
import { EXIT, UsageError } from '../exits.ts';
import { viewOf } from '../recorded.ts';

export type PlacedRun = PlannedRun & { readonly dir: string };

/** Makes the run's folder, or makes sure that the one that is there is of the same configuration. */
export function prepare({ dir, config, name, label }: PlacedRun): void {
  if (!isRun(dir)) {
    createRunFolder({ root: dir, runDir: dir, name: `${label} ${config.seed}`, config });
    return;
  }
  const [change] = configChanges(stored(dir), config);
  if (change)
    throw new UsageError(
      `${name} was begun with another configuration (${changeLine(change)}). Name another folder with --out, or delete ${dir} to run it anew.`,
    );
}

function stored(dir: string): Config {
  return parseConfig(readRunConfig(dir), [], `${dir}: config.json`);
}

/** Tells a person how far it is. */
export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** A line that the next one replaces; only in a terminal. */
  show(line: string): void;
}

const CLEAR = '\r\u001b[K';

export function progressOn(stream: NodeJS.WriteStream): Progress {
  const clear = stream.isTTY ? CLEAR : '';
  return {
    say: (line) => void stream.write(`${clear}${line}\n`),
    show: (line) => void (stream.isTTY && stream.write(`${clear}${line.slice(0, stream.columns - 1)}`)),
  };
}

const POLL_MS = 1000;

/** Runs what is not finished, `jobs` at a time. Returns the exit code of the whole. */
export async function runAll(runs: readonly PlacedRun[], jobs: number, runChild: RunChild, { say, show }: Progress): Promise<number> {
  const state = { code: EXIT.ok as number, stopping: false };
  const live = new Map<string, { readonly child: ChildRun; step: number; readonly of: number }>();
  const onSignal = (signal: NodeJS.Signals): void => {
    state.stopping = true;
    state.code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated;
    say('Stopping: the runs under way finish their step …');
    for (const { child } of live.values()) child.stop(signal);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const queue = [...runs];
  let done = 0;
  const worker = async (): Promise<void> => {
    for (let run = queue.shift(); run && !state.stopping; run = queue.shift()) {
      const view = viewOf(run.dir);
      if (view.ended === 'finished') {
        done += 1;
        continue;
      }
      if (view.pause && !isAlive(run.dir)) {
        state.code ||= EXIT.paused;
        say(`${run.name} is paused: ${inline(view.pause.reason)} Read it, then: kelvin resume ${run.dir} --reason "why it may go on"`);
        continue;
      }
      if (isAlive(run.dir)) {
        say(`${run.name} is at work in another process; waiting for it.`);
        while (isAlive(run.dir) && !state.stopping) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        queue.unshift(run);
        continue;
      }
      say(`${run.name} (${done + live.size + 1} of ${runs.length}) …`);
      const started = performance.now();
      const child = runChild(run.dir, (step) => {
        const item = live.get(run.name);
        if (item) item.step = step;
        show([...live].map(([name, { step: at, of }]) => `${name} ${at}/${of}`).join(' · '));
      });
      live.set(run.name, { child, step: view.step, of: run.config.steps });
      const { code, words } = await child.done;
      live.delete(run.name);
      const minutes = ((performance.now() - started) / 60_000).toFixed(1);
      if (code === EXIT.ok) {
        done += 1;
        say(`${run.name}: finished after ${minutes} minutes; ${done} of ${runs.length} are done.`);
      } else if (code === EXIT.paused) {
        queue.unshift(run);
      } else if (!state.stopping) {
        // What broke one run most likely breaks them all.
        state.stopping = true;
        state.code = code;
        say(`${run.name} ended with exit code ${code}: ${inline(words)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, runs.length) }, worker));
  for (const signal of signals) process.off(signal, onSignal);
  return state.code;
}
