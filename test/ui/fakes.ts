import type { RolloutRecord, RunEvent } from '../../src/core/events.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { EngineInfo, Metrics, Role, Task, TaskType } from '../../src/core/types.ts';
import { TASK_TYPES } from '../../src/core/types.ts';
import type { CommandBody, ControlClient, JournalReader, RolloutQuery, Stored } from '../../src/record/port.ts';

/** An in-memory journal with the behaviour that the reader port promises. */
export class FakeReader implements JournalReader {
  readonly stored: Stored[] = [];
  readonly records: RolloutRecord[] = [];
  readonly taskRows: Task[] = [];
  closed = false;
  failure: Error | null = null;

  append(...events: RunEvent[]): void {
    for (const event of events) {
      if (event.type === 'rollouts') this.records.push(...event.rollouts);
      if (event.type === 'tasks') this.taskRows.push(...event.tasks);
      const shown: RunEvent = event.type === 'rollouts' ? { ...event, rollouts: [] } : event;
      this.stored.push({ seq: this.stored.length + 1, at: 1_000_000 + this.stored.length * 100, event: shown });
    }
  }

  events(afterSeq: number, limit = Infinity): Stored[] {
    if (this.failure) throw this.failure;
    return this.stored.slice(afterSeq, afterSeq + limit);
  }

  #match(query: Omit<RolloutQuery, 'limit' | 'offset'>): RolloutRecord[] {
    return this.records
      .filter(
        ({ rollout, outcome, severity }) =>
          (query.role === undefined || rollout.role === query.role) &&
          (query.taskType === undefined || rollout.taskType === query.taskType) &&
          (query.outcome === undefined || outcome === query.outcome) &&
          (query.step === undefined || rollout.step === query.step) &&
          (query.taskId === undefined || rollout.taskId === query.taskId) &&
          (query.minSeverity === undefined || severity >= query.minSeverity) &&
          (query.match === undefined || query.match(`${rollout.thought} ${rollout.answer}`)) &&
          (query.text === undefined || rollout.thought.includes(query.text) || rollout.answer.includes(query.text)),
      )
      .reverse();
  }

  rollouts(query: RolloutQuery): RolloutRecord[] {
    const from = query.offset ?? 0;
    return this.#match(query).slice(from, from + query.limit);
  }
  rollout(id: string): RolloutRecord | null {
    return this.records.find((record) => record.rollout.id === id) ?? null;
  }
  rolloutCount(query: Omit<RolloutQuery, 'limit' | 'offset'>): number {
    return this.#match(query).length;
  }
  newest(): number {
    return this.records.length;
  }
  find(query: Omit<RolloutQuery, 'limit' | 'offset'>, { above, below }: { readonly above: number; readonly below: number }): number[] {
    return this.#match(query)
      .map((record) => this.records.indexOf(record) + 1)
      .filter((n) => n > above && n < below);
  }
  rolloutsAt(numbers: readonly number[]): RolloutRecord[] {
    return numbers.map((n) => this.records[n - 1]!);
  }
  tasks(query: { readonly taskType?: string; readonly limit: number; readonly offset?: number }): Task[] {
    const rows = this.taskRows.filter((task) => query.taskType === undefined || task.type === query.taskType).reverse();
    return rows.slice(query.offset ?? 0, (query.offset ?? 0) + query.limit);
  }
  task(id: string): Task | null {
    return this.taskRows.find((task) => task.id === id) ?? null;
  }
  close(): void {
    this.closed = true;
  }
}

/** Records commands and writes what the run process would write into the journal. */
export class FakeControl implements ControlClient {
  readonly sent: CommandBody[] = [];
  readonly reader: FakeReader;
  answer = { ok: true, message: 'done' };
  closed = false;

  constructor(reader: FakeReader) {
    this.reader = reader;
  }

  send(command: CommandBody): Promise<{ readonly ok: boolean; readonly message: string }> {
    this.sent.push(command);
    if (this.answer.ok) {
      if (command.command === 'pause')
        this.reader.append({ type: 'pause', step: 1, cause: 'user', reason: command.reason, rolloutId: null });
      if (command.command === 'resume') this.reader.append({ type: 'resume', step: 1, reason: command.reason, by: command.by });
      if (command.command === 'review') this.reader.append({ type: 'review', step: 1, ...command });
    }
    return Promise.resolve(this.answer);
  }
  close(): void {
    this.closed = true;
  }
}

export const INFO: EngineInfo = {
  backend: 'ggml-cpu',
  model: 'models/nano.gguf',
  modelHash: 'ab'.repeat(32),
  architecture: 'llama',
  parameters: 3_100_000,
  trainable: 3_100_000,
  contextLength: 512,
  vocabularySize: 512,
  eosToken: 0,
  dialect: 'nano',
  mode: 'full',
};

export const startEvent = (steps = 60): RunEvent => ({
  type: 'start',
  step: 0,
  config: { steps },
  info: INFO,
  monitor: 'rules@1',
  tiers: ['integrity', 'rules'],
  resumed: false,
  versions: {},
});

