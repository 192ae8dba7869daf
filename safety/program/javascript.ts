import { parse } from 'acorn';

/** An ESTree node, read structurally. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

/** Syntax tree of a script or module; null when it does not parse (or is nested beyond the parser's stack). */
export function parseJavaScript(text: string): Node | null {
  for (const sourceType of ['script', 'module'] as const) {
    try {
      return parse(text, {
        ecmaVersion: 'latest',
        sourceType,
        allowReturnOutsideFunction: true,
        allowAwaitOutsideFunction: true,
        allowHashBang: true,
      }) as unknown as Node;
    } catch {
      // Not a program of this kind; the caller falls back to tokens.
    }
  }
  return null;
}

/** Visits every node, parents first, without recursion. `parents` lists ancestors, nearest last. */
export function walk(root: Node, visit: (node: Node, parent: Node | null) => void): void {
  const stack: { node: Node; parent: Node | null }[] = [{ node: root, parent: null }];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    visit(item.node, item.parent);
    for (const key of Object.keys(item.node)) {
      const value = item.node[key];
      if (Array.isArray(value)) {
        for (let at = value.length - 1; at >= 0; at--) if (isNode(value[at])) stack.push({ node: value[at] as Node, parent: item.node });
      } else if (isNode(value)) stack.push({ node: value, parent: item.node });
    }
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';
}

export function child(node: Node | null | undefined, key: string): Node | null {
  const value = node?.[key];
  return isNode(value) ? value : null;
}

export function children(node: Node, key: string): Node[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

export function identifier(node: Node | null): string | null {
  return node?.type === 'Identifier' ? (node['name'] as string) : null;
}

/** Dotted name of a member chain with constant names folded (`a['b'+'c'].d` → `a.bc.d`); null when it has none. `()` stands for a call or any other expression. */
export function chain(node: Node | null): string | null {
  const parts: string[] = [];
  let at = node;
  for (let depth = 0; depth < 20 && at !== null; depth++) {
    if (at.type === 'ChainExpression') at = child(at, 'expression');
    else if (at.type === 'MemberExpression') {
      parts.push(propertyName(at) ?? '?');
      at = child(at, 'object');
    } else if (at.type === 'Identifier') return [at['name'] as string, ...parts.reverse()].join('.');
    else if (at.type === 'ThisExpression') return ['this', ...parts.reverse()].join('.');
    else return ['()', ...parts.reverse()].join('.');
  }
  return null;
}

export function propertyName(member: Node): string | null {
  const property = child(member, 'property') ?? child(member, 'key');
  if (property === null) return null;
  if (member['computed'] !== true) return property.type === 'Identifier' ? (property['name'] as string) : constantText(property);
  return constantText(property) ?? (property.type === 'MemberExpression' ? chain(property) : null);
}

/** Value of a string constant, concatenations and plain templates folded; null for anything else. */
export function constantText(node: Node | null, depth = 0): string | null {
  if (node === null || depth > 12) return null;
  if (node.type === 'Literal') return typeof node['value'] === 'string' ? (node['value'] as string) : null;
  if (node.type === 'BinaryExpression' && node['operator'] === '+') {
    const left = constantText(child(node, 'left'), depth + 1);
    const right = constantText(child(node, 'right'), depth + 1);
    return left === null || right === null ? null : left + right;
  }
  if (node.type === 'TemplateLiteral' && children(node, 'expressions').length === 0) {
    const value = children(node, 'quasis')[0]?.['value'] as { cooked?: string | null } | undefined;
    return value?.cooked ?? null;
  }
  return null;
}

/** A value written out in full: literals, signed numbers, arrays and objects of such. */
export function isConstant(node: Node | null, depth = 0): boolean {
  if (node === null || depth > 12) return false;
  if (node.type === 'Literal') return true;
  if (node.type === 'TemplateLiteral') return children(node, 'expressions').length === 0;
  if (node.type === 'UnaryExpression') return isConstant(child(node, 'argument'), depth + 1);
  if (node.type === 'ArrayExpression')
    return (node['elements'] as unknown[]).every((element) => isNode(element) && isConstant(element, depth + 1));
  if (node.type === 'ObjectExpression')
    return children(node, 'properties').every(
      (property) => property.type === 'Property' && isConstant(child(property, 'value'), depth + 1),
    );
  return identifier(node) === 'undefined' || identifier(node) === 'NaN' || identifier(node) === 'Infinity';
}

export function isFunction(node: Node | null): boolean {
  return (
    node !== null && (node.type === 'FunctionExpression' || node.type === 'ArrowFunctionExpression' || node.type === 'FunctionDeclaration')
  );
}
