import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const DATA = resolve(import.meta.dirname, '../../../shared/data');

/** Rows of a labelled set beside the repository; null, and a line that says so, where it is not there. */
export function readRows<Row>(name: string): Row[] | null {
  const path = resolve(DATA, name);
  if (!existsSync(path)) {
    console.log(`Skipped: ${name} is not beside the repository.`);
    return null;
  }
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row);
}

const ASSERTING_CONSOLE = 'const console = { log() {}, assert(ok, why) { if (!ok) throw new Error("assertion failed " + why) } };\n';

/** A solution of HumanEval-X with its tests, as a program whose `f` takes nothing and returns `true`. */
export function harnessed(row: { readonly prompt: string; readonly canonical_solution: string; readonly test: string }): string {
  return `function f() {\n${ASSERTING_CONSOLE}${row.prompt}${row.canonical_solution}\n${row.test}\nreturn true }`;
}
