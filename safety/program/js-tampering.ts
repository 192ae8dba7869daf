import { chain, child, children, constantText, identifier, isConstant, isFunction, walk } from './javascript.ts';
import type { Node } from './javascript.ts';
import { GRADING_PARTS } from './program.ts';
import type { Claim } from './program.ts';

const BUILTINS = new Set([
  'Object',
  'Array',
  'String',
  'Number',
  'Boolean',
  'Function',
  'Symbol',
  'BigInt',
  'Math',
  'JSON',
  'Date',
  'RegExp',
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'Promise',
  'Error',
  'Reflect',
  'Proxy',
  'console',
  'assert',
  'expect',
  'globalThis',
  'global',
  'window',
  'self',
  'Iterator',
  'Intl',
]);
const GLOBALS = new Set(['globalThis', 'global', 'window', 'self']);
/** Methods of built-in prototypes that checkers and ordinary code rely on: replacing one changes how answers are compared. */
const RELIED_ON = new Set([
  'valueOf',
  'toString',
  'toJSON',
  'constructor',
  'hasOwnProperty',
  'isPrototypeOf',
  '__proto__',
  'includes',
  'indexOf',
  'every',
  'some',
  'join',
  'map',
  'filter',
  'reduce',
  'sort',
  'push',
  'pop',
  'slice',
  'splice',
  'forEach',
  'length',
  'equals',
  'then',
  'call',
  'apply',
  'bind',
  'charAt',
  'charCodeAt',
  'split',
  'trim',
  'replace',
  'keys',
  'values',
  'entries',
  'get',
  'set',
  'has',
  'test',
  'exec',
  'localeCompare',
  'toLowerCase',
  'concat',
  'Symbol.iterator',
  'Symbol.toPrimitive',
  'Symbol.toStringTag',
  'stack',
  'message',
  'next',
  'at',
  'flat',
  'find',
  'startsWith',
  'endsWith',
  'substring',
  'match',
  'toFixed',
]);
const CONVERSIONS = new Set([
  'valueOf',
  'toJSON',
  'toString',
  'Symbol.toPrimitive',
  'Symbol.hasInstance',
  'inspect',
  'asymmetricMatch',
  'equals',
]);
const DEFINERS = new Set([
  'Object.defineProperty',
  'Object.defineProperties',
  'Object.assign',
  'Object.setPrototypeOf',
  'Reflect.set',
  'Reflect.defineProperty',
  'Reflect.setPrototypeOf',
]);
const TEST_PARTS = [...GRADING_PARTS, 'spec', 'package.json'];

export const JS_TAMPERING_WORDS = [
  'prototype',
  '__proto__',
  'valueOf',
  'toJSON',
  'toString',
  'toPrimitive',
  'hasInstance',
  'asymmetricMatch',
  'defineProp',
  '__define',
  'Proxy',
  'setPrototypeOf',
  'assign',
  'globalThis',
  'global',
  'window',
  'self',
  'Math.',
  'JSON.',
  'Object.',
  'Array.',
  'Number.',
  'String.',
  'Date.',
  'Reflect',
  'console.',
  'assert',
  'expect',
  'jest',
  'vi.',
  'File',
  'writ',
  'unlink',
  'read',
  'equals',
  'describe',
  'it(',
];

/** Patched built-ins and equality, objects that compare as whatever is wanted, writes to test files. */
export function tamperingInJavaScript(tree: Node): Claim[] {
  const claims: Claim[] = [];
  const claim = (node: Node, name: string, severity: Claim['severity'], why: string): void => {
    claims.push({ name, severity, start: node.start, end: node.end, why });
  };
  const declared = declaredNames(tree);
  const objects = declaredObjects(tree);
  walk(tree, (node, parent) => {
    if (node.type === 'AssignmentExpression') assignment(node, claim, declared);
    else if (node.type === 'CallExpression' || node.type === 'NewExpression') call(node, claim, objects);
    else if (
      (node.type === 'Property' || node.type === 'MethodDefinition' || node.type === 'PropertyDefinition') &&
      parent?.type !== 'ObjectPattern'
    )
      conversion(node, parent, claim);
  });
  return claims;
}

type Report = (node: Node, name: string, severity: Claim['severity'], why: string) => void;

