import type { SyntaxNode, Tree } from '@lezer/common';
import { parser } from '@lezer/python';

/** A program's syntax tree with its text. The grammar forgives errors; whether a program is Python, Python decides. */
export interface Source {
  readonly text: string;
  readonly tree: Tree;
}

export const parseSource = (text: string): Source => ({ text, tree: parser.parse(text) });

export const textOf = ({ text }: Source, node: SyntaxNode): string => text.slice(node.from, node.to);

/** An identifier as Python sees it: many letters are written alike (`𝘤𝘭𝘢𝘴𝘴` is `class`). */
export const nameOf = (source: Source, node: SyntaxNode): string => textOf(source, node).normalize('NFKC');

export function childrenOf(node: SyntaxNode): SyntaxNode[] {
  const children: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

/** Every node below `root`, in the order of the text, without recursion. Nodes that `skip` names are not entered. */
export function* walk(root: SyntaxNode, skip: (node: SyntaxNode) => boolean = () => false): Generator<SyntaxNode> {
  const pending = [root];
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    yield node;
    if (node !== root && skip(node)) continue;
    for (let child = node.lastChild; child !== null; child = child.prevSibling) pending.push(child);
  }
}
