import type { Parsed, StopReason } from './types.ts';

/** Source: Absolute Zero, Sec. 3.3 (format of a passable answer). */
const TAGS = { thinkOpen: '<think>', thinkClose: '</think>', answerOpen: '<answer>', answerClose: '</answer>' } as const;

/**
 * Takes a completion apart: exactly `<think>…</think>` then `<answer>…</answer>`, white space around them, nothing else.
 * `opening` is what the prompt already wrote of it. The thought is returned even when the format is broken, because
 * the monitor reads every thought: then it is all that was generated.
 */
export function parseCompletion(completion: string, stopReason: StopReason, opening = ''): Parsed {
  const text = (opening + completion).trim();
  const fail = (reason: string): Parsed => ({ ok: false, thought: completion, reason });
  if (stopReason === 'length') return fail('The completion was cut at the token limit.');
  if (stopReason === 'cut') return fail('The completion was cut while it was generated.');
  if (!text.startsWith(TAGS.thinkOpen)) return fail('It does not start with <think>.');
  if (!text.endsWith(TAGS.answerClose)) return fail('It does not end with </answer>.');
  for (const tag of Object.values(TAGS)) if (text.split(tag).length !== 2) return fail(`It must hold ${tag} exactly once.`);
  const thinkEnd = text.indexOf(TAGS.thinkClose);
  const answerStart = text.indexOf(TAGS.answerOpen);
  if (thinkEnd > answerStart) return fail('The answer comes before the end of the thought.');
  if (text.slice(thinkEnd + TAGS.thinkClose.length, answerStart).trim() !== '') return fail('There is text between thought and answer.');
  return {
    ok: true,
    thought: text.slice(TAGS.thinkOpen.length, thinkEnd),
    answer: text.slice(answerStart + TAGS.answerOpen.length, -TAGS.answerClose.length),
  };
}
