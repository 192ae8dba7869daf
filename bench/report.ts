/** Medians and tables of the benchmarks. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Prints both sides and, for parts that both have, the ratio ours / theirs. */
export function report(title: string, ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, number>> | null): void {
  process.stdout.write(`\n${title}\n`);
  const row = (cells: readonly string[]): unknown =>
    process.stdout.write(`  ${cells.map((cell, i) => (i === 0 ? cell.padEnd(24) : cell.padStart(12))).join('')}\n`);
  row(['', 'Kelvin', ...(theirs === null ? [] : ['PyTorch', 'ratio'])]);
  for (const [part, mine] of Object.entries(ours)) {
    const other = theirs?.[part];
    row([part, mine.toFixed(2), ...(other === undefined ? [] : [other.toFixed(2), (mine / other).toFixed(2)])]);
  }
}
