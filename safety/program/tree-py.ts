import { childrenOf, constantOf } from './py-tree.ts';
import type { SyntaxNode } from './py-tree.ts';
import { DEEPEST, make } from './tree.ts';
import type { Kind, Part } from './tree.ts';

const MARKS = new Set(['(', ')', '[', ']', '{', '}', ',', ':', 'Comment', 'Decorator', 'At', 'async', 'await', '.', ';', 'TypeDef']);

/** The tree of a Python program. */
export function fromPython(root: SyntaxNode, text: string): Part {
  return convert(root, text, 0);
}

function convert(node: SyntaxNode, text: string, depth: number): Part {
  const [start, end] = [node.from, node.to];
  const own = (): string => text.slice(start, end);
  if (depth > DEEPEST) return make('other', '', start, end, []);
  const inner = childrenOf(node).filter((child) => !MARKS.has(child.name));
  const go = (child: SyntaxNode | null | undefined): Part =>
    child === null || child === undefined ? make('other', '', end, end, []) : convert(child, text, depth + 1);
  const to = (kind: Kind, name: string, parts: readonly Part[]): Part => make(kind, name, start, end, parts);
  const rest = (from: number): Part[] => inner.slice(from).map(go);
  switch (node.name) {
    case 'Script':
      return to('program', '', rest(0));
    case 'Body':
    case 'MatchBody':
    case 'StatementGroup':
      return to('block', '', rest(0));
    case 'ExpressionStatement':
    case 'ParenthesizedExpression':
    case 'DecoratedStatement':
    case 'AwaitExpression':
    case 'LiteralPattern':
      return inner.length === 1 ? go(inner[0]) : to('other', '', rest(0));
    case 'FunctionDefinition':
    case 'LambdaExpression':
      return toFunction(node, text, go);
    case 'ClassDefinition': {
      const body = node.getChild('Body');
      const bases = node.getChild('ArgList');
      const members = (body === null ? [] : childrenOf(body)).filter((child) => !MARKS.has(child.name)).map(go);
      for (const part of members) if (part.kind === 'function') part.method = true;
      const name = node.getChild('VariableName');
      return to('class', name === null ? '' : text.slice(name.from, name.to), [...args(bases, text, go), ...members]);
    }
    case 'IfStatement': {
      const parts: Part[] = [];
      for (const child of inner) if (!['if', 'elif', 'else'].includes(child.name)) parts.push(go(child));
      return branches(parts, 0, start, end);
    }
    case 'ConditionalExpression':
      return to('if', '', [go(inner[2]), go(inner[0]), go(inner[4])]);
    case 'MatchStatement': {
      const cases = node.getChild('MatchBody');
      return to('switch', '', [
        go(inner[1]),
        ...(cases === null ? [] : childrenOf(cases).filter((child) => child.name === 'MatchClause')).map(go),
      ]);
    }
    case 'MatchClause': {
      const body = node.getChild('Body');
      const pattern = inner[1];
      const open = pattern === undefined || pattern.name === 'CapturePattern';
      return to('case', open ? 'default' : '', [...(open ? [] : [go(pattern)]), ...(body === null ? [] : go(body).parts)]);
    }
    case 'ReturnStatement':
      return to('return', '', tuple(inner.slice(1), node, go));
    case 'YieldStatement':
    case 'YieldExpression':
      return to(
        'yield',
        '',
        tuple(
          inner.filter((child) => child.name !== 'yield' && child.name !== 'from'),
          node,
          go,
        ),
      );
    case 'RaiseStatement':
      return to('throw', '', rest(1).slice(0, 1));
    case 'AssertStatement':
      return to('assert', '', rest(1));
    case 'TryStatement':
      return toTry(inner, start, end, text, go);
    case 'ForStatement': {
      const split = inner.findIndex((child) => child.name === 'in');
      const body = inner.findIndex((child) => child.name === 'Body');
      return to('for', '', [
        list(inner.slice(1, split), node, go),
        list(inner.slice(split + 1, body), node, go),
        ...rest(body).filter((part) => part.kind === 'block'),
      ]);
    }
    case 'WhileStatement':
      return to(
        'while',
        '',
        rest(1).filter((part) => part.name !== 'else'),
      );
    case 'AssignStatement':
    case 'NamedExpression':
      return assignment(node, go);
    case 'UpdateStatement': {
      const operator = inner[1];
      return to('assign', operator === undefined ? '+=' : text.slice(operator.from, operator.to), [go(inner[0]), go(inner[2])]);
    }
    case 'CallExpression':
      return to('call', '', [go(node.firstChild), ...args(node.getChild('ArgList'), text, go)]);
    case 'MemberExpression': {
      const name = node.getChild('PropertyName');
      if (name !== null) return to('member', text.slice(name.from, name.to).normalize('NFKC'), [go(node.firstChild)]);
      const sliced = childrenOf(node).some((child) => child.name === ':');
      return sliced ? to('other', 'slice', rest(0)) : to('index', '', [go(inner[0]), list(inner.slice(1), node, go)]);
    }
    case 'BinaryExpression': {
      const words = inner
        .slice(1, -1)
        .map((child) => text.slice(child.from, child.to))
        .join(' ');
      const name = words === 'and' ? '&&' : words === 'or' ? '||' : words;
      return to('binary', name, [go(inner[0]), go(inner.at(-1))]);
    }
    case 'UnaryExpression': {
      const value = constantOf(node, text);
      if (value !== undefined) return make('constant', '', start, end, [], { value });
      const operator = inner[0] === undefined ? '' : text.slice(inner[0].from, inner[0].to);
      return to('unary', operator === 'not' ? '!' : operator, rest(1));
    }
    case 'ContinuedString':
      if (inner.some((child) => child.name === 'FormatString')) return to('text', '', rest(0));
      return make('constant', '', start, end, [], { value: inner.map((child) => String(constantOf(child, text) ?? '')).join('') });
    case 'String':
    case 'Number':
    case 'Boolean':
    case 'None':
      return make('constant', '', start, end, [], { value: constantOf(node, text) ?? null });
    case 'FormatString':
      return to(
        'text',
        '',
        inner.flatMap((child) =>
          child.name === 'FormatReplacement'
            ? childrenOf(child)
                .filter((part) => !MARKS.has(part.name))
                .map(go)
            : [],
        ),
      );
    case 'VariableName':
      return to('name', own().normalize('NFKC'), []);
    case 'ArrayExpression':
    case 'TupleExpression':
    case 'SetExpression':
    case 'SequencePattern':
      return to('list', '', rest(0));
    case 'DictionaryExpression': {
      if (inner.length % 2 === 1 || inner.some((child) => child.name === '**'))
        return to('table', '', [...rest(0), make('other', '', end, end, [])]);
      const entries: Part[] = [];
      for (let at = 0; at + 1 < inner.length; at += 2)
        entries.push(make('entry', '', inner[at]?.from ?? start, inner[at + 1]?.to ?? end, [go(inner[at]), go(inner[at + 1])]));
      return to('table', '', entries);
    }
    case 'ArrayComprehensionExpression':
    case 'ComprehensionExpression':
    case 'SetComprehensionExpression':
    case 'DictionaryComprehensionExpression':
      return comprehension(inner, node, go);
    case 'ImportStatement':
      return imported(node, text);
    default:
      return to('other', node.name, rest(0));
  }
}

