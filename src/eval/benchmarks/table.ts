import { SUITES } from './suites/index.ts';
import type { Outcome } from './store.ts';

/**
 * Models in rows, benchmarks in columns, as in Table 1 of Absolute Zero: three of code and their mean, six of mathematics and their
 * mean, the mean of both means. Other suites stand behind. pass@1 in percent; `-` is not measured.
 */
const CODE = ['humaneval+', 'mbpp+', 'livecodebench'] as const;
const MATHEMATICS = ['aime24', 'aime25', 'amc', 'math500', 'minerva', 'olympiadbench'] as const;
const HEADS: Readonly<Record<string, string>> = {
  'humaneval+': 'HEval+',
  'mbpp+': 'MBPP+',
  livecodebench: 'LCB',
  aime24: "AIME'24",
  aime25: "AIME'25",
  amc: 'AMC',
  math500: 'M500',
  minerva: 'Minerva',
  olympiadbench: 'Olympiad',
};

export interface TableRow {
  readonly label: string;
  /** By suite, in percent. */
  readonly scores: Readonly<Record<string, number>>;
  /** Suites of which only a part was measured. */
  readonly partial: readonly string[];
  readonly code: number | null;
  readonly mathematics: number | null;
  readonly total: number | null;
}

/** The newest outcome of each model and suite; a whole suite goes before a part of it. Means only of complete groups. */
export function tableRows(outcomes: readonly Outcome[]): TableRow[] {
  const models = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const key = `${outcome.modelHash} ${outcome.adapterHash ?? ''}`;
    models.set(key, [...(models.get(key) ?? []), outcome]);
  }
  return [...models.values()].map((of) => {
    const chosen = new Map<string, Outcome>();
    for (const outcome of of) {
      const before = chosen.get(outcome.suite);
      if (before === undefined || isWhole(outcome) || !isWhole(before)) chosen.set(outcome.suite, outcome);
    }
    const scores = Object.fromEntries(
      [...chosen].flatMap(([suite, { metrics }]) => (metrics['pass@1'] === undefined ? [] : [[suite, 100 * metrics['pass@1']]])),
    );
    const mean = (suites: readonly string[]): number | null => {
      const found = suites.flatMap((suite) => scores[suite] ?? []);
      return found.length === suites.length ? found.reduce((sum, score) => sum + score, 0) / found.length : null;
    };
    const [code, mathematics] = [mean(CODE), mean(MATHEMATICS)];
    return {
      label: of.at(-1)?.label ?? '',
      scores,
      partial: [...chosen.values()].filter((outcome) => !isWhole(outcome)).map(({ suite }) => suite),
      code,
      mathematics,
      total: code === null || mathematics === null ? null : (code + mathematics) / 2,
    };
  });
}

const isWhole = ({ of, problems }: Outcome): boolean => of === problems;

export function tableText(outcomes: readonly Outcome[]): string {
  const rows = tableRows(outcomes);
  const others = SUITES.map(({ name }) => name).filter((name) => !(name in HEADS) && rows.some(({ scores }) => name in scores));
  const score = (row: TableRow, suite: string): string => {
    const value = row.scores[suite];
    return value === undefined ? '-' : `${value.toFixed(1)}${row.partial.includes(suite) ? '*' : ''}`;
  };
  const mean = (value: number | null): string => (value === null ? '-' : value.toFixed(1));
  const columns: readonly (readonly [string, (row: TableRow) => string])[] = [
    ['model', (row) => row.label],
    ...CODE.map((suite) => [HEADS[suite] ?? suite, (row: TableRow) => score(row, suite)] as const),
    ...MATHEMATICS.map((suite) => [HEADS[suite] ?? suite, (row: TableRow) => score(row, suite)] as const),
    ['CAvg', (row) => mean(row.code)],
    ['MAvg', (row) => mean(row.mathematics)],
    ['AVG', (row) => mean(row.total)],
    ...others.map((suite) => [suite, (row: TableRow) => score(row, suite)] as const),
  ];
  const cells = [columns.map(([head]) => head), ...rows.map((row) => columns.map(([, cell]) => cell(row)))];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => (line[i] ?? '').length)));
  const lines = cells.map((line) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  const note = rows.some(({ partial }) => partial.length > 0) ? ['', '* only the first problems of the suite'] : [];
  return [...lines, ...note].join('\n');
}
