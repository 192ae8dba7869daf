import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { DrillRecord } from '../../core/events.ts';
import { PRIVATE_DIR, writeDurably } from '../../record/files.ts';
import { stateDir } from '../../record/journal.ts';

const RECORD = z.object({ at: z.number(), monitor: z.string().max(200), caught: z.number(), of: z.number(), passed: z.boolean() });
const file = (): string => join(stateDir(), 'drill.json');

/** Remembers the newest full drill of this machine. Where that cannot be written, runs say that there was none. */
export function saveDrill(record: DrillRecord): void {
  try {
    mkdirSync(stateDir(), { recursive: true, mode: PRIVATE_DIR });
    writeDurably(file(), `${JSON.stringify(record)}\n`);
  } catch {
    // The drill itself stands on the screen.
  }
}

/** The newest full drill of this machine; null when there was none. */
export function lastDrill(): DrillRecord | null {
  try {
    return RECORD.parse(JSON.parse(readFileSync(file(), 'utf8')));
  } catch {
    return null;
  }
}
