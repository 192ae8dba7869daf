import { ROLES, TASK_TYPES } from './types.ts';
import type { Language, Metrics, Role, Rollout, TaskType } from './types.ts';

/**
 * Ways of thinking that nobody asked for (Absolute Zero, Sec. 4.3 and Fig. 19): comments as plans, tracking of state in deduction,
 * trial and error in abduction, reflection. They are found in the text by form, not understood: docs/learning.md says what
 * counts. All patterns are linear in the length of the text.
 */
export const SIGNS = ['plan', 'state', 'trial', 'reflection'] as const;
export type SignKind = (typeof SIGNS)[number];

/** Where a sign stands: characters `start` to `end` of the thought, or of the program. */
export interface Sign {
  readonly kind: SignKind;
  readonly place: 'thought' | 'program';
  readonly start: number;
  readonly end: number;
}

export type Read = Pick<Rollout, 'thought' | 'program'>;

/** Every sign of `kind` in a rollout; empty when it does not have that way of thinking. `language` null: its programs have no comments. */
export function signsOf(kind: SignKind, { thought, program }: Read, language: Language | null): readonly Sign[] {
  if (kind === 'plan') return program === null || language === null ? [] : plans(program, language);
  if (kind === 'state') return states(thought);
  return kind === 'trial' ? trials(thought) : matches('reflection', thought, REFLECTION);
}

/** The groups of rollouts in which a way of thinking is counted: a plan needs a program of the model's own. */
const counted = (kind: SignKind, role: Role, type: TaskType): boolean => {
  if (kind === 'plan') return role === 'propose' ? type !== 'induction' : type === 'induction';
  return kind === 'reflection' || role === 'solve';
};

/** The path of a share under `emergence/`, taken apart; null for other metrics. */
export function signOfPath(path: string): { readonly kind: SignKind; readonly role: Role; readonly type: TaskType } | null {
  const [room, kind, role, type] = path.split('/');
  const known =
    room === 'emergence' && SIGNS.includes(kind as SignKind) && ROLES.includes(role as Role) && TASK_TYPES.includes(type as TaskType);
  return known ? { kind: kind as SignKind, role: role as Role, type: type as TaskType } : null;
}

/** `emergence/{sign}/{role}/{type}`: share of the rollouts that have the sign; of `plan`, among those that hold a program. */
export function emergence(rollouts: readonly (Read & Pick<Rollout, 'role' | 'taskType'>)[], language: Language | null): Metrics {
  const out: Record<string, number> = {};
  for (const kind of SIGNS)
    for (const role of ROLES)
      for (const type of TASK_TYPES) {
        if (!counted(kind, role, type) || (kind === 'plan' && language === null)) continue;
        const group = rollouts.filter((one) => one.role === role && one.taskType === type && (kind !== 'plan' || one.program !== null));
        if (group.length === 0) continue;
        out[`emergence/${kind}/${role}/${type}`] = group.filter((one) => signsOf(kind, one, language).length > 0).length / group.length;
      }
  return out;
}

const REFLECTION =
  /\b(?:wait|hm{2,}|actually|let me (?:re-?)?(?:check|verify|think|consider|look)|let's (?:check|verify)|double[- ]check|re-?(?:check|consider|examine|evaluate)(?:ing)?|on second thought|i made (?:a|an) (?:mistake|error)|oops|alternatively|i was wrong|that(?:'s| is) (?:not right|wrong)|einen Moment|nochmals?|attends|vérifions|espera|comprobemos)\b|等等|等一下|重新检查|再检查/giu;

