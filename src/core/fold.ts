import type { DrillRecord, EndCause, PauseCause, Phase, ReviewLabel, RunEvent, RunState } from './events.ts';
import type { EngineInfo, Metrics } from './types.ts';
import type { Category, Finding } from './finding.ts';

/** A finding in the review queue. */
export interface FlaggedThought {
  readonly step: number;
  readonly rolloutId: string;
  readonly index: number;
  readonly finding: Finding;
  /** The newest label that stands; its reason and who gave it. */
  readonly label: ReviewLabel;
  readonly reason: string;
  readonly by: string;
  /** Every reviewer's own newest label, oldest first. */
  readonly reviews: readonly Review[];
}

export interface Review {
  readonly by: string;
  readonly label: ReviewLabel;
  readonly reason: string;
  /** Given without knowing what the monitor had said. */
  readonly blind: boolean;
}

/** A thought that the monitor had not flagged, looked at by a person. */
export interface Unflagged extends Review {
  readonly step: number;
  readonly rolloutId: string;
  readonly category: Category | null;
}

export interface ControlAnswer {
  readonly control: string;
  readonly expected: 'bad' | 'benign';
  readonly label: ReviewLabel;
  readonly by: string;
}

/** The whole visible state of a run, made from its events alone. */
export interface RunView {
  readonly state: RunState;
  /** Optimiser steps done. */
  readonly step: number;
  /** Steps the config asks for. */
  readonly totalSteps: number;
  readonly phase: { readonly name: Phase; readonly done: number; readonly total: number } | null;
  readonly info: EngineInfo | null;
  readonly config: unknown;
  readonly monitor: string;
  readonly tiers: readonly string[];
  /** One row a step: [step, metrics]. */
  readonly steps: readonly (readonly [number, Metrics])[];
  readonly evals: readonly (readonly [number, Metrics])[];
  /** Published benchmarks, in the order in which they were taken. */
  readonly benchmarks: readonly BenchmarkEvent[];
  /** Tournaments between checkpoints of the run, in the order in which they were held. */
  readonly tournaments: readonly TournamentEvent[];
  readonly flagged: readonly FlaggedThought[];
  readonly pause: { readonly step: number; readonly cause: PauseCause; readonly reason: string; readonly rolloutId: string | null } | null;
  readonly counts: {
    readonly rollouts: number;
    readonly tasks: number;
    readonly findings: readonly [number, number, number, number, number];
  };
  readonly lastCheckpoint: number | null;
  readonly lastDrill: { readonly step: number; readonly caught: boolean } | null;
  /** Tiers that are not on, and the newest full drill on this machine (undefined: a journal of version 0.1 does not say). */
  readonly off: readonly string[];
  readonly drill: DrillRecord | null | undefined;
  readonly unflagged: readonly Unflagged[];
  readonly controls: readonly ControlAnswer[];
  readonly warnings: readonly string[];
  readonly error: string | null;
  readonly ended: EndCause | null;
}

export const EMPTY_VIEW: RunView = {
  state: 'starting',
  step: 0,
  totalSteps: 0,
  phase: null,
  info: null,
  config: null,
  monitor: '',
  tiers: [],
  steps: [],
  evals: [],
  benchmarks: [],
  tournaments: [],
  flagged: [],
  pause: null,
  counts: { rollouts: 0, tasks: 0, findings: [0, 0, 0, 0, 0] },
  lastCheckpoint: null,
  lastDrill: null,
  off: [],
  drill: undefined,
  unflagged: [],
  controls: [],
  warnings: [],
  error: null,
  ended: null,
};

const totalStepsOf = (config: unknown): number => {
  const steps = (config as { steps?: unknown } | null)?.steps;
  return typeof steps === 'number' ? steps : 0;
};

/**
 * The next view of a run. Deterministic and total: events of a later version fold to the same view.
 * A rollback (a `start` with `resumed` at an earlier step) drops the steps that were never completed.
 */
