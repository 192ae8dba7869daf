import type { RunEvent } from '../core/events.ts';
import { RecordError } from '../record/port.ts';
import type { Journal } from '../record/port.ts';

export interface Recorder {
  /**
   * Records events. When the disk refuses, they are kept in memory, `onFull` is called once, and nothing is lost: the run
   * pauses, and they are written before it goes on.
   */
  record(events: readonly RunEvent[]): void;
  /** Records events, and what waits, or throws `RecordError`: for what must be on disk before anything follows from it. */
  insist(events: readonly RunEvent[]): void;
  /** True while events wait for the disk. */
  readonly waiting: boolean;
}

/** `seen` gets every event once, when it is accepted. Faults of the disk other than space and access end the run. */
export function createRecorder(journal: Journal, seen: (event: RunEvent) => void, onFull: (error: RecordError) => void): Recorder {
  let pending: RunEvent[] = [];
  const flush = (): void => {
    if (pending.length === 0) return;
    journal.append(pending);
    pending = [];
  };
  return {
    get waiting() {
      return pending.length > 0;
    },
    insist(events) {
      flush();
      journal.append(events);
      for (const event of events) seen(event);
    },
    record(events) {
      const first = pending.length === 0;
      try {
        flush();
        journal.append(events);
      } catch (error) {
        if (!(error instanceof RecordError) || (error.code !== 'full' && error.code !== 'unwritable')) throw error;
        pending.push(...events);
        for (const event of events) seen(event);
        if (first) onFull(error);
        return;
      }
      for (const event of events) seen(event);
    },
  };
}
