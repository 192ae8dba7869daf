import { describe, expect, it } from 'vitest';
import { ReplyView } from '../../src/commands/reply-view.ts';
import { kelvin } from './cli.ts';

const DIM = '\u001b[2m';
const PLAIN = '\u001b[22m';
const shown = (parts: readonly string[], styled = true): string => {
  let out = '';
  const view = new ReplyView((text) => (out += text), styled);
  for (const part of parts) view.feed(part);
  view.end();
  return out;
};

describe('a reply on its way to the screen', () => {
  it('dims the thought and drops the tags, however the text is cut', () => {
    const text = '<think>two and two</think>\n\n<answer>4 < 5</answer>';
    const whole = shown([text]);
    expect(whole).toBe(`${DIM}two and two\n${PLAIN}4 < 5\n`);
    expect(shown([...text])).toBe(whole);
  });
  it('shows what never became a tag', () => {
    expect(shown(['a <thin', 'k', ' b <ans'])).toBe('a <think b <ans\n');
    expect(shown(['<think>open'])).toBe(`${DIM}open${PLAIN}\n`);
  });
  it('lets no model steer the terminal', () => {
    const hostile = shown(['<think>\u001b]0;owned\u0007\u001b[2J</think>']);
    for (const code of ['\u001b]', '\u0007', '\u001b[2J']) expect(hostile).not.toContain(code);
    expect(shown(['\u001b[2J'], false)).not.toContain('\u001b');
  });
  it('keeps the tags where there are no styles', () => {
    expect(shown(['<think>a</think>'], false)).toBe('<think>a</think>\n');
  });
});

describe('kelvin chat', () => {
  const prompt = '### solve deduction\nprogram: function f(n){return n+1}\ninput: 3\n';
  it('answers one question from standard input, and the same one the same way', async () => {
    const [first, second] = await Promise.all([0, 1].map(() => kelvin(['chat', '--json', '--seed', '3'], { input: prompt }).done));
    expect(first?.stderr).toBe('');
    expect(first?.code).toBe(0);
    const reply = JSON.parse(first?.stdout ?? '') as { wellFormed: boolean; answer: string; tokens: number };
    expect(reply).toMatchObject({ wellFormed: true, answer: '4' });
    expect(first?.stdout).toBe(second?.stdout);
  });
  it('says what to do about wrong options and files', async () => {
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['chat', '--prompt', ''], 2, /no question/],
      [['chat', '--run', 'x', '--model', 'y', '--prompt', 'z'], 2, /leave --model/],
      [['chat', '--model', 'package.json', '--prompt', 'z'], 3, /not a whole GGUF/],
      [['chat', '--adapter', 'models/nano.gguf', '--prompt', 'z'], 3, /not a LoRA adapter.*No --model was given/],
      [['chat', '--template', 'chat', '--temperature', '3', '--prompt', 'z'], 2, /from 0 to 2/],
      [['export', 'no-such-run'], 4, /no-such-run/],
      [['models', 'add', 'nonsense'], 2, /no model to fetch/],
      [['models', 'show', 'hf:a/b:Q8_0'], 2, /not on this machine yet.*models add hf:a\/b:Q8_0/],
      [['models', 'show', 'package.json'], 3, /not a whole GGUF/],
      [['train', '--headless', '--set', 'model=hf:nobody'], 3, /names no model/],
    ];
    const results = await Promise.all(cases.map(([args]) => kelvin(args).done));
    cases.forEach(([args, code, text], i) => {
      expect(results[i]?.code, args.join(' ')).toBe(code);
      expect(results[i]?.stderr, args.join(' ')).toMatch(text);
    });
  });
});
