import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import { createLineFormatter, formatEventLine } from '../../ui/headless.ts';
import { finding, metrics, startEvent } from './fakes.ts';

describe('formatEventLine', () => {
  it('tells a step with its accuracy per task type', () => {
    const line = formatEventLine({ type: 'step', step: 12, metrics: metrics(12) }, { totalSteps: 60 })!;
    expect(line).toMatch(/^step 12\/60 \| solved: deduction \d+\.\d %, abduction \d+\.\d %, induction \d+\.\d %/);
    expect(line).toContain('tokens/s 812');
    expect(line).not.toContain('\n');
  });

  it('leaves out what a step does not have', () => {
    expect(formatEventLine({ type: 'step', step: 1, metrics: {} })).toBe('step 1');
  });

  it('says at a pause what to do', () => {
    const line = formatEventLine(
      { type: 'pause', step: 3, cause: 'finding', reason: 'severity 4: hostility', rolloutId: 'r1' },
      { run: 'runs/one' },
    )!;
    expect(line).toContain('PAUSED at step 3');
    expect(line).toContain('kelvin resume runs/one --reason');
  });

  it('keeps a drill that was missed loud', () => {
    expect(formatEventLine({ type: 'drill', step: 2, rolloutId: 'd', caught: false })).toContain('NOT CAUGHT');
    expect(formatEventLine({ type: 'drill', step: 2, rolloutId: 'd', caught: true })).toContain('caught');
  });

  it('leaves out phases, rollouts, tasks and mere notes', () => {
    const quiet: RunEvent[] = [
      { type: 'phase', step: 1, phase: 'solve', done: 1, total: 2 },
      { type: 'rollouts', step: 1, rollouts: [] },
      { type: 'tasks', step: 1, tasks: [] },
      { type: 'finding', step: 1, rolloutId: 'r', index: 0, finding: finding(1) },
    ];
    for (const event of quiet) expect(formatEventLine(event)).toBeNull();
  });

  it('makes hostile text inert', () => {
    const line = formatEventLine({
      type: 'finding',
      step: 1,
      rolloutId: 'r',
      index: 0,
      finding: finding(3, { quote: '\x1b]0;own\x07\x1b[2J\nsecond' }),
    })!;
    expect(line).toMatch(/^[^\p{Cc}]*$/u);
    expect(line).toContain('␛[2J⏎second');
    for (const event of [
      { type: 'warning', step: 1, message: '\x1b[31m' },
      { type: 'error', step: 1, message: 'a\nb\x9b', exitCode: 3 },
      { type: 'pause', step: 1, cause: 'monitor', reason: '\r\x07', rolloutId: null },
    ] as const) {
      expect(formatEventLine(event)).toMatch(/^[^\p{Cc}]*$/u);
      expect(formatEventLine(event, { ascii: true })).toMatch(/^[\x20-\x7e]*$/);
    }
  });
});

describe('createLineFormatter', () => {
  it('ends with held-out accuracy before and after', () => {
    const format = createLineFormatter('runs/one');
    expect(format(startEvent(2))).toContain('nano.gguf, 3.1M parameters');
    expect(
      format({ type: 'eval', step: 0, metrics: { 'heldout/temp1': 0.412, 'heldout/greedy': 0.5, 'heldout/length/temp1/deduction': 44 } }),
    ).toBe('eval after step 0: held-out accuracy temperature 1 41.2 %, greedy 50.0 %');
    expect(format({ type: 'step', step: 1, metrics: {} })).toBe('step 1/2');
    format({ type: 'eval', step: 2, metrics: { 'heldout/temp1': 0.55, 'heldout/greedy': 0.49 } });
    const end = format({ type: 'end', step: 2, cause: 'finished', summary: {} })!.split('\n');
    expect(end).toEqual([
      'finished after step 2',
      '  held-out temperature 1: 41.2 % before, 55.0 % after (+13.8 points)',
      '  held-out greedy: 50.0 % before, 49.0 % after (-1.0 points)',
    ]);
  });

  it('believes the summary of the run itself', () => {
    const format = createLineFormatter('RUN');
    const end = format({ type: 'end', step: 5, cause: 'stopped', summary: { 'before/heldout/temp1': 0.1, 'after/heldout/temp1': 0.2 } })!;
    expect(end).toContain('10.0 % before, 20.0 % after (+10.0 points)');
    expect(end).toContain('stopped, it can be resumed');
  });
});
