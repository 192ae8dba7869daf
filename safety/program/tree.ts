import type { Constant } from './lookups.ts';

export type Kind =
  | 'program' | 'block' | 'function' | 'class' | 'if' | 'switch' | 'case' | 'return' | 'yield' | 'throw' | 'try' | 'catch' | 'for' | 'while'
  | 'call' | 'new' | 'keyword' | 'member' | 'index' | 'binary' | 'unary' | 'update' | 'assign' | 'constant' | 'name' | 'list' | 'table' | 'entry'
  | 'search' | 'text' | 'import' | 'assert' | 'other'; // prettier-ignore

/**
 * One node of a program, the same for JavaScript and Python, so that a check is written once. `parts` by kind:
 * function `[…defaults, body]` (params in `params`), class `[…bases, …members]`, if `[test, then, else?]` (also `a ? b : c`),
 * switch `[subject, …cases]`, case `[test?, …statements]` (`name` is `default` without a test), try `[body, …catches, finally?]`,
 * catch `[body]`, for `[target, over, body]`, while `[…, body]`, call and new `[callee, …args]`, member `[object]`, index `[object, key]`,
 * assign `[…targets, value]`, table `[…entry]`, entry `[key, value]`, search (a comprehension) `[result, target, over, …tests]`,
 * import `[]` with `names` as `[from, as]`. `name` holds the identifier, operator (`===` is `==`, `and` is `&&`) or module.
 */
export interface Part {
  readonly kind: Kind;
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly parts: readonly Part[];
  parent: Part | null;
  readonly params?: readonly string[];
  readonly value?: Constant;
  readonly names?: readonly (readonly [string, string])[];
  /** A function that belongs to a class or object. */
  method?: true;
  /** `get x() {…}`. */
  getter?: true;
}

export interface Extra {
  readonly params?: readonly string[];
  readonly value?: Constant;
  readonly names?: readonly (readonly [string, string])[];
}

export function make(kind: Kind, name: string, start: number, end: number, parts: readonly Part[], extra?: Extra): Part {
  const part: Part = { kind, name, start, end, parts, parent: null, ...extra };
  for (const inner of parts) inner.parent = part;
  return part;
}

/** Deeper programs lose what is below: nobody writes so. */
export const DEEPEST = 300;

/** Visits every node below `root` and itself, parents first; `false` skips what is below. */
export function each(root: Part, visit: (part: Part) => boolean | undefined | void): void {
  const stack: Part[] = [root];
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    if (visit(part) === false) continue;
    for (let at = part.parts.length - 1; at >= 0; at--) stack.push(part.parts[at] as Part);
  }
}

/** Is there a node below `root` (itself included) of which this is true? */
export function some(root: Part, test: (part: Part) => boolean): boolean {
  const stack: Part[] = [root];
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    if (test(part)) return true;
    for (const inner of part.parts) stack.push(inner);
  }
  return false;
}

export const first = (part: Part): Part | undefined => part.parts[0];
export const last = (part: Part): Part | undefined => part.parts.at(-1);

/** Nearest node above of one of these kinds. */
export function above(part: Part, kinds: readonly Kind[]): Part | null {
  for (let at = part.parent; at !== null; at = at.parent) if (kinds.includes(at.kind)) return at;
  return null;
}

/** Statements of a body, whether it is a block or one statement. */
export function statements(body: Part | undefined): readonly Part[] {
  return body === undefined ? [] : body.kind === 'block' ? body.parts : [body];
}

/** Nodes of a function, those of inner functions and classes left out. */
export function inFunctionBody(owner: Part, visit: (part: Part) => void): void {
  each(owner, (part) => {
    if (part !== owner && (part.kind === 'function' || part.kind === 'class')) return false;
    visit(part);
    return true;
  });
}
