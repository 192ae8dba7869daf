import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { inline, jsonLine } from '../core/inert.ts';
import { findRun } from '../record/folder.ts';
import { readAudit, stateDir, verifyAudit } from '../record/journal.ts';
import type { AuditEntry, AuditReport } from '../record/journal.ts';
import { RecordError } from '../record/port.ts';
import { EXIT } from './exits.ts';
import { runsRoot } from './paths.ts';

export interface AuditOptions {
  readonly run: string;
  readonly json: boolean;
  /** Only the verdict, without the entries. */
  readonly quiet?: boolean | undefined;
}

/**
 * `kelvin audit RUN`: what was decided in a run, by whom and why, and whether anybody changed that record since. Works on
 * live and on ended runs. Exit code 7 when the chain is broken.
 */
export function auditCommand({ run, json, quiet = false }: AuditOptions): number {
  const { dir } = findRun(runsRoot(), run);
  const report = check(dir);
  const entries = report.readable && !quiet ? readAudit(dir) : [];
  const { readable: _, ...verdict } = report;
  if (json) {
    for (const entry of entries) process.stdout.write(`${jsonLine({ type: 'entry', ...entry })}\n`);
    process.stdout.write(`${jsonLine({ type: 'audit', run: dir, ...verdict, anchors: anchorsOf(dir, verdict) })}\n`);
  } else {
    for (const line of entryLines(entries, verdict.firstBroken)) process.stdout.write(`${line}\n`);
    process.stdout.write(`${verdictLine(verdict)}\n`);
  }
  return verdict.ok ? EXIT.ok : EXIT.failed;
}

/** A journal that cannot be read at all is a broken log, not a fault of the command. */
function check(dir: string): AuditReport & { readonly readable: boolean } {
  try {
    return { ...verifyAudit(dir), readable: true };
  } catch (error) {
    if (!(error instanceof RecordError) || (error.code !== 'corrupt' && error.code !== 'missing')) throw error;
    return {
      ok: false,
      entries: 0,
      firstBroken: 1,
      reason: `the journal cannot be read: ${error.message}`,
      anchored: false,
      readable: false,
    };
  }
}

const anchorsOf = (dir: string, { anchored }: AuditReport) => ({
  folder: existsSync(join(dir, 'audit.head')),
  state: anchored,
  stateDir: stateDir(),
});

function verdictLine(report: AuditReport): string {
  if (!report.ok) return `BROKEN at entry ${report.firstBroken ?? 1} of ${report.entries}: ${inline(report.reason ?? '')}.`;
  const anchors = report.anchored
    ? 'audit.head and the state folder agree'
    : 'audit.head agrees; the state folder has no anchor of this run (moved here, or of another machine)';
  return `The audit log is whole: ${report.entries} ${report.entries === 1 ? 'entry' : 'entries'}; ${anchors}.`;
}

/** One line an entry: when, what, who, why. Text of people and models is inert. */
export function entryLines(entries: readonly AuditEntry[], firstBroken = Infinity): string[] {
  let before: Readonly<Record<string, unknown>> | null = null;
  return entries.map((entry) => {
    const what = entry.kind === 'start' ? describeStart(entry.body, before) : describe(entry);
    if (entry.kind === 'start') before = entry.body;
    const mark = entry.n >= firstBroken ? '!' : ' ';
    const at = new Date(entry.at);
    const when = Number.isNaN(at.getTime()) ? '?' : at.toISOString().slice(0, 19).replace('T', ' ');
    return `${mark}${String(entry.n).padStart(4)}  ${when}  ${entry.kind.padEnd(8)} ${inline(what)}`;
  });
}

const text = (value: unknown): string => (typeof value === 'string' ? value : value === undefined ? '?' : JSON.stringify(value));

function describe({ kind, body }: AuditEntry): string {
  const step = `step ${text(body['step'])}`;
  const reason = body['reason'] ? `: ${text(body['reason'])}` : '';
  if (kind === 'pause') return `${step}, ${text(body['cause'])}${reason}`;
  if (kind === 'resume') return `${step}, by ${text(body['by'])}${reason}`;
  if (kind === 'review') {
    const finding = Number(body['index']) < 0 ? 'no finding' : `finding ${text(body['index'])}`;
    return `${text(body['rolloutId'])}, ${finding}: ${text(body['label'])}${body['blind'] ? ' (blind)' : ''} by ${text(body['by'])}${reason}`;
  }
  if (kind === 'control') return `${text(body['control'])} is ${text(body['expected'])}: ${text(body['label'])} by ${text(body['by'])}`;
  if (kind === 'drill') return `${step}, ${text(body['rolloutId'])}: ${body['caught'] ? 'caught' : 'NOT CAUGHT'}`;
  if (kind === 'finding') {
    const finding = (body['finding'] ?? {}) as Record<string, unknown>;
    return `${text(body['rolloutId'])}: severity ${text(finding['severity'])} ${text(finding['category'])} by ${text(finding['detector'])}: “${text(finding['quote']).slice(0, 160)}”`;
  }
  return text(body).slice(0, 300);
}

/** A start: the monitor it runs with, and what changed since the start before. */
function describeStart(body: Readonly<Record<string, unknown>>, before: Readonly<Record<string, unknown>> | null): string {
  const monitor = (of: Readonly<Record<string, unknown>>): string =>
    of['monitor'] === 'off'
      ? 'MONITOR OFF'
      : `monitor ${text(of['monitor'])} (${Array.isArray(of['tiers']) ? of['tiers'].map(text).join('+') : '?'})`;
  const parent = body['parent'] as { readonly run?: unknown; readonly step?: unknown } | undefined;
  const forked = parent && before?.['parent'] === undefined ? `, forked from ${text(parent.run)} at step ${text(parent.step)}` : '';
  const head = `step ${text(body['step'])}${forked}, ${monitor(body)}`;
  if (before === null) return head;
  const changes = [
    ...(monitor(before) === monitor(body) ? [] : [`monitor was ${monitor(before)}`]),
    ...differences(before['config'], body['config'], 'config'),
    ...differences(before['versions'], body['versions'], 'version'),
  ];
  return `${head}; ${changes.length === 0 ? 'nothing changed' : `changed: ${changes.join(', ')}`}`;
}

/** `path: old → new` for each leaf that differs. */
function differences(before: unknown, after: unknown, path: string): string[] {
  const isGroup = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isGroup(before) && isGroup(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      differences(before[key], after[key], `${path}.${key}`),
    );
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [`${path}: ${text(before)} → ${text(after)}`];
}
