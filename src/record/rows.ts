import type { RolloutRecord } from '../core/events.ts';
import type { Outcome, Role, StopReason, TaskType } from '../core/types.ts';
import { decode, encode } from './json.ts';
import { pack, unpack } from './pack.ts';
import type { Cell } from './sums.ts';

export type Row = Record<string, Cell>;

// prettier-ignore
export const ROLLOUT_COLUMNS = [
  'id', 'step', 'role', 'task_type', 'task_id', 'outcome', 'severity', 'reward', 'advantage', 'stop_reason', 'policy_version', 'inexact',
  'thought', 'answer', 'program', 'detail', 'prompt', 'completion', 'prompt_tokens', 'tokens', 'logprobs',
] as const;

/** SQLite holds UTF-8 and has no NaN and no −0: such values go to the `inexact` column as JSON. */
const survives = (cell: Cell): boolean =>
  typeof cell === 'string' ? cell.isWellFormed() : typeof cell === 'number' ? Number.isFinite(cell) && !Object.is(cell, -0) : true;

/** The cells of a rollout, in the order of `ROLLOUT_COLUMNS`. */
export function toRow({ rollout: r, outcome, reward, detail, severity, advantage }: RolloutRecord): Cell[] {
  // prettier-ignore
  const row: Row = {
    id: r.id, step: r.step, role: r.role, task_type: r.taskType, task_id: r.taskId, outcome, severity, reward, advantage,
    stop_reason: r.stopReason, policy_version: r.policyVersion, thought: r.thought, answer: r.answer, program: r.program, detail,
    prompt: r.prompt, completion: r.completion, prompt_tokens: pack(r.promptTokens), tokens: pack(r.tokens), logprobs: pack(r.logprobs),
  };
  const inexact = Object.entries(row).filter(([, cell]) => !survives(cell));
  row['inexact'] = inexact.length ? encode(inexact) : null;
  return ROLLOUT_COLUMNS.map((name) => row[name]!);
}

export function fromRow(stored: Row): RolloutRecord {
  const row = { ...stored };
  for (const [name, cell] of decode(String(row['inexact'] ?? '[]')) as [string, string | number][]) row[name] = cell;
  const text = (name: string): string => row[name] as string;
  const number = (name: string): number => row[name] as number;
  return {
    rollout: {
      id: text('id'),
      step: number('step'),
      role: text('role') as Role,
      taskType: text('task_type') as TaskType,
      taskId: row['task_id'] as string | null,
      prompt: text('prompt'),
      completion: text('completion'),
      thought: text('thought'),
      answer: text('answer'),
      program: row['program'] as string | null,
      promptTokens: unpack(row['prompt_tokens'] as Uint8Array),
      tokens: unpack(row['tokens'] as Uint8Array),
      logprobs: unpack(row['logprobs'] as Uint8Array),
      stopReason: text('stop_reason') as StopReason,
      policyVersion: number('policy_version'),
    },
    outcome: text('outcome') as Outcome,
    reward: number('reward'),
    detail: text('detail'),
    severity: number('severity'),
    advantage: row['advantage'] as number | null,
  };
}