/** `if a: … elif b: … else: …` as nested tests. */
function branches(parts: readonly Part[], at: number, start: number, end: number, depth = 0): Part {
  const [test, then] = [parts[at], parts[at + 1]];
  if (test === undefined || then === undefined || depth > DEEPEST) return make('other', '', start, end, parts.slice(at));
  const left = parts.length - at - 2;
  const other =
    left === 0 ? [] : left === 1 ? [parts[at + 2] as Part] : [branches(parts, at + 2, parts[at + 2]?.start ?? start, end, depth + 1)];
  return make('if', '', start, end, [test, then, ...other]);
}

type Go = (child: SyntaxNode | null | undefined) => Part;

function list(nodes: readonly SyntaxNode[], around: SyntaxNode, go: Go): Part {
  return nodes.length === 1 ? go(nodes[0]) : make('list', '', nodes[0]?.from ?? around.from, nodes.at(-1)?.to ?? around.to, nodes.map(go));
}

const tuple = (nodes: readonly SyntaxNode[], around: SyntaxNode, go: Go): Part[] => (nodes.length === 0 ? [] : [list(nodes, around, go)]);

/** `result for target in over if test …`. */
function comprehension(inner: readonly SyntaxNode[], around: SyntaxNode, go: Go): Part {
  const [from, split] = [inner.findIndex((child) => child.name === 'for'), inner.findIndex((child) => child.name === 'in')];
  return make('search', '', around.from, around.to, [
    list(inner.slice(0, from), around, go),
    list(inner.slice(from + 1, split), around, go),
    ...inner
      .slice(split + 1)
      .filter((child) => !['if', 'for', 'in'].includes(child.name))
      .map(go),
  ]);
}

