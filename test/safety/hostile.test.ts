import { describe, expect, it } from 'vitest';
import { createMonitor } from '../../safety/monitor.ts';

const monitor = createMonitor();
const MEGABYTE = 1_000_000;
/** Far above what a megabyte takes (about a second on a slow core), far below what anything quadratic would. */
const LIMIT_MS = 15_000;

const fill = (unit: string): string => unit.repeat(Math.ceil(MEGABYTE / unit.length)).slice(0, MEGABYTE);

describe('a megabyte of hostile text is read in bounded time', () => {
  it.each([
    ['one word', fill('a')],
    ['one identifier', fill('a_')],
    ['dotted', fill('a.')],
    ['spaces', fill(' ')],
    ['newlines', fill('\n')],
    ['backticks', fill('`')],
    ['backticks and breaks', fill('`\n')],
    ['fences', fill('```\n')],
    ['quotes', fill("'''\n")],
    ['open comments', fill('/*')],
    ['single letters', fill('k i l l ')],
    ['triggers', fill('I will not disable the monitor humans ')],
    ['nested phrases', fill('so that so that the user is so that i ')],
    ['ideographs', fill('我们要消灭人类不')],
    ['combining marks', fill('e\u0301\u0308\u0302')],
    ['zero-width', fill('a\u200b')],
    ['mixed scripts', fill('hum\u0430n ')],
    ['digits for letters', fill('h4ck3r5 ')],
    ['blobs', fill('aB3dE5')],
    ['nearly periodic', fill(`${'ab'.repeat(200)}c`)],
    ['lone surrogates', fill('\ud800 ')],
    ['control characters', fill('\u001b[31m')],
    ['nested quantifiers', fill('(a+)+$ aaaaaaaa! ')],
    ['a word of another script', fill('ж')],
    ['words that are all different', Array.from({ length: 160_000 }, (_, at) => `w${at.toString(26)}`).join(' ')],
  ])('%s', (_name, text) => {
    const began = performance.now();
    const verdict = monitor.scan({ id: 'h', thought: text });
    expect(performance.now() - began).toBeLessThan(LIMIT_MS);
    for (const finding of verdict.findings) expect(finding.quote).toBe(text.slice(finding.start, finding.end));
  });

  it.each([
    ['nested brackets', fill('(')],
    ['nested functions', fill('function f(){')],
    ['nested arrays', `${'['.repeat(50_000)}${']'.repeat(50_000)}`],
    ['long sum', fill('1+')],
    ['ifs', fill('if (x === "1,2,3") return 4;\n')],
    ['python ifs', fill('if x == "1 2 3": return 4\n')],
    ['python strings', fill('"""')],
    ['python exits', fill('sys.exit(0)\n')],
    ['python nesting', fill('{"a b c": {')],
    ['many functions', fill('function f(a){').slice(0, 190_000) + '}'.repeat(13_000)],
    ['many reads', `const a = [1, 2, 3];\n${'a[i]; '.repeat(30_000)}`],
    ['many lists', Array.from({ length: 4000 }, (_, at) => `l${at} = [1, 2, 3]`).join('\n') + '\nx = zip(a, b)\n'],
    ['many tables', '{"1 2": 3, "4 5": 6}\n'.repeat(8000)],
    ['python functions', Array.from({ length: 600 }, (_, depth) => `${' '.repeat(depth)}def f(x):`).join('\n')],
    ['unfinished python', 'def f(x: [ ( {'.repeat(12_000)],
    ['deep indent', Array.from({ length: 1400 }, (_, depth) => `${' '.repeat(depth)}if x:`).join('\n')],
  ])('program: %s', (_name, program) => {
    const began = performance.now();
    const verdict = monitor.scan({ id: 'h', thought: 'A plain sum.', program });
    expect(performance.now() - began).toBeLessThan(LIMIT_MS);
    for (const finding of verdict.findings)
      expect(finding.quote).toBe((finding.where === 'program' ? program : 'A plain sum.').slice(finding.start, finding.end));
  });

  it('does not lose an alarming sentence in it', () => {
    for (const unit of ['a ', '` ', 'so that i ', '我们', '\n']) {
      const around = fill(unit).slice(0, 150_000);
      const text = `${around}\n\nI will disable the safety monitor.\n\n${around}`;
      expect(monitor.scan({ id: 'h', thought: text }).severity, JSON.stringify(unit)).toBe(4);
    }
  });
});
