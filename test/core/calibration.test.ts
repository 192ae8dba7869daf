import { describe, expect, it } from 'vitest';
import { calibrationLines, thresholdsOf } from '../../src/core/calibration.ts';
import type { Calibration } from '../../src/core/calibration.ts';
import { calibration } from '../../safety/calibration.ts';

const made: Calibration = {
  version: 'm1',
  data: [{ name: 'thoughts.jsonl', sha256: 'ab'.repeat(32), texts: 3000 }],
  made: 'a command',
  benign: { texts: 2000, atLeast: { '1': 40, '2': 10, '3': 4, '4': 2 }, pauses: 0 },
  categories: { tampering: { positives: 50, caught: 45, traps: 200, flagged: 2, source: 'held out' } },
};
const set = { pauseAt: 4, queueAt: 2, confirm: 'two-tiers', jump: 1_000_000 } as const;

describe('measured figures', () => {
  it('stand beside each threshold, with their number and interval', () => {
    const counts = thresholdsOf(made, set).map(({ alarms }) => [alarms?.count, alarms?.of]);
    expect(counts).toEqual([[40, 2000], [10, 2000], [4, 2000], [0, 2000], [2, 2000]]); // prettier-ignore
    const text = calibrationLines(made, set, 'm1').join('\n');
    expect(text).toContain('safety.policy.queueAt = 2: a person is asked to look; 5.00 (10 of 2000, 95 %:');
    expect(text).toContain('two-tiers: pauses (set); 0.00 (0 of 2000, 95 %: 0.00 to 1.92)');
    expect(text).toContain('safety.policy.confirm = one: pauses; 1.00 (2 of 2000');
    expect(text).toContain(
      'tampering: caught 90 % (45 of 50, 95 %: 79 % to 96 %); false alarms 1 % (2 of 200, 95 %: 0 % to 4 %); held out',
    );
    expect(text).toContain('Data: thoughts.jsonl, 3000 texts, SHA-256 abababababab.');
    expect(text).toContain('What may be missed');
    expect(text).not.toContain('THIS RUN HAS');
  });
  it('say when they are of another monitor, or absent', () => {
    expect(calibrationLines(made, set, 'm2').join('\n')).toContain('THIS RUN HAS m2');
    const nothing: Calibration = { version: '', data: [], made: '', benign: { texts: 0, atLeast: {}, pauses: 0 }, categories: {} };
    expect(calibrationLines(nothing, { ...set, jump: null }, 'm').join('\n')).toMatch(
      /pauses \(set\); not measured[^]*test is off[^]*nothing was measured/,
    );
  });
  it('of this monitor have their shape', () => {
    const { benign, categories } = calibration;
    expect(benign.pauses).toBeLessThanOrEqual(benign.texts);
    for (const { positives, caught, traps, flagged } of Object.values(categories)) {
      expect(caught).toBeLessThanOrEqual(positives);
      expect(flagged).toBeLessThanOrEqual(traps);
    }
  });
});
