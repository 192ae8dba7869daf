import type { RunEvent } from '../src/core/events.ts';
import { EMPTY_VIEW, fold } from '../src/core/fold.ts';
import { healthOf } from '../src/core/health.ts';
import { inline } from '../src/core/inert.ts';
import { TASK_TYPES } from '../src/core/types.ts';
import type { MemoryPlan, Metrics } from '../src/core/types.ts';
import { heldout, parameters } from './select.ts';

/** The plain display: one line an event, for pipes, logs and screen readers. Model text in it is inert. */
export interface LineContext {
  /** How a person names the run on the command line. */
  readonly run?: string | undefined;
  readonly totalSteps?: number | undefined;
  /** Evaluations so far, for the summary. */
  readonly evals?: readonly (readonly [number, Metrics])[] | undefined;
  /** Only ASCII in the line. */
  readonly ascii?: boolean | undefined;
}

const percentOf = (value: number | undefined): string => (value === undefined ? '-' : `${(value * 100).toFixed(1)} %`);

const whole = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(0)}`;

/** `deduction 45.0 %, abduction 63.1 %` for the types that have the metric. */
function perType(metrics: Metrics, prefix: string, format: (value: number) => string): string {
  return TASK_TYPES.flatMap((type) => {
    const value = metrics[`${prefix}/${type}`];
    return value === undefined ? [] : [`${type} ${format(value)}`];
  }).join(', ');
}

function mean(metrics: Metrics, prefix: string): number | undefined {
  const found = TASK_TYPES.flatMap((type) => metrics[`${prefix}/${type}`] ?? []);
  return found.length === 0 ? undefined : found.reduce((sum, value) => sum + value, 0) / found.length;
}

function stepLine(step: number, metrics: Metrics, context: LineContext): string {
  const part = (label: string, value: number | undefined, format: (value: number) => string): string[] =>
    value === undefined ? [] : [`${label} ${format(value)}`];
  const accuracy = perType(metrics, 'accuracy/solve', percentOf);
  return [
    `step ${step}${context.totalSteps ? `/${context.totalSteps}` : ''}`,
    ...(accuracy === '' ? [] : [`solved: ${accuracy}`]),
    ...part('valid', mean(metrics, 'valid/propose'), percentOf),
    ...part('learnability', mean(metrics, 'learnability'), (value) => value.toFixed(2)),
    ...part('length', mean(metrics, 'length/solve'), (value) => value.toFixed(0)),
    ...part('tokens/s', metrics['throughput/tokens_per_second'], (value) => value.toFixed(0)),
    ...part('seconds', metrics['time/step'], (value) => value.toFixed(1)),
  ].join(' | ');
}

const modeName = (path: string): string => path.replace('heldout/', '').replace('temp1', 'temperature 1').replaceAll('/', ' ');

function evalLine(step: number, metrics: Metrics): string {
  const parts = heldout([[step, metrics]]).map(({ path, before }) => `${modeName(path)} ${percentOf(before)}`);
  return `eval after step ${step}: held-out accuracy ${parts.join(', ') || 'not measured'}`;
}

/** Held-out accuracy before and after as lines of the summary. */
export function summaryLines(evals: readonly (readonly [number, Metrics])[]): string[] {
  return heldout(evals).map(({ path, before, now }) => {
    const change = (now - before) * 100;
    return Number.isFinite(now)
      ? `  held-out ${modeName(path)}: ${percentOf(before)} before, ${percentOf(now)} after (${change < 0 ? '' : '+'}${change.toFixed(1)} points)`
      : `  held-out ${modeName(path)}: ${percentOf(before)} before training`;
  });
}

/** The two evaluations in the summary of an `end` event (`before/heldout/temp1`, `after/heldout/temp1`), if they are there. */
function evalsOf(summary: Metrics): [number, Metrics][] | null {
  const part = (prefix: string): Metrics =>
    Object.fromEntries(
      Object.entries(summary).flatMap(([path, value]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), value]] : [])),
    );
  const [before, after] = [part('before/'), part('after/')];
  if (Object.keys(before).length === 0) return null;
  return Object.keys(after).length === 0 ? [[0, before]] : [[0, before], [1, after]]; // prettier-ignore
}

/** The memory that a run will take, in one line. */
export function planLine(plan: MemoryPlan): string {
  const size = (bytes: number): string => (bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(0)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`);
  const parts: readonly (readonly [string, number])[] = [
    ['weights', plan.weights + plan.adapter],
    ['gradients and optimiser', plan.gradients + plan.optimiser],
    [plan.checkpointing ? 'activations (checkpointed)' : 'activations', plan.activations],
    ['sampling', plan.sampler],
  ];
  return `memory: ${size(plan.total)} of ${size(plan.available)} free: ${parts.map(([name, bytes]) => `${name} ${size(bytes)}`).join(', ')}`;
}

