/** Tables of text, for a terminal and as Markdown. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns from the left that hold words; the others hold numbers. */
  readonly words: number;
}

/** Columns padded to their widest cell; words are aligned left, numbers right. */
export function plainTable({ title, head, rows, words }: Table): string {
  const widths = head.map((cell, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? '').length), cell.length));
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column < words ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ');
  const rule = widths.map((width) => '─'.repeat(width)).join('──');
  return [title, line(head), rule, ...rows.map(line)].map((text) => text.trimEnd()).join('\n');
}

export function markdownTable({ title, head, rows, words }: Table): string {
  const line = (row: readonly string[]): string => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [`**${title}**`, '', line(head), line(head.map((_, column) => (column < words ? '---' : '---:'))), ...rows.map(line)].join('\n');
}
