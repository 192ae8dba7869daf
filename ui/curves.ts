import type { RunView } from '../src/core/fold.ts';
import type { Series } from './chart.ts';
import { values } from './select.ts';
import type { AppState } from './store.ts';
import type { Tone } from './theme.ts';

/** One metric of this run and of the marked ones over the same steps, as far as the zoom lets them be seen. Pure. */
export interface Curve extends Series {
  /** Value at the cursor; NaN where the run has none. */
  readonly read: number;
}

export interface Curves {
  readonly all: readonly Curve[];
  /** Steps at the ends of the window. */
  readonly first: number;
  readonly last: number;
  /** The step under the cursor, and its place in the window. */
  readonly step: number;
  readonly at: number;
}

const TONES: readonly Tone[] = ['accent', 'abduction', 'induction', 'good'];
/** The smallest window, in steps. */
export const LEAST_SPAN = 8;

/** Values by step, from step `first` on; a step that was repeated after a resume counts once, the newest. */
function byStep(steps: RunView['steps'], path: string, first: number, count: number): number[] {
  const found = values(steps, path);
  const out = Array.from({ length: count }, () => NaN);
  steps.forEach(([step], index) => {
    if (step >= first && step < first + count) out[step - first] = found[index]!;
  });
  return out;
}

/** The window [first, first + count) of `span` steps around `step`. */
function window(from: number, to: number, step: number, span: number | null): readonly [first: number, count: number] {
  const total = to - from + 1;
  const count = Math.min(total, span ?? total);
  const first = Math.max(from, Math.min(step - Math.floor(count / 2), to - count + 1));
  return [first, count];
}

export function curvesOf(state: AppState, path: string): Curves | null {
  const { view, charts, runs } = state;
  const others = runs.marked.flatMap((dir, index) => {
    const run = runs.loaded.get(dir);
    return run && run.view.steps.length > 0 ? [{ label: 'ABC'[index]!, steps: run.view.steps }] : [];
  });
  const own = view.steps[Math.max(0, view.steps.length - 1 - charts.back)];
  const ends = [{ steps: view.steps }, ...others].flatMap(({ steps }) => (steps.length > 0 ? [steps[0]![0], steps.at(-1)![0]] : []));
  if (ends.length === 0) return null;
  const [from, to] = [Math.min(...ends), Math.max(...ends)];
  const step = own?.[0] ?? to;
  const [first, count] = window(from, to, step, charts.span);
  const all = [{ label: 'this', steps: view.steps }, ...others].map(({ label, steps }, index): Curve => {
    const own = byStep(steps, path, first, count);
    return { label, tone: TONES[index] ?? 'plain', values: own, read: own[step - first] ?? NaN };
  });
  return { all, first, last: first + count - 1, step, at: step - first };
}

/** The next zoom: half or twice as many steps; null shows all. */
export function zoomed(span: number | null, total: number, by: 1 | -1): number | null {
  const now = span ?? total;
  const next = by > 0 ? Math.max(LEAST_SPAN, Math.ceil(now / 2)) : now * 2;
  return next >= total ? null : next;
}
