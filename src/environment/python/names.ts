import type { SyntaxNode } from '@lezer/common';
import { childrenOf, nameOf, walk } from './syntax.ts';
import type { Source } from './syntax.ts';

/** Names that a program binds somewhere: assignments, parameters, loops, definitions, imports under another name. */
export function bindsNames(source: Source): Set<string> {
  const names = new Set<string>();
  for (const node of walk(source.tree.topNode)) for (const target of targetsOf(node)) addNames(source, target, names);
  return names;
}

/** Children of a node that stand where a name is bound. */
function targetsOf(node: SyntaxNode): readonly SyntaxNode[] {
  const children = childrenOf(node);
  switch (node.name) {
    case 'AssignStatement':
    case 'NamedExpression': {
      const last = children.map(({ name }) => name).lastIndexOf('AssignOp');
      return children.slice(0, last);
    }
    case 'FunctionDefinition':
    case 'ClassDefinition':
    case 'TypeDefinition':
      return children.filter(({ name }) => name === 'VariableName').slice(0, 1);
    case 'ParamList':
      return children.filter((child) => child.name === 'VariableName' && child.prevSibling?.name !== 'AssignOp');
    case 'CapturePattern':
    case 'AsPattern':
      return children;
    case 'ForStatement':
    case 'ArrayComprehensionExpression':
    case 'ComprehensionExpression':
    case 'DictionaryComprehensionExpression':
    case 'SetComprehensionExpression':
      return between(children, 'for', 'in');
    case 'WithStatement':
    case 'TryStatement':
    case 'ImportStatement':
      return children.filter((child) => child.prevSibling?.name === 'as');
    default:
      return [];
  }
}

function between(children: readonly SyntaxNode[], open: string, close: string): SyntaxNode[] {
  let inside = false;
  return children.filter(({ name }) => {
    if (name === open || name === close) inside = name === open;
    return inside;
  });
}

/** Names in a target: `a`, `(a, *b)`, `[a, b]`; what stands in `x[i]` or `x.a` is used, not bound. */
function addNames(source: Source, target: SyntaxNode, names: Set<string>): void {
  for (const node of walk(target, ({ name }) => name === 'MemberExpression' || name === 'TypeDef')) {
    if (node.name === 'VariableName' && node.parent?.name !== 'MemberExpression' && node.parent?.name !== 'TypeDef')
      names.add(nameOf(source, node));
    if (node === target && (node.name === 'MemberExpression' || node.name === 'TypeDef')) return;
  }
}
