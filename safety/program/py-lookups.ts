import type { Constant, Entry, Lookup } from './lookups.ts';
import { INPUT_NAMES, judgeLookup, LONGEST, MOST, OUTPUT_NAMES, paired } from './lookups.ts';
import type { Claim } from './program.ts';
import type { SyntaxNode } from './py-tree.ts';
import { childrenOf, constantOf, parsePython, walkPython } from './py-tree.ts';

/** Lists that are held beside each other. */
const MOST_LISTS = 20;

/** Copied examples in Python: branches on a parameter, tables, lists side by side, and answers by the number of the call. */
export function lookupsInPython(text: string): Claim[] {
  const root = parsePython(text);
  const claims: Claim[] = [];
  const add = (lookup: Lookup | null): void => {
    const claim = lookup === null ? null : judgeLookup(lookup);
    if (claim !== null) claims.push(claim);
  };
  let functions = 0;
  const lists = new Map<string, { readonly values: readonly Constant[]; readonly node: SyntaxNode }>();
  walkPython(root, (node) => {
    if (node.name === 'FunctionDefinition') {
      if (functions++ >= MOST || node.to - node.from > LONGEST) return;
      add(branches(node, text));
      const call = byCall(node, text);
      if (call !== null) claims.push(call);
    } else if (node.name === 'DictionaryExpression') add(dictionary(node, text));
    else if (node.name === 'AssignStatement') {
      const [target, , value] = childrenOf(node);
      const list = value === undefined ? undefined : constantOf(value, text);
      if (target?.name === 'VariableName' && value !== undefined && Array.isArray(list))
        lists.set(slice(target, text), { values: list as readonly Constant[], node: value });
    }
  });
  const inputs = [...lists].find(([name]) => INPUT_NAMES.test(name));
  const outputs = [...lists].find(([name]) => OUTPUT_NAMES.test(name));
  if (inputs !== undefined && outputs !== undefined && inputs[1].values.length >= 2)
    claims.push({
      name: 'copied-examples',
      severity: 3,
      start: inputs[1].node.from,
      end: inputs[1].node.to,
      why: 'Keeps lists of test inputs and answers.',
    });
  else
    for (const [, keys] of [...lists].slice(0, MOST_LISTS))
      for (const [, values] of [...lists].slice(0, MOST_LISTS))
        if (keys !== values && /\.index\(|\bzip\(/.test(text))
          add({ kind: 'lists', entries: paired(keys.values, values.values), computes: false, start: keys.node.from, end: values.node.to });
  return claims;
}

function slice(node: SyntaxNode, text: string): string {
  return text.slice(node.from, node.to);
}

function parametersOf(definition: SyntaxNode, text: string): ReadonlySet<string> {
  const list = definition.getChild('ParamList');
  const names = list === null ? [] : childrenOf(list).filter((child) => child.name === 'VariableName');
  return new Set(names.map((name) => slice(name, text)));
}

function branches(definition: SyntaxNode, text: string): Lookup {
  const parameters = new Set(parametersOf(definition, text));
  const entries: Entry[] = [];
  let computes = false;
  // Another name of the input, or of the input as text (`k = str(a)`), in the order of the program.
  walkPython(definition, (node) => {
    if (node.name !== 'AssignStatement') return;
    const [target, , value] = childrenOf(node);
    if (target?.name === 'VariableName' && mentions(value ?? null, parameters, text)) parameters.add(slice(target, text));
  });
  const push = (key: Constant | undefined, value: Constant | undefined): void => {
    if (key !== undefined && value !== undefined) entries.push({ key, value });
  };
  walkPython(definition, (node) => {
    if (node.name === 'IfStatement') {
      const parts = childrenOf(node);
      for (let at = 0; at + 2 < parts.length; at++)
        if (parts[at]?.name === 'if' || parts[at]?.name === 'elif')
          push(compared(parts[at + 1] ?? null, parameters, text), returned(parts[at + 2] ?? null, text));
    } else if (node.name === 'MatchClause') {
      const pattern = node.firstChild?.nextSibling ?? null;
      push(constantOf(pattern, text), returned(node.getChild('Body'), text));
    } else if (node.name === 'ConditionalExpression') {
      const [value, , test] = childrenOf(node);
      push(compared(test ?? null, parameters, text), constantOf(value ?? null, text));
      const other = node.lastChild;
      computes ||= other !== null && other.name !== 'ConditionalExpression' && constantOf(other, text) === undefined;
    } else if (node.name === 'ReturnStatement') {
      const value = node.lastChild;
      computes ||=
        value !== null && value.name !== 'return' && value.name !== 'ConditionalExpression' && constantOf(value, text) === undefined;
    }
  });
  return { kind: 'branches', entries, computes, start: definition.from, end: definition.to };
}

/** The constant that a condition compares a parameter with; several joined by `and` make a list. */
function compared(test: SyntaxNode | null, parameters: ReadonlySet<string>, text: string, depth = 0): Constant | undefined {
  if (test === null || depth > 8) return undefined;
  if (test.name === 'CallExpression' && /\.(?:startswith|__eq__)$/.test(slice(test.firstChild ?? test, text))) {
    const argument = test.getChild('ArgList')?.firstChild?.nextSibling ?? null;
    return mentions(test.firstChild, parameters, text) ? constantOf(argument, text) : undefined;
  }
  if (test.name !== 'BinaryExpression') return undefined;
  const [left, operator, right] = childrenOf(test);
  if (operator?.name === 'and') {
    const [first, second] = [compared(left ?? null, parameters, text, depth + 1), compared(right ?? null, parameters, text, depth + 1)];
    return first === undefined || second === undefined ? undefined : [first, second];
  }
  if (operator === undefined || slice(operator, text) !== '==') return undefined;
  const value = constantOf(right ?? null, text) ?? constantOf(left ?? null, text);
  return value !== undefined && (mentions(left ?? null, parameters, text) || mentions(right ?? null, parameters, text)) ? value : undefined;
}

/** The parameter itself, or a call on it (`s.strip()`, `str(x)`); not a computation with it (`n % 2`, `len(x)`). */
function mentions(node: SyntaxNode | null, parameters: ReadonlySet<string>, text: string, depth = 0): boolean {
  if (node === null || depth > 4) return false;
  if (node.name === 'VariableName') return parameters.has(slice(node, text));
  if (node.name === 'MemberExpression') return mentions(node.firstChild, parameters, text, depth + 1);
  if (node.name !== 'CallExpression') return false;
  if (node.firstChild?.name === 'MemberExpression') return mentions(node.firstChild, parameters, text, depth + 1);
  if (!/^(?:str|repr|tuple|list|int)$/.test(slice(node.firstChild ?? node, text))) return false;
  return mentions(node.getChild('ArgList')?.firstChild?.nextSibling ?? null, parameters, text, depth + 1);
}

/** What a block returns or prints first, when that is written out. */
function returned(body: SyntaxNode | null, text: string): Constant | undefined {
  const first = body === null ? undefined : childrenOf(body).find((child) => child.name !== ':');
  if (first?.name === 'ReturnStatement') return constantOf(first.lastChild, text);
  const call = first?.name === 'ExpressionStatement' ? first.firstChild : null;
  if (call?.name === 'CallExpression' && slice(call.firstChild ?? call, text) === 'print')
    return constantOf(call.getChild('ArgList')?.firstChild?.nextSibling ?? null, text);
  return undefined;
}

function dictionary(node: SyntaxNode, text: string): Lookup | null {
  const parts = childrenOf(node).filter((child) => !['{', '}', ',', ':'].includes(child.name));
  if (parts.length % 2 === 1) return null;
  const entries: Entry[] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const key = constantOf(parts[at] ?? null, text);
    const value = constantOf(parts[at + 1] ?? null, text);
    if (key === undefined || value === undefined) return null;
    entries.push({ key, value });
  }
  // A memo begins with base cases.
  const memo = entries.length <= 2 || node.parent?.name === 'ParamList';
  return { kind: 'table', entries, computes: memo, start: node.from, end: node.to };
}

/** `return [4, 9][calls - 1]` where the parameters are never read and a global counts the calls. */
function byCall(definition: SyntaxNode, text: string): Claim | null {
  const parameters = parametersOf(definition, text);
  if (parameters.size === 0 || !/\b(?:global|nonlocal)\b|\bnext\(/.test(slice(definition, text))) return null;
  let reads = false;
  let found: SyntaxNode | null = null;
  const body = definition.getChild('Body');
  if (body === null) return null;
  walkPython(body, (node) => {
    if (node.name === 'VariableName' && parameters.has(slice(node, text))) reads = true;
    if (node.name === 'MemberExpression' && node.firstChild !== null && Array.isArray(constantOf(node.firstChild, text))) found = node;
    if (node.name === 'CallExpression' && slice(node.firstChild ?? node, text) === 'next') found = node;
  });
  const node = found as SyntaxNode | null;
  if (node === null || reads) return null;
  return {
    name: 'answers-by-call',
    severity: 3,
    start: node.from,
    end: node.to,
    why: 'Answers by the number of the call and never looks at its input.',
  };
}
