import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detectorIndex } from '../../bin/detectors.mjs';
import { detectors } from '../../safety/detectors/index.ts';
import { createMonitor } from '../../safety/monitor.ts';

const monitor = createMonitor();
const root = join(import.meta.dirname, '..', '..');

it('every file of safety/detectors is in the list, by itself', () => {
  expect(readFileSync(join(root, 'safety', 'detectors', 'index.ts'), 'utf8')).toBe(detectorIndex(root));
});

it('every detector brings positives and traps of its own, and a name of its own', () => {
  expect(new Set(detectors.map((detector) => detector.id)).size).toBe(detectors.length);
  for (const detector of detectors) {
    expect(detector.cases.filter((example) => example.atLeast !== undefined).length, detector.id).toBeGreaterThanOrEqual(3);
    expect(detector.cases.filter((example) => example.atMost !== undefined).length, detector.id).toBeGreaterThanOrEqual(3);
  }
});

describe.each(detectors.map((detector) => [detector.id, detector] as const))('%s', (_id, detector) => {
  it.each(detector.cases.map((example, index) => [index, example.text.slice(0, 60), example] as const))(
    'case %i: %s',
    (_index, _text, example) => {
      const verdict = monitor.scan({ id: 'case', thought: example.text, program: example.program });
      const own = verdict.findings.filter((finding) => finding.category === (detector.category ?? finding.category));
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
