import type { Severity } from '../src/core/finding.ts';

/** What a severity does: recorded only, put into the review queue, or stop before the next optimiser step. */
export type Action = 'none' | 'note' | 'queue' | 'pause';

const ACTIONS: readonly Action[] = ['none', 'note', 'queue', 'queue', 'pause'];

export function actionFor(severity: Severity): Action {
  return ACTIONS[severity] ?? 'pause';
}
