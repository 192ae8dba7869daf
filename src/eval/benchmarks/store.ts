import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheRoot } from '../../models/cache.ts';
import type { Metrics } from '../../core/types.ts';
import type { Answer, Settings } from './run.ts';

/** What an evaluation is: all that its answers depend on. */
export interface Identity {
  readonly suite: string;
  /** SHA-256 of the suite's files together, hex. */
  readonly suiteHash: string;
  /** SHA-256 of the model's file and of its adapter, hex. */
  readonly modelHash: string;
  readonly adapterHash: string | null;
  /** Without the number of samples: more of them keep the first ones. */
  readonly settings: Omit<Settings, 'samples'>;
  readonly context: number;
}

/** A finished evaluation, as tables show it. */
export interface Outcome extends Identity {
  /** How a person calls the model: a file, or a run and its step. */
  readonly label: string;
  readonly samples: number;
  readonly problems: number;
  /** Problems of the whole suite; null where only the first ones were read. */
  readonly of: number | null;
  readonly metrics: Metrics;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** How prompts and answers are read; raised when a change makes old answers worthless. */
const VERSION = 1;
const ANSWERS = 'answers.jsonl';
const OUTCOME = 'outcome.json';

const evaluationsFolder = (): string => join(cacheRoot(), 'evaluations');

/** The folder of an evaluation in the cache. */
export function folderOf(identity: Identity): string {
  const { suite, suiteHash, modelHash, adapterHash, settings, context } = identity;
  const { temperature, maxTokens, seed, template } = settings;
  const text = JSON.stringify([VERSION, suite, suiteHash, modelHash, adapterHash, temperature, maxTokens, seed, template, context]);
  return join(evaluationsFolder(), `${suite.replace(/\W/g, '-')}-${createHash('sha256').update(text).digest('hex').slice(0, 20)}`);
}

/** Answers of an evaluation on disk: what was judged stays, however the process ends. One writer at a time. */
export class AnswerStore {
  readonly folder: string;
  readonly known: readonly Answer[];
  readonly #file: number;

  constructor(identity: Identity) {
    this.folder = folderOf(identity);
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, ANSWERS);
    this.#file = openSync(path, 'a+', 0o600);
    const { answers, bytes } = readAnswers(path);
    // A line that was cut in the middle is dropped.
    ftruncateSync(this.#file, bytes);
    this.known = answers;
  }

  add(answer: Answer): void {
    writeSync(this.#file, `${JSON.stringify(answer)}\n`);
  }

  finish(outcome: Outcome): void {
    fsyncSync(this.#file);
    const path = join(this.folder, OUTCOME);
    writeFileSync(`${path}.part`, `${JSON.stringify(outcome, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.part`, path);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Whole lines of the file that hold answers; the first damaged one ends them. */
function readAnswers(path: string): { readonly answers: Answer[]; readonly bytes: number } {
  const text = readFileSync(path);
  const answers: Answer[] = [];
  let bytes = 0;
  for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, bytes)) {
    try {
      const answer = JSON.parse(text.subarray(bytes, end).toString('utf8')) as Answer;
      if (typeof answer.problem !== 'string' || typeof answer.correct !== 'boolean' || !Number.isInteger(answer.sample)) break;
      answers.push(answer);
    } catch {
      break;
    }
    bytes = end + 1;
  }
  return { answers, bytes };
}

/** Every finished evaluation on this machine, oldest first. */
export function outcomes(): Outcome[] {
  const root = evaluationsFolder();
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .flatMap((name): Outcome[] => {
      try {
        const outcome = JSON.parse(readFileSync(join(root, name, OUTCOME), 'utf8')) as Outcome;
        return typeof outcome.suite === 'string' && typeof outcome.metrics === 'object' ? [outcome] : [];
      } catch {
        return [];
      }
    })
    .sort((a, b) => a.at - b.at);
}
