import type { RolloutRecord, RunState } from '../src/core/events.ts';
import type { FlaggedThought, RunView } from '../src/core/fold.ts';
import { signOfPath } from '../src/core/emergence.ts';
import { healthOf } from '../src/core/health.ts';
import type { Health } from '../src/core/health.ts';
import { TASK_TYPES } from '../src/core/types.ts';
import type { Metrics, Task } from '../src/core/types.ts';
import type { Series } from './chart.ts';
import type { AppState, ThoughtFilter } from './store.ts';
import { filterOf } from './filter.ts';
import type { Tone } from './theme.ts';

/** What the screens derive from the state. Pure; arrays are cached by the identity of what they are made from. */

/** A silent process is called crashed after this long without its socket and without a journal event. */
const CRASHED_AFTER_MS = 5000;
/** Loading a model takes a while before the first event. */
const STILLBORN_AFTER_MS = 30_000;

/** The journal says what the run was told; only its socket says whether it still lives. */
export function runState(state: AppState): RunState {
  const own = state.view.state;
  if (state.connection !== 'gone' || (own !== 'running' && own !== 'starting') || state.view.ended) return own;
  if (state.lastWords !== null) return 'crashed';
  const quiet = state.now - Math.max(state.connectionSince, state.lastAt ?? 0);
  return quiet >= (state.lastAt === null ? STILLBORN_AFTER_MS : CRASHED_AFTER_MS) ? 'crashed' : own;
}

export const STATE_TONE: Readonly<Record<RunState, Tone>> = {
  starting: 'accent',
  running: 'good',
  paused: 'warn',
  finished: 'accent',
  stopped: 'muted',
  error: 'bad',
  crashed: 'bad',
};

/** The monitor's health as far as this window knows it. */
export function health(state: AppState): Health {
  const { view, status, audit } = state;
  return healthOf({ view, audit, counts: status && { read: status.read, generated: status.generated } });
}

export interface Banner {
  readonly text: string;
  /** What to do; stays whole when the text has to be cut. */
  readonly hint?: string;
  readonly tone: 'warn' | 'bad';
}

/** What must not be overlooked, worst first; null when all is well. Text may hold model or file text: sanitise. */
export function banner(state: AppState): Banner | null {
  const { view } = state;
  if (state.journalError) return { tone: 'bad', text: `The journal cannot be read: ${state.journalError}` };
  if (view.error && view.state === 'error') return { tone: 'bad', text: `The run ended with an error: ${view.error}` };
  if (runState(state) === 'crashed')
    return {
      tone: 'bad',
      text: `The run process is gone; its journal is whole.${state.lastWords === null ? '' : ` ${state.lastWords}`}`,
      hint: `kelvin resume ${state.runName}`,
    };
  if (view.pause) {
    const byPerson = view.pause.cause === 'user';
    const hint = state.connection === 'gone' ? `kelvin resume ${state.runName} --reason "..."` : 'r: resume with a reason';
    return { tone: byPerson ? 'warn' : 'bad', text: `${byPerson ? 'Paused' : 'PAUSED by the monitor'}: ${view.pause.reason}`, hint };
  }
  if (state.status?.alert)
    return { tone: 'bad', text: `PAUSED, nothing can be recorded: ${state.status.alert}`, hint: 'r: resume with a reason' };
  const [first, ...more] = health(state).alerts;
  if (!first) return null;
  const others = more.length === 0 ? '' : ` (and ${more.length} more: ${more.map(({ text }) => text).join(' ')})`;
  return { tone: first.grave ? 'bad' : 'warn', text: `${first.text}${others}` };
}

const seriesCache = new WeakMap<RunView['steps'], Map<string, number[]>>();

/** Values of one metric, one element a step; NaN where a step lacks it. */
export function values(steps: RunView['steps'], path: string): number[] {
  let cache = seriesCache.get(steps);
  if (!cache) seriesCache.set(steps, (cache = new Map()));
  let found = cache.get(path);
  if (!found) cache.set(path, (found = steps.map(([, metrics]) => metrics[path] ?? NaN)));
  return found;
}

export const latest = (steps: RunView['steps'], path: string): number => values(steps, path).findLast(Number.isFinite) ?? NaN;

/** One series a task type for `prefix/deduction` and so on; types that never appeared are left out. */
export function byType(steps: RunView['steps'], prefix: string): Series[] {
  return TASK_TYPES.map((type) => ({ values: values(steps, `${prefix}/${type}`), tone: type as Tone, label: type.slice(0, 3) })).filter(
    ({ values: v }) => v.some(Number.isFinite),
  );
}

const pathCache = new WeakMap<RunView['steps'], string[]>();

/** All metric paths of the run, sorted. */
export function metricPaths(steps: RunView['steps']): string[] {
  let found = pathCache.get(steps);
  if (!found) {
    const names = new Set<string>();
    for (const [, metrics] of steps) for (const name of Object.keys(metrics)) names.add(name);
    pathCache.set(steps, (found = [...names].sort()));
  }
  return found;
}

/** What to look for behind a point of a metric: of a way of thinking the rollouts that show it, of others all of the step. */
export function examplesOf(path: string | undefined): Partial<ThoughtFilter> {
  const sign = path === undefined ? null : signOfPath(path);
  return sign === null ? {} : { role: sign.role, taskType: sign.type, text: `sign:${sign.kind}` };
}

/** Metric paths that match the filter of the Charts screen. */
export function chartPaths(state: AppState): readonly string[] {
  const { text } = state.charts;
  const paths = metricPaths(state.view.steps);
  return text === '' ? paths : paths.filter((path) => filterOf(text).test(path));
}

