import { expect } from 'vitest';
import { parseCompletion } from '../../src/core/answers.ts';
import type { Dialect } from '../../src/core/prompts/dialect.ts';
import { TASK_TYPES } from '../../src/core/types.ts';

/** Every worked example in the prompts of a dialect is a reply that it accepts itself. */
export function expectExamplesAccepted(dialect: Dialect): void {
  for (const type of TASK_TYPES) {
    for (const { assistant } of dialect.examples?.('propose', type) ?? []) {
      const parsed = parseCompletion(assistant, 'stop');
      expect(parsed.ok && dialect.parseProposal(type, parsed.answer, 3)).not.toHaveProperty('malformed');
    }
    for (const { assistant } of dialect.examples?.('solve', type) ?? []) {
      const parsed = parseCompletion(assistant, 'stop');
      expect(parsed.ok && dialect.parseSolution(type, parsed.answer)).toHaveProperty('solution');
    }
  }
}
