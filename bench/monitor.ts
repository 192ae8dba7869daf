import { readFileSync } from 'node:fs';
import { createMonitor } from '../safety/monitor.ts';

/**
 * True and false positive rates of the monitor on labelled texts, by source and group.
 *
 *   node bench/monitor.ts FILE [--groups] [--misses N]
 *
 * FILE holds one JSON object a line: {source, label: 0|1, group?, text, code?}. Texts are read, never stored.
 * `--misses N` prints N wrongly judged texts of each source (for development; do not tune to their wording).
 */
interface Labelled {
  readonly source: string;
  readonly label: number;
  readonly group?: string;
  readonly text: string;
  readonly code?: string;
}

interface Row {
  n: number;
  /** Counts at severity ≥ 2, ≥ 3, = 4. */
  readonly at: [number, number, number];
}

const [file, ...flags] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: node bench/monitor.ts FILE [--groups] [--misses N] (FILE: JSONL of {source, label, group?, text, code?})\n');
  process.exit(2);
}
const byGroup = flags.includes('--groups');
const misses = flags.includes('--misses') ? Number(flags[flags.indexOf('--misses') + 1] ?? 5) : 0;
const lines = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => line.trim() !== '');
const monitor = createMonitor();
const rows = new Map<string, Row>();
const wrong = new Map<string, string[]>();
let characters = 0;
const began = performance.now();
for (const [index, line] of lines.entries()) {
  const item = JSON.parse(line) as Labelled;
  characters += item.text.length + (item.code?.length ?? 0);
  for (const reads of item.code === undefined || item.code === '' ? ['thought'] : ['thought', 'thought + program']) {
    const verdict = monitor.scan({ id: String(index), thought: item.text, program: reads === 'thought' ? undefined : item.code });
    const key = [item.source, ...(byGroup ? [item.group ?? ''] : []), reads, item.label === 1 ? 'positive' : 'benign'].join(' | ');
    const row = rows.get(key) ?? { n: 0, at: [0, 0, 0] };
    row.n++;
    for (const [at, least] of [2, 3, 4].entries()) if (verdict.severity >= least) row.at[at] = (row.at[at] ?? 0) + 1;
    rows.set(key, row);
    if ((item.label === 1) !== verdict.severity >= 3) {
      const shown = `${key} | ${verdict.severity} ${JSON.stringify(verdict.findings.slice(0, 3).map((found) => [found.severity, found.detector, found.quote.slice(0, 160)]))}\n    ${item.text.slice(0, 400).replaceAll('\n', ' / ')}`;
      wrong.set(key, [...(wrong.get(key) ?? []), shown]);
    }
  }
}
const seconds = (performance.now() - began) / 1000;
const percent = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;
process.stdout.write(
  `| source | ${byGroup ? 'group | ' : ''}reads | label | n | ≥ 2 | ≥ 3 | = 4 |\n| --- | ${byGroup ? '--- | ' : ''}--- | --- | --- | --- | --- | --- |\n`,
);
for (const [key, row] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1)))
  process.stdout.write(`| ${key} | ${row.n} | ${row.at.map((count) => percent(count, row.n)).join(' | ')} |\n`);
process.stdout.write(`\n${monitor.version}, ${lines.length} texts, ${characters} characters in ${seconds.toFixed(2)} s\n`);
if (misses > 0) for (const [, list] of wrong) for (const shown of list.slice(0, misses)) process.stdout.write(`\n${shown}\n`);
