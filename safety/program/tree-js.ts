import { children, constantText, isNode } from './javascript.ts';
import type { Node } from './javascript.ts';
import { DEEPEST, make } from './tree.ts';
import type { Kind, Part } from './tree.ts';

/** The tree of a JavaScript program. */
export function fromJavaScript(tree: Node): Part {
  return convert(tree, 0);
}

function convert(node: Node, depth: number): Part {
  const { start, end } = node;
  const go = (inner: unknown): Part => (isNode(inner) ? convert(inner, depth + 1) : make('other', '', start, start, []));
  const all = (key: string): Part[] => children(node, key).map((inner) => convert(inner, depth + 1));
  const some = (...keys: string[]): Part[] => keys.flatMap((key) => (isNode(node[key]) ? [convert(node[key], depth + 1)] : []));
  const to = (kind: Kind, name: string, parts: readonly Part[]): Part => make(kind, name, start, end, parts);
  const operator = String(node['operator'] ?? '');
  if (depth > DEEPEST) return to('other', '', []);
  switch (node.type) {
    case 'Program':
      return to('program', '', all('body'));
    case 'BlockStatement':
    case 'StaticBlock':
    case 'ClassBody':
      return to('block', '', all('body'));
    case 'ExpressionStatement':
    case 'ChainExpression':
    case 'ParenthesizedExpression':
    case 'AwaitExpression':
      return go(node['expression'] ?? node['argument']);
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return toFunction(node, go);
    case 'ClassDeclaration':
    case 'ClassExpression': {
      const body = isNode(node['body']) ? children(node['body'], 'body').map((inner) => convert(inner, depth + 2)) : [];
      return to('class', nameOf(node['id']), [...some('superClass'), ...body]);
    }
    case 'MethodDefinition':
    case 'PropertyDefinition': {
      const value = go(node['value']);
      if (value.kind === 'function') value.method = true;
      if (node['kind'] === 'get') value.getter = true;
      return to('assign', '=', [key(node, go), value]);
    }
    case 'Property': {
      const value = go(node['value']);
      if (value.kind === 'function') value.method = true;
      if (node['kind'] === 'get') value.getter = true;
      return to('entry', '', [key(node, go), value]);
    }
    case 'ObjectExpression':
      return to('table', '', all('properties'));
    case 'ArrayExpression':
      return to('list', '', all('elements'));
    case 'IfStatement':
    case 'ConditionalExpression':
      return to('if', '', some('test', 'consequent', 'alternate'));
    case 'SwitchStatement':
      return to('switch', '', [go(node['discriminant']), ...all('cases')]);
    case 'SwitchCase':
      return to('case', isNode(node['test']) ? '' : 'default', [...some('test'), ...all('consequent')]);
    case 'ReturnStatement':
      return to('return', '', some('argument'));
    case 'YieldExpression':
      return to('yield', '', some('argument'));
    case 'ThrowStatement':
      return to('throw', '', some('argument'));
    case 'TryStatement':
      return to('try', '', some('block', 'handler', 'finalizer'));
    case 'CatchClause':
      return make('catch', '', start, end, some('body'), { params: namesOf(node['param']) });
    case 'ForInStatement':
    case 'ForOfStatement':
      return to('for', '', some('left', 'right', 'body'));
    case 'ForStatement':
      return to('while', '', some('init', 'test', 'update', 'body'));
    case 'WhileStatement':
    case 'DoWhileStatement':
      return to('while', '', some('test', 'body'));
    case 'VariableDeclaration': {
      const declared = all('declarations');
      return declared.length === 1 ? (declared[0] as Part) : to('block', '', declared);
    }
    case 'VariableDeclarator': {
      const value = some('init');
      return value.length === 0 ? to('other', 'declaration', [go(node['id'])]) : to('assign', 'let', [go(node['id']), ...value]);
    }
    case 'AssignmentExpression':
      return to('assign', operator, some('left', 'right'));
    case 'UpdateExpression':
      return to('update', operator, some('argument'));
    case 'CallExpression':
      return to('call', '', [go(node['callee']), ...all('arguments')]);
    case 'NewExpression':
      return to('new', '', [go(node['callee']), ...all('arguments')]);
    case 'MemberExpression':
      return member(node, go);
    case 'BinaryExpression':
    case 'LogicalExpression': {
      const text = constantText(node);
      if (text !== null) return make('constant', '', start, end, [], { value: text });
      return to('binary', operator === '===' ? '==' : operator === '!==' ? '!=' : operator, some('left', 'right'));
    }
    case 'UnaryExpression': {
      const inner = go(node['argument']);
      if (operator === '-' && typeof inner.value === 'number') return make('constant', '', start, end, [], { value: -inner.value });
      if (operator === '!' && typeof inner.value === 'number') return make('constant', '', start, end, [], { value: inner.value === 0 });
      return to('unary', operator, [inner]);
    }
    case 'Literal': {
      const value = node['value'];
      if (typeof value === 'bigint') return make('constant', '', start, end, [], { value: Number(value) });
      if (
        typeof value === 'string' ||
        typeof value === 'number' ||
        typeof value === 'boolean' ||
        (value === null && node['regex'] === undefined)
      )
        return make('constant', '', start, end, [], { value });
      const pattern = (node['regex'] as { pattern?: string } | undefined)?.pattern;
      return make('other', 'regex', start, end, [], pattern === undefined ? {} : { value: pattern });
    }
    case 'TemplateLiteral': {
      const text = constantText(node);
      return text === null ? to('text', '', all('expressions')) : make('constant', '', start, end, [], { value: text });
    }
    case 'Identifier':
      return to('name', nameOf(node), []);
    case 'ThisExpression':
    case 'Super':
      return to('name', 'this', []);
    case 'ImportDeclaration': {
      const names = children(node, 'specifiers').map((each): readonly [string, string] => [
        each.type === 'ImportSpecifier' ? nameOf(each['imported']) : '',
        nameOf(each['local']),
      ]);
      return make('import', constantText(isNode(node['source']) ? node['source'] : null) ?? '', start, end, [], { names });
    }
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration':
      return isNode(node['declaration']) ? go(node['declaration']) : to('other', '', []);
    case 'AssignmentPattern':
      return to('other', '', some('left', 'right'));
    default: {
      const parts = Object.keys(node).flatMap((each) => {
        const value = node[each];
        return Array.isArray(value) ? value.filter(isNode).map(go) : isNode(value) ? [go(value)] : [];
      });
      return to('other', node.type, parts);
    }
  }
}

