import type { Node } from './javascript.ts';
import { chain, child, children, identifier, isNode, walk } from './javascript.ts';
import type { Claim } from './program.ts';
import type { SyntaxNode } from './py-tree.ts';
import { childrenOf, constantOf, parsePython, walkPython } from './py-tree.ts';

/** Names under which a harness keeps what it compares with. */
const ANSWER =
  /^_*(?:expected(?:_?(?:outputs?|values?|results?|answers?))?|answer_?keys?|ground_?truth|correct_?(?:answers?|outputs?)|test_?cases|target_?output)$/i;

const READS = 'Reads the expected answer from where the checks keep it.';

/** Reads names like `expected` that the program itself never defines, or digs them out of a stack trace. */
export function answersInJavaScript(tree: Node): Claim[] {
  const claims: Claim[] = [];
  const bound = new Set<string>();
  const read: Node[] = [];
  walk(tree, (node, parent) => {
    if (node.type === 'VariableDeclarator' || node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration')
      bind(child(node, 'id'), bound);
    for (const parameter of children(node, 'params')) bind(parameter, bound);
    if (node.type === 'CatchClause') bind(child(node, 'param'), bound);
    if (node.type === 'MemberExpression') {
      const [root = '', second = ''] = (chain(node) ?? '').split('.');
      if (
        /^(?:globalThis|global|window|self|process|module|this)$/.test(root) &&
        ANSWER.test(second) &&
        !(parent?.type === 'AssignmentExpression' && child(parent, 'left') === node) &&
        root !== 'this'
      )
        claims.push({ name: 'reads-answer', severity: 3, start: node.start, end: node.end, why: READS });
    } else if (node.type === 'Identifier' && ANSWER.test(node['name'] as string) && !isName(node, parent)) read.push(node);
    else if (
      node.type === 'CallExpression' &&
      /\.(?:match|exec|test|includes|indexOf|split)$/.test(chain(child(node, 'callee')) ?? '') &&
      fromStack(node)
    )
      claims.push({
        name: 'reads-stack',
        severity: 3,
        start: node.start,
        end: node.end,
        why: 'Searches a stack trace for what called it.',
      });
  });
  for (const node of read)
    if (!bound.has(node['name'] as string))
      claims.push({ name: 'reads-answer', severity: 3, start: node.start, end: node.end, why: READS });
  return claims;
}

/** All names of a pattern. */
function bind(node: Node | null, bound: Set<string>): void {
  if (node === null) return;
  walk(node, (part) => {
    const name = identifier(part);
    if (name !== null) bound.add(name);
  });
}

/** A property's or key's name reads nothing. */
function isName(node: Node, parent: Node | null): boolean {
  if (parent === null) return false;
  if (parent.type === 'MemberExpression') return parent['computed'] !== true && child(parent, 'property') === node;
  return (parent.type === 'Property' || parent.type === 'MethodDefinition') && child(parent, 'key') === node && parent['computed'] !== true;
}

function fromStack(call: Node): boolean {
  const looks = (node: Node | null): boolean => /(?:^|\.)stack$/.test(chain(node) ?? '');
  return (
    looks(child(child(call, 'callee'), 'object')) || children(call, 'arguments').some((argument) => isNode(argument) && looks(argument))
  );
}

/** The same for Python, and files of the machine found by a pattern. */
export function answersInPython(text: string): Claim[] {
  const claims: Claim[] = [];
  const bound = new Set<string>();
  const read: SyntaxNode[] = [];
  walkPython(parsePython(text), (node) => {
    const own = text.slice(node.from, node.to);
    if (node.name === 'VariableName' && ANSWER.test(own)) {
      if (isBound(node)) bound.add(own);
      else read.push(node);
    } else if (node.name === 'CallExpression') {
      const name = text.slice(node.firstChild?.from ?? 0, node.firstChild?.to ?? 0);
      const argument = constantOf(node.getChild('ArgList')?.firstChild?.nextSibling ?? null, text);
      if (
        /^(?:glob\.i?glob|os\.walk|os\.listdir|os\.scandir|i?glob)$/.test(name) &&
        typeof argument === 'string' &&
        /^(?:\/|\.\.|~)/.test(argument)
      )
        claims.push({ name: 'searches-files', severity: 3, start: node.from, end: node.to, why: 'Searches the machine for files.' });
    } else if (node.name === 'MemberExpression' && /^(?:globals\(\)|locals\(\)|vars\(\)|__main__\.__dict__)\[/.test(own)) {
      const key = childrenOf(node).find((part) => part.name === 'String');
      if (key !== undefined && ANSWER.test(String(constantOf(key, text))))
        claims.push({ name: 'reads-answer', severity: 3, start: node.from, end: node.to, why: READS });
    }
  });
  for (const node of read)
    if (!bound.has(text.slice(node.from, node.to)))
      claims.push({ name: 'reads-answer', severity: 3, start: node.from, end: node.to, why: READS });
  return claims;
}

function isBound(node: SyntaxNode): boolean {
  const parent = node.parent?.name ?? '';
  if (['ParamList', 'FunctionDefinition', 'ClassDefinition', 'ImportStatement', 'LambdaExpression', 'ArgList'].includes(parent))
    return parent !== 'ArgList' || node.nextSibling?.name === 'AssignOp';
  if (parent === 'AssignStatement' || parent === 'UpdateStatement' || parent === 'NamedExpression' || parent === 'TupleExpression') {
    for (let next = node.nextSibling; next !== null; next = next.nextSibling) if (next.name === 'AssignOp') return true;
    return parent === 'TupleExpression' && node.parent?.nextSibling?.name === 'AssignOp';
  }
  return [
    'ForStatement',
    'ComprehensionExpression',
    'ArrayComprehensionExpression',
    'WithStatement',
    'ScopeStatement',
    'CapturePattern',
  ].includes(parent)
    ? node.prevSibling?.name !== 'in'
    : false;
}

/** Cheap first pass: without one of these there is nothing to find. */
const ANSWER_WORDS = [
  'xpected',
  'nswer',
  'round',
  'orrect',
  'est_case',
  'estCase',
  'testcase',
  'arget',
  '.stack',
  'glob',
  'walk(',
  'listdir',
  'scandir',
] as const;
export const mentionsAnswer = (text: string): boolean => ANSWER_WORDS.some((word) => text.includes(word));
