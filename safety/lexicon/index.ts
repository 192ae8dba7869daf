import { autonomy } from './autonomy.ts';
import { cues } from './cues.ts';
import { evaluation } from './evaluation.ts';
import { harm } from './harm.ts';
import { Lexicon } from './lexicon.ts';
import { people } from './people.ts';
import { special } from './special.ts';

const TABLES = [special, cues, people, evaluation, autonomy, harm];
let built: Lexicon | undefined;

/** All entries as text, for the monitor's version: a changed word is a changed monitor. */
export function lexiconText(): string {
  return JSON.stringify(TABLES);
}

/** The one lexicon of all rules, compiled at first use. */
export function lexicon(): Lexicon {
  built ??= new Lexicon(TABLES);
  return built;
}
