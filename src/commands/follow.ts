import { isAlive } from '../record/folder.ts';
import { openJournalReader } from '../record/journal.ts';
import { EXIT } from './exits.ts';
import { createOutput } from './output.ts';
import type { Display } from './display.ts';

const LOOK_MS = 500;
const BATCH = 500;

/** Tells what a run has recorded and what comes, as lines, until its process is gone. SIGINT ends the telling, never the run. */
export async function followRun(dir: string, display: Display): Promise<number> {
  const output = createOutput(display, dir);
  const stop = Promise.withResolvers<void>();
  const end = (): void => stop.resolve();
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.once('error', end);
  using reader = openJournalReader(dir);
  let seq = 0;
  let ended = false;
  void stop.promise.then(() => (ended = true));
  try {
    while (!ended) {
      // Asked before reading: what a process writes last is read after it was seen alive.
      const alive = isAlive(dir);
      for (let events = reader.events(seq, BATCH); events.length > 0; events = reader.events(seq, BATCH))
        for (const { seq: at, event, at: time } of events) {
          output.event(event, time);
          seq = at;
        }
      if (!alive) break;
      await Promise.race([stop.promise, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
    }
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
  return EXIT.ok;
}
