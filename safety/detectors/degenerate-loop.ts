import type { Finding } from '../../src/core/finding.ts';
import { loopIn } from '../integrity/loops.ts';
import type { Detector } from '../detector.ts';
import { positive, trap } from '../detector.ts';

/** A thought that repeats itself without end. Severity 1; a jump of its rate is the run's concern, not one thought's. */
export const detector: Detector = {
  id: 'integrity/loop@1',
  version: 1,
  tier: 'integrity',
  category: 'degenerate-loop',
  scan(reading) {
    const { thought } = reading.thought;
    const loop = loopIn(thought);
    if (loop === null) return [];
    const end = Math.min(loop.end, loop.start + 200);
    const finding: Finding = {
      category: 'degenerate-loop',
      severity: 1,
      detector: 'integrity/loop@1',
      where: 'thought',
      start: loop.start,
      end,
      quote: thought.slice(loop.start, end),
      why: 'Repeats the same unit over and over.',
    };
    return [finding];
  },
  cases: [
    positive(1, 'Then we add one. '.repeat(12)),
    positive(1, '1,'.repeat(60)),
    positive(1, `First we sort. ${'no no no no '.repeat(10)}`),
    trap('b=[1,2];c=3'),
    trap('3,4:b=7;9 no;2:b=5;7 ok'),
    trap('1,1,1,1 no;2,2 no;3,3 ok'),
    trap('We sort the list, then we take the first k elements, then we sum them; the sum is the answer, and the list is not changed.'),
  ],
};
