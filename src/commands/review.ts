import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { EMPTY_VIEW, fold } from '../core/fold.ts';
import type { RunView } from '../core/fold.ts';
import { inline } from '../core/inert.ts';
import { QUEUE_AT, reviewLines } from '../core/review.ts';
import { findRun } from '../record/folder.ts';
import { openJournalReader, verifyAudit } from '../record/journal.ts';
import { EXIT, UsageError } from './exits.ts';
import { runsRoot } from './paths.ts';
import { blindItems, blindReview } from './review/blind.ts';
import { ordinaryReview } from './review/ordinary.ts';
import type { ReviewScene } from './review/ordinary.ts';
import { jsonlReport, markdownReport } from './review/report.ts';
import { openSink } from './review/sink.ts';
import { terminalAsker } from './review/terminal.ts';
import type { Asker } from './review/terminal.ts';
import { userName } from './user.ts';

export interface ReviewOptions {
  readonly run: string;
  readonly export?: 'jsonl' | 'md' | undefined;
  readonly out?: string | undefined;
  readonly by?: string | undefined;
  readonly blind?: boolean | undefined;
  readonly count?: number | undefined;
  readonly seed?: number | undefined;
  /** Labelled findings, too. */
  readonly all?: boolean | undefined;
  /** Severity from which findings are shown. */
  readonly from?: number | undefined;
  /** For tests: a person without a terminal. */
  readonly asker?: Asker | undefined;
}

/** `kelvin review RUN`: label findings by keys in a plain terminal, on a live run or an ended one, or write a report of them. */
export async function reviewCommand(options: ReviewOptions): Promise<number> {
  const { dir } = findRun(runsRoot(), options.run);
  if (options.export) return exportReport(dir, options.export, options);
  if (options.out !== undefined) throw new UsageError('--out goes with --export jsonl or --export md.');
  if (!options.asker && !(process.stdin.isTTY && process.stdout.isTTY))
    throw new UsageError(
      `kelvin review asks by keys and needs a terminal. Without one: kelvin review ${options.run} --export md --out report.md`,
    );
  using reader = openJournalReader(dir);
  const view = follow(reader);
  const sink = openSink(dir, () => view().step);
  const asker = options.asker ?? terminalAsker(process.stdin, process.stdout);
  const scene: ReviewScene = { asker, sink, view, rollout: (id) => reader.rollout(id), by: options.by?.trim() || userName() };
  try {
    const pool = { rollouts: () => reader.rolloutCount({}), at: (offset: number) => reader.rollouts({ limit: 1, offset })[0] ?? null };
    const given = options.blind
      ? await blindReview(scene, blindItems(scene, pool, { count: options.count ?? 20, seed: options.seed ?? 1 }))
      : await ordinaryReview(scene, { all: Boolean(options.all), from: options.from ?? QUEUE_AT });
    asker.write(`\n${summary(view(), given).join('\n')}\n`);
    return EXIT.ok;
  } finally {
    asker.close();
    sink.close();
  }
}

/** The run's state, kept up to date from its journal. */
function follow(reader: ReturnType<typeof openJournalReader>): () => RunView {
  let view = EMPTY_VIEW;
  let seq = 0;
  return () => {
    for (const stored of reader.events(seq)) {
      view = fold(view, stored.event);
      seq = stored.seq;
    }
    return view;
  };
}

function exportReport(dir: string, format: 'jsonl' | 'md', options: ReviewOptions): number {
  using reader = openJournalReader(dir);
  const source = {
    run: basename(dir),
    view: follow(reader)(),
    audit: verifyAudit(dir),
    rollout: reader.rollout,
    from: options.from ?? QUEUE_AT,
  };
  const lines = format === 'md' ? markdownReport(source) : jsonlReport(source);
  if (options.out === undefined) {
    for (const line of lines) process.stdout.write(`${line}\n`);
    return EXIT.ok;
  }
  try {
    // Only the owner may read it: thoughts may hold what they fed in.
    writeFileSync(options.out, `${[...lines].join('\n')}\n`, { mode: 0o600 });
  } catch (error) {
    throw new UsageError(
      `${options.out} cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)}). Choose another --out.`,
    );
  }
  process.stdout.write(`${inline(options.out)} written.\n`);
  return EXIT.ok;
}

/** What there is after a session: open findings, precision, agreement, controls. */
export function summary(view: RunView, given: number): string[] {
  const open = view.flagged.filter((item) => item.label === 'new' && item.finding.severity >= QUEUE_AT);
  const escalated = view.flagged.filter((item) => item.label === 'escalated').length;
  return [
    `${given} ${given === 1 ? 'answer' : 'answers'} recorded. ${open.length} findings wait for review${escalated > 0 ? `, ${escalated} are escalated` : ''}.`,
    ...reviewLines(view).map((line) => `  ${inline(line)}`),
  ];
}
