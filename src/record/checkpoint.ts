import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { guarded, guardedAsync } from './errors.ts';
import { fsyncPath, makePrivateDir, PRIVATE_FILE } from './files.ts';
import { decode, encode } from './json.ts';
import { RecordError } from './port.ts';
import { candidates, CHECKPOINT_NAME, CHECKPOINTS, nameOf, retain, type Retention } from './retention.ts';

/**
 * Checkpoints: one folder a step under `checkpoints/`, written beside its name (`.tmp`), fsynced file by file, then
 * renamed. A folder without `.tmp` is therefore complete; that it is also undamaged, its manifest of SHA-256 proves.
 */
const MANIFEST = 'manifest.json';
const STATE = 'state.json';
const VERSION = 1;
/** What a checkpoint needs beyond the size of the last one, bytes. */
const HEADROOM = 8 * 2 ** 20;

export interface Checkpoint {
  readonly step: number;
  /** Folder with the engine's files. */
  readonly dir: string;
  /** What `saveCheckpoint` was given. */
  readonly state: unknown;
}

export interface SaveOptions extends Partial<Retention> {
  /** Bytes that the engine's files will take; otherwise the size of the newest checkpoint. */
  readonly expectedBytes?: number;
}

interface FileEntry {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

function sha256(path: string): string {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafe(2 ** 20);
  const fd = openSync(path, 'r');
  try {
    for (let n = readSync(fd, chunk); n > 0; n = readSync(fd, chunk)) hash.update(chunk.subarray(0, n));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

/** Folders (deepest first) and files below `dir`, as relative paths with `/`. */
function walk(dir: string): { files: string[]; folders: string[] } {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const pathOf = (entry: (typeof entries)[number]): string => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/');
  const odd = entries.find((entry) => !entry.isFile() && !entry.isDirectory());
  if (odd) throw new RecordError('corrupt', `${pathOf(odd)} in ${dir} is neither a file nor a folder; a checkpoint holds only these.`);
  const folders = entries.filter((entry) => entry.isDirectory()).map(pathOf);
  return {
    files: entries
      .filter((entry) => entry.isFile())
      .map(pathOf)
      .sort(),
    folders: folders.sort().reverse(),
  };
}

/** Bytes of a checkpoint folder. */
export const sizeOf = (dir: string): number => walk(dir).files.reduce((sum, path) => sum + statSync(join(dir, path)).size, 0);

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

/** Throws `RecordError('full')` unless `bytes` fit on the disk that holds `dir`. */
export function requireSpace(dir: string, bytes: number): void {
  const { bavail, bsize } = guarded(`cannot read the free space of ${dir}`, () => statfsSync(dir));
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new RecordError(
    'full',
    `A checkpoint in ${dir} needs ${megabytes(bytes)}; ${megabytes(free)} are free. Free some disk space, then resume the run.`,
  );
}

/**
 * Saves what a run needs to go on after `step`: `write` puts the engine's files into the folder it is given, `state`
 * (plain JSON) goes beside them. Durable when the promise resolves to the folder; before, the older checkpoints
 * stand. Then the ones that are no longer wanted go (`retention.ts`). Throws `RecordError('full' | 'unwritable')`.
 */
export async function saveCheckpoint(
  runDir: string,
  step: number,
  write: (dir: string) => Promise<void>,
  state: unknown,
  options: SaveOptions = {},
): Promise<string> {
  const { keep = 2, milestone, score, expectedBytes } = options;
  const root = join(runDir, CHECKPOINTS);
  const name = nameOf(step);
  const final = join(root, name);
  const temporary = `${final}.tmp`;
  return await guardedAsync(`cannot save the checkpoint ${final}`, async () => {
    makePrivateDir(root);
    for (const stale of readdirSync(root).filter((entry) => entry.endsWith('.tmp')))
      rmSync(join(root, stale), { recursive: true, force: true });
    const newest = candidates(root)[0];
    requireSpace(root, HEADROOM + (expectedBytes ?? (newest ? sizeOf(join(root, newest.name)) : 0)));
    try {
      makePrivateDir(temporary);
      await write(temporary);
      writeFileSync(join(temporary, STATE), encode(state ?? null), { mode: PRIVATE_FILE });
      const { files, folders } = walk(temporary);
      const entries: FileEntry[] = [];
      for (const path of files) {
        fsyncPath(join(temporary, path));
        entries.push({ path, bytes: statSync(join(temporary, path)).size, sha256: sha256(join(temporary, path)) });
      }
      writeFileSync(join(temporary, MANIFEST), JSON.stringify({ version: VERSION, step, files: entries }, null, 1), {
        mode: PRIVATE_FILE,
        flush: true,
      });
      for (const folder of [...folders, '.']) fsyncPath(join(temporary, folder), true);
      if (existsSync(final)) {
        rmSync(`${final}.old`, { recursive: true, force: true });
        renameSync(final, `${final}.old`);
      }
      renameSync(temporary, final);
      fsyncPath(root, true);
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true });
      throw error;
    }
    retain(runDir, step, { keep, milestone, score });
    return final;
  });
}

/** Reads one checkpoint and compares every byte with its manifest. Throws `RecordError('corrupt')` on any difference. */
export function loadCheckpoint(dir: string): Checkpoint {
  const corrupt = (reason: string): RecordError =>
    new RecordError('corrupt', `The checkpoint ${dir} is damaged: ${reason}. Resume from an older one, or restore it from a backup.`);
  if (!existsSync(dir)) throw new RecordError('missing', `There is no checkpoint ${dir}.`);
  return guarded(`cannot read the checkpoint ${dir}`, () => {
    const parse = (file: string): unknown => {
      try {
        return decode(readFileSync(join(dir, file), 'utf8'));
      } catch (error) {
        throw corrupt(`${file} cannot be read (${(error as Error).message})`);
      }
    };
    const manifest = parse(MANIFEST) as { version?: unknown; step?: unknown; files?: unknown } | null;
    if (manifest?.version !== VERSION) throw corrupt(`its version is ${String(manifest?.version)}, this Kelvin reads ${VERSION}`);
    const step = Number(CHECKPOINT_NAME.exec(basename(dir))?.[1]);
    if (manifest.step !== step) throw corrupt(`it says step ${String(manifest.step)}`);
    if (!Array.isArray(manifest.files)) throw corrupt(`${MANIFEST} lists no files`);
    const listed = new Map((manifest.files as FileEntry[]).map((entry) => [entry?.path, entry]));
    const present = walk(dir).files.filter((path) => path !== MANIFEST);
    for (const path of listed.keys()) if (!present.includes(path)) throw corrupt(`${String(path)} is missing`);
    for (const path of present) {
      const entry = listed.get(path);
      if (!entry) throw corrupt(`${path} does not belong to it`);
      const { size } = statSync(join(dir, path));
      if (size !== entry.bytes) throw corrupt(`${path} has ${size} bytes instead of ${entry.bytes}`);
      if (sha256(join(dir, path)) !== entry.sha256) throw corrupt(`${path} has other contents than were saved`);
    }
    return { step, dir, state: parse(STATE) };
  });
}

/** SHA-256 of the manifest, which holds those of all other files: names one checkpoint and no other. */
export const digestOf = (dir: string): string => guarded(`cannot read the checkpoint ${dir}`, () => sha256(join(dir, MANIFEST)));

export interface Latest extends Checkpoint {
  /** One sentence for each newer checkpoint that was damaged and passed over. */
  readonly warnings: readonly string[];
}

/** Checkpoints that the journal names: digest by step, null where it has none. */
export type Named = ReadonlyMap<number, string | null>;

/**
 * The newest undamaged checkpoint of a run; null when it never had one. Throws `RecordError('corrupt')` when all are
 * damaged. `named` leaves out others (a number: later ones): a checkpoint whose step the journal does not hold was saved just
 * before a kill, and going on from it would leave a hole in the record. One with another digest than the journal names is of
 * another run, or was edited together with its manifest.
 */
export function latestCheckpoint(runDir: string, named: number | Named = Infinity): Latest | null {
  const root = join(runDir, CHECKPOINTS);
  const warnings: string[] = [];
  const wanted = (step: number): boolean => (typeof named === 'number' ? step <= named : named.has(step));
  const all = guarded(`cannot read ${root}`, () => candidates(root));
  const eligible = all.filter(({ step }) => wanted(step));
  for (const { step, name } of eligible) {
    try {
      const checkpoint = loadCheckpoint(join(root, name));
      const digest = typeof named === 'number' ? null : (named.get(step) ?? null);
      if (digest === null || digestOf(checkpoint.dir) === digest) return { ...checkpoint, warnings };
      warnings.push(`The checkpoint ${checkpoint.dir} is not the one that this run saved: it was put there from elsewhere, or edited.`);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      warnings.push(error.message);
    }
  }
  if (eligible.length === 0 && (typeof named === 'number' || named.size === 0)) return null;
  if (eligible.length === 0)
    throw new RecordError(
      'missing',
      `${root} holds none of the checkpoints that the journal names (steps ${[...(named as Named).keys()].join(', ')}). Put them back; the run is not started over.`,
    );
  throw new RecordError('corrupt', `No checkpoint of ${runDir} can be used; the run cannot go on. ${warnings.join(' ')}`);
}
