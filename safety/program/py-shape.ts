import type { Token } from './python.ts';

export function isCall(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.text === '(' && tokens[at]?.kind === 'op';
}

/** Tokens between the parentheses that open at `tokens[at]`, at most 40. */
export function argumentsOf(tokens: readonly Token[], at: number): readonly Token[] {
  const found: Token[] = [];
  let depth = 0;
  for (let next = at; next < tokens.length && found.length < 40; next++) {
    const token = tokens[next];
    if (token === undefined) break;
    if (token.kind === 'op' && '([{'.includes(token.text)) {
      if (depth++ > 0) found.push(token);
    } else if (token.kind === 'op' && ')]}'.includes(token.text)) {
      if (--depth === 0) break;
      found.push(token);
    } else found.push(token);
  }
  return found;
}

export interface Block {
  /** First word of the line that opens the block; empty at module level. */
  readonly header: string;
  readonly indent: number;
  /** Inside `if __name__ == …`. */
  readonly main: boolean;
  /** `main` inside a function named main or run, `other` inside any other, empty at module level. */
  readonly inFunction: '' | 'main' | 'other';
  /** Name of the nearest function around. */
  readonly owner: string;
}

/** The block that the statement at `tokens[at]` stands in, found by walking back over shallower lines (bounded). */
export function blockOf(tokens: readonly Token[], at: number): Block {
  const token = tokens[at];
  let indent = token?.indent ?? 0;
  let header = '';
  let main = false;
  let inFunction: Block['inFunction'] = '';
  let owner = '';
  const sameLine = lineHeader(tokens, at);
  if (sameLine !== '') header = sameLine;
  for (let back = at, steps = 0; back >= 0 && steps < 3000 && indent > 0; back--, steps++) {
    const before = tokens[back];
    if (before === undefined || before.indent >= indent || tokens[back - 1]?.line === before.line) continue;
    if (header === '') header = before.text;
    if (before.text === 'def' || (before.text === 'async' && tokens[back + 1]?.text === 'def')) {
      const name = before.text === 'def' ? tokens[back + 1]?.text : tokens[back + 2]?.text;
      if (inFunction === '') [inFunction, owner] = [name === 'main' || name === 'run' ? 'main' : 'other', name ?? ''];
    }
    if (before.text === 'if' && tokens[back + 1]?.text === '__name__') main = true;
    indent = before.indent;
  }
  return { header, indent: token?.indent ?? 0, main, inFunction, owner };
}

/** `if x: sys.exit()` on one line: the `if`. */
function lineHeader(tokens: readonly Token[], at: number): string {
  let first = at;
  while (first > 0 && at - first < 60 && tokens[first - 1]?.line === tokens[at]?.line) first--;
  const word = tokens[first]?.text ?? '';
  return first !== at && ['if', 'else', 'elif', 'except', 'for', 'while', 'def', 'try', 'with'].includes(word) ? word : '';
}

/** `print` when an earlier statement of the same block or a shallower one writes output (bounded look back), else empty. */
export function statementBefore(tokens: readonly Token[], at: number, indent: number): 'print' | '' {
  for (let back = at - 1, steps = 0; back >= 0 && steps < 400; back--, steps++) {
    const token = tokens[back];
    if (token === undefined || (token.indent < indent && token.text === 'def')) return '';
    if (token.indent <= indent && (token.text === 'print' || (token.text === 'write' && tokens[back - 1]?.text === '.'))) return 'print';
  }
  return '';
}