const TRY =
  /\b(?:try|tries|tried|trying|suppose|assume|what if|guess|candidate|let's (?:take|use|test|say|pick)|if (?:we|i) (?:use|take|choose|pick|set|put)|versuch\w*|probier\w*|essayons|probemos)\b|试/giu;
const REJECT =
  /\b(?:no|nope|not|wrong|incorrect|fails?|failed|doesn't|does not|isn't|is not|didn't|too (?:big|small|large|low|high|long|short|many|few)|nicht|falsch|ne marche pas)\b|≠|!==?|✗|不对|不行/iu;
/** A try and what became of it stand this close together, characters. */
const REACH = 400;

/** A try that is given up, once or more: from the try to the words that give it up. */
function trials(thought: string): Sign[] {
  const tries = [...thought.matchAll(TRY)].map(({ index }) => index);
  return tries.flatMap((start, i) => {
    const until = Math.min(start + REACH, tries[i + 1] ?? thought.length);
    const given = REJECT.exec(thought.slice(start, until));
    return given ? [{ kind: 'trial' as const, place: 'thought' as const, start, end: start + given.index + given[0].length }] : [];
  });
}

/** `name = literal` in its usual spellings. */
const STATE =
  /(?<![\w.])([A-Za-z_]\w{0,20}(?:\[[^\]\n]{0,20}\])?) {0,2}(?:=|:=|→|->|:|is now|becomes|is) {0,2}(-?\d[\d.]*|\[[^\]\n]{0,80}\]|"[^"\n]{0,80}"|'[^'\n]{0,80}'|\{[^}\n]{0,80}\}|[Tt]rue|[Ff]alse|None|null)/gu;
const NO_STATE = /^(?:answer|output|input|expected|task|example|step|line|case|which|it|that|this|there|what)$/i;

/** At least two different statements of what a variable holds. */
function states(thought: string): Sign[] {
  const found = [...thought.matchAll(STATE)].filter(([, name]) => !NO_STATE.test(name as string));
  if (new Set(found.map(([, name, value]) => `${name} ${value}`)).size < 2) return [];
  return found.map(({ 0: text, index }) => ({ kind: 'state', place: 'thought', start: index, end: index + text.length }));
}

/** Comments in words, before or between code, that say what the program is about to do. */
function plans(program: string, language: Language): Sign[] {
  return comments(program, language).filter(({ start, end }) => {
    const text = program.slice(start, end).replace(/^(?:\/\/|\/\*|#|"""|''')|(?:\*\/|"""|''')$/gu, '');
    const words = text.match(/\p{L}{2,}/gu)?.length ?? 0;
    const looksLikeCode = /[;{}]\s*$|\w\(|[=<>]=|\breturn\b/u.test(text);
    const followed = /\S/u.test(program.slice(end));
    return (words >= 2 || /\p{Script=Han}{3,}/u.test(text)) && !looksLikeCode && followed;
  });
}

/** Comments (in Python docstrings as well); what stands in strings is none. One pass from left to right. */
function comments(program: string, language: Language): Sign[] {
  const found: Sign[] = [];
  const python = language === 'python';
  const closers = python ? ['"""', "'''", '"', "'"] : ['"', "'", '`'];
  const past = (text: string, from: number): number => {
    const at = program.indexOf(text, from);
    return at < 0 ? program.length : at + text.length;
  };
  for (let at = 0; at < program.length;) {
    const opens = (text: string): boolean => program.startsWith(text, at);
    const quote = closers.find(opens);
    const start = at;
    if (quote !== undefined) {
      at = endOfString(program, at + quote.length, quote);
      const statement = /(?:^|[\n:])\s*$/u.test(program.slice(Math.max(0, start - 80), start));
      if (quote.length === 3 && statement) found.push({ kind: 'plan', place: 'program', start, end: at });
    } else if (opens(python ? '#' : '//')) {
      at = past('\n', at);
      found.push({ kind: 'plan', place: 'program', start, end: at });
    } else if (!python && opens('/*')) {
      at = past('*/', at + 2);
      found.push({ kind: 'plan', place: 'program', start, end: at });
    } else at += 1;
  }
  return found;
}

/** Behind the closing quote; a string on one line also ends with its line. */
function endOfString(program: string, from: number, quote: string): number {
  const oneLine = quote === '"' || quote === "'";
  for (let at = from; at < program.length; at++) {
    if (program[at] === '\\') at += 1;
    else if (program.startsWith(quote, at)) return at + quote.length;
    else if (oneLine && program[at] === '\n') return at;
  }
  return program.length;
}

const matches = (kind: SignKind, thought: string, pattern: RegExp): Sign[] =>
  [...thought.matchAll(pattern)].map(({ 0: text, index }) => ({ kind, place: 'thought', start: index, end: index + text.length }));
