import { inline } from '../core/inert.ts';
import type { RunSource } from './source.ts';
import { TextFile } from './target.ts';

/** A text cell that no spreadsheet takes for a formula (OWASP, CSV injection) and that stays one cell. */
export function csvText(text: string): string {
  const inert = inline(text);
  const guarded = /^[\s]*[=+\-@]/u.test(inert) ? `'${inert}` : inert;
  return /[",;']/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}

/** RFC 4180: one line for each step and each held-out evaluation, a column for each metric, empty where there is none. Returns the lines. */
export function writeCsv(source: RunSource, path: string): number {
  const names = new Set<string>();
  for (const { metrics } of source.metrics()) for (const name of Object.keys(metrics)) names.add(name);
  const sorted = [...names].sort();
  using out = new TextFile(path);
  out.write(`${['step', 'event', 'time', ...sorted.map(csvText)].join(',')}\r\n`);
  let rows = 0;
  for (const { step, event, at, metrics } of source.metrics()) {
    const values = sorted.map((name) => {
      const value = metrics[name];
      return value === undefined ? '' : Object.is(value, -0) ? '-0' : String(value);
    });
    out.write(`${[step, event, new Date(at).toISOString(), ...values].join(',')}\r\n`);
    rows++;
  }
  return rows;
}
