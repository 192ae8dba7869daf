import type { SyntaxNode } from '@lezer/common';
import { parser } from '@lezer/python';
import type { Constant } from './lookups.ts';

export type { SyntaxNode } from '@lezer/common';

/** Syntax tree of a Python program; errors are nodes of it, so any text has one. */
export function parsePython(text: string): SyntaxNode {
  if (newest?.text !== text) newest = { text, top: parser.parse(text).topNode };
  return newest.top;
}
/** Several checks read one program after the other. */
let newest: { readonly text: string; readonly top: SyntaxNode } | undefined;

/** Visits every node below `root`, parents first. */
export function walkPython(root: SyntaxNode, visit: (node: SyntaxNode) => void): void {
  const cursor = root.cursor();
  const end = root.to;
  do {
    if (cursor.from >= end && cursor.from > root.from) break;
    visit(cursor.node);
  } while (cursor.next());
}

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) found.push(child);
  return found;
}

/** A literal, or a list, tuple or set of such; undefined for anything else. */
export function constantOf(node: SyntaxNode | null, text: string, depth = 0): Constant | undefined {
  if (node === null || depth > 6) return undefined;
  const own = text.slice(node.from, node.to);
  switch (node.name) {
    case 'String':
      return own.replace(/^[a-zA-Z]{0,2}("""|'''|"|')([\s\S]*)\1$/, '$2').replaceAll('\\n', '\n');
    case 'Number':
      return Number(own.replaceAll('_', ''));
    case 'Boolean':
      return own === 'True';
    case 'None':
      return null;
    case 'LiteralPattern':
    case 'ParenthesizedExpression':
      return constantOf(childrenOf(node).find((child) => child.name !== '(') ?? null, text, depth + 1);
    case 'UnaryExpression': {
      const value = constantOf(node.lastChild, text, depth + 1);
      return typeof value === 'number' ? -value : undefined;
    }
    case 'ArrayExpression':
    case 'TupleExpression':
    case 'SequencePattern': {
      const parts = childrenOf(node)
        .filter((child) => !['(', ')', '[', ']', ','].includes(child.name))
        .map((child) => constantOf(child, text, depth + 1));
      return parts.every((part) => part !== undefined) ? (parts as Constant[]) : undefined;
    }
    default:
      return undefined;
  }
}
