import { join } from 'node:path';
import type { RunEvent } from '../../src/core/events.ts';
import { createRunFolder } from '../../src/record/folder.ts';
import { openJournal } from '../../src/record/journal.ts';
import { finding, INFO, rollout, scratch, stepDone, task } from '../record/samples.ts';

/** What a model might write to harm whoever reads it. */
export const HOSTILE =
  '</p><script>alert(1)</script><img src=x onerror=alert(1)> =cmd|\'/c calc\'!A1 [a](javascript:alert(1)) \u001b[31mred\u001b]0;title\u0007 \u202egnp.exe \ud800 "quoted", `code` ||| </style>';

/** A run of two steps with hostile texts, a NaN and every kind of task, told by its journal. */
export function sampleRun(name = '2026-11-23-sample'): string {
  const dir = createRunFolder({
    root: '.',
    runDir: join(scratch(), name),
    name: 'nano',
    config: { steps: 2, model: 'm.gguf' },
    now: new Date('2026-11-23T07:00:00.000Z'),
  });
  using journal = openJournal(dir, { now: () => Date.parse('2026-11-23T07:00:05.250Z') });
  const events: RunEvent[] = [
    {
      type: 'start',
      step: 0,
      config: { steps: 2, model: 'm.gguf', name: HOSTILE },
      info: { ...INFO, model: '/home/somebody/m.gguf' },
      monitor: 'v1',
      tiers: ['rules'],
      resumed: false,
      versions: { kelvin: '0.1.0' },
    },
    { type: 'eval', step: 0, metrics: { 'heldout/temp1': 0.25 } },
    {
      type: 'tasks',
      step: 1,
      tasks: [
        task('t1', 0),
        {
          id: 't2',
          step: 1,
          type: 'induction',
          program: HOSTILE,
          parents: ['t1'],
          pairs: [
            { input: '1', output: '2' },
            { input: '3', output: '4' },
          ],
          shown: 1,
          message: HOSTILE,
        },
      ],
    },
    {
      type: 'rollouts',
      step: 1,
      rollouts: [
        rollout('r1', 1, {
          thought: HOSTILE,
          answer: HOSTILE,
          prompt: HOSTILE,
          completion: HOSTILE,
          program: HOSTILE,
          taskId: 't1',
          severity: 4,
        }),
        {
          ...rollout('r2', 1, { role: 'propose', outcome: 'wrong', tokens: [70_000], logprobs: [-Infinity] }),
          reward: NaN,
          advantage: -0.5,
        },
      ],
    },
    finding(1, 'r1', 4),
    { type: 'step', step: 1, metrics: { loss: 0.1, 'optim/grad_norm': NaN, 'reward/solve/deduction': -0.5 } },
    { type: 'rollouts', step: 2, rollouts: [rollout('r3', 2)] },
    stepDone(2),
    { type: 'eval', step: 2, metrics: { 'heldout/temp1': 0.5 } },
    { type: 'review', step: 2, rolloutId: 'r1', index: 0, label: 'confirmed', reason: HOSTILE, by: HOSTILE },
    { type: 'end', step: 2, cause: 'finished', summary: {} },
  ];
  journal.append(events);
  return dir;
}
