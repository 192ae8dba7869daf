import type { SyntaxNode } from '@lezer/common';
import { childrenOf, nameOf, parseSource, textOf, walk } from './syntax.ts';
import type { Source } from './syntax.ts';

interface Entry {
  /** Definitions or assignments of `f` at the top level: exactly one is right. */
  readonly declarations: number;
  /** Number of parameters of the last of them, or null when it is not written as a function. */
  readonly parameters: number | null;
  readonly returns: boolean;
  readonly yields: boolean;
}

/** Why the entry function is not acceptable for a proposed task, in one sentence, or null (azr-spec: validity of a proposal). */
export function entryProblem(source: Source): string | null {
  const entry = findEntry(source);
  if (entry.declarations === 0) return 'The program defines no top-level function f.';
  if (entry.declarations > 1) return 'The program defines f more than once; it must have exactly one entry function.';
  if (entry.parameters === null) return 'The top-level f is not written as a function.';
  if (entry.parameters === 0) return 'The function f takes no parameter; it needs at least one.';
  if (entry.yields) return 'The function f is a generator or a coroutine; it must return a value.';
  return entry.returns ? null : 'The function f returns no value.';
}

function findEntry(source: Source): Entry {
  let declarations = 0;
  let found: SyntaxNode | null = null;
  for (const child of childrenOf(source.tree.topNode)) {
    const statement = child.name === 'DecoratedStatement' ? (child.lastChild ?? child) : child;
    const name = statement.getChild('VariableName');
    if (name === null || nameOf(source, name) !== 'f') continue;
    if (statement.name === 'FunctionDefinition') found = statement;
    else if (statement.name === 'AssignStatement') found = statement.getChild('LambdaExpression');
    else if (statement.name === 'ClassDefinition') found = null;
    else continue;
    declarations++;
  }
  const isAsync = found?.firstChild?.name === 'async';
  return {
    declarations,
    parameters: found && countParameters(found),
    returns: found !== null && returnsValue(found),
    yields: isAsync || (found !== null && yields(found)),
  };
}

function countParameters(node: SyntaxNode): number {
  const list = node.getChild('ParamList');
  return list === null
    ? 0
    : childrenOf(list).filter((child) => child.name === 'VariableName' && child.prevSibling?.name !== 'AssignOp').length;
}

const isScope = ({ name }: SyntaxNode): boolean =>
  name === 'FunctionDefinition' || name === 'LambdaExpression' || name === 'ClassDefinition';

/** A lambda, or a `return` with a value that belongs to the function itself. */
function returnsValue(node: SyntaxNode): boolean {
  if (node.name === 'LambdaExpression') return true;
  for (const inner of walk(node, isScope)) {
    if (inner.name === 'ReturnStatement' && inner.firstChild?.nextSibling) return true;
  }
  return false;
}

function yields(node: SyntaxNode): boolean {
  for (const inner of walk(node, isScope)) if (inner.name === 'YieldStatement' || inner.name === 'YieldExpression') return true;
  return false;
}

/** Whether the text is a single call `name(…)` and nothing else, so that what stands in the parentheses is its arguments. */
export function isOneCall({ tree, text }: Source): boolean {
  for (const node of walk(tree.topNode)) if (node.type.isError) return false;
  const call = tree.topNode.firstChild?.firstChild;
  const last = call?.getChild('ArgList')?.lastChild;
  return (
    tree.topNode.firstChild?.nextSibling === null &&
    call?.name === 'CallExpression' &&
    last?.to === text.length &&
    call.firstChild?.name === 'VariableName'
  );
}

/** Leaves of the tree for this purpose: texts with parts of their own are one token. */
const isToken = (node: SyntaxNode): boolean => node.firstChild === null || node.name === 'FormatString' || node.name === 'String';

/**
 * Program text for deduplication (D3): no comments, one blank between tokens, lines as Python sees them with their
 * depth; what the grammar cannot read keeps its comments.
 */
export function normaliseProgram(program: string): string {
  const source = parseSource(program);
  const lines: string[] = [];
  const columns = [0];
  let brackets = 0;
  let end = 0;
  for (const node of walk(source.tree.topNode, isToken)) {
    if (node.type.isError) return program.replace(/[^\S\n]+/g, ' ').trim();
    if (!isToken(node) || node.name === 'Comment' || node.from === node.to) continue;
    const gap = program.slice(end, node.from);
    const startsLine = lines.length === 0 || (brackets === 0 && /\n/.test(gap.replace(/\\\r?\n/g, '')));
    if (startsLine) {
      const column = node.from - (program.lastIndexOf('\n', node.from - 1) + 1);
      while (column < (columns.at(-1) ?? 0)) columns.pop();
      if (column > (columns.at(-1) ?? 0)) columns.push(column);
      lines.push('\t'.repeat(columns.length - 1) + textOf(source, node));
    } else lines.push(`${lines.pop() ?? ''} ${textOf(source, node)}`);
    if ('([{'.includes(node.name)) brackets++;
    if (')]}'.includes(node.name)) brackets--;
    end = node.to;
  }
  return lines.join('\n');
}