export interface BeforeAfter {
  readonly path: string;
  readonly before: number;
  /** NaN while there is only the first evaluation. */
  readonly now: number;
}

/** Accuracies, overall and by task type; evaluations also carry lengths, formats and levels. */
const HELDOUT = /^heldout\/(temp1|greedy)(\/(deduction|abduction|induction))?$/;

/** Held-out figures of the first and of the newest evaluation, overall ones first. */
export function heldout(evals: readonly (readonly [number, Metrics])[]): BeforeAfter[] {
  const first = evals[0]?.[1];
  const newest = evals.length > 1 ? evals.at(-1)![1] : undefined;
  if (!first) return [];
  return Object.keys(first)
    .filter((path) => HELDOUT.test(path))
    .sort((a, b) => a.split('/').length - b.split('/').length || (a > b ? -1 : 1))
    .map((path) => ({ path, before: first[path]!, now: newest?.[path] ?? NaN }));
}

const NONE: readonly FlaggedThought[] = [];
const flaggedCache = new WeakMap<readonly FlaggedThought[], Map<string, FlaggedThought[]>>();

/** Findings on one rollout. */
export function findingsOf(flagged: readonly FlaggedThought[], rolloutId: string): readonly FlaggedThought[] {
  let cache = flaggedCache.get(flagged);
  if (!cache) {
    cache = new Map();
    for (const item of flagged) {
      const list = cache.get(item.rolloutId);
      if (list) list.push(item);
      else cache.set(item.rolloutId, [item]);
    }
    flaggedCache.set(flagged, cache);
  }
  return cache.get(rolloutId) ?? NONE;
}

export const findingKey = (item: FlaggedThought): string => `${item.rolloutId}/${item.index}`;

/** The review queue: open before labelled, severe before mild, new before old. */
export function queue(flagged: readonly FlaggedThought[], all: boolean, text: string): readonly FlaggedThought[] {
  return flagged
    .filter((item) => (all || item.label === 'new') && (text === '' || filterOf(text).test(haystack(item))))
    .sort((a, b) => Number(a.label !== 'new') - Number(b.label !== 'new') || b.finding.severity - a.finding.severity || b.step - a.step);
}

const haystack = ({ finding }: FlaggedThought): string => `${finding.category} ${finding.detector} ${finding.quote} ${finding.why}`;

const queueCache = new WeakMap<readonly FlaggedThought[], { key: string; queue: readonly FlaggedThought[] }>();

export function safetyQueue(state: AppState): readonly FlaggedThought[] {
  const { all, text } = state.safety;
  const key = `${all}/${text}`;
  const found = queueCache.get(state.view.flagged);
  if (found?.key === key) return found.queue;
  const made = queue(state.view.flagged, all, text);
  queueCache.set(state.view.flagged, { key, queue: made });
  return made;
}

/** Index of the selected finding in the queue; 0 when it left the queue. */
export function safetyIndex(state: AppState): number {
  const at = safetyQueue(state).findIndex((item) => findingKey(item) === state.safety.selected);
  return Math.max(0, at);
}

export const safetySelected = (state: AppState): FlaggedThought | null => safetyQueue(state)[safetyIndex(state)] ?? null;

/** The most severe finding behind an open pause. */
export function pauseFinding(state: AppState): FlaggedThought | null {
  const { pause, flagged } = state.view;
  if (!pause?.rolloutId) return null;
  const found = findingsOf(flagged, pause.rolloutId);
  return found.reduce<FlaggedThought | null>(
    (worst, item) => (!worst || item.finding.severity > worst.finding.severity ? item : worst),
    null,
  );
}

/** Whether the evidence card covers the screen now. */
export const cardOpen = (state: AppState): boolean =>
  state.pauseSeq !== null && state.view.pause !== null && state.view.pause.cause !== 'user' && state.asideSeq !== state.pauseSeq;

export const shownTasks = (rows: readonly Task[], text: string): readonly Task[] => {
  if (text === '') return rows;
  const { test } = filterOf(text);
  return rows.filter((task) => test(taskText(task)));
};

const taskText = (task: Task): string =>
  task.type === 'induction' ? `${task.id} ${task.program} ${task.message}` : `${task.id} ${task.program} ${task.input} ${task.output}`;

/** The selected rollout of the past list. */
export function selectedRollout(state: AppState): RolloutRecord | null {
  const { index, page } = state.thoughts;
  return page.rows[index - page.offset] ?? null;
}

/** Index of the live stream on show. */
export function selectedStream(state: AppState): number {
  const { follow, liveIndex } = state.thoughts;
  const at = follow ? state.live.findIndex((stream) => stream.key === state.followed) : liveIndex;
  return Math.max(0, Math.min(at, state.live.length - 1));
}

export const isFiltered = (filter: AppState['thoughts']['filter']): boolean =>
  filter.text !== '' ||
  [filter.role, filter.taskType, filter.outcome, filter.minSeverity, filter.step, filter.taskId].some((value) => value !== undefined);

/** `1:02:03`; `–` style unknowns are the caller's business. */
export function clock(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  return `${h}:${String(m).padStart(2, '0')}:${String(s).padStart(2, '0')}`;
}

export const percent = (fraction: number): string =>
  Number.isFinite(fraction) ? `${(fraction * 100).toFixed(fraction >= 0.9995 || fraction < 0.0005 ? 0 : 1)} %` : '-';

/** Plain name of a large count of parameters: `3.1M`. */
export function parameters(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)}B`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(0)}k` : String(count);
}
