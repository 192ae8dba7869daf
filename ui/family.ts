import type { RolloutRecord } from '../src/core/events.ts';
import { similarity } from '../src/core/novelty.ts';
import type { Task } from '../src/core/types.ts';

/** Where a task comes from, how new it is and how its solve rate moved. Pure. */
export interface Ancestor {
  readonly id: string;
  /** 1 = parent. */
  readonly depth: number;
  /** null: the journal does not hold it. */
  readonly task: Task | null;
  /** Stood in the tree before; its own parents are not repeated. */
  readonly again: boolean;
}

export interface Family {
  readonly taskId: string;
  readonly ancestors: readonly Ancestor[];
  readonly nearest: { readonly task: Task; readonly similarity: number } | null;
}

const MOST = 40;
const DEEPEST = 6;
/** Programs that novelty is measured against. */
const COMPARED = 400;

export function ancestorsOf(task: Task, find: (id: string) => Task | null): Ancestor[] {
  const out: Ancestor[] = [];
  const seen = new Set([task.id]);
  const climb = (ids: readonly string[], depth: number): void => {
    for (const id of ids) {
      if (out.length >= MOST) return;
      const again = seen.has(id);
      seen.add(id);
      const parent = find(id);
      out.push({ id, depth, task: parent, again });
      if (parent && !again && depth < DEEPEST) climb(parent.parents, depth + 1);
    }
  };
  climb(task.parents, 1);
  return out;
}

/** The earlier task whose program is most like this one, by shingles of three tokens as in the novelty gate. */
export function nearestOf(task: Task, rows: readonly Task[]): Family['nearest'] {
  let best: { task: Task; similarity: number } | null = null;
  let compared = 0;
  for (const other of rows) {
    if (other.id === task.id || other.step > task.step || (other.type === 'induction') !== (task.type === 'induction')) continue;
    const alike = similarity(other.program, task.program);
    if (!best || alike > best.similarity) best = { task: other, similarity: alike };
    if (++compared >= COMPARED) break;
  }
  return best;
}

/** Solve rate a step, oldest first. */
export function solveRates(attempts: readonly RolloutRecord[]): readonly (readonly [step: number, rate: number, tries: number])[] {
  const sums = new Map<number, { right: number; all: number }>();
  for (const { rollout, outcome } of attempts) {
    const sum = sums.get(rollout.step) ?? { right: 0, all: 0 };
    sums.set(rollout.step, { right: sum.right + (outcome === 'passable' ? 1 : 0), all: sum.all + 1 });
  }
  return [...sums].sort(([a], [b]) => a - b).map(([step, { right, all }]) => [step, right / all, all] as const);
}
