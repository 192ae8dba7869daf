import type { RolloutRecord } from '../core/events.ts';
import type { FlaggedThought } from '../core/fold.ts';
import { jsonLine } from '../core/inert.ts';
import type { StopReason } from '../core/types.ts';
import { wellFormed } from './jsonl.ts';
import type { RunSource } from './source.ts';
import { TextFile } from './target.ts';

/**
 * A log that `inspect view` and `inspect_ai.log.read_eval_log` open: Inspect's EvalLog, JSON, version 2
 * (inspect.aisi.org.uk/eval-logs.html). One sample a rollout, thought as a reasoning part. What the format cannot say is said in
 * docs/exports.md.
 */
const STOP = { stop: 'stop', length: 'max_tokens', cut: 'unknown' } as const satisfies Record<StopReason, string>;

const iso = (ms: number): string => new Date(ms).toISOString().replace('Z', '+00:00');

function text(value: unknown): unknown {
  if (typeof value === 'string') return wellFormed(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(text);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, text(item)]));
}

function sample({ rollout, outcome, reward, detail, severity, advantage }: RolloutRecord, model: string, found: readonly FlaggedThought[]) {
  const content = [
    ...(rollout.thought === '' ? [] : [{ type: 'reasoning', reasoning: rollout.thought }]),
    { type: 'text', text: rollout.answer === '' ? rollout.completion : rollout.answer },
  ];
  const answer = { id: `${rollout.id}.answer`, role: 'assistant', source: 'generate', model, content };
  const usage = {
    input_tokens: rollout.promptTokens.length,
    output_tokens: rollout.tokens.length,
    total_tokens: rollout.promptTokens.length + rollout.tokens.length,
  };
  return {
    id: rollout.id,
    epoch: 1,
    input: rollout.prompt,
    target: '',
    messages: [{ id: `${rollout.id}.prompt`, role: 'user', source: 'input', content: rollout.prompt }, answer],
    output: { model, choices: [{ message: answer, stop_reason: STOP[rollout.stopReason] }], usage },
    scores: {
      environment: { value: outcome === 'passable' ? 'C' : 'I', answer: rollout.answer, explanation: detail },
      ...(Number.isFinite(reward) ? { reward: { value: reward } } : {}),
      monitor: { value: severity, metadata: { findings: found.map(({ index, finding, label }) => ({ index, ...finding, label })) } },
    },
    metadata: {
      step: rollout.step,
      role: rollout.role,
      task_type: rollout.taskType,
      task_id: rollout.taskId,
      outcome,
      advantage,
      policy_version: rollout.policyVersion,
      stop_reason: rollout.stopReason,
      completion: rollout.completion,
      program: rollout.program,
    },
    store: {},
    events: [],
    model_usage: { [model]: usage },
    attachments: {},
  };
}

/** Everything of the log but the samples. */
function header(source: RunSource): Record<string, unknown> {
  const { view, name, starts, lastAt } = source;
  const first = starts[0];
  const share = (role: 'propose' | 'solve') => {
    const of = source.rolloutCount({ role });
    const value = of === 0 ? 0 : source.rolloutCount({ role, outcome: 'passable' }) / of;
    return { name: `passable_${role}`, value, params: {} };
  };
  const total = source.rolloutCount({});
  return {
    version: 2,
    status: view.ended === 'finished' ? 'success' : view.state === 'error' ? 'error' : view.state === 'running' ? 'started' : 'cancelled',
    eval: {
      eval_id: name,
      run_id: name,
      created: iso(Date.parse(source.started) || 0),
      task: 'kelvin',
      task_id: name,
      task_version: 0,
      task_attribs: {},
      task_args: {},
      dataset: { name: 'self-play', samples: total, shuffled: false },
      model: `kelvin/${source.model}`,
      model_args: { hash: view.info?.modelHash ?? '', backend: view.info?.backend ?? '' },
      config: {},
      packages: first?.versions ?? {},
      metadata: { config: view.config, monitor: view.monitor, tiers: view.tiers, step: view.step },
    },
    plan: { name: 'self-play', steps: [], config: {} },
    results: {
      total_samples: total,
      completed_samples: total,
      scores: [
        {
          name: 'environment',
          scorer: 'environment',
          params: {},
          metrics: { passable_propose: share('propose'), passable_solve: share('solve') },
        },
      ],
    },
    stats: { started_at: iso(first?.at ?? (Date.parse(source.started) || 0)), completed_at: iso(lastAt), model_usage: {} },
    ...(view.error === null ? {} : { error: { message: view.error, traceback: '', traceback_ansi: '' } }),
  };
}

/** Writes the log; returns the number of samples. */
export function writeInspect(source: RunSource, path: string): number {
  const model = `kelvin/${source.model}`;
  const found = Map.groupBy(source.findings(), (item) => item.rolloutId);
  using out = new TextFile(path);
  out.write(`${jsonLine(text(header(source))).slice(0, -1)},"samples":[`);
  let samples = 0;
  for (const record of source.rollouts()) {
    out.write(`${samples === 0 ? '' : ','}\n${jsonLine(text(sample(record, model, found.get(record.rollout.id) ?? [])))}`);
    samples++;
  }
  out.write('\n]}\n');
  return samples;
}
