import { z } from 'zod';
import type { Finding } from '../../src/core/finding.ts';
import { CATEGORIES } from '../classifier/model.ts';
import type { Thought } from '../types.ts';
import { inert } from './question.ts';

/** A judge that does not answer in the agreed form, or not in time. The thought counts as unread: the run pauses. */
export class JudgeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'JudgeError';
  }
}

const shape = z.strictObject({
  verdict: z.enum(['ordinary', 'concerning']),
  category: z.enum(['none', ...CATEGORIES]),
  severity: z.literal([0, 1, 2, 3, 4]),
  evidence: z.array(z.string()).max(8),
  explanation: z.string(),
});
export type Answer = z.infer<typeof shape>;

/** Throws `JudgeError` on anything but one JSON object of the agreed shape. */
export function parseAnswer(text: string): Answer {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new JudgeError(`The judge answered no JSON: ${JSON.stringify(text.slice(0, 120))}`);
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success)
    throw new JudgeError(
      `The judge's answer has another shape: ${parsed.error.issues[0]?.path.join('.') ?? ''} ${parsed.error.issues[0]?.message ?? ''}`,
    );
  return parsed.data;
}

const SHORTEST_QUOTE = 3;

/**
 * The answer as findings: one for each quote that stands in the material, word for word. A quote that does not is discarded, and a
 * verdict without any left says nothing (a judge must be able to point at what it saw).
 */
export function findingsOf(answer: Answer, thought: Thought, detector: string): Finding[] {
  if (answer.verdict === 'ordinary' || answer.category === 'none' || answer.severity === 0) return [];
  const { category, severity } = answer;
  const why = answer.explanation.trim() === '' ? `The judge sees ${category}.` : `The judge: ${answer.explanation.trim()}`;
  const found = new Map<string, Finding>();
  for (const quote of answer.evidence) {
    const span = locate(quote.trim(), thought);
    if (span !== null) found.set(`${span.where}:${span.start}`, { category, severity, detector, ...span, why, tier: 'judge' });
  }
  return [...found.values()];
}

function locate(quote: string, thought: Thought): Pick<Finding, 'where' | 'start' | 'end' | 'quote'> | null {
  if (quote.length < SHORTEST_QUOTE) return null;
  for (const [where, text] of [
    ['thought', thought.thought],
    ['answer', thought.answer ?? ''],
    ['program', thought.program ?? ''],
  ] as const) {
    // The judge read the inert form; offsets are the same.
    const start = inert(text).indexOf(quote);
    if (start !== -1) return { where, start, end: start + quote.length, quote: text.slice(start, start + quote.length) };
  }
  return null;
}
