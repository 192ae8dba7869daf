import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PRIVATE_FILE } from './files.ts';
import { wordsReader } from './texts.ts';

/**
 * The search index of a run: every three letters of its thoughts and answers (SQLite FTS5, trigrams), in a file of its own beside the
 * journal. It is no record: it is made from the journal and may be deleted at any time. `batches` says which rollouts it knows, one
 * row for each event that brought some; from the first to the last there is no gap.
 */
export const SEARCH_FILE = 'search.sqlite';
/** Shorter words are not in the index. */
export const LEAST_WORD = 3;
/** Rollouts that are indexed when a journal is opened whose index is missing or behind; a search reads older ones one by one. */
const CAUGHT_UP = 20_000;
const VERSION = 1;

const TABLES = `
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');
CREATE TABLE batches (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;
PRAGMA user_version = ${VERSION};`;

export interface Searchable {
  /** Number of the rollout's row in the journal. */
  readonly n: number;
  /** Position of the event that brought it. */
  readonly seq: number;
  readonly text: string;
}

// A NUL would end the text for the tokeniser.
const whole = (text: string): string => text.replaceAll('\0', ' ');

/** What is searched in a rollout. */
export const searched = ({ thought, answer }: { readonly thought: string; readonly answer: string }): string =>
  whole(`${thought} ${answer}`);

/** The words as FTS5 takes them: one phrase, whatever stands in it. */
export const phraseOf = (text: string): string => `"${whole(text).replaceAll('"', '""')}"`;

function openFile(dir: string): DatabaseSync {
  const path = join(dir, SEARCH_FILE);
  if (!existsSync(path)) closeSync(openSync(path, 'wx', PRIVATE_FILE));
  const db = new DatabaseSync(path);
  // What a power cut takes from it is made again from the journal.
  db.exec('PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF');
  if (db.prepare('PRAGMA user_version').get()!['user_version'] !== VERSION) db.exec(`BEGIN; ${TABLES} COMMIT`);
  return db;
}

const numberOf = (db: DatabaseSync, sql: string): number => Number(db.prepare(sql).get()!['n'] ?? 0);

/** Forgets rollouts that the journal no longer holds; their numbers may have been given to others. */
function forget(db: DatabaseSync, journal: DatabaseSync): void {
  const holds = journal.prepare('SELECT seq FROM rollouts WHERE n = ?');
  for (const { last, first, seq } of db.prepare('SELECT last, first, seq FROM batches ORDER BY last DESC').all()) {
    if (holds.get(last!)?.['seq'] === seq) return;
    db.prepare('DELETE FROM words WHERE rowid BETWEEN ? AND ?').run(first!, last!);
    db.prepare('DELETE FROM batches WHERE last = ?').run(last!);
  }
}

function insert(db: DatabaseSync, rows: readonly Searchable[]): void {
  const word = db.prepare('INSERT INTO words (rowid, text) VALUES (?, ?)');
  const batch = db.prepare('INSERT INTO batches (last, first, seq) VALUES (?, ?, ?)');
  rows.forEach(({ n, seq, text }, index) => {
    word.run(n, text);
    if (rows[index + 1]?.seq !== seq) batch.run(n, rows.find((row) => row.seq === seq)!.n, seq);
  });
}

/** Keeps the index of a journal up to date, in the process that writes the journal. Nothing here throws: without an index a search is slower. */
export class SearchIndex {
  readonly #dir: string;
  readonly #journal: DatabaseSync;
  #db: DatabaseSync | null = null;

  constructor(dir: string, journal: DatabaseSync) {
    this.#dir = dir;
    this.#journal = journal;
    try {
      this.#db = openFile(dir);
    } catch {
      this.#drop();
    }
    this.catchUp();
  }

  add(rows: readonly Searchable[]): void {
    if (rows.length > 0) this.#change((db) => insert(db, rows));
  }

  /** Forgets what the journal no longer holds and adds what it holds more. */
  catchUp(): void {
    this.#change((db) => {
      forget(db, this.#journal);
      const newest = numberOf(this.#journal, 'SELECT max(n) AS n FROM rollouts');
      let after = numberOf(db, 'SELECT max(last) AS n FROM batches');
      if (newest - after > CAUGHT_UP) {
        db.exec(`INSERT INTO words (words) VALUES ('delete-all'); DELETE FROM batches`);
        after = newest - CAUGHT_UP;
      }
      const words = wordsReader(this.#journal);
      const rows = this.#journal.prepare('SELECT n, seq, block, slot FROM rollouts WHERE n > ? ORDER BY n').all(after);
      insert(
        db,
        rows.map(({ n, seq, block, slot }) => ({
          n: Number(n),
          seq: Number(seq),
          text: searched(words(Number(block), Number(slot))),
        })),
      );
    });
  }

  close(): void {
    this.#db?.close();
    this.#db = null;
  }

  #change(work: (db: DatabaseSync) => void): void {
    if (this.#db === null) return;
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      work(this.#db);
      this.#db.exec('COMMIT');
    } catch {
      this.#drop();
    }
  }

  /** An index that could not be written goes: one with a gap would hide thoughts. */
  #drop(): void {
    try {
      this.close();
      for (const end of ['', '-wal', '-shm']) rmSync(join(this.#dir, `${SEARCH_FILE}${end}`), { force: true });
    } catch {
      // A disk that takes no change: the readers see the numbers of the index, which are right as far as they go.
    }
  }
}

/** Attaches the index to a reader of the journal, as `search`; false while there is none. */
export function attachIndex(db: DatabaseSync, dir: string): boolean {
  const path = join(dir, SEARCH_FILE);
  if (!existsSync(path)) return false;
  try {
    db.prepare('ATTACH DATABASE ? AS search').run(path);
    db.prepare('SELECT count(*) FROM search.batches').get();
    return true;
  } catch {
    return false;
  }
}
