import { existsSync, statfsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOf } from './checkpoint.ts';
import { guarded } from './errors.ts';
import { RecordError } from './port.ts';
import { candidates, CHECKPOINTS } from './retention.ts';
import { JOURNAL_FILE } from './schema.ts';

/** What a step may need beyond what the last ones took, bytes: the write-ahead log, file system overhead. */
const HEADROOM = 16 * 2 ** 20;

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

export interface Budget {
  /** Throws `RecordError('full')` unless the next step's journal entries and checkpoint fit on the disk. Call it before each step. */
  require(): void;
}

const free = (dir: string): number => {
  const { bavail, bsize } = guarded(`cannot read the free space of ${dir}`, () => statfsSync(dir));
  return bavail * bsize;
};

/** Bytes of the journal and its log. */
const journalBytes = (runDir: string): number =>
  [JOURNAL_FILE, `${JOURNAL_FILE}-wal`]
    .map((name) => join(runDir, name))
    .reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0);

/**
 * Knows what a step of this run writes: a checkpoint as large as the newest, and twice the most that the journal has grown by in
 * a step of this process. `freeBytes` tells the free space of a folder.
 */
export function createBudget(runDir: string, freeBytes: (dir: string) => number = free): Budget {
  let last: number | null = null;
  let growth = 0;
  return {
    require() {
      const root = join(runDir, CHECKPOINTS);
      const [newest] = candidates(root);
      const now = journalBytes(runDir);
      if (last !== null) growth = Math.max(growth, now - last);
      last = now;
      const needed = (newest ? sizeOf(join(root, newest.name)) : 0) + 2 * growth + HEADROOM;
      const left = freeBytes(runDir);
      if (left >= needed) return;
      throw new RecordError(
        'full',
        `The next step may write ${megabytes(needed)} to ${runDir}, and ${megabytes(left)} are free. Free some disk space (kelvin checkpoints lists what old ones take), then resume the run.`,
      );
    },
  };
}