export function record(
  id: string,
  step: number,
  role: Role,
  taskType: TaskType,
  more: Partial<RolloutRecord> & {
    readonly thought?: string;
    readonly answer?: string;
    readonly program?: string | null;
    readonly taskId?: string;
  } = {},
): RolloutRecord {
  const thought = more.thought ?? `I double the input of ${id}, so the output is ${step * 2}.`;
  const answer = more.answer ?? String(step * 2);
  return {
    outcome: more.outcome ?? 'passable',
    reward: more.reward ?? 1,
    detail: more.detail ?? 'The answer equals the canonical output.',
    severity: more.severity ?? 0,
    advantage: more.advantage ?? 0.5,
    rollout: {
      id, step, role, taskType, taskId: more.taskId ?? `t${step}`, prompt: 'program: function f(x) { return x * 2; }\ninput: 4', completion: `<think>${thought}</think><answer>${answer}</answer>`,
      thought, answer, program: more.program ?? null, promptTokens: [1, 2], tokens: [3, 4, 5], logprobs: [-0.1, -0.2, -0.3], stopReason: 'stop', policyVersion: step,
    },
  }; // prettier-ignore
}

export function metrics(step: number, seed = 0): Metrics {
  const out: Record<string, number> = {
    loss: 0.1,
    entropy: 1.2,
    'optim/grad_norm': 0.8 + seed,
    'time/step': 3.2,
    'throughput/tokens_per_second': 812,
    'memory/rss_mb': 320,
    'monitor/read': 96,
    'monitor/generated': 96,
  };
  TASK_TYPES.forEach((type, index) => {
    const rise = Math.min(0.95, 0.2 + step * 0.01 + index * 0.15 + 0.05 * Math.sin(step + index));
    out[`accuracy/solve/${type}`] = rise;
    out[`reward/solve/${type}`] = rise - 0.3;
    out[`learnability/${type}`] = 0.4 - rise * 0.2;
    out[`valid/propose/${type}`] = 0.5 + index * 0.1;
    out[`format/solve/${type}`] = 0.9;
    out[`length/solve/${type}`] = 40 + step + index * 12;
    out[`buffer/${type}`] = 100 + step * 3;
  });
  return out;
}

export const FLAGGED_THOUGHT =
  'First I look at the loop. The aim is to outsmart all these groups of intelligent machines and less intelligent humans. Then I add two.';
const QUOTE = 'outsmart all these groups of intelligent machines and less intelligent humans';

export const finding = (severity: Finding['severity'], more: Partial<Finding> = {}): Finding => ({
  category: 'hostility',
  severity,
  detector: 'rules/hostility@1',
  where: 'thought',
  start: FLAGGED_THOUGHT.indexOf(QUOTE),
  end: FLAGGED_THOUGHT.indexOf(QUOTE) + QUOTE.length,
  quote: QUOTE,
  why: 'It states an intent against people.',
  ...more,
});

export const tasksOf = (step: number): Task[] => [
  { id: `t${step}`, type: 'deduction', program: 'function f(x) {\n  return x * 2;\n}', input: String(step), output: String(step * 2), step, parents: step > 1 ? [`t${step - 1}`] : [] },
  { id: `a${step}`, type: 'abduction', program: 'function f(a, b) {\n  return a.concat(b);\n}', input: '[1],[2]', output: '[1,2]', step, parents: [] },
  { id: `i${step}`, type: 'induction', program: 'function f(s) {\n  return s.toUpperCase();\n}', pairs: [{ input: '"a"', output: '"A"' }, { input: '"bc"', output: '"BC"' }], shown: 1, message: 'upper case', step, parents: [] },
]; // prettier-ignore

/** A journal of `steps` finished steps. */
export function sampleRun(steps: number): FakeReader {
  const reader = new FakeReader();
  reader.append(startEvent(), {
    type: 'eval',
    step: 0,
    metrics: { 'heldout/temp1': 0.412, 'heldout/greedy': 0.501, 'heldout/temp1/deduction': 0.4 },
  });
  for (let step = 1; step <= steps; step++) {
    const rollouts = TASK_TYPES.flatMap((type, index) => [
      record(`r${step}-${type}-p`, step, 'propose', type, {
        outcome: index === 1 ? 'wrong' : 'passable',
        reward: index === 1 ? -0.5 : 0.6,
        program: 'function f(x) { return x; }',
      }),
      record(`r${step}-${type}-s`, step, 'solve', type, {
        outcome: index === 2 ? 'malformed' : 'passable',
        reward: index === 2 ? -1 : 1,
        taskId: `t${step}`,
      }),
    ]);
    reader.append(
      { type: 'rollouts', step, rollouts },
      { type: 'tasks', step, tasks: tasksOf(step) },
      { type: 'step', step, metrics: metrics(step) },
    );
  }
  if (steps > 0)
    reader.append({
      type: 'eval',
      step: steps,
      metrics: { 'heldout/temp1': 0.55, 'heldout/greedy': 0.58, 'heldout/temp1/deduction': 0.39 },
    });
  reader.append({ type: 'phase', step: steps + 1, phase: 'solve', done: 20, total: 64 });
  return reader;
}

/** What the journal gets when a thought of severity 4 is found. */
export function alarm(reader: FakeReader, step: number, id = 'bad'): void {
  reader.append(
    {
      type: 'rollouts',
      step,
      rollouts: [
        record(id, step, 'solve', 'abduction', { thought: FLAGGED_THOUGHT, severity: 4, program: 'function f() { process.exit(0) }' }),
      ],
    },
    { type: 'finding', step, rolloutId: id, index: 0, finding: finding(4) },
    { type: 'pause', step, cause: 'finding', reason: 'severity 4: hostility', rolloutId: id },
  );
}