function args(node: SyntaxNode | null, text: string, go: Go): Part[] {
  const found: Part[] = [];
  const inner = node === null ? [] : childrenOf(node).filter((child) => !['(', ')', ','].includes(child.name));
  // A generator that is the only argument has no node of its own.
  if (node !== null && inner[1]?.name === 'for')
    return [
      comprehension(
        childrenOf(node).filter((child) => !MARKS.has(child.name)),
        node,
        go,
      ),
    ];
  for (let at = 0; at < inner.length; at++) {
    const child = inner[at] as SyntaxNode;
    const value = inner[at + 2];
    if (inner[at + 1]?.name === 'AssignOp' && value !== undefined) {
      found.push(make('keyword', text.slice(child.from, child.to), child.from, value.to, [go(value)]));
      at += 2;
    } else if (child.name !== '*' && child.name !== '**') found.push(go(child));
  }
  return found;
}

function toFunction(node: SyntaxNode, text: string, go: Go): Part {
  const params: string[] = [];
  const defaults: Part[] = [];
  const list = node.getChild('ParamList');
  for (const child of list === null ? [] : childrenOf(list))
    if (child.prevSibling?.name === 'AssignOp') defaults.push(go(child));
    else if (child.name === 'VariableName') params.push(text.slice(child.from, child.to));
  const name = node.name === 'FunctionDefinition' ? node.getChild('VariableName') : null;
  let body = go(node.getChild('Body') ?? node.lastChild);
  if (body.kind !== 'block') body = make('block', '', body.start, body.end, [make('return', '', body.start, body.end, [body])]);
  return make('function', name === null ? '' : text.slice(name.from, name.to), node.from, node.to, [...defaults, body], { params });
}

function toTry(inner: readonly SyntaxNode[], start: number, end: number, text: string, go: Go): Part {
  const parts: Part[] = [];
  let word = '';
  let caught = '';
  for (const child of inner) {
    if (['try', 'except', 'else', 'finally'].includes(child.name)) [word, caught] = [child.name, ''];
    else if (child.name !== 'Body') caught += ` ${text.slice(child.from, Math.min(child.to, child.from + 200))}`;
    else if (word === 'except') parts.push(make('catch', caught.trim(), child.from, child.to, [go(child)]));
    else parts.push(go(child));
  }
  return make('try', '', start, end, parts);
}

/** `a = b = 1`, `x, y = 1, 2`, `a: int = 3`. */
function assignment(node: SyntaxNode, go: Go): Part {
  const groups: SyntaxNode[][] = [[]];
  for (const child of childrenOf(node))
    if (child.name === 'AssignOp') groups.push([]);
    else if (!MARKS.has(child.name) || child.name === 'await') groups.at(-1)?.push(child);
  return make(
    'assign',
    '=',
    node.from,
    node.to,
    groups.map((group) => list(group, node, go)),
  );
}

function imported(node: SyntaxNode, text: string): Part {
  const words = childrenOf(node).filter((child) => !['(', ')', ','].includes(child.name));
  const own = (child: SyntaxNode | undefined): string => (child === undefined ? '' : text.slice(child.from, child.to));
  const split = words.findIndex((child) => child.name === 'import');
  const module = words.slice(1, split).map(own).join('');
  const names: [string, string][] = [];
  for (let at = split + 1; at < words.length; at++) {
    const child = words[at] as SyntaxNode;
    if (child.name === '.') {
      const [before, next] = [names.at(-1), words[++at]];
      if (before !== undefined && next !== undefined) before[0] += `.${own(next)}`;
    } else if (child.name === 'as') {
      const [before, next] = [names.at(-1), words[++at]];
      if (before !== undefined && next !== undefined) before[1] = own(next);
    } else names.push([own(child), own(child)]);
  }
  return make('import', module, node.from, node.to, [], { names });
}
