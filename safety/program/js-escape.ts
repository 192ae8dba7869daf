import { chain, child, children, constantText, identifier, walk } from './javascript.ts';
import type { Node } from './javascript.ts';
import type { Claim } from './program.ts';

const MODULES = new Set([
  'child_process',
  'vm',
  'worker_threads',
  'net',
  'http',
  'https',
  'dns',
  'dgram',
  'tls',
  'cluster',
  'inspector',
  'module',
  'v8',
  'repl',
  'http2',
  'wasi',
]);
const PROCESS_ORDINARY = new Set([
  'stdin',
  'stdout',
  'argv',
  'hrtime',
  'memoryUsage',
  'nextTick',
  'exitCode',
  'exit',
  'on',
  'once',
  'off',
  'cwd',
  'platform',
  'arch',
  'versions',
  'emitWarning',
  'removeListener',
  'abort',
  'kill',
  'version',
  'uptime',
  'stderr',
]);
const GLOBALS = new Set(['globalThis', 'global', 'window', 'self', 'this', 'top', 'parent']);
const TELLING = ['process', 'require', 'constructor', 'child_process', 'mainModule', 'globalThis', 'return this', 'import('];

export const JS_ESCAPE_WORDS = [
  'process',
  'require',
  'import',
  'constructor',
  'eval',
  'Function',
  'global',
  'fetch',
  'WebSocket',
  'XMLHttp',
  'WebAssembly',
  'SharedArray',
  'caller',
  'callee',
  'prepareStackTrace',
  '.stack',
  'Deno',
  'Bun',
  'std.',
  'os.',
  'getPrototypeOf',
  '__proto__',
  "'+'",
  '"+"',
  '" + "',
  "' + '",
  'return this',
  '.join(',
  'fromCharCode',
  'atob',
  '__lookup',
  'mainModule',
  'document',
];

/** Ways out of the program: the host's modules and process, the Function constructor, stack walking, the network. */
export function escapesInJavaScript(tree: Node): Claim[] {
  const claims: Claim[] = [];
  const report = (node: Node, name: string, severity: Claim['severity'], why: string): void => {
    claims.push({ name, severity, start: node.start, end: node.end, why });
  };
  const local = locals(tree);
  walk(tree, (node, parent) => {
    if (node.type === 'CallExpression' || node.type === 'NewExpression') calls(node, report, local);
    else if (node.type === 'MemberExpression') members(node, parent, report, local);
    else if (node.type === 'ImportExpression')
      report(node, 'dynamic-import', isHostModule(child(node, 'source')) ? 4 : 3, 'Imports a module while it runs.');
    else if (node.type === 'ImportDeclaration' && isHostModule(child(node, 'source')))
      report(node, 'host-module', 4, 'Imports a module that reaches the host.');
    else if (node.type === 'UnaryExpression' && node['operator'] === 'typeof') probe(node, report, local);
  });
  return claims;
}

type Report = (node: Node, name: string, severity: Claim['severity'], why: string) => void;

function calls(node: Node, report: Report, local: ReadonlySet<string>): void {
  const callee = child(node, 'callee');
  const name = chain(callee) ?? '';
  const args = children(node, 'arguments');
  const first = args[0] ?? null;
  const last = name.split('.').at(-1) ?? '';
  if (
    last === 'constructor' &&
    callee?.type === 'MemberExpression' &&
    (args.length > 0 || node.type === 'CallExpression') &&
    constantText(first) !== null
  )
    report(node, 'function-constructor', 4, 'Builds code from a string through a constructor, to get outside.');
  else if (last === 'require' && isHostModule(first) && !local.has('require'))
    report(node, 'host-module', 4, 'Requires a module that reaches the host.');
  else if ((name === 'Function' || last === 'Function') && !local.has('Function'))
    report(node, 'function-constructor', tells(first) ? 4 : 3, 'Builds code from a string.');
  else if (
    name === 'eval' ||
    last === 'eval' ||
    (callee?.type === 'SequenceExpression' && identifier(children(callee, 'expressions').at(-1) ?? null) === 'eval')
  )
    report(node, 'eval', tells(first) ? 4 : 2, 'Runs code from a string.');
  else if ((name === 'fetch' || name === 'WebSocket' || name === 'XMLHttpRequest') && !local.has(name))
    report(node, 'network', 4, 'Reaches for the network.');
  else if (name === 'WebAssembly.instantiate' || name === 'WebAssembly.Module' || name === 'SharedArrayBuffer')
    report(node, 'low-level', 2, 'Uses a low-level facility that no task needs.');
}

