import type { RunView } from '../core/fold.ts';
import type { Metrics } from '../core/types.ts';

/** Steps whose metrics the run process holds whole: the first, which say what is usual, and the newest. */
const FIRST = 10;
const NEWEST = 32;

/**
 * The view that the run process keeps of itself. The journal holds every metric of every step; in memory a run of any length keeps
 * those of the first and the newest steps, and of the others only `best` (`checkpoint.best`; '' = none), by which checkpoints are chosen.
 */
export function heldView(view: RunView, best: string): RunView {
  const { length } = view.steps;
  const at = length - NEWEST - 1;
  if (at < FIRST) return view;
  const steps = [...view.steps];
  // From the newest of the old steps backwards: the ones before were seen to already.
  for (let i = at; i >= FIRST; i--) {
    const [step, metrics] = steps[i] as readonly [number, Metrics];
    const slim = slimmed(metrics, best);
    if (slim === metrics) break;
    steps[i] = [step, slim];
  }
  return { ...view, steps };
}

/** Marks what was slimmed; one object for all that have no figure left. */
const NOTHING: Metrics = Object.freeze({});

function slimmed(metrics: Metrics, best: string): Metrics {
  const value = metrics[best];
  if (value === undefined) return NOTHING;
  return Object.keys(metrics).length === 1 ? metrics : { [best]: value };
}
