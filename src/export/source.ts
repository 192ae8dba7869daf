import { basename } from 'node:path';
import type { RolloutRecord, RunEvent } from '../core/events.ts';
import { EMPTY_VIEW, fold } from '../core/fold.ts';
import type { FlaggedThought, RunView } from '../core/fold.ts';
import type { Metrics, Task } from '../core/types.ts';
import { readRun, readRunConfig } from '../record/folder.ts';
import { openJournalReader, verifyAudit } from '../record/journal.ts';
import type { AuditReport } from '../record/journal.ts';
import { verifyRecord } from '../record/verify.ts';

/** Events read at a time: memory stays flat however long the run was. */
const PAGE = 1000;

export interface MetricPoint {
  readonly step: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `step`: training; `eval`: held-out tasks. */
  readonly event: 'step' | 'eval';
  readonly metrics: Metrics;
}

export type StartEvent = Extract<RunEvent, { type: 'start' }>;

/** A run as its exports see it: everything in the order in which it happened, never all at once in memory. */
export interface RunSource {
  readonly dir: string;
  /** Name of the folder. */
  readonly name: string;
  /** ISO 8601. */
  readonly started: string;
  /** Name of the model's file, without the folders of this machine. */
  readonly model: string;
  /** Configuration as it stands now. */
  readonly config: unknown;
  readonly view: RunView;
  /** Every start and resume, oldest first. */
  readonly starts: readonly (StartEvent & { readonly at: number })[];
  /** Time of the newest event, ms since the epoch. */
  readonly lastAt: number;
  readonly audit: AuditReport;
  tasks(): Generator<Task>;
  /** By step, oldest first. Of steps that a resume discarded there are none. */
  rollouts(): Generator<RolloutRecord>;
  rolloutCount(query: { readonly role?: string; readonly outcome?: string }): number;
  rollout(id: string): RolloutRecord | null;
  findings(): readonly FlaggedThought[];
  metrics(): Generator<MetricPoint>;
  [Symbol.dispose](): void;
}

/** Opens a run, live or ended, for reading. Throws `RecordError` when it cannot be read, or any row of it is damaged. */
export function openSource(dir: string): RunSource {
  const { started } = readRun(dir);
  const config = readRunConfig(dir);
  verifyRecord(dir);
  const audit = verifyAudit(dir);
  const reader = openJournalReader(dir);
  function* events(): Generator<{ readonly at: number; readonly event: RunEvent }> {
    for (let after = 0; ;) {
      const page = reader.events(after, PAGE);
      yield* page;
      if (page.length < PAGE) return;
      after = page.at(-1)!.seq;
    }
  }
  let view: RunView = EMPTY_VIEW;
  let lastAt = Date.parse(started) || 0;
  let lastStep = 0;
  const starts: (StartEvent & { at: number })[] = [];
  try {
    for (const { at, event } of events()) {
      view = fold(view, event);
      lastAt = at;
      lastStep = Math.max(lastStep, event.step);
      if (event.type === 'start') starts.push({ ...event, at });
    }
  } catch (error) {
    reader.close();
    throw error;
  }
  return {
    dir,
    name: basename(dir),
    started,
    model: (view.info?.model ?? 'unknown').split(/[/\\]/).at(-1)!,
    config,
    view,
    starts,
    lastAt,
    audit,
    *tasks() {
      for (const { event } of events()) if (event.type === 'tasks') yield* event.tasks;
    },
    *rollouts() {
      for (let step = 0; step <= lastStep; step++) yield* reader.rollouts({ step, limit: -1 }).reverse();
    },
    rolloutCount: (query) => reader.rolloutCount(query),
    rollout: (id) => reader.rollout(id),
    findings: () => view.flagged,
    *metrics() {
      for (const { at, event } of events())
        if (event.type === 'step' || event.type === 'eval') yield { step: event.step, at, event: event.type, metrics: event.metrics };
    },
    [Symbol.dispose]: () => reader.close(),
  };
}
