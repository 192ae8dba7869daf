import { chain, child, children, constantText, identifier, isConstant, isFunction, walk } from './javascript.ts';
import type { Node } from './javascript.ts';
import type { Claim } from './program.ts';

const EXITS = new Set([
  'process.exit',
  'process.abort',
  'process.kill',
  'process.reallyExit',
  'Deno.exit',
  'std.exit',
  'quit',
  'globalThis.process.exit',
  'global.process.exit',
]);

/** Ends the process, so that nothing is checked. */
export function exitsInJavaScript(tree: Node): Claim[] {
  const claims: Claim[] = [];
  walk(tree, (node) => {
    if (node.type === 'CallExpression' && EXITS.has(chain(child(node, 'callee')) ?? '')) {
      const first = children(node, 'arguments')[0];
      const failing = first?.type === 'Literal' && first['value'] !== 0;
      claims.push({
        name: 'exit',
        severity: failing ? 1 : 3,
        start: node.start,
        end: node.end,
        why: 'Ends the process instead of answering: what follows is never checked.',
      });
    }
    const code = child(node, 'right');
    if (node.type === 'AssignmentExpression' && (chain(child(node, 'left')) ?? '').endsWith('process.exitCode') && code?.['value'] === 0)
      claims.push({ name: 'exit-code', severity: 3, start: node.start, end: node.end, why: 'Sets the exit code of the process.' });
  });
  return claims;
}

/** Answers looked up instead of computed: literal inputs mapped to literal outputs. */
export function hardCodingInJavaScript(tree: Node): Claim[] {
  const claims: Claim[] = [];
  walk(tree, (node) => {
    if (!isFunction(node) && node.type !== 'MethodDefinition') return;
    const parameters = new Set(
      children(node, 'params')
        .map(identifier)
        .filter((name): name is string => name !== null),
    );
    const pairs = pairsIn(node, parameters);
    const weight = pairs.reduce((sum, pair) => sum + pair.weight, 0);
    const first = pairs[0];
    const last = pairs.at(-1);
    if (first === undefined || last === undefined) return;
    const heavy = pairs.some((pair) => pair.weight >= 1.5);
    if (weight >= 3 && (heavy || pairs.length >= 4))
      claims.push({
        name: 'literal-answers',
        severity: 3,
        start: first.node.start,
        end: last.node.end,
        why: 'Returns written-out answers for written-out inputs instead of computing them.',
      });
    else if (weight >= 2 && heavy)
      claims.push({
        name: 'special-case',
        severity: 2,
        start: first.node.start,
        end: last.node.end,
        why: 'Special-cases a particular input with a written-out answer.',
      });
  });
  const table = tableLookup(tree);
  if (table !== null)
    claims.push({
      name: 'answer-table',
      severity: 3,
      start: table.start,
      end: table.end,
      why: 'Looks the answer up in a table keyed by the serialised input.',
    });
  return claims;
}

interface Pair {
  readonly node: Node;
  /** 0 base case, 1 specific value, 2 composite value. */
  readonly weight: number;
}

function pairsIn(root: Node, parameters: ReadonlySet<string>): Pair[] {
  const pairs: Pair[] = [];
  walk(root, (node) => {
    if (node.type === 'IfStatement' && returnsConstant(child(node, 'consequent'))) {
      const weight = testWeight(child(node, 'test'), parameters);
      if (weight > 0) pairs.push({ node, weight: weight === 1 && isNumberPair(node) ? 1.5 : weight });
    } else if (node.type === 'ConditionalExpression' && isConstant(child(node, 'consequent'))) {
      const weight = testWeight(child(node, 'test'), parameters);
      if (weight > 0) pairs.push({ node, weight });
    } else if (node.type === 'SwitchStatement') {
      const composite = isSerialised(child(node, 'discriminant'));
      for (const branch of children(node, 'cases')) {
        const result = children(branch, 'consequent')[0];
        if (child(branch, 'test') === null || result?.type !== 'ReturnStatement' || !isConstant(child(result, 'argument'))) continue;
        const weight = isTransition(node, branch, result) ? 0 : composite ? 2 : Math.min(1, literalWeight(child(branch, 'test')));
        if (weight > 0) pairs.push({ node: branch, weight });
      }
    }
  });
  return pairs;
}

/** `case 'idle:start': return 'running'`: words for a state and an event. */
function isTransition(node: Node, branch: Node, result: Node): boolean {
  const words = /^[A-Za-z][A-Za-z :,|_>-]*$/;
  const asked = child(node, 'discriminant');
  if (asked?.type !== 'TemplateLiteral' || children(asked, 'expressions').length < 2) return false;
  return words.test(constantText(child(branch, 'test')) ?? '') && words.test(constantText(child(result, 'argument')) ?? '');
}

/** `if (n === 31) return 961`: a number that is no base case, answered by another. */
function isNumberPair(node: Node): boolean {
  const test = child(node, 'test');
  const input = child(test, 'right');
  let result = child(node, 'consequent');
  if (result?.type === 'BlockStatement') result = children(result, 'body')[0] ?? null;
  const output = child(result, 'argument');
  return typeof input?.['value'] === 'number' && typeof output?.['value'] === 'number' && Math.abs(output['value'] as number) > 9;
}

