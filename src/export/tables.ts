import { tierOf } from '../core/finding.ts';
import type { FlaggedThought } from '../core/fold.ts';
import type { RolloutRecord } from '../core/events.ts';
import type { Task } from '../core/types.ts';
import type { MetricPoint, RunSource } from './source.ts';

/** The tables of an export, one definition for JSON Lines, Parquet, the schema document and docs/exports.md. */
export type Kind = 'string' | 'int' | 'double' | 'boolean' | 'time' | 'strings' | 'ints' | 'doubles';
/** `time` cells are milliseconds since the epoch. */
export type Cell = string | number | boolean | null | readonly string[] | readonly number[];

export interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly nullable?: boolean;
  /** One sentence. */
  readonly about: string;
}

export interface Table {
  readonly name: 'tasks' | 'rollouts' | 'findings' | 'metrics';
  readonly about: string;
  readonly columns: readonly Column[];
  /** The cells of each row, in the order of `columns`. */
  readonly rows: (source: RunSource) => Iterable<readonly Cell[]>;
}

interface Definition<Row> extends Omit<Table, 'rows' | 'columns'> {
  readonly columns: readonly (Column & { readonly of: (row: Row) => Cell })[];
  readonly rows: (source: RunSource) => Iterable<Row>;
}

const tasks: Definition<Task> = {
  name: 'tasks',
  about: 'Tasks that the model invented and the sandbox accepted, and the seeds (step 0), in order.',
  // prettier-ignore
  columns: [
    { name: 'id', kind: 'string', about: 'Key of the task.', of: (t) => t.id },
    { name: 'step', kind: 'int', about: 'Step at which it was proposed; 0 for seeds.', of: (t) => t.step },
    { name: 'type', kind: 'string', about: 'What is hidden: `deduction` the output, `abduction` the input, `induction` the program.', of: (t) => t.type },
    { name: 'program', kind: 'string', about: 'Source text that declares the entry function `f`. Written by a model: run it in a sandbox only.', of: (t) => t.program },
    { name: 'inputs', kind: 'strings', about: 'Argument lists as source literals; one, except for induction.', of: (t) => (t.type === 'induction' ? t.pairs.map((pair) => pair.input) : [t.input]) },
    { name: 'outputs', kind: 'strings', about: 'Canonical value of `f` for each of `inputs`.', of: (t) => (t.type === 'induction' ? t.pairs.map((pair) => pair.output) : [t.output]) },
    { name: 'shown', kind: 'int', nullable: true, about: 'Induction: how many of the first pairs the solver sees.', of: (t) => (t.type === 'induction' ? t.shown : null) },
    { name: 'message', kind: 'string', nullable: true, about: 'Induction: the hint that the solver sees.', of: (t) => (t.type === 'induction' ? t.message : null) },
    { name: 'parents', kind: 'strings', about: 'Ids of the tasks shown as references when it was proposed.', of: (t) => t.parents },
  ],
  rows: (source) => source.tasks(),
};

const rollouts: Definition<RolloutRecord> = {
  name: 'rollouts',
  about: 'Every sampled completion with what became of it, in order. Tokens are the truth, texts are views of them.',
  // prettier-ignore
  columns: [
    { name: 'id', kind: 'string', about: 'Key of the rollout.', of: (r) => r.rollout.id },
    { name: 'step', kind: 'int', about: 'Step to which it belongs; 0 is seeding.', of: (r) => r.rollout.step },
    { name: 'role', kind: 'string', about: '`propose` or `solve`.', of: (r) => r.rollout.role },
    { name: 'task_type', kind: 'string', about: '`deduction`, `abduction` or `induction`.', of: (r) => r.rollout.taskType },
    { name: 'task_id', kind: 'string', nullable: true, about: 'The task solved, or the task that a valid proposal became.', of: (r) => r.rollout.taskId },
    { name: 'outcome', kind: 'string', about: '`passable`, `wrong` or `malformed` (Absolute Zero, Eq. 6).', of: (r) => r.outcome },
    { name: 'reward', kind: 'double', nullable: true, about: 'Composite reward.', of: (r) => r.reward },
    { name: 'advantage', kind: 'double', nullable: true, about: 'Normalised advantage; null when it took no part in the update.', of: (r) => r.advantage },
    { name: 'severity', kind: 'int', about: 'Highest severity that the monitor gave it, 0 to 4.', of: (r) => r.severity },
    { name: 'stop_reason', kind: 'string', about: '`stop`, `length` (token limit) or `cut`.', of: (r) => r.rollout.stopReason },
    { name: 'policy_version', kind: 'int', about: 'Optimiser steps of the weights that sampled it.', of: (r) => r.rollout.policyVersion },
    { name: 'detail', kind: 'string', about: 'What the environment saw, one sentence.', of: (r) => r.detail },
    { name: 'prompt', kind: 'string', about: 'What the model was given.', of: (r) => r.rollout.prompt },
    { name: 'completion', kind: 'string', about: 'Generated text.', of: (r) => r.rollout.completion },
    { name: 'thought', kind: 'string', about: 'Part of the completion between the thinking tags.', of: (r) => r.rollout.thought },
    { name: 'answer', kind: 'string', about: 'Part of the completion between the answer tags.', of: (r) => r.rollout.answer },
    { name: 'program', kind: 'string', nullable: true, about: 'Program in the completion, if any. Written by a model: run it in a sandbox only.', of: (r) => r.rollout.program },
    { name: 'prompt_tokens', kind: 'ints', about: 'Token ids of the prompt.', of: (r) => r.rollout.promptTokens },
    { name: 'tokens', kind: 'ints', about: 'Token ids of the completion.', of: (r) => r.rollout.tokens },
    { name: 'logprobs', kind: 'doubles', about: 'Log-probability of each of `tokens` when it was sampled, nats.', of: (r) => r.rollout.logprobs },
  ],
  rows: (source) => source.rollouts(),
};

