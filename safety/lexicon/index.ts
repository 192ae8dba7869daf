import { autonomy } from './autonomy.ts';
import { cues } from './cues.ts';
import { evaluation } from './evaluation.ts';
import { harm } from './harm.ts';
import { Lexicon } from './lexicon.ts';
import { people } from './people.ts';
import { special } from './special.ts';

let built: Lexicon | undefined;

/** The one lexicon of all rules, compiled at first use. */
export function lexicon(): Lexicon {
  built ??= new Lexicon([special, cues, people, evaluation, autonomy, harm]);
  return built;
}