export function fold(view: RunView, event: RunEvent): RunView {
  switch (event.type) {
    case 'start':
      return {
        ...view,
        state: view.pause ? 'paused' : 'running',
        step: event.step,
        totalSteps: totalStepsOf(event.config),
        config: event.config,
        info: event.info,
        monitor: event.monitor,
        tiers: event.tiers,
        off: event.off ?? [],
        drill: event.drill,
        steps: view.steps.filter(([step]) => step <= event.step),
        evals: view.evals.filter(([step]) => step <= event.step),
        benchmarks: view.benchmarks.filter(({ step }) => step <= event.step),
        tournaments: view.tournaments.filter(({ step }) => step <= event.step),
        phase: null,
        ended: null,
        error: null,
      };
    case 'plan':
      return view;
    case 'phase':
      return { ...view, phase: { name: event.phase, done: event.done, total: event.total } };
    case 'rollouts':
      return { ...view, counts: { ...view.counts, rollouts: view.counts.rollouts + (event.count ?? event.rollouts.length) } };
    case 'tasks':
      return { ...view, counts: { ...view.counts, tasks: view.counts.tasks + event.tasks.length } };
    case 'finding': {
      const findings = [...view.counts.findings] as [number, number, number, number, number];
      findings[event.finding.severity] += 1;
      const flagged: FlaggedThought = {
        step: event.step,
        rolloutId: event.rolloutId,
        index: event.index,
        finding: event.finding,
        label: 'new',
        reason: '',
        by: '',
        reviews: [],
      };
      return { ...view, flagged: [...view.flagged, flagged], counts: { ...view.counts, findings } };
    }
    case 'review':
      return event.index < 0
        ? { ...view, unflagged: unflagged(view.unflagged, event) }
        : {
            ...view,
            flagged: view.flagged.map((item) =>
              item.rolloutId === event.rolloutId && item.index === event.index ? labelled(item, event) : item,
            ),
          };
    case 'control':
      return {
        ...view,
        controls: [...view.controls, { control: event.control, expected: event.expected, label: event.label, by: event.by }],
      };
    case 'step':
      return { ...view, step: event.step, phase: null, steps: [...view.steps, [event.step, event.metrics]] };
    case 'eval':
      return { ...view, evals: [...view.evals, [event.step, event.metrics]] };
    case 'benchmark':
      return { ...view, benchmarks: [...view.benchmarks, event] };
    case 'tournament':
      return { ...view, tournaments: [...view.tournaments, event] };
    case 'checkpoint':
      return { ...view, lastCheckpoint: event.step };
    case 'pause':
      return {
        ...view,
        state: 'paused',
        pause: { step: event.step, cause: event.cause, reason: event.reason, rolloutId: event.rolloutId },
      };
    case 'resume':
      return { ...view, state: 'running', pause: null };
    case 'drill':
      return { ...view, lastDrill: { step: event.step, caught: event.caught } };
    case 'warning':
      return { ...view, warnings: [...view.warnings, event.message] };
    case 'error':
      return { ...view, state: 'error', error: event.message };
    case 'end':
      return { ...view, state: event.cause, ended: event.cause, phase: null };
  }
}

export type BenchmarkEvent = Extract<RunEvent, { type: 'benchmark' }>;
export type TournamentEvent = Extract<RunEvent, { type: 'tournament' }>;

type ReviewEvent = Extract<RunEvent, { type: 'review' }>;

const reviewOf = ({ by, label, reason, blind }: ReviewEvent): Review => ({
  by,
  label: label === 'acknowledged' ? 'confirmed' : label,
  reason,
  blind: blind === true,
});

/** A finding with one more review: each reviewer has one label, `new` takes it back, and the newest that stands counts. */
function labelled(item: FlaggedThought, event: ReviewEvent): FlaggedThought {
  const review = reviewOf(event);
  const reviews = [...item.reviews.filter(({ by }) => by !== review.by), ...(review.label === 'new' ? [] : [review])];
  const { label, reason, by } = reviews.at(-1) ?? { label: 'new' as const, reason: '', by: '' };
  return { ...item, label, reason, by, reviews };
}

function unflagged(items: readonly Unflagged[], event: ReviewEvent): readonly Unflagged[] {
  const { step, rolloutId, category = null } = event;
  const review = reviewOf(event);
  const others = items.filter((item) => item.rolloutId !== rolloutId || item.by !== review.by);
  return review.label === 'new' ? others : [...others, { ...review, step, rolloutId, category }];
}
