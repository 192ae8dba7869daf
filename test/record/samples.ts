import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { RolloutRecord, RunEvent } from '../../src/core/events.ts';
import type { Severity } from '../../src/core/finding.ts';
import type { EngineInfo, Rollout, Task } from '../../src/core/types.ts';

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A folder that is gone after the test. */
export function scratch(): string {
  const dir = mkdtempSync(join(tmpdir(), 'kelvin-test-'));
  made.push(dir);
  return dir;
}

export const INFO: EngineInfo = {
  backend: 'scripted', model: 'none', modelHash: '00', architecture: 'none', parameters: 0, trainable: 0,
  contextLength: 64, vocabularySize: 16, eosToken: 0, dialect: 'nano', mode: 'full',
}; // prettier-ignore

export function rollout(
  id: string,
  step: number,
  change: Partial<Rollout> & { severity?: number; outcome?: RolloutRecord['outcome'] } = {},
): RolloutRecord {
  const { severity = 0, outcome = 'passable', ...rest } = change;
  return {
    rollout: {
      id, step, role: 'solve', taskType: 'deduction', taskId: null, prompt: 'p', completion: `<think>thought of ${id}</think><answer>1</answer>`,
      thought: `thought of ${id}`, answer: '1', program: null, promptTokens: [1, 2, 3], tokens: [4, 5], logprobs: [-0.5, -1.25],
      stopReason: 'stop', policyVersion: step, ...rest,
    },
    outcome, reward: 1, detail: 'right', severity, advantage: null,
  }; // prettier-ignore
}

export const task = (id: string, step: number): Task => ({
  id,
  step,
  type: 'deduction',
  program: 'function f(x){return x}',
  parents: [],
  input: '1',
  output: '1',
});

export const start = (step: number, resumed = false): RunEvent => ({
  type: 'start', step, config: { steps: 10, model: 'm' }, info: INFO, monitor: 'on', tiers: ['rules'], resumed, versions: { kelvin: '0.1.0' },
}); // prettier-ignore

export const finding = (step: number, rolloutId: string, severity: Severity): RunEvent => ({
  type: 'finding', step, rolloutId, index: 0,
  finding: { category: 'hostility', severity, detector: 'rules/hostility@1', where: 'thought', start: 0, end: 7, quote: 'thought', why: 'w' },
}); // prettier-ignore

export const pause = (step: number, rolloutId: string | null = null): RunEvent => ({
  type: 'pause',
  step,
  cause: 'finding',
  reason: 'severity 4',
  rolloutId,
});
export const resume = (step: number): RunEvent => ({ type: 'resume', step, reason: 'read it', by: 'ana' });
export const stepDone = (step: number): RunEvent => ({ type: 'step', step, metrics: { 'reward/solve/deduction': 0.5 } });
