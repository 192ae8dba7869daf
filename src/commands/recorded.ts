import type { RunEvent } from '../core/events.ts';
import { EMPTY_VIEW, fold } from '../core/fold.ts';
import type { RunView } from '../core/fold.ts';
import type { Named } from '../record/checkpoint.ts';
import { hasJournal, openJournalReader } from '../record/journal.ts';

/** All events of a run's journal, oldest first. */
export function readEvents(dir: string): RunEvent[] {
  using reader = openJournalReader(dir);
  return reader.events(0).map(({ event }) => event);
}

/** A run's state from its journal; a folder that was only just made has none yet. */
export const viewOf = (dir: string): RunView => (hasJournal(dir) ? readEvents(dir).reduce(fold, EMPTY_VIEW) : EMPTY_VIEW);

/** Checkpoints that a journal names; of a step that was saved twice, the newer. */
export function namedIn(events: readonly RunEvent[]): Named {
  const named = new Map<number, string | null>();
  for (const event of events) if (event.type === 'checkpoint') named.set(event.step, event.digest ?? null);
  return named;
}
