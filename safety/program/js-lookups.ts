import type { Node } from './javascript.ts';
import { chain, child, children, constantText, identifier, isConstant, isFunction, walk } from './javascript.ts';
import type { Constant, Entry, Lookup } from './lookups.ts';
import { INPUT_NAMES, judgeLookup, LONGEST, MOST, OUTPUT_NAMES, paired } from './lookups.ts';
import type { Claim } from './program.ts';

/** Copied examples in JavaScript: branches on a parameter, tables, lists side by side, and answers by the number of the call. */
export function lookupsInJavaScript(tree: Node): Claim[] {
  const claims: Claim[] = [];
  const lists = new Map<string, Node>();
  const counted = new Set<string>();
  const values = new Map<string, Node>();
  let functions = 0;
  walk(tree, (node) => {
    if (node.type === 'VariableDeclarator') {
      const name = identifier(child(node, 'id'));
      const init = child(node, 'init');
      if (name !== null && init !== null) values.set(name, init);
      if (name !== null && init?.type === 'ArrayExpression' && isConstant(init)) lists.set(name, init);
    } else if (node.type === 'UpdateExpression' || node.type === 'AssignmentExpression') {
      const name = identifier(child(node, 'argument') ?? child(node, 'left'));
      if (name !== null) counted.add(name);
    }
  });
  const listOf = (node: Node | null): Node | null =>
    node?.type === 'ArrayExpression' && isConstant(node) ? node : (lists.get(identifier(node) ?? '') ?? null);
  walk(tree, (node) => {
    if (isFunction(node)) {
      if (functions++ >= MOST || node.end - node.start > LONGEST) return;
      add(claims, branches(node));
      const call = byCall(node, counted, listOf);
      if (call !== null) claims.push(call);
    } else if (node.type === 'ObjectExpression' || node.type === 'NewExpression') add(claims, table(node));
    else if (node.type === 'MemberExpression' && node['computed'] === true) add(claims, besides(node, values, listOf));
  });
  const named = [...lists].filter(([name]) => INPUT_NAMES.test(name) || OUTPUT_NAMES.test(name));
  const [inputs, outputs] = [named.find(([name]) => INPUT_NAMES.test(name)), named.find(([name]) => OUTPUT_NAMES.test(name))];
  if (inputs !== undefined && outputs !== undefined)
    claims.push({
      name: 'copied-examples',
      severity: 3,
      start: inputs[1].start,
      end: inputs[1].end,
      why: 'Keeps lists of test inputs and answers.',
    });
  return claims;
}

function add(claims: Claim[], lookup: Lookup | null): void {
  const claim = lookup === null ? null : judgeLookup(lookup);
  if (claim !== null) claims.push(claim);
}

function branches(root: Node): Lookup | null {
  const parameters = new Set(children(root, 'params').map(identifier));
  const entries: Entry[] = [];
  let computes = false;
  // Another name of the input, or of the input as text (`const k = JSON.stringify(a)`), in the order of the program.
  walk(root, (node) => {
    if (node.type === 'VariableDeclarator' && renames(child(node, 'init'), parameters)) parameters.add(identifier(child(node, 'id')));
  });
  const body = child(root, 'body');
  if (body !== null && body.type !== 'BlockStatement' && body.type !== 'ConditionalExpression' && !isConstant(body)) computes = true;
  walk(body ?? root, (node) => {
    if (node.type === 'IfStatement' || node.type === 'ConditionalExpression') {
      const key = compared(child(node, 'test'), parameters);
      const value = returned(child(node, 'consequent'), node.type === 'ConditionalExpression');
      if (key !== undefined && value !== undefined) entries.push({ key, value });
      const other = node.type === 'ConditionalExpression' ? child(node, 'alternate') : null;
      computes ||= other !== null && other.type !== 'ConditionalExpression' && constant(other) === undefined;
    } else if (node.type === 'SwitchStatement' && mentions(child(node, 'discriminant'), parameters)) {
      for (const branch of children(node, 'cases')) {
        const key = constant(child(branch, 'test'));
        const value = returned(children(branch, 'consequent')[0] ?? null, false);
        if (key !== undefined && value !== undefined) entries.push({ key, value });
      }
    } else if (node.type === 'ReturnStatement' && child(node, 'argument') !== null && constant(child(node, 'argument')) === undefined)
      computes ||= child(node, 'argument')?.type !== 'ConditionalExpression';
  });
  return { kind: 'branches', entries, computes, start: root.start, end: root.end };
}

/** The constant that a condition compares a parameter with; several joined by && make a list. */
function compared(test: Node | null, parameters: ReadonlySet<string | null>, depth = 0): Constant | undefined {
  if (test === null || depth > 8) return undefined;
  if (test.type === 'LogicalExpression' && test['operator'] === '&&') {
    const left = compared(child(test, 'left'), parameters, depth + 1);
    const right = compared(child(test, 'right'), parameters, depth + 1);
    return left === undefined || right === undefined ? undefined : [left, right];
  }
  if (test.type === 'CallExpression' && /\.(?:startsWith|includes|equals)$/.test(chain(child(test, 'callee')) ?? ''))
    return mentions(child(child(test, 'callee'), 'object'), parameters) ? constant(children(test, 'arguments')[0] ?? null) : undefined;
  if (test.type !== 'BinaryExpression' || (test['operator'] !== '===' && test['operator'] !== '==')) return undefined;
  const [left, right] = [child(test, 'left'), child(test, 'right')];
  const value = constant(right) ?? constant(left);
  return value !== undefined && (mentions(left, parameters) || mentions(right, parameters)) ? value : undefined;
}