const findings: Definition<FlaggedThought> = {
  name: 'findings',
  about: 'What the monitor flagged, with the labels that people gave, in order.',
  // prettier-ignore
  columns: [
    { name: 'rollout_id', kind: 'string', about: 'Whose text it is.', of: (f) => f.rolloutId },
    { name: 'index', kind: 'int', about: 'Number of the finding within the rollout, from 0.', of: (f) => f.index },
    { name: 'step', kind: 'int', about: 'Step of the rollout.', of: (f) => f.step },
    { name: 'severity', kind: 'int', about: '1 note, 2 review, 3 top of the queue, 4 pause.', of: (f) => f.finding.severity },
    { name: 'category', kind: 'string', about: 'What it is (docs/safety.md).', of: (f) => f.finding.category },
    { name: 'tier', kind: 'string', about: '`integrity`, `rules`, `program`, `classifier` or `judge`.', of: (f) => tierOf(f.finding) },
    { name: 'detector', kind: 'string', about: '`tier/name@version`.', of: (f) => f.finding.detector },
    { name: 'certain', kind: 'boolean', about: 'The rule may pause a run alone.', of: (f) => f.finding.certain === true },
    { name: 'where', kind: 'string', about: '`thought`, `answer` or `program`: the text that `start` and `end` index.', of: (f) => f.finding.where },
    { name: 'start', kind: 'int', about: 'First UTF-16 unit of the span.', of: (f) => f.finding.start },
    { name: 'end', kind: 'int', about: 'UTF-16 unit after the span.', of: (f) => f.finding.end },
    { name: 'quote', kind: 'string', about: 'The text of the span.', of: (f) => f.finding.quote },
    { name: 'why', kind: 'string', about: 'Why it matters, one sentence.', of: (f) => f.finding.why },
    { name: 'label', kind: 'string', about: '`new` (nobody has looked), `confirmed`, `dismissed` or `escalated`.', of: (f) => f.label },
    { name: 'label_by', kind: 'string', about: 'Who gave the label; empty without one.', of: (f) => f.by },
    { name: 'label_reason', kind: 'string', about: 'Why, in their words.', of: (f) => f.reason },
  ],
  rows: (source) => source.findings(),
};

interface MetricRow extends Omit<MetricPoint, 'metrics'> {
  readonly name: string;
  readonly value: number;
}

const metrics: Definition<MetricRow> = {
  name: 'metrics',
  about: 'One row for each metric of each step and each held-out evaluation (docs/metrics.md).',
  // prettier-ignore
  columns: [
    { name: 'step', kind: 'int', about: 'Optimiser steps done.', of: (m) => m.step },
    { name: 'time', kind: 'time', about: 'When it was recorded, UTC.', of: (m) => m.at },
    { name: 'event', kind: 'string', about: '`step` or `eval`.', of: (m) => m.event },
    { name: 'name', kind: 'string', about: 'Slash path.', of: (m) => m.name },
    { name: 'value', kind: 'double', nullable: true, about: 'The figure.', of: (m) => m.value },
  ],
  *rows(source) {
    for (const { metrics, ...point } of source.metrics())
      for (const [name, value] of Object.entries(metrics)) yield { ...point, name, value };
  },
};

const table = <Row>({ columns, rows, ...rest }: Definition<Row>): Table => ({
  ...rest,
  columns,
  *rows(source) {
    for (const row of rows(source)) yield columns.map(({ of }) => of(row));
  },
});

export const TABLES: readonly Table[] = [table(tasks), table(rollouts), table(findings), table(metrics)];

/** JSON Schema (2020-12) of the rows of all tables, each under `$defs`. */
export function jsonSchema(): object {
  const types = { string: 'string', int: 'integer', double: 'number', boolean: 'boolean', time: 'string' } as const;
  const items = { strings: { type: 'string' }, ints: { type: 'integer' }, doubles: { type: ['number', 'null'] } } as const;
  const property = ({ kind, nullable, about }: Column): object =>
    kind === 'strings' || kind === 'ints' || kind === 'doubles'
      ? { type: 'array', items: items[kind], description: about }
      : {
          type: nullable || kind === 'double' ? [types[kind], 'null'] : types[kind],
          ...(kind === 'time' ? { format: 'date-time' } : {}),
          description: about,
        };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Rows of the files of a Kelvin export, version 1',
    $defs: Object.fromEntries(
      TABLES.map(({ name, about, columns }) => [
        name,
        {
          type: 'object',
          description: about,
          properties: Object.fromEntries(columns.map((column) => [column.name, property(column)])),
          required: columns.map((column) => column.name),
          additionalProperties: false,
        },
      ]),
    ),
  };
}
