import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Parent, RunState } from '../core/events.ts';
import { nearest } from '../core/nearest.ts';
import { guarded } from './errors.ts';
import { isRun, readRun } from './run-files.ts';
import { isHeld, lockOwner } from './lock.ts';
import { RecordError } from './port.ts';
import { openJournalReader } from './reader.ts';

export { createRunFolder, readRun, readRunConfig, writeRunConfig } from './run-files.ts';
export type { NewRun, RunFacts } from './run-files.ts';

/** True when a process is at work on the run. */
export const isAlive = (dir: string): boolean => isHeld(dir);

/** One line of `kelvin runs`. */
export interface RunSummary {
  /** Name of the folder. */
  readonly name: string;
  readonly dir: string;
  /** `crashed`: the record says it runs, but no process does. A pause stays a pause without a process. */
  readonly state: RunState;
  readonly step: number;
  readonly totalSteps: number;
  /** ISO 8601. */
  readonly started: string;
  readonly config: string;
  /** Where a fork comes from; null for a run that began anew. */
  readonly parent: Parent | null;
  /** Process that runs it now, if any. */
  readonly pid: number | null;
  /** Why the run cannot be read, if it cannot; `state` is then `error`. */
  readonly problem: string | null;
}

/** The state of one run folder. Never throws for a damaged run: the summary says what is wrong with it. */
export function summarise(dir: string): RunSummary {
  const live = isHeld(dir);
  const base = { name: basename(dir), dir, pid: live ? (lockOwner(dir)?.pid ?? null) : null };
  let facts: Pick<RunSummary, 'started' | 'config' | 'parent'> = { started: '', config: '', parent: null };
  try {
    const { started, name, parent = null } = readRun(dir);
    facts = { started, config: name, parent };
    using reader = openJournalReader(dir);
    const { state, step, totalSteps } = reader.outline();
    const orphaned = !live && (state === 'running' || state === 'starting');
    return { ...base, ...facts, state: orphaned ? 'crashed' : state, step, totalSteps, problem: null };
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    // Between the creation of the folder and of its journal a run has no record yet.
    const state = error.code !== 'missing' ? 'error' : live ? 'starting' : 'crashed';
    return { ...base, ...facts, state, step: 0, totalSteps: 0, problem: state === 'starting' ? null : error.message };
  }
}

/** All runs under `root`, newest first. A missing root holds no runs. */
export function listRuns(root: string): RunSummary[] {
  const names = guarded(`cannot read ${root}`, () => (existsSync(root) ? readdirSync(root) : []));
  return names
    .map((name) => resolve(root, name))
    .filter(isRun)
    .map(summarise)
    .sort((a, b) => (a.started < b.started ? 1 : a.started > b.started ? -1 : a.name < b.name ? 1 : -1));
}

/**
 * The run that the user means: a path, a name under `root`, or an unambiguous beginning or end of one.
 * Throws `RecordError('missing')` that names the nearest run.
 */
export function findRun(root: string, nameOrPath: string): RunSummary {
  for (const path of [resolve(nameOrPath), resolve(root, nameOrPath)]) if (nameOrPath !== '' && isRun(path)) return summarise(path);
  const names = existsSync(root) && statSync(root).isDirectory() ? readdirSync(root).filter((name) => isRun(join(root, name))) : [];
  const matches = nameOrPath === '' ? [] : names.filter((name) => name.startsWith(nameOrPath) || name.endsWith(nameOrPath));
  if (matches.length === 1) return summarise(resolve(root, matches[0]!));
  if (matches.length > 1)
    throw new RecordError('missing', `"${nameOrPath}" fits ${matches.length} runs: ${matches.sort().join(', ')}. Write more of the name.`);
  const closest = nearest(nameOrPath, names);
  const hint = closest
    ? `Did you mean "${closest}"?`
    : names.length
      ? '`kelvin runs` lists the runs.'
      : 'There are no runs yet; `kelvin` starts one.';
  throw new RecordError('missing', `There is no run "${nameOrPath}" in ${resolve(root)}. ${hint}`);
}
