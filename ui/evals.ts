import type { Metrics } from '../src/core/types.ts';
import { TASK_TYPES } from '../src/core/types.ts';
import { filterOf } from './filter.ts';

/** What the evaluations of a run say, by suite. Pure. Paths: docs/metrics.md. */
export type Evals = readonly (readonly [number, Metrics])[];

export interface EvalsState {
  readonly index: number;
  readonly text: string;
  readonly focus: 'list' | 'detail';
  readonly scroll: number;
}
export const NO_EVALS: EvalsState = { index: 0, text: '', focus: 'list', scroll: 0 };

export interface EvalRow {
  readonly path: string;
  readonly suite: string;
  /** [evaluated after this step, value] */
  readonly points: readonly (readonly [number, number])[];
  readonly before: number;
  /** NaN while there is one evaluation. */
  readonly now: number;
  readonly kind: 'share' | 'length';
}

const MODES = ['temp1', 'greedy'] as const;
export type Mode = (typeof MODES)[number];
export const MODE_NAMES: Readonly<Record<Mode, string>> = { temp1: 'temperature 1', greedy: 'greedy' };

/** Accuracies before shares of form before lengths; overall before types before levels. */
function rank(path: string): number {
  const parts = path.split('/');
  const other = ['format', 'thinks', 'length'].indexOf(parts[1] ?? '');
  return (other + 1) * 10 + parts.length;
}

const cache = new WeakMap<Evals, EvalRow[]>();

/** All figures of the evaluations, in reading order. */
export function allEvalRows(evals: Evals): readonly EvalRow[] {
  const found = cache.get(evals);
  if (found) return found;
  const paths = new Set(evals.flatMap(([, metrics]) => Object.keys(metrics)));
  const rows = [...paths]
    .map((path): EvalRow => {
      const points = evals.flatMap(([step, metrics]) => (Number.isFinite(metrics[path]) ? [[step, metrics[path]!] as const] : []));
      return {
        path,
        suite: path.split('/')[0] ?? '',
        points,
        before: points[0]?.[1] ?? NaN,
        now: points.length > 1 ? points.at(-1)![1] : NaN,
        kind: path.includes('/length/') ? 'length' : 'share',
      };
    })
    .sort((a, b) => (a.suite === b.suite ? rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1) : a.suite < b.suite ? -1 : 1));
  cache.set(evals, rows);
  return rows;
}

export const evalRows = (evals: Evals, text: string): readonly EvalRow[] =>
  text === '' ? allEvalRows(evals) : allEvalRows(evals).filter(({ path }) => filterOf(text).test(path));

export const suites = (evals: Evals): string[] => [...new Set(allEvalRows(evals).map(({ suite }) => suite))];

export interface Matrix {
  readonly suite: string;
  readonly columns: readonly Mode[];
  readonly rows: readonly { readonly label: string; readonly cells: readonly (EvalRow | undefined)[] }[];
}

/** One suite as a table: all tasks, each type, each level of each type; a column for each way of sampling. */
export function matrixOf(evals: Evals, suite: string): Matrix {
  const byPath = new Map(allEvalRows(evals).map((row) => [row.path, row]));
  const columns = MODES.filter((mode) => byPath.has(`${suite}/${mode}`));
  const tails = [
    '',
    ...TASK_TYPES.flatMap((type) => {
      const levels = new Set(
        [...byPath.keys()]
          .filter((path) => path.startsWith(`${suite}/`) && path.includes(`/${type}/level`))
          .map((path) => path.split('/').at(-1)!),
      );
      return [type, ...[...levels].sort((a, b) => Number(a.slice(5)) - Number(b.slice(5))).map((level) => `${type}/${level}`)];
    }),
  ];
  const rows = tails.map((tail) => ({
    label: tail === '' ? 'all tasks' : tail.includes('/') ? `  level ${tail.split('/level')[1] ?? ''}` : tail,
    cells: columns.map((mode) => byPath.get(tail === '' ? `${suite}/${mode}` : `${suite}/${mode}/${tail}`)),
  }));
  return { suite, columns, rows: rows.filter(({ cells }) => cells.some((cell) => cell !== undefined)) };
}