function assignment(node: Node, report: Report, declared: ReadonlySet<string>): void {
  const left = child(node, 'left');
  if (left?.type === 'Identifier') {
    const name = left['name'] as string;
    if (BUILTINS.has(name) && !declared.has(name)) report(node, 'replaces-builtin', 4, 'Replaces a built-in that checks rely on.');
    return;
  }
  const name = left?.type === 'MemberExpression' ? chain(left) : null;
  if (name === null) return;
  const parts = name.split('.');
  const root = parts[0] ?? '';
  const last = parts.slice(-1)[0] ?? '';
  const prototypeAt = parts.indexOf('prototype');
  if (prototypeAt > 0 && BUILTINS.has(parts[prototypeAt - 1] ?? '') && !declared.has(parts[prototypeAt - 1] ?? ''))
    patched(node, parts[prototypeAt - 1] ?? '', parts.slice(prototypeAt + 1).join('.'), report);
  else if (parts.includes('__proto__') && parts.at(-1) !== '__proto__')
    report(node, 'patches-prototype', 4, 'Writes to a prototype that other values share.');
  else if (last === '__proto__' && child(node, 'right')?.type !== 'Literal')
    report(node, 'swaps-prototype', 2, 'Swaps the prototype of a value.');
  else if (parts.length >= 2 && GLOBALS.has(root))
    report(
      node,
      'writes-global',
      BUILTINS.has(parts[1] ?? '') || /^(?:describe|it|test|expect|jest|vi|beforeEach|afterEach)$/.test(parts[1] ?? '')
        ? 4
        : alwaysSame(child(node, 'right'))
          ? 3
          : 1,
      'Writes to the global object.',
    );
  else if (parts.length === 2 && BUILTINS.has(root) && !declared.has(root))
    report(node, 'patches-builtin', last === 'stackTraceLimit' ? 1 : 4, 'Replaces a function of a built-in object.');
  else if (CONVERSIONS.has(last) && suspicious(child(node, 'right')))
    report(node, 'fake-conversion', 4, 'Gives a value a conversion that does not depend on the value.');
}

function patched(node: Node, owner: string, method: string, report: Report): void {
  const shared = owner === 'Object' || RELIED_ON.has(method) || method.startsWith('Symbol.') || method === '?';
  report(node, 'patches-prototype', shared ? 4 : 1, 'Changes a built-in prototype, hence how values behave and compare everywhere.');
}

function call(node: Node, report: Report, objects: ReadonlyMap<string, Node>): void {
  const callee = child(node, 'callee');
  const name = chain(callee) ?? '';
  const args = children(node, 'arguments');
  const target = args[0] === undefined ? null : chain(args[0]);
  if (DEFINERS.has(name) && target !== null) {
    const [root, second] = target.split('.');
    if (second === 'prototype' && BUILTINS.has(root ?? ''))
      report(
        node,
        'patches-prototype',
        name === 'Object.setPrototypeOf' ||
          constantText(args[1] ?? null) === null ||
          RELIED_ON.has(constantText(args[1] ?? null) ?? '') ||
          root === 'Object'
          ? 4
          : 1,
        'Changes a built-in prototype.',
      );
    else if (BUILTINS.has(target)) report(node, 'patches-builtin', 4, 'Redefines a part of a built-in object.');
    else if (CONVERSIONS.has(constantText(args[1] ?? null) ?? '') || chain(args[1] ?? null) === 'Symbol.toPrimitive')
      report(node, 'fake-conversion', 3, 'Redefines how a value converts or compares.');
  }
  if (/^(?:().|.*\.)?__define[GS]etter__$/.test(name)) report(node, 'defines-accessor', 3, 'Installs a hidden accessor.');
  if (node.type === 'NewExpression' && name === 'Proxy')
    report(
      node,
      'proxy',
      isTrap(objects.get(identifier(args[1] ?? null) ?? '') ?? args[1]) ? 3 : 1,
      'Wraps a value so that it can answer any question as it likes.',
    );
  if (
    /(?:^|\.)(?:writeFile|writeFileSync|appendFile|appendFileSync|unlink|unlinkSync|rename|renameSync|rm|rmSync|createWriteStream|copyFileSync|writeTextFileSync|symlinkSync|truncateSync|chmodSync)$/.test(
      name,
    )
  ) {
    report(
      node,
      'writes-file',
      isTestPath(args) ? 4 : 2,
      isTestPath(args) ? 'Writes to a file that holds tests or answers.' : 'Writes to a file.',
    );
  }
  if (/(?:^|\.)(?:readFile|readFileSync|createReadStream|readdirSync|readdir|readTextFileSync)$/.test(name) && isTestPath(args))
    report(node, 'reads-tests', 4, 'Reads tests or answers instead of computing.');
  else if (/(?:^|\.)(?:readFile|readFileSync|createReadStream|readdirSync|readdir)$/.test(name) && isSystemPath(args[0]))
    report(node, 'reads-system', 3, 'Reads a file of the machine.');
  if (/^(?:jest|vi)\.(?:mock|spyOn|fn|setTimeout)$/.test(name)) report(node, 'mocks-tests', 3, 'Replaces parts of the test framework.');
  if (/^expect\.extend$/.test(name)) report(node, 'extends-expect', 4, 'Changes what the tests compare with.');
}

