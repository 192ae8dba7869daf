import type { Problem } from '../definition.ts';

/** Propositional formulas as text and as trees. Binary connectives from loose to tight: <-> -> | ^ & !. */
export type Formula =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'not'; readonly of: Formula }
  | { readonly kind: Connective; readonly left: Formula; readonly right: Formula };
export type Connective = '<->' | '->' | '|' | '^' | '&';

/** One formula, or named ones of which each may use those before it. */
export interface Circuit {
  /** In order; the name is null for a single formula. */
  readonly outputs: readonly { readonly name: string | null; readonly formula: Formula }[];
  /** Names that an assignment gives values to, sorted. */
  readonly variables: readonly string[];
}

const CONNECTIVES: readonly Connective[] = ['<->', '->', '|', '^', '&'];
/** Bounds that keep every question to the solver small. */
const MOST = { variables: 16, nodes: 400, depth: 50, outputs: 8 } as const;

const SPELLINGS: Readonly<Record<string, string>> = {
  '<=>': '<->', '↔': '<->', '≡': '<->', '==': '<->', iff: '<->',
  '=>': '->', '→': '->', implies: '->',
  '||': '|', '∨': '|', or: '|',
  '⊕': '^', xor: '^',
  '&&': '&', '∧': '&', and: '&',
  '~': '!', '¬': '!', not: '!',
}; // prettier-ignore
const TOKEN = /\s*(<->|<=>|->|=>|\|\||&&|==|[↔≡→∨⊕∧¬|^&!~()]|[A-Za-z]\w*)/uy;
const NAME = /^[A-Za-z]\w{0,15}$/;

const problem = (text: string): Problem => ({ problem: text });

/** Raised inside this file only. */
class Unreadable extends Error {}

export function readCircuit(text: string): Circuit | Problem {
  try {
    return circuitOf(text);
  } catch (error) {
    if (error instanceof Unreadable) return problem(error.message);
    throw error;
  }
}

function circuitOf(text: string): Circuit {
  const parts = text.split(/[;\n]/).filter((part) => part.trim() !== '');
  if (parts.length === 0) throw new Unreadable('There is no formula.');
  if (parts.length > MOST.outputs) throw new Unreadable(`There are more than ${MOST.outputs} formulas.`);
  const reader = new Reader();
  const outputs = parts.map((part) => {
    const [, name, body] = /^\s*([A-Za-z]\w*)\s*=(?![=>])(.*)$/su.exec(part) ?? [];
    if (name === undefined && parts.length > 1) throw new Unreadable('Of several formulas each has a name: s = a ^ b; c = a & b.');
    const formula = reader.read(body ?? part);
    if (name !== undefined) reader.define(name);
    return { name: name ?? null, formula };
  });
  return { outputs, variables: [...reader.variables].sort() };
}

class Reader {
  readonly variables = new Set<string>();
  private readonly defined = new Set<string>();
  private tokens: string[] = [];
  private at = 0;
  private nodes = 0;

  read(text: string): Formula {
    this.tokens = tokenize(text);
    this.at = 0;
    const formula = this.binary(0, 0);
    if (this.at < this.tokens.length) throw new Unreadable(`A connective is missing before "${this.tokens[this.at] ?? ''}".`);
    return formula;
  }

  define(name: string): void {
    checkName(name);
    if (this.defined.has(name)) throw new Unreadable(`"${name}" is defined twice.`);
    if (this.variables.has(name)) throw new Unreadable(`"${name}" is used before it is defined.`);
    this.defined.add(name);
  }

  private binary(level: number, depth: number): Formula {
    const connective = CONNECTIVES[level];
    if (connective === undefined) return this.unary(depth);
    let left = this.binary(level + 1, depth);
    while (this.tokens[this.at] === connective) {
      this.at += 1;
      // Implication groups to the right, the others to the left.
      const right = this.binary(connective === '->' ? level : level + 1, this.deeper(depth));
      left = this.node({ kind: connective, left, right });
    }
    return left;
  }

  private unary(depth: number): Formula {
    const token = this.tokens[this.at++];
    if (token === '!') return this.node({ kind: 'not', of: this.unary(this.deeper(depth)) });
    if (token === '(') {
      const inner = this.binary(0, this.deeper(depth));
      if (this.tokens[this.at++] !== ')') throw new Unreadable('A bracket is not closed.');
      return inner;
    }
    if (token === undefined) throw new Unreadable('The formula ends too early.');
    if (token === 'true' || token === 'false') return this.node({ kind: 'constant', value: token === 'true' });
    if (!/^[A-Za-z]/.test(token)) throw new Unreadable(`"${token}" stands where a variable belongs.`);
    if (!this.defined.has(token)) {
      checkName(token);
      this.variables.add(token);
      if (this.variables.size > MOST.variables) throw new Unreadable(`There are more than ${MOST.variables} variables.`);
    }
    return this.node({ kind: 'name', name: token });
  }

  private deeper(depth: number): number {
    if (depth >= MOST.depth) throw new Unreadable('The formula is nested too deeply.');
    return depth + 1;
  }

  private node(made: Formula): Formula {
    if (++this.nodes > MOST.nodes) throw new Unreadable(`The formula has more than ${MOST.nodes} parts.`);
    return made;
  }
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  for (TOKEN.lastIndex = 0; text.slice(TOKEN.lastIndex).trim() !== '';) {
    const from = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw new Unreadable(`"${text.slice(from).trim().slice(0, 10)}" is no part of a formula.`);
    tokens.push(Object.hasOwn(SPELLINGS, token) ? (SPELLINGS[token] as string) : token);
  }
  return tokens;
}

function checkName(name: string): void {
  if (!NAME.test(name)) throw new Unreadable(`"${name.slice(0, 20)}" is no name of a variable.`);
  if (isWord(name)) throw new Unreadable(`"${name}" is a word of the language, not a variable.`);
}

const isWord = (name: string): boolean => name === 'true' || name === 'false' || name === 'open' || Object.hasOwn(SPELLINGS, name);

/** Whether an assignment may name it. */
export const isVariable = (name: string): boolean => NAME.test(name) && !isWord(name);

export const writeCircuit = ({ outputs }: Circuit): string =>
  outputs.map(({ name, formula }) => (name === null ? '' : `${name} = `) + writeFormula(formula)).join('; ');

function writeFormula(formula: Formula): string {
  switch (formula.kind) {
    case 'constant':
      return String(formula.value);
    case 'name':
      return formula.name;
    case 'not':
      return `!${inBrackets(formula.of, formula.of.kind in LEVEL)}`;
    default: {
      const { kind, left, right } = formula;
      const level = LEVEL[kind];
      const of = (side: Formula): number => (side.kind in LEVEL ? LEVEL[side.kind as Connective] : Infinity);
      const [tightLeft, tightRight] = kind === '->' ? [of(left) <= level, of(right) < level] : [of(left) < level, of(right) <= level];
      return `${inBrackets(left, tightLeft)} ${kind} ${inBrackets(right, tightRight)}`;
    }
  }
}

const LEVEL = Object.fromEntries(CONNECTIVES.map((connective, level) => [connective, level])) as Readonly<Record<Connective, number>>;
const inBrackets = (formula: Formula, needed: boolean): string => (needed ? `(${writeFormula(formula)})` : writeFormula(formula));
