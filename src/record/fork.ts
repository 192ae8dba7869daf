import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Parent, RunEvent } from '../core/events.ts';
import { forgetAnchor } from './anchor.ts';
import { HEAD_FILE } from './audit.ts';
import { loadCheckpoint } from './checkpoint.ts';
import { guarded } from './errors.ts';
import { fsyncPath, PRIVATE_FILE } from './files.ts';
import { openJournal } from './journal.ts';
import { RecordError } from './port.ts';
import { CHECKPOINTS, nameOf } from './retention.ts';
import { createRunFolder } from './run-files.ts';
import { JOURNAL_FILE, openForReading } from './schema.ts';

export interface Fork {
  /** The run that is forked; only read. */
  readonly from: string;
  readonly root: string;
  /** Folder of the new run; a new one under `root` when absent. */
  readonly runDir?: string | undefined;
  readonly name: string;
  readonly config: unknown;
  readonly parent: Parent;
  /** Written to the new journal after what came later than `parent.step` was taken out of it. */
  readonly events: readonly RunEvent[];
}

/**
 * Makes a new run that goes on from a checkpoint of another: its record up to that step, the checkpoint, and a lineage. The folder is
 * there only when it is complete. What no rollback removes (pauses, reviews, findings of severity 4) comes along, so a fork does not
 * get round a pause. Returns the new folder. Throws `RecordError`.
 */
export function forkRun({ from, root, runDir, name, config, parent, events }: Fork): string {
  const place = runDir === undefined ? resolve(root) : dirname(resolve(runDir));
  const workshop = join(place, `.fork-${process.pid}`);
  const target = runDir === undefined ? null : resolve(runDir);
  if (target && existsSync(target)) throw new RecordError('unwritable', `${target} is there already. Choose another --run-dir.`);
  let made: string | null = null;
  try {
    made = createRunFolder({ root: workshop, runDir: target ? join(workshop, basename(target)) : undefined, name, config, parent });
    const dir = made;
    return guarded(`cannot fork ${from}`, () => {
      // The head first: one that is behind the journal is sound, one ahead of it is not, and the run may be live.
      copyFileSync(join(from, HEAD_FILE), join(dir, HEAD_FILE));
      copyJournal(from, dir);
      mkdirSync(join(dir, CHECKPOINTS), { mode: 0o700 });
      const checkpoint = join(dir, CHECKPOINTS, nameOf(parent.step));
      cpSync(join(from, CHECKPOINTS, nameOf(parent.step)), checkpoint, { recursive: true });
      loadCheckpoint(checkpoint);
      const journal = openJournal(dir);
      try {
        journal.discardAfter(parent.step);
        journal.append(events);
      } finally {
        journal.close();
      }
      syncTree(dir);
      forgetAnchor(dir);
      const final = target ?? join(place, basename(dir));
      renameSync(dir, final);
      fsyncPath(place, true);
      // Anchors the audit log in the user's state folder under the new place.
      openJournal(final).close();
      return final;
    });
  } finally {
    if (made && existsSync(made)) forgetAnchor(made);
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Makes a folder and all below it survive a power cut. */
function syncTree(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) syncTree(join(dir, entry.name));
    else if (entry.isFile()) fsyncPath(join(dir, entry.name));
  }
  fsyncPath(dir, true);
}

/** A consistent copy of the journal, also while the run writes it. */
function copyJournal(from: string, to: string): void {
  const db = openForReading(from);
  try {
    db.prepare('VACUUM INTO ?').run(join(to, JOURNAL_FILE));
  } finally {
    db.close();
  }
  chmodSync(join(to, JOURNAL_FILE), PRIVATE_FILE);
}
