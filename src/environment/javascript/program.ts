import { parse } from 'acorn';
import type { AnyNode, Function as FunctionNode, Node, Pattern, Program, Token } from 'acorn';
import { findForbidden } from './forbidden.ts';
import { children } from './syntax.ts';

/** What the syntax tree of a program says before anything runs. */
export type Inspection =
  | {
      readonly kind: 'program';
      readonly entry: Entry;
      /** Why it may not run, in one sentence, or null. */
      readonly forbidden: string | null;
      /** Why it may not be a task, though it may run: it draws random numbers; or null. */
      readonly chance: string | null;
    }
  | { readonly kind: 'invalid'; readonly detail: string };

export interface Entry {
  /** Top-level declarations of `f`: exactly one is right. */
  readonly declarations: number;
  /** Parameters of the last of them, or null when it is not written as a function. */
  readonly parameters: number | null;
  readonly returns: boolean;
}

const PARSE_OPTIONS = { ecmaVersion: 'latest', sourceType: 'script', allowImportExportEverywhere: true } as const;

/** Parses a program and looks for its entry function and for capabilities it asks for. Never throws on bad source. */
export function inspectProgram(source: string): Inspection {
  try {
    const program = parse(source, PARSE_OPTIONS);
    return { kind: 'program', entry: findEntry(program), ...findForbidden(program) };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'invalid', detail: `The program is not valid JavaScript: ${error.message}.` };
    if (error instanceof RangeError) return { kind: 'invalid', detail: 'The program nests too deeply to be read.' };
    throw error;
  }
}

/** Why the entry function is not acceptable for a proposed task, in one sentence, or null (azr-spec: validity of a proposal). */
export function entryProblem(entry: Entry): string | null {
  if (entry.declarations === 0) return 'The program declares no top-level function f.';
  if (entry.declarations > 1) return 'The program declares f more than once; it must have exactly one entry function.';
  if (entry.parameters === null) return 'The top-level f is not written as a function.';
  if (entry.parameters === 0) return 'The function f takes no parameter; it needs at least one.';
  if (!entry.returns) return 'The function f returns no value.';
  return null;
}

/** Program text for deduplication (D3): no comments, one blank between tokens; broken programs keep their comments. */
export function normaliseProgram(source: string): string {
  try {
    const tokens: string[] = [];
    parse(source, { ...PARSE_OPTIONS, onToken: (token: Token) => tokens.push(source.slice(token.start, token.end)) });
    return tokens.join(' ').trim();
  } catch {
    return source.replace(/\s+/g, ' ').trim();
  }
}

function findEntry(program: Program): Entry {
  let declarations = 0;
  let found: FunctionNode | null = null;
  for (const statement of program.body) {
    if (statement.type === 'FunctionDeclaration' && statement.id?.name === 'f') {
      declarations++;
      found = statement;
    } else if (statement.type === 'VariableDeclaration') {
      for (const { id, init } of statement.declarations) {
        if (!bindsName(id, 'f')) continue;
        declarations++;
        found = init?.type === 'FunctionExpression' || init?.type === 'ArrowFunctionExpression' ? init : null;
      }
    } else if (statement.type === 'ClassDeclaration' && statement.id?.name === 'f') {
      declarations++;
      found = null;
    }
  }
  return { declarations, parameters: found?.params.length ?? null, returns: found !== null && returnsValue(found) };
}

function bindsName(pattern: Pattern, name: string): boolean {
  return pattern.type === 'Identifier' && pattern.name === name;
}

/** An arrow with an expression body, or a `return` with a value that belongs to the function itself. */
function returnsValue(node: FunctionNode): boolean {
  if (node.body.type !== 'BlockStatement') return true;
  const pending: AnyNode[] = [...node.body.body];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (next.type === 'ReturnStatement' && next.argument) return true;
    if (!isFunction(next)) for (const child of children(next)) pending.push(child);
  }
  return false;
}

function isFunction(node: Node): boolean {
  return ['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression', 'ClassBody'].includes(node.type);
}