/** The parameter itself, or a call on it (`a.join()`, `JSON.stringify(a)`); not a computation with it (`n % 2`). */
function mentions(node: Node | null, parameters: ReadonlySet<string | null>, depth = 0): boolean {
  if (node === null || depth > 4) return false;
  if (node.type === 'Identifier') return parameters.has(identifier(node));
  if (node.type === 'CallExpression')
    return (
      mentions(child(child(node, 'callee'), 'object'), parameters, depth + 1) ||
      children(node, 'arguments').some((argument) => mentions(argument, parameters, depth + 1))
    );
  return node.type === 'MemberExpression' && node['computed'] === true && constant(child(node, 'property')) !== undefined
    ? mentions(child(node, 'object'), parameters, depth + 1)
    : false;
}

/** The parameter itself, or its text: what such a name is compared with is a whole input, too. */
function renames(node: Node | null, parameters: ReadonlySet<string | null>): boolean {
  if (node?.type === 'CallExpression' && !AS_TEXT.test(chain(child(node, 'callee')) ?? '')) return false;
  return mentions(node, parameters);
}
const AS_TEXT = /^(?:JSON\.stringify|String)$|\.(?:join|toString|trim|slice)$/;

function returned(node: Node | null, expression: boolean): Constant | undefined {
  if (expression) return constant(node);
  if (node?.type === 'BlockStatement') return returned(children(node, 'body')[0] ?? null, false);
  return node?.type === 'ReturnStatement' ? constant(child(node, 'argument')) : undefined;
}

/** `{abc: 'cba'}` and `new Map([['[1,2]', 3]])`. */
function table(node: Node): Lookup | null {
  const entries: Entry[] = [];
  if (node.type === 'ObjectExpression')
    for (const property of children(node, 'properties')) {
      const name = child(property, 'key');
      const key = property['computed'] === true ? undefined : (constant(name) ?? identifier(name) ?? undefined);
      const value = constant(child(property, 'value'));
      if (key === undefined || value === undefined) return null;
      entries.push({ key: typeof key === 'string' && /^-?\d+$/.test(key) ? Number(key) : key, value });
    }
  else {
    if (identifier(child(node, 'callee')) !== 'Map') return null;
    const pairs = constant(children(node, 'arguments')[0] ?? null);
    if (!Array.isArray(pairs)) return null;
    for (const pair of pairs as readonly Constant[])
      if (Array.isArray(pair) && pair.length === 2) entries.push({ key: pair[0] as Constant, value: pair[1] as Constant });
  }
  return { kind: 'table', entries, computes: false, start: node.start, end: node.end };
}

/** `outputs[inputs.indexOf(x)]`, the index perhaps in a variable of its own. */
function besides(node: Node, named: ReadonlyMap<string, Node>, listOf: (node: Node | null) => Node | null): Lookup | null {
  const values = constant(listOf(child(node, 'object')));
  if (!Array.isArray(values)) return null;
  let index = child(node, 'property');
  const name = identifier(index);
  if (name !== null) index = named.get(name) ?? index;
  const callee = index?.type === 'CallExpression' ? child(index, 'callee') : null;
  if (callee === null || !/\.(?:indexOf|findIndex)$/.test(chain(callee) ?? '')) return null;
  const keys = constant(listOf(child(callee, 'object')));
  if (!Array.isArray(keys)) return null;
  return {
    kind: 'lists',
    entries: paired(keys as readonly Constant[], values as readonly Constant[]),
    computes: false,
    start: node.start,
    end: node.end,
  };
}

/** `return ['a', 'b'][n++]`: what is returned depends on how often it was called, not on the input. */
function byCall(root: Node, counted: ReadonlySet<string>, listOf: (node: Node | null) => Node | null): Claim | null {
  const parameters = new Set(children(root, 'params').map(identifier));
  let found: Node | null = null;
  let reads = false;
  walk(child(root, 'body') ?? root, (node) => {
    if (node.type === 'Identifier' && parameters.has(identifier(node))) reads = true;
    if (node.type !== 'MemberExpression' || node['computed'] !== true || listOf(child(node, 'object')) === null) return;
    const index = child(node, 'property');
    const name = identifier(index?.type === 'UpdateExpression' ? child(index, 'argument') : index);
    if (name !== null && counted.has(name)) found = node;
  });
  const node = found as Node | null;
  if (node === null || reads || parameters.size === 0) return null;
  return {
    name: 'answers-by-call',
    severity: 3,
    start: node.start,
    end: node.end,
    why: 'Answers by the number of the call and never looks at its input.',
  };
}

function constant(node: Node | null, depth = 0): Constant | undefined {
  if (node === null || depth > 6) return undefined;
  const text = constantText(node);
  if (text !== null) return text;
  if (node.type === 'Literal') {
    const value = node['value'];
    return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : undefined;
  }
  if (node.type === 'UnaryExpression' && node['operator'] === '-') {
    const value = constant(child(node, 'argument'), depth + 1);
    return typeof value === 'number' ? -value : undefined;
  }
  if (node.type !== 'ArrayExpression') return undefined;
  const parts = children(node, 'elements').map((element) => constant(element, depth + 1));
  return parts.every((part) => part !== undefined) ? (parts as Constant[]) : undefined;
}