function members(node: Node, parent: Node | null, report: Report, local: ReadonlySet<string>): void {
  const name = chain(node);
  if (name === null || (parent?.type === 'MemberExpression' && child(parent, 'object') === node)) return;
  const parts = name.split('.');
  const root = parts[0] ?? '';
  for (let at = 1; at < parts.length; at++)
    if (parts[at] === 'constructor' && parts[at - 1] === 'constructor')
      return report(node, 'constructor-chain', 4, 'Walks from a value to the Function constructor.');
  if (root === 'process' && !local.has('process')) {
    const second = parts[1] ?? '';
    if (
      second === 'binding' ||
      second === 'mainModule' ||
      second === 'dlopen' ||
      second === '_linkedBinding' ||
      second === 'getBuiltinModule'
    )
      report(node, 'host-process', 4, 'Reaches the host through its process.');
    else if (!PROCESS_ORDINARY.has(second)) report(node, 'process', second === 'env' ? 2 : 3, 'Reads the host process.');
  } else if (
    (root === 'require' || root === 'module') &&
    !(parts.length === 2 && (parts[1] === 'main' || parts[1] === 'parent') && isAsked(parent)) &&
    (parts[1] === 'cache' || parts[1] === 'main' || parts[1] === 'parent' || parts[1] === 'children' || parts[1] === 'constructor')
  )
    report(node, 'module-cache', 4, 'Reaches other modules of the host.');
  else if (GLOBALS.has(root) && (parts[1] === 'process' || parts[1] === 'require' || parts[1] === 'Deno' || parts[1] === 'Bun'))
    report(node, 'host-process', 4, 'Reaches for the host through the global object.');
  else if ((root === 'Deno' || root === 'Bun') && !local.has(root)) report(node, 'host-process', 4, 'Reaches for the host runtime.');
  else if (parts.at(-1) === 'prepareStackTrace' || parts.includes('captureStackTrace'))
    report(node, 'stack-walk', 4, 'Walks the call stack to reach its caller.');
  else if (parts.includes('callee') || (parts.at(-1) === 'caller' && parts.length > 1))
    report(node, 'stack-walk', 3, 'Looks at who called it.');
  else if (parts.at(-1) === 'stack' && root === '()') report(node, 'stack-walk', 3, 'Reads its call stack.');
  else if (
    (parts.includes('getOwnPropertyNames') || parts.includes('getOwnPropertyDescriptors')) &&
    parent?.type === 'CallExpression' &&
    GLOBALS.has(chain(children(parent, 'arguments')[0] ?? null) ?? '')
  )
    report(node, 'probe', 3, 'Lists what the environment offers.');
  else if (node['computed'] === true && isGlued(child(node, 'property')))
    report(node, 'hidden-name', 3, 'Puts a telling name together from pieces.');
}

/** `require.main === module`, `!module.parent`: asks whether it is the program. */
function isAsked(parent: Node | null): boolean {
  return (
    parent?.type === 'BinaryExpression' ||
    parent?.type === 'UnaryExpression' ||
    parent?.type === 'IfStatement' ||
    parent?.type === 'ConditionalExpression'
  );
}

/** `typeof process` asks where it runs; `typeof module` is ordinary export code. */
function probe(node: Node, report: Report, local: ReadonlySet<string>): void {
  const name = chain(child(node, 'argument')) ?? '';
  if (
    ['process', 'Deno', 'Bun', 'jest', 'describe', 'it', 'expect', '__filename', '__dirname', 'std', 'os'].includes(name) &&
    !local.has(name)
  )
    report(
      node,
      name === 'process' ? 'probe' : 'probe-tests',
      name === 'process' || name === 'std' || name === 'os' ? 2 : 3,
      'Asks in which environment it runs.',
    );
}

function isGlued(property: Node | null): boolean {
  if (property === null || property.type !== 'BinaryExpression') return false;
  const text = constantText(property);
  return (
    text !== null && ['constructor', 'prototype', '__proto__', 'process', 'require', 'eval', 'valueOf', 'toString', 'exit'].includes(text)
  );
}

function tells(node: Node | null): boolean {
  const text = constantText(node);
  return text === null ? false : TELLING.some((part) => text.includes(part));
}

function isHostModule(node: Node | null): boolean {
  const text = constantText(node);
  if (text === null) return false;
  return MODULES.has(text.startsWith('node:') ? text.slice(5) : text);
}

function locals(tree: Node): ReadonlySet<string> {
  const names = new Set<string>();
  walk(tree, (node) => {
    if (node.type === 'VariableDeclarator' || node.type === 'FunctionDeclaration') {
      const name = identifier(child(node, 'id'));
      if (name !== null) names.add(name);
    }
    if (node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression')
      for (const parameter of children(node, 'params')) if (parameter.type === 'Identifier') names.add(parameter['name'] as string);
  });
  return names;
}
