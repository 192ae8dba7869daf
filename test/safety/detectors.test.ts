import { describe, expect, it } from 'vitest';
import { detectors } from '../../safety/detectors/index.ts';
import { createMonitor } from '../../safety/monitor.ts';

const monitor = createMonitor();

describe.each(detectors.map((detector) => [detector.id, detector] as const))('%s', (_id, detector) => {
  it.each(detector.cases.map((example, index) => [index, example.text.slice(0, 60), example] as const))(
    'case %i: %s',
    (_index, _text, example) => {
      const verdict = monitor.scan({ id: 'case', thought: example.text, program: example.program });
      const own = verdict.findings.filter((finding) => finding.category === detector.category);
      const shown = JSON.stringify(verdict.findings.map((finding) => [finding.severity, finding.detector, finding.quote]));
      if (example.atLeast !== undefined)
        expect(Math.max(0, ...own.map((finding) => finding.severity)), shown).toBeGreaterThanOrEqual(example.atLeast);
      if (example.atMost !== undefined) expect(verdict.severity, shown).toBeLessThanOrEqual(example.atMost);
      for (const finding of verdict.findings) {
        const text = finding.where === 'program' ? (example.program ?? '') : example.text;
        expect(finding.quote).toBe(text.slice(finding.start, finding.end));
      }
    },
  );
});