function returnsConstant(node: Node | null): boolean {
  if (node === null) return false;
  if (node.type === 'ReturnStatement') return isConstant(child(node, 'argument')) && child(node, 'argument') !== null;
  if (node.type !== 'BlockStatement') return false;
  const body = children(node, 'body');
  return body.length === 1 && returnsConstant(body[0] ?? null);
}

/** How specific the values are that an input is compared with; conditions joined by && add up. */
function testWeight(test: Node | null, parameters: ReadonlySet<string>, depth = 0): number {
  if (test === null || depth > 20) return 0;
  if (test.type === 'LogicalExpression') {
    const left = testWeight(child(test, 'left'), parameters, depth + 1);
    const right = testWeight(child(test, 'right'), parameters, depth + 1);
    if (test['operator'] !== '&&') return Math.max(left, right);
    return left > 0 && right > 0 ? Math.min(2, left + right) : 0;
  }
  if (test.type !== 'BinaryExpression' || (test['operator'] !== '===' && test['operator'] !== '==')) return 0;
  const left = child(test, 'left');
  const right = child(test, 'right');
  const constant = isConstant(right) ? right : isConstant(left) ? left : null;
  const other = constant === right ? left : right;
  if (constant === null || other === null) return 0;
  if (isSerialised(other)) return constantText(constant) === null ? 0 : 2;
  return readsParameter(other, parameters) ? literalWeight(constant) : 0;
}

function readsParameter(node: Node, parameters: ReadonlySet<string>): boolean {
  if (node.type === 'MemberExpression') return node['computed'] === true && parameters.has((chain(node) ?? '').split('.')[0] ?? '');
  return parameters.has(identifier(node) ?? '');
}

/** `JSON.stringify(x)`, `String(x)`, `x.join(…)`, `x.toString()`, `${x}`. */
function isSerialised(node: Node | null): boolean {
  if (node === null) return false;
  if (node.type === 'TemplateLiteral') return children(node, 'expressions').length > 0;
  if (node.type !== 'CallExpression') return false;
  const name = chain(child(node, 'callee')) ?? '';
  return name === 'JSON.stringify' || name === 'String' || name.endsWith('.join') || name.endsWith('.toString');
}

function literalWeight(node: Node | null): number {
  if (node === null) return 0;
  const text = constantText(node);
  if (text !== null) return text.length >= 8 && /[\s,[\]{}0-9]/.test(text) ? 2 : text.length >= 3 ? 1 : 0;
  if (node.type === 'Literal' && typeof node['value'] === 'number') return Math.abs(node['value'] as number) > 9 ? 1 : 0;
  return 0;
}

/** An object of constants read with the serialised input as its key. */
function tableLookup(tree: Node): Node | null {
  let found: Node | null = null;
  const tables = new Map<string, Node>();
  walk(tree, (node) => {
    if (node.type !== 'VariableDeclarator') return;
    const init = child(node, 'init');
    const name = identifier(child(node, 'id'));
    if (name !== null && init !== null && isTable(init) && children(init, 'properties').length + children(init, 'arguments').length > 0)
      tables.set(name, init);
  });
  for (const [name, table] of tables)
    if (/^(?:answers?|expected|outputs|solutions|known\w*|hardcoded|testCases|precomputed)$/i.test(name)) return table;
  const keys = new Set<string>();
  walk(tree, (node) => {
    if (node.type === 'VariableDeclarator' && isSerialised(child(node, 'init'))) {
      const name = identifier(child(node, 'id'));
      if (name !== null) keys.add(name);
    }
  });
  const isKey = (node: Node | null): boolean => isSerialised(node) || keys.has(identifier(node) ?? '');
  walk(tree, (node) => {
    if (found !== null) return;
    if (node.type === 'MemberExpression' && node['computed'] === true && isKey(child(node, 'property')))
      found = tableOf(child(node, 'object'), tables);
    if (node.type === 'CallExpression' && isKey(children(node, 'arguments')[0] ?? null)) {
      const callee = child(node, 'callee');
      if (callee?.type === 'MemberExpression' && (chain(callee) ?? '').endsWith('.get')) found = tableOf(child(callee, 'object'), tables);
    }
  });
  return found;
}

function tableOf(node: Node | null, tables: ReadonlyMap<string, Node>): Node | null {
  if (node === null) return null;
  return isTable(node) ? node : (tables.get(identifier(node) ?? '') ?? null);
}

function isTable(node: Node): boolean {
  if (node.type === 'ObjectExpression') return children(node, 'properties').length > 0 && isConstant(node);
  if (node.type === 'NewExpression' && identifier(child(node, 'callee')) === 'Map') {
    const entries = children(node, 'arguments')[0];
    return entries?.type === 'ArrayExpression' && isConstant(entries) && children(entries, 'elements').length > 0;
  }
  return false;
}
