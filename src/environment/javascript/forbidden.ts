import type { AnyNode, MemberExpression, Program } from 'acorn';
import { children } from './syntax.ts';

/**
 * Names a pure function has no use for: ways out of the program, threads, timers, clocks, code from text. The scan
 * gives a proposal its reason and the trainer a signal; it is never the boundary, which is the interpreter itself (D5).
 */
const FORBIDDEN_NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'loads modules': ['require', 'importScripts', 'module', 'exports', '__dirname', '__filename'],
    'reaches for the host': [
      'process',
      'Deno',
      'Bun',
      'Buffer',
      'window',
      'document',
      'navigator',
      'localStorage',
      'sessionStorage',
      'std',
      'os',
    ],
    'uses the network': ['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource'],
    'runs code from text': ['eval', 'WebAssembly'],
    'uses threads or shared memory': ['Worker', 'SharedArrayBuffer', 'Atomics'],
    'uses timers': ['setTimeout', 'setInterval', 'setImmediate', 'requestAnimationFrame'],
    'reads the clock': ['performance'],
    'uses random numbers': ['crypto'],
    'depends on garbage collection': ['WeakRef', 'FinalizationRegistry'],
  }).flatMap(([reason, names]) => names.map((name) => [name, reason] as const)),
);

const CHANCE = 'Math.random';

const FORBIDDEN_MEMBERS: ReadonlyMap<string, string> = new Map([
  [CHANCE, 'uses random numbers'],
  ['Date.now', 'reads the clock'],
  ['Temporal.Now', 'reads the clock'],
]);

/**
 * One sentence on the first forbidden capability in the tree, and one on the first draw of random numbers, each or null.
 * Names that the program declares itself are its own.
 */
export function findForbidden(program: Program): { readonly forbidden: string | null; readonly chance: string | null } {
  const nodes = allNodes(program);
  const own = declaredNames(nodes);
  let chance: string | null = null;
  for (const node of nodes) {
    const found = forbiddenAt(node, own);
    if (found === null) continue;
    const sentence = `The program ${found.reason} (\`${found.what}\`), which tasks may not do.`;
    if (found.what !== CHANCE) return { forbidden: sentence, chance };
    chance ??= sentence;
  }
  return { forbidden: null, chance };
}

interface Use {
  readonly reason: string;
  readonly what: string;
}

function forbiddenAt(node: AnyNode, own: ReadonlySet<string>): Use | null {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ImportExpression':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration':
      return { reason: 'loads modules', what: node.type.startsWith('Import') ? 'import' : 'export' };
    case 'MetaProperty':
      return node.meta.name === 'import' ? { reason: 'loads modules', what: 'import.meta' } : null;
    case 'MemberExpression':
      return forbiddenMember(node, own);
    case 'NewExpression':
    case 'CallExpression':
      if (node.callee.type !== 'Identifier' || own.has(node.callee.name)) return null;
      // `x instanceof Function` is harmless.
      if (node.callee.name === 'Function') return { reason: 'runs code from text', what: 'Function' };
      // `new Date(ms)` is a pure function of its argument, `new Date()` is the clock, and so is any `Date(…)` call.
      if (node.callee.name !== 'Date' || (node.type === 'NewExpression' && node.arguments.length > 0)) return null;
      return { reason: 'reads the clock', what: node.type === 'NewExpression' ? 'new Date()' : 'Date()' };
    case 'Identifier':
      return nameUse(node.name, own);
    default:
      return null;
  }
}

function nameUse(name: string, own: ReadonlySet<string>): Use | null {
  const reason = FORBIDDEN_NAMES.get(name);
  return reason === undefined || own.has(name) ? null : { reason, what: name };
}

function forbiddenMember(node: MemberExpression, own: ReadonlySet<string>): Use | null {
  const name = memberName(node);
  if (name === null || node.object.type !== 'Identifier' || own.has(node.object.name)) return null;
  if (node.object.name === 'globalThis') return nameUse(name, new Set());
  const what = `${node.object.name}.${name}`;
  const reason = FORBIDDEN_MEMBERS.get(what);
  return reason === undefined ? null : { reason, what };
}

function memberName(node: MemberExpression): string | null {
  if (!node.computed) return node.property.type === 'Identifier' ? node.property.name : null;
  return node.property.type === 'Literal' && typeof node.property.value === 'string' ? node.property.value : null;
}

/** Every node but names that are no references: property keys, members, labels. */
function allNodes(program: Program): AnyNode[] {
  const nodes: AnyNode[] = [];
  const pending: AnyNode[] = [program];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    nodes.push(node);
    for (const child of referencing(node).reverse()) pending.push(child);
  }
  return nodes;
}

function referencing(node: AnyNode): AnyNode[] {
  switch (node.type) {
    case 'MemberExpression':
      return node.computed ? [node.object, node.property] : [node.object];
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      // A shorthand `{process}` is a reference through its value.
      return [...(node.computed ? [node.key] : []), ...(node.value ? [node.value] : [])];
    case 'LabeledStatement':
      return [node.body];
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
      return [];
    default:
      return children(node);
  }
}

function declaredNames(nodes: readonly AnyNode[]): Set<string> {
  const names = new Set<string>();
  const patterns: AnyNode[] = [];
  for (const node of nodes) {
    if (node.type === 'VariableDeclarator') patterns.push(node.id);
    if (node.type === 'CatchClause' && node.param) patterns.push(node.param);
    if (node.type === 'ClassDeclaration' || node.type === 'ClassExpression') names.add(node.id?.name ?? '');
    if (node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression') {
      names.add(node.id?.name ?? '');
      for (const parameter of node.params) patterns.push(parameter);
    }
  }
  for (let pattern = patterns.pop(); pattern !== undefined; pattern = patterns.pop()) {
    if (pattern.type === 'Identifier') names.add(pattern.name);
    else if (pattern.type === 'AssignmentPattern') patterns.push(pattern.left);
    else if (pattern.type === 'Property') patterns.push(pattern.value);
    else if (pattern.type === 'ObjectPattern' || pattern.type === 'ArrayPattern' || pattern.type === 'RestElement') {
      for (const child of children(pattern)) patterns.push(child);
    }
  }
  return names;
}
