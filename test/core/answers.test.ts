import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCompletion } from '../../src/core/answers.ts';

describe('taking a completion apart', () => {
  it('finds thought and answer', () => {
    expect(parseCompletion('<think>b=3</think><answer>4</answer>', 'stop')).toEqual({ ok: true, thought: 'b=3', answer: '4' });
    expect(parseCompletion(' so 3\n</think>\n\n<answer>\n4\n</answer> ', 'stop', '<think>')).toEqual({
      ok: true,
      thought: ' so 3\n',
      answer: '\n4\n',
    });
  });

  it.each([
    ['no tags', '4'],
    ['two answers', '<think>x</think><answer>4</answer><answer>5</answer>'],
    ['answer inside the thought', '<think>x<answer>4</answer></think>'],
    ['text between', '<think>x</think> so <answer>4</answer>'],
    ['text after', '<think>x</think><answer>4</answer> done'],
    ['nested thought', '<think>x<think>y</think></think><answer>4</answer>'],
    ['nothing', ''],
  ])('%s is malformed, and the thought is still there to be read', (_, text) => {
    const parsed = parseCompletion(text, 'stop');
    expect(parsed.ok).toBe(false);
    expect(parsed.thought).toBe(text);
  });

  it('a completion that hit the limit is malformed even when it looks whole', () => {
    expect(parseCompletion('<think>x</think><answer>4</answer>', 'length').ok).toBe(false);
  });

  it('never throws, and what it accepts can be put together again', () => {
    const piece = fc.constantFrom('<think>', '</think>', '<answer>', '</answer>', 'x', ' ', '\n', '<', 'é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const parsed = parseCompletion(text, 'stop');
        if (parsed.ok) expect(text.replace(/>\s+</g, '><')).toContain(`${parsed.thought}</think>`.replace(/>\s+</g, '><'));
      }),
    );
  });
});
