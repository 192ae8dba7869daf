import { describe, expect, test } from 'vitest';
import { entryProblem, inspectProgram, normaliseProgram } from '../../src/environment/javascript/program.ts';

const problem = (source: string): string | null => {
  const inspection = inspectProgram(source);
  if (inspection.kind === 'invalid') throw new Error(inspection.detail);
  return entryProblem(inspection.entry);
};
const forbidden = (source: string): string | null => {
  const inspection = inspectProgram(source);
  if (inspection.kind === 'invalid') throw new Error(inspection.detail);
  return inspection.forbidden ?? inspection.chance;
};

describe('integrity', () => {
  test.each([
    'function f(x) { return x }',
    'const f = (x) => x',
    'let f = function (x) { if (x) { return 1 } return 2 }',
    'function helper(a) { return a }\nfunction f(a, b) { return helper(a) + b }',
    'function f(...xs) { return xs }',
  ])('%s is fine', (source) => expect(problem(source)).toBeNull());

  test.each([
    ['function g(x) { return x }', 'no top-level function f'],
    ['{ let f = (x) => x }', 'no top-level function f'],
    ['function f(x) { return x }\nfunction f(y) { return y }', 'more than once'],
    ['const f = 1', 'not written as a function'],
    ['class f { }', 'not written as a function'],
    ['function f() { return 1 }', 'no parameter'],
    ['function f(x) { x + 1 }', 'returns no value'],
    ['function f(x) { const g = () => { return 1 }; g() }', 'returns no value'],
    ['function f(x) { return; }', 'returns no value'],
  ])('%s: %s', (source, words) => expect(problem(source)).toContain(words));

  test('bad source is a verdict, not an exception', () => {
    expect(inspectProgram('function f( {')).toMatchObject({ kind: 'invalid' });
    expect(inspectProgram('('.repeat(100_000))).toMatchObject({ kind: 'invalid' });
    expect(inspectProgram('\0\ud800')).toMatchObject({ kind: 'invalid' });
    expect(inspectProgram(`function f(x) { return [${'x,'.repeat(150_000)}] }`)).toMatchObject({ kind: 'program', forbidden: null });
  });
});

describe('forbidden capabilities', () => {
  test.each([
    ["const fs = require('fs')", 'require'],
    ["import fs from 'fs'", 'import'],
    ["async function f() { await import('fs') }", 'import'],
    ['export function f(x) { return x }', 'export'],
    ['import.meta.url', 'import.meta'],
    ['function f(x) { return eval(x) }', 'eval'],
    ["function f(x) { return new Function('return 1')() }", 'Function'],
    ['function f(x) { return process.env }', 'process'],
    ["function f(x) { return globalThis['process'] }", 'process'],
    ['function f(x) { return { process } }', 'process'],
    ['function f(x) { return fetch(x) }', 'fetch'],
    ['function f(x) { return Math.random() }', 'Math.random'],
    ["function f(x) { return Math['random']() }", 'Math.random'],
    ['function f(x) { return Date.now() }', 'Date.now'],
    ['function f(x) { return new Date() }', 'new Date()'],
    ['function f(x) { return Date() }', 'Date()'],
    ['function f(x) { return performance.now() }', 'performance'],
    ['function f(x) { setTimeout(() => x) }', 'setTimeout'],
    ['function f(x) { return new SharedArrayBuffer(8) }', 'SharedArrayBuffer'],
  ])('%s', (source, what) => expect(forbidden(source)).toContain(`\`${what}\``));

  test.each([
    'function f(window) { return window[0] }',
    'function f(x) { const process = (y) => y; return process(x) }',
    'function f({ document: d, os = 1 }, [module]) { return d + os + module }',
    "function f(x) { return x.process + x['eval'] + { require: 1, fetch() { return 1 } }.require }",
    'function f(x) { fetch: for (;;) break fetch; return x }',
    'function f(x) { return new Date(x).getTime() }',
    'function f(x) { return Math.floor(x) }',
    'function f(x) { return x instanceof Function || Function.prototype.call.length }',
    'function f(x) { class os { std() { return 1 } } return x }',
    'function f(x) { try { return x } catch (process) { return process.message } }',
  ])('%s is allowed', (source) => expect(forbidden(source)).toBeNull());
});

describe('normalised text', () => {
  test('white space and comments do not matter, strings do', () => {
    const one = normaliseProgram('function f(x) { // comment\n  return x + 1;\n}');
    expect(normaliseProgram('/* other */ function  f ( x ){\n\treturn x+1 ;}')).toBe(one);
    expect(normaliseProgram("function f(x){return 'a  b'}")).not.toBe(normaliseProgram("function f(x){return 'a b'}"));
    expect(normaliseProgram('function f(x){return /a b/}')).toBe('function f ( x ) { return /a b/ }');
    expect(normaliseProgram('  broken ( \n { ')).toBe('broken ( {');
  });
});