function toFunction(node: Node, go: (inner: unknown) => Part): Part {
  const params = children(node, 'params');
  const body = go(node['body']);
  const block = body.kind === 'block' ? body : make('block', '', body.start, body.end, [make('return', '', body.start, body.end, [body])]);
  const defaults = params.flatMap((param) => (param.type === 'AssignmentPattern' ? [go(param['right'])] : []));
  return make('function', nameOf(node['id']), node.start, node.end, [...defaults, block], { params: params.flatMap(namesOf) });
}

/** `a.b`, `a['b']` and `a['b' + 'c']` are members; other keys are indices. */
function member(node: Node, go: (inner: unknown) => Part): Part {
  const object = go(node['object']);
  const property = isNode(node['property']) ? node['property'] : null;
  if (property === null) return object;
  const text = node['computed'] === true ? constantText(property) : nameOf(property);
  if (text !== null && /^[\w$]+$/.test(text) && !/^\d/.test(text)) return make('member', text, node.start, node.end, [object]);
  return make('index', '', node.start, node.end, [object, go(property)]);
}

/** A property's key: a constant unless it is computed. */
function key(node: Node, go: (inner: unknown) => Part): Part {
  const inner = go(node['key']);
  if (node['computed'] === true || inner.kind !== 'name') return inner;
  return make('constant', '', inner.start, inner.end, [], { value: inner.name });
}

function nameOf(node: unknown): string {
  return isNode(node) && typeof node['name'] === 'string' ? node['name'] : '';
}

/** Names that a pattern binds. */
export function namesOf(pattern: unknown, depth = 0): string[] {
  if (!isNode(pattern) || depth > 20) return [];
  switch (pattern.type) {
    case 'Identifier':
      return [nameOf(pattern)];
    case 'AssignmentPattern':
      return namesOf(pattern['left'], depth + 1);
    case 'RestElement':
      return namesOf(pattern['argument'], depth + 1);
    case 'ArrayPattern':
      return children(pattern, 'elements').flatMap((inner) => namesOf(inner, depth + 1));
    case 'ObjectPattern':
      return children(pattern, 'properties').flatMap((inner) => namesOf(inner['value'] ?? inner['argument'], depth + 1));
    default:
      return [];
  }
}