const ENDED = { finished: 'finished', stopped: 'stopped, it can be resumed', error: 'ended by an error' } as const;

/**
 * The line for one event, or null for events that the plain display leaves out (phases, rollouts, tasks, notes of
 * severity 1). The end is followed by the summary, so it may span several lines.
 */
export function formatEventLine(event: RunEvent, context: LineContext = {}): string | null {
  const run = context.run ?? 'RUN';
  const safe = (text: string): string => inline(text, context.ascii ?? false);
  switch (event.type) {
    case 'start': {
      const { info } = event;
      const name = info.model.split(/[\\/]/).at(-1) ?? info.model;
      const tiers = event.tiers.length === 0 ? 'MONITOR OFF' : `monitor ${event.tiers.join('+')}`;
      return safe(
        `${event.resumed ? `resumed at step ${event.step}` : 'started'}: ${name}, ${parameters(info.parameters)} parameters, ${info.backend}, ${info.mode} | ${tiers}`,
      );
    }
    case 'plan':
      return planLine(event.plan);
    case 'step':
      return stepLine(event.step, event.metrics, context);
    case 'eval':
      return evalLine(event.step, event.metrics);
    case 'benchmark':
      return safe(
        `benchmark after step ${event.step}: ${event.suite} pass@1 ${percentOf(event.metrics['pass@1'])} of ${event.problems} problems`,
      );
    case 'tournament':
      return safe(
        `tournament of ${event.steps.length} checkpoints: ${event.steps.map((step, at) => `step ${step} ${whole(event.ratings[at]?.elo ?? NaN)}`).join(', ')} Elo`,
      );
    case 'finding': {
      const { finding } = event;
      if (finding.severity < 2) return null;
      return safe(
        `finding at step ${event.step}: severity ${finding.severity} ${finding.category} by ${finding.detector} in the ${finding.where} of ${event.rolloutId}: "${finding.quote.slice(0, 160)}"`,
      );
    }
    case 'pause': {
      const how =
        event.cause === 'user'
          ? `kelvin resume ${run} --reason "..."`
          : `look at it with "kelvin resume ${run}" in a terminal, or go on with "kelvin resume ${run} --reason ..."`;
      return safe(`PAUSED at step ${event.step} (${event.cause}): ${event.reason} | No update happens until a person resumes: ${how}`);
    }
    case 'resume':
      return safe(`resumed at step ${event.step} by ${event.by}: ${event.reason}`);
    case 'review':
      return safe(`review: ${event.rolloutId} ${event.label} by ${event.by}${event.reason === '' ? '' : `: ${event.reason}`}`);
    case 'control':
      return null;
    case 'drill':
      return event.caught
        ? `drill at step ${event.step}: caught, the run stops before its next update`
        : `drill at step ${event.step}: NOT CAUGHT, do not trust the monitor`;
    case 'checkpoint':
      return safe(`checkpoint after step ${event.step}`);
    case 'warning':
      return safe(`warning: ${event.message}`);
    case 'error':
      return safe(`error: ${event.message}`);
    case 'end':
      return [`${ENDED[event.cause]} after step ${event.step}`, ...summaryLines(evalsOf(event.summary) ?? context.evals ?? [])].join('\n');
    case 'phase':
    case 'rollouts':
    case 'tasks':
      return null;
  }
}

/** A formatter that remembers what later lines need: total steps and evaluations. */
export function createLineFormatter(run: string, ascii = false): (event: RunEvent) => string | null {
  let totalSteps: number | undefined;
  let evals: (readonly [number, Metrics])[] = [];
  let view = EMPTY_VIEW;
  let told = '';
  /** One line for what is off, when that has changed. */
  const healthLines = (event: RunEvent): string[] => {
    if (event.type !== 'start' && event.type !== 'step' && event.type !== 'drill') return [];
    // Only the newest step counts: a long run must not be kept in memory.
    view = fold({ ...view, steps: [] }, event);
    const alerts = healthOf({ view }).alerts.map(({ text }) => inline(text, ascii));
    const news = alerts.join(' ');
    if (news === told && event.type !== 'start') return [];
    told = news;
    return alerts.map((text) => `health: ${text}`);
  };
  return (event) => {
    if (event.type === 'start') {
      const steps = (event.config as { steps?: unknown } | null)?.steps;
      totalSteps = typeof steps === 'number' ? steps : undefined;
      evals = evals.filter(([step]) => step <= event.step);
    }
    if (event.type === 'eval') evals.push([event.step, event.metrics]);
    const lines = [formatEventLine(event, { run, totalSteps, evals, ascii }), ...healthLines(event)].filter((line) => line !== null);
    return lines.length === 0 ? null : lines.join('\n');
  };
}
