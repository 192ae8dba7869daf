import { RecordError } from './port.ts';

/** SQLite primary result codes that a user can do something about (https://sqlite.org/rescode.html). */
const SQLITE: Readonly<Record<number, RecordError['code']>> = {
  3: 'unwritable', // PERM
  5: 'locked', // BUSY
  6: 'locked', // LOCKED
  8: 'unwritable', // READONLY
  10: 'unwritable', // IOERR
  11: 'corrupt', // CORRUPT
  13: 'full', // FULL
  14: 'unwritable', // CANTOPEN
  19: 'corrupt', // CONSTRAINT: two records claim one id
  26: 'corrupt', // NOTADB
};

const SYSTEM: Readonly<Record<string, RecordError['code']>> = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  EACCES: 'unwritable',
  EPERM: 'unwritable',
  EROFS: 'unwritable',
  EIO: 'unwritable',
  ENOTDIR: 'unwritable',
  EISDIR: 'unwritable',
  EMFILE: 'unwritable',
  ENAMETOOLONG: 'unwritable',
  ENOENT: 'missing',
};

const ADVICE: Readonly<Record<RecordError['code'], string>> = {
  full: 'Free some disk space, then resume the run; nothing recorded so far is lost.',
  unwritable: 'Check that the folder is on a writable disk and belongs to you, then resume the run.',
  locked: 'Another process holds the file; wait for it or stop it, then try again.',
  corrupt: 'Restore the file from a backup, or start a new run; the other files of the folder stay as they are.',
  missing: 'Check the path; `kelvin runs` lists the runs.',
};

const codeOf = (error: unknown): RecordError['code'] | null => {
  const { errcode, code } = (error ?? {}) as { errcode?: unknown; code?: unknown };
  if (typeof errcode === 'number') return SQLITE[errcode & 0xff] ?? null;
  return typeof code === 'string' ? (SYSTEM[code] ?? null) : null;
};

/**
 * The `RecordError` that says what happened to `what` and what to do about it. Anything that is not a fault of
 * the disk (a bug, say) comes back as it is.
 */
export function recordError(error: unknown, what: string): unknown {
  if (error instanceof RecordError) return error;
  const code = codeOf(error);
  if (!code) return error;
  return new RecordError(code, `${what}: ${(error as Error).message}. ${ADVICE[code]}`, { cause: error });
}

/** Runs `work`, turning faults of the disk into `RecordError`. */
export function guarded<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw recordError(error, what);
  }
}

/** As `guarded`, for promises. */
export async function guardedAsync<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw recordError(error, what);
  }
}
