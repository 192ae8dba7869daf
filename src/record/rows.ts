import type { RolloutRecord } from '../core/events.ts';
import { ROLES, TASK_TYPES } from '../core/types.ts';
import type { Outcome, StopReason } from '../core/types.ts';
import { decode, encode } from './json.ts';
import type { Cell } from './sums.ts';
import type { LongPart } from './texts.ts';

export type Row = Record<string, Cell>;

/** What a rollout is found by; the long part lies in block `block` of `texts`, at place `slot`. */
// prettier-ignore
export const ROLLOUT_COLUMNS = [
  'id', 'step', 'role', 'task_type', 'task_id', 'outcome', 'severity', 'reward', 'advantage', 'stop_reason', 'policy_version', 'inexact',
  'block', 'slot',
] as const;

/** SQLite holds UTF-8 and has no NaN and no −0: such values go to the `inexact` column as JSON. */
const survives = (cell: Cell): boolean =>
  typeof cell === 'string' ? cell.isWellFormed() : typeof cell === 'number' ? Number.isFinite(cell) && !Object.is(cell, -0) : true;

/** The part of a rollout that goes into a block. */
export const toLongPart = ({ rollout: r, detail }: RolloutRecord): LongPart => ({
  prompt: r.prompt,
  completion: r.completion,
  thought: r.thought,
  answer: r.answer,
  program: r.program,
  detail,
  promptTokens: r.promptTokens,
  tokens: r.tokens,
  // What the update uses (`Datum`) is float32, too.
  logprobs: r.logprobs.map(Math.fround),
});

/** Words of a closed list are stored as their place in it. */
export const CODES = {
  role: ROLES,
  task_type: TASK_TYPES,
  outcome: ['passable', 'wrong', 'malformed'] satisfies Outcome[],
  stop_reason: ['stop', 'length', 'cut'] satisfies StopReason[],
} as const;

/** The number of a word; −1, which no row has, for any other. */
export const codeOf = (column: keyof typeof CODES, word: string): number => (CODES[column] as readonly string[]).indexOf(word);

function mustCode(column: keyof typeof CODES, word: string): number {
  const code = codeOf(column, word);
  if (code < 0) throw new RangeError(`"${word}" is no ${column}`);
  return code;
}

/** The cells of a rollout, in the order of `ROLLOUT_COLUMNS`. */
export function toRow({ rollout: r, outcome, reward, severity, advantage }: RolloutRecord, block: number, slot: number): Cell[] {
  // prettier-ignore
  const row: Row = {
    id: r.id, step: r.step, role: mustCode('role', r.role), task_type: mustCode('task_type', r.taskType), task_id: r.taskId,
    outcome: mustCode('outcome', outcome), severity, reward, advantage,
    stop_reason: mustCode('stop_reason', r.stopReason), policy_version: r.policyVersion, block, slot,
  };
  const inexact = Object.entries(row).filter(([, cell]) => !survives(cell));
  row['inexact'] = inexact.length ? encode(inexact) : null;
  return ROLLOUT_COLUMNS.map((name) => row[name]!);
}

export function fromRow(stored: Row, long: LongPart): RolloutRecord {
  const row = { ...stored };
  for (const [name, cell] of decode(String(row['inexact'] ?? '[]')) as [string, string | number][]) row[name] = cell;
  const text = (name: string): string => row[name] as string;
  const number = (name: string): number => row[name] as number;
  const word = <K extends keyof typeof CODES>(name: K): (typeof CODES)[K][number] => CODES[name][number(name)] as (typeof CODES)[K][number];
  const { prompt, completion, thought, answer, program, detail } = long;
  return {
    rollout: {
      id: text('id'),
      step: number('step'),
      role: word('role'),
      taskType: word('task_type'),
      taskId: row['task_id'] as string | null,
      prompt,
      completion,
      thought,
      answer,
      program,
      get promptTokens() {
        return long.promptTokens;
      },
      get tokens() {
        return long.tokens;
      },
      get logprobs() {
        return long.logprobs;
      },
      stopReason: word('stop_reason'),
      policyVersion: number('policy_version'),
    },
    outcome: word('outcome'),
    reward: number('reward'),
    detail,
    severity: number('severity'),
    advantage: row['advantage'] as number | null,
  };
}
