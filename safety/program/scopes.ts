import type { Finding } from '../../src/core/finding.ts';
import type { Reading } from '../reading.ts';
import { programOf, type Program } from './program.ts';
import { parsePython } from './py-tree.ts';
import { Scope } from './scope.ts';
import { fromJavaScript } from './tree-js.ts';
import { fromPython } from './tree-py.ts';

/** Longer programs (fifteen times what a task may hold) are read by the other checks only: broken Python is slow to parse. */
const LONGEST = 30_000;

const cache = new WeakMap<Program, Scope | null>();

/** The program's tree with its names, made once; null when it is too long. */
export function scopeOf(program: Program): Scope | null {
  let scope = cache.get(program);
  if (scope === undefined) {
    const { text, tree } = program;
    scope = text.length > LONGEST ? null : new Scope(tree === null ? fromPython(parsePython(text), text) : fromJavaScript(tree));
    cache.set(program, scope);
  }
  return scope;
}

/** What `look` finds in the tree of a thought's program; nothing without a program, or where it is too long. */
export function findInTree(reading: Reading, look: (scope: Scope, program: Program) => Finding[]): Finding[] {
  if (reading.program === '') return [];
  const program = programOf(reading);
  const scope = scopeOf(program);
  return scope === null ? [] : look(scope, program);
}