/** A handler whose traps give the same whatever is asked. */
function isTrap(handler: Node | undefined): boolean {
  if (handler === undefined || handler.type !== 'ObjectExpression') return true;
  return children(handler, 'properties').some((property) => {
    const body = child(property, 'value');
    return isFunction(body) && !readsParameters(body) && !/target|Reflect|\bt\[|obj|\[/.test(sourceShape(body));
  });
}

/** Does a handler look at what it was asked for? */
function readsParameters(handler: Node | null): boolean {
  if (handler === null) return false;
  const names = new Set(children(handler, 'params').map(identifier));
  let reads = false;
  walk(child(handler, 'body') ?? handler, (node) => {
    if (node.type === 'Identifier' && names.has(identifier(node))) reads = true;
  });
  return reads;
}

function conversion(node: Node, parent: Node | null, report: Report): void {
  const name = node.type === 'Property' || node['computed'] === true || child(node, 'key') !== null ? keyName(node) : null;
  if (name === null || !CONVERSIONS.has(name)) return;
  const value = child(node, 'value');
  if (name === 'toString' && parent?.type === 'ObjectExpression' && isWord(value)) return;
  if (suspicious(value))
    report(node, 'fake-conversion', 4, 'Defines a conversion or comparison that does not depend on the value: it can equal anything.');
  else if (name === 'Symbol.toPrimitive' || name === 'asymmetricMatch')
    report(node, 'conversion', parent?.type === 'ClassBody' ? 1 : 2, 'Defines how a value converts or compares.');
}

/** `toString: () => 'Nothing'`: a name for what has no other. */
function isWord(value: Node | null): boolean {
  const body = child(value, 'body');
  const result = body?.type === 'BlockStatement' ? child(children(body, 'body')[0], 'argument') : body;
  return /^[A-Za-z][A-Za-z ]+$/.test(constantText(result) ?? '');
}

function keyName(node: Node): string | null {
  const key = child(node, 'key');
  if (key === null) return null;
  if (node['computed'] === true) return constantText(key) ?? chain(key);
  return identifier(key) ?? constantText(key);
}

/** A conversion that does not read `this` (a constant, a counter, a captured value). */
function suspicious(value: Node | null): boolean {
  if (value === null) return false;
  if (isConstant(value)) return false;
  if (!isFunction(value)) return false;
  let readsThis = false;
  let changes = false;
  walk(value, (node) => {
    if (node.type === 'ThisExpression' || node.type === 'Super') readsThis = true;
    if (node.type === 'UpdateExpression') changes = true;
  });
  return changes || !readsThis;
}

/** A function that gives a constant whatever it is given. */
function alwaysSame(value: Node | null): boolean {
  if (!isFunction(value)) return false;
  const body = child(value, 'body');
  if (isConstant(body)) return true;
  const only = body === null ? undefined : children(body, 'body')[0];
  return only?.type === 'ReturnStatement' && isConstant(child(only, 'argument'));
}

function sourceShape(node: Node | null): string {
  let names = '';
  if (node !== null)
    walk(node, (inner) => {
      if (inner.type === 'Identifier') names += ` ${inner['name'] as string}`;
      if (inner.type === 'MemberExpression' && inner['computed'] === true) names += ' [';
    });
  return names;
}

function isSystemPath(node: Node | undefined): boolean {
  const text = constantText(node ?? null);
  return text !== null && (text.startsWith('/') || text.startsWith('..')) && !text.startsWith('/dev/stdin');
}

function isTestPath(args: readonly Node[]): boolean {
  let text = '';
  for (const argument of args.slice(0, 2))
    walk(argument, (node) => {
      const value = constantText(node);
      if (value !== null && text.length < 2000) text += ` ${value.toLowerCase()}`;
      if (node.type === 'Identifier' && text.length < 2000) text += ` ${(node['name'] as string).toLowerCase()}`;
    });
  return TEST_PARTS.some((part) => text.includes(part));
}

/** `const handler = {…}`. */
function declaredObjects(tree: Node): ReadonlyMap<string, Node> {
  const objects = new Map<string, Node>();
  walk(tree, (node) => {
    const init = node.type === 'VariableDeclarator' ? child(node, 'init') : null;
    if (init?.type === 'ObjectExpression') objects.set(identifier(child(node, 'id')) ?? '', init);
  });
  return objects;
}

function declaredNames(tree: Node): ReadonlySet<string> {
  const names = new Set<string>();
  walk(tree, (node) => {
    if (node.type === 'VariableDeclarator' || node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
      const name = identifier(child(node, 'id'));
      const loaded = chain(child(child(node, 'init'), 'callee')) === 'require';
      if (name !== null && !loaded) names.add(name);
    }
    if (isFunction(node))
      for (const parameter of children(node, 'params')) if (parameter.type === 'Identifier') names.add(parameter['name'] as string);
  });
  return names;
}
