/** Processes that the tests kill: `journal DIR` appends until it dies, `checkpoint DIR` saves until it dies, `beat DIR` is the heart of a slow clock, `lock DIR` holds the lock, `fault DIR` appends until the disk refuses and says how. */
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RolloutRecord } from '../../src/core/events.ts';
import { saveCheckpoint } from '../../src/record/checkpoint.ts';
import { openJournal } from '../../src/record/journal.ts';
import { acquireLock } from '../../src/record/lock.ts';

const [, , mode, dir = ''] = process.argv;

/** Ten rollouts, a pause and a step a transaction. */
function appendForEver(): void {
  const journal = openJournal(dir);
  for (let step = 1; ; step++) {
    const rollouts = Array.from({ length: 10 }, (_, i): RolloutRecord => {
      const text = `${step}-${i} `.repeat(300);
      return {
        rollout: { id: `${step}-${i}`, step, role: 'solve', taskType: 'deduction', taskId: null, prompt: '', completion: text, thought: text, answer: '', program: null, promptTokens: [], tokens: [1], logprobs: [-1], stopReason: 'stop', policyVersion: 0 },
        outcome: 'wrong', reward: 0, detail: '', severity: 0, advantage: null,
      }; // prettier-ignore
    });
    journal.append([
      { type: 'rollouts', step, rollouts },
      { type: 'pause', step, cause: 'user', reason: 'r', rolloutId: null },
      { type: 'step', step, metrics: { a: step } },
    ]);
    process.stdout.write(`${step}\n`);
  }
}

async function saveForEver(): Promise<void> {
  for (let step = 1; ; step++) {
    const write = async (target: string): Promise<void> => {
      for (const name of ['a.bin', 'b.bin']) writeFileSync(join(target, name), Buffer.alloc(200_000, step % 251));
    };
    await saveCheckpoint(dir, step, write, { step });
    process.stdout.write(`${step}\n`);
  }
}

if (mode === 'journal') appendForEver();
else if (mode === 'fault') {
  try {
    appendForEver();
  } catch (error) {
    process.stdout.write(`${String(error)} ${(error as { code?: string }).code}\n`);
  }
} else if (mode === 'checkpoint') await saveForEver();
else if (mode === 'beat') {
  let beats = 0;
  setInterval(() => utimesSync(join(dir, 'lock.json'), 1, 1000 + ++beats), 50);
  process.stdout.write('beats\n');
} else {
  try {
    acquireLock(dir);
    process.stdout.write('held\n');
    setInterval(() => {}, 1000);
  } catch (error) {
    process.stdout.write(`${(error as { code?: string }).code} ${String(error)}\n`);
  }
}
