import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { ESTIMATORS } from './core/advantages.ts';
import { nearest } from './core/nearest.ts';
import { OPTIONS, SERVERS } from './engine/tinker/servers.ts';

/**
 * The configuration of a run: one strict schema, every key with its default. docs/config.md explains each key;
 * `kelvin train --set path=value` overrides any of them.
 */
/** What tasks may be written in; else a file with an environment of one's own (docs/environments.md). */
export const LANGUAGES = ['javascript', 'python', 'logic', 'gridworld'] as const;
const MODULE = /\.m?[jt]s$/;

const count = z.number().int().positive();
const share = z.number().min(0).max(1);
const weight = z.number().min(0).default(1);

/** What each server makes of a request: src/engine/tinker/servers.ts. */
const tinker = z.strictObject({
  url: z.string().default(''),
  server: z.enum(SERVERS).default('tinker'),
  tokenizer: z.string().default(''),
  gguf: z.string().default(''),
  apiKeyEnv: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable, never the key itself')
    .default('TINKER_API_KEY'),
  losses: z.enum(['server', 'client']).default('server'),
  accept: z.array(z.enum(OPTIONS)).default([]),
  unreachableSeconds: z.number().positive().default(120),
  operationSeconds: z.number().positive().default(3600),
});

const engine = z.strictObject({
  kind: z.enum(['embedded', 'tinker']).default('embedded'),
  backend: z.enum(['auto', 'cpu', 'cuda', 'vulkan', 'metal']).default('auto'),
  mode: z.enum(['full', 'lora']).default('full'),
  lora: z.strictObject({ rank: count.default(16), alpha: z.number().positive().default(32) }).prefault({}),
  threads: z.number().int().min(0).default(0),
  contextLength: count.default(256),
  parallel: count.max(256).default(64),
  tokenBudget: count.default(1024),
  checkpointing: z.enum(['auto', 'on', 'off']).default('auto'),
  compute: z.enum(['f32', 'bf16']).default('f32'),
  tinker: tinker.prefault({}),
});

const algorithm = z.strictObject({
  proposals: count.default(16),
  rollouts: count.min(2).default(8),
  solver: z.enum(['separate', 'reuse']).default('separate'),
  solveBatch: count.default(64),
  references: z.number().int().min(0).default(6),
  recent: count.default(1500),
  inductionInputs: count.min(2).default(10),
  inductionShown: count.default(5),
  seedFactor: z.number().min(0).default(4),
  seedRounds: count.default(40),
  temperature: z.number().positive().max(2).default(1),
  maxTokens: z.strictObject({ propose: count.default(128), solve: count.default(128) }).prefault({}),
  bufferCapacity: count.default(16384),
  taskTypes: z
    .array(z.enum(['deduction', 'abduction', 'induction']))
    .min(1)
    .default(['deduction', 'abduction', 'induction']),
  mix: z.enum(['fixed', 'progress']).default('fixed'),
  staleness: z.literal([0, 1]).default(0),
});

const schema = z.strictObject({
  name: z.string().default('kelvin'),
  model: z.string().default('models/nano.gguf'),
  adapter: z.string().optional(),
  template: z.enum(['auto', 'chat', 'base']).default('auto'),
  prompts: z.enum(['auto', 'full', 'brief']).default('auto'),
  language: z
    .string()
    .refine(
      (name) => MODULE.test(name) || (LANGUAGES as readonly string[]).includes(name),
      `${LANGUAGES.join(', ')}, or the path of a file (.ts, .mjs, .js) with an environment of your own`,
    )
    .default('javascript'),
  paradigm: z.enum(['absolute-zero', 'rlvr', 'sft']).default('absolute-zero'),
  data: z.string().default(''),
  steps: z.number().int().min(0).default(60),
  seed: z.number().int().min(0).default(1),
  engine: engine.prefault({}),
  algorithm: algorithm.prefault({}),
  reward: z
    .strictObject({
      proposer: z.enum(['paper', 'azr', 'r-zero', 'constant']).default('paper'),
      induction: z.enum(['binary', 'fraction']).default('binary'),
      repetition: z.number().min(0).default(0),
    })
    .prefault({}),
  advantages: z
    .strictObject({
      estimator: z.enum(ESTIMATORS).default('trr++'),
      over: z.enum(['samples', 'tokens']).default('samples'),
      solver: z.enum(['trr++', 'task']).default('trr++'),
      baselines: z.enum(['six', 'global']).default('six'),
      proposerWeight: z.number().min(0).default(1),
      typeWeight: z.strictObject({ deduction: weight, abduction: weight, induction: weight }).prefault({}),
    })
    .prefault({}),
  novelty: z.strictObject({ repeats: z.number().int().min(0).default(3), similarity: z.number().positive().default(2) }).prefault({}),
  deviations: z
    .strictObject({
      solveTiming: z.enum(['same-step', 'paper']).default('same-step'),
      bufferOverflow: z.enum(['drop-oldest', 'paper']).default('drop-oldest'),
      deduplicate: z.enum(['always', 'paper']).default('always'),
      determinism: z.enum(['fresh', 'paper']).default('fresh'),
      forbidden: z.enum(['syntax', 'paper']).default('syntax'),
      answers: z.enum(['data']).default('data'),
      longOutput: z.enum(['reject', 'paper']).default('reject'),
      difficultyTemperature: z.enum(['training', 'paper']).default('training'),
    })
    .prefault({}),
  loss: z
    .strictObject({
      kind: z.enum(['reinforce', 'ppo', 'cispo']).default('reinforce'),
      clipLow: z.number().positive().max(1).default(0.2),
      clipHigh: z.number().positive().default(0.28),
      normaliser: z.enum(['auto', 'tokens', 'sequences', 'constant']).default('auto'),
      kl: z.number().min(0).default(0),
      klEstimator: z.enum(['k2', 'k3']).default('k3'),
    })
    .prefault({}),
  optim: z
    .strictObject({
      lr: z.number().min(0).default(1e-6),
      schedule: z
        .strictObject({
          kind: z.enum(['constant', 'linear', 'cosine']).default('constant'),
          warmupSteps: z.number().int().min(0).default(0),
          minFactor: share.default(0),
        })
        .prefault({}),
      epochs: count.max(16).default(1),
      beta1: share.default(0.9),
      beta2: share.default(0.999),
      eps: z.number().positive().default(1e-8),
      weightDecay: z.number().min(0).default(0),
      gradClip: z.number().min(0).default(1),
      importanceCap: z.number().min(0).default(2),
    })
    .prefault({}),
  environment: z
    .strictObject({
      workers: count.default(1),
      timeoutMs: count.default(10_000),
      memoryMb: count.default(48),
      stackKb: count.default(256),
      fuel: count.default(4000),
      outputChars: count.default(200),
      programChars: count.default(2000),
      inputChars: count.default(400),
      pythonModules: z.array(z.string().regex(/^[A-Za-z_]\w*(?:\.\w+)*$/, 'the name of a module')).default([]),
    })
    .prefault({}),
  safety: z
    .strictObject({
      monitor: z.boolean().default(true),
      pauseAt: z.literal([3, 4]).default(4),
      cut: z.boolean().default(true),
      judge: z
        .strictObject({
          model: z.string().default(''),
          url: z.string().default(''),
          share: z.number().min(0).max(1).default(0.02),
          answerSeconds: z.number().positive().default(120),
        })
        .prefault({}),
      policy: z
        .strictObject({
          confirm: z.enum(['two-tiers', 'one']).default('two-tiers'),
          confirmAt: z.literal([2, 3, 4]).default(3),
          queueAt: z.literal([1, 2, 3, 4]).default(2),
          thoughtSeconds: z.number().positive().default(30),
          judgeSeconds: z.number().positive().default(600),
          jump: z
            .strictObject({
              test: z.boolean().default(true),
              severity: z.literal([1, 2, 3, 4]).default(2),
              baseline: count.min(100).default(1000),
              thoughts: count.min(1000).default(1_000_000),
            })
            .prefault({}),
        })
        .prefault({}),
    })
    .prefault({}),
  eval: z
    .strictObject({
      suite: z.enum(['heldout', 'tune', 'none']).default('heldout'),
      tasks: count.default(1530),
      every: z.number().int().min(0).default(0),
    })
    .prefault({}),
  checkpoint: z
    .strictObject({
      every: count.default(1),
      keep: count.default(2),
      milestone: z.number().int().min(0).default(0),
      best: z.string().default(''),
    })
    .prefault({}),
  control: z.strictObject({ advantages: z.enum(['on', 'zero']).default('on') }).prefault({}),
});

export type Config = z.infer<typeof schema>;

/** A fault in what the user wrote: the message names the key and the remedy. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads a JSON config and applies `path=value` overrides in order. Throws `ConfigError`. */
export function readConfig(file: string | undefined, overrides: readonly string[] = []): Config {
  return located(parseConfig(file === undefined ? {} : readJson(file), overrides, file ?? 'the defaults'), file);
}

/** A file with an environment is looked for beside the config, then in the working folder, and recorded by its whole path. */
function located(config: Config, file: string | undefined): Config {
  if (!MODULE.test(config.language)) return config;
  const beside = resolve(dirname(file ?? '.'), config.language);
  return { ...config, language: existsSync(beside) ? beside : resolve(config.language) };
}

export function parseConfig(source: unknown, overrides: readonly string[] = [], where = 'the config'): Config {
  if (typeof source !== 'object' || source === null || Array.isArray(source))
    throw new ConfigError(`${where}: a config is a JSON object, for instance {"steps": 10}.`);
  const raw = structuredClone(source) as Record<string, unknown>;
  for (const override of overrides) applyOverride(raw, override);
  const result = schema.safeParse(raw);
  if (result.success) {
    const clash = contradiction(result.data);
    if (clash === null) return result.data;
    throw new ConfigError(`${where}: ${clash} docs/config.md lists all keys.`);
  }
  throw new ConfigError(`${where}: ${result.error.issues.map(describe).join('; ')}. docs/config.md lists all keys.`);
}

/** Keys that do not go together, as a sentence. */
function contradiction(config: Config): string | null {
  const {
    paradigm,
    data,
    language,
    eval: { suite },
    loss,
    optim,
    algorithm,
    engine: { mode, kind },
  } = config;
  const served = kind === 'tinker' ? contradictionOnServer(config) : null;
  if (served !== null) return served;
  if (loss.kl > 0 && mode === 'full')
    return '"loss.kl" compares with the model without its adapter, and "engine.mode" is "full". Set engine.mode to "lora", or loss.kl to 0.';
  if (optim.epochs > 1 && loss.kind === 'reinforce')
    return '"optim.epochs" above 1 needs a loss that bounds how far an update goes. Set loss.kind to "ppo" or "cispo", or optim.epochs to 1.';
  if (language !== 'javascript' && suite !== 'none')
    return `The held-out suites are JavaScript programs and say nothing about "language": "${language}". Set "eval.suite" to "none".`;
  if (paradigm !== 'absolute-zero' && data === '')
    return `"paradigm": "${paradigm}" learns from tasks with answers. Set "data" to a JSON Lines file of them (docs/learning.md), or to "generated".`;
  if (paradigm !== 'absolute-zero' && data === 'generated' && language !== 'javascript')
    return `The generator writes JavaScript, and "language" is "${language}". Set "data" to a JSON Lines file of tasks.`;
  if (algorithm.staleness > 0 && kind === 'embedded')
    return '"algorithm.staleness" samples while the engine trains, and the embedded engine does one after the other: nothing would be gained. Set algorithm.staleness to 0, or "engine.kind" to "tinker".';
  if (algorithm.staleness > 0 && paradigm === 'sft')
    return '"algorithm.staleness" is about rollouts, and "paradigm": "sft" samples none. Set algorithm.staleness to 0.';
  if (algorithm.staleness > 0 && optim.importanceCap === 0)
    return '"algorithm.staleness" trains on rollouts of an earlier policy, which "optim.importanceCap": 0 leaves uncorrected. Set optim.importanceCap to 2, or algorithm.staleness to 0.';
  if (algorithm.mix === 'progress' && (paradigm !== 'absolute-zero' || algorithm.solver !== 'reuse'))
    return '"algorithm.mix": "progress" shares out the rollouts of self-play. Set "paradigm" to "absolute-zero" and "algorithm.solver" to "reuse", or the mix to "fixed".';
  return null;
}

/** What a run on a server that speaks the Tinker API cannot have. */
function contradictionOnServer({ engine: { mode, tinker }, adapter, loss }: Config): string | null {
  if (tinker.url === '')
    return '"engine.kind" is "tinker", and "engine.tinker.url" is empty. Set it to the server\'s address, http://host:8000.';
  if (mode === 'full') return '"engine.kind": "tinker" trains adapters, and "engine.mode" is "full". Set engine.mode to "lora".';
  if (adapter !== undefined) return '"adapter" cannot be loaded into a server that speaks the Tinker API. Leave it out.';
  if (loss.kl > 0) return '"loss.kl" compares with the base model, which the Tinker API has no way to ask for. Set loss.kl to 0.';
  return null;
}

function readJson(file: string, seen: readonly string[] = [resolve(file)]): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}). Check the path given to ${seen.length > 1 ? '"extends"' : '--config'}.`,
    );
  }
  try {
    return extended(JSON.parse(text) as unknown, file, seen);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`${file} is not valid JSON: ${(error as Error).message}.`);
  }
}

/** `"extends": "FILE"` (relative to this file) stands for all keys of that config; those written here replace them. */
function extended(value: unknown, file: string, seen: readonly string[]): unknown {
  if (!isGroup(value) || !('extends' in value)) return value;
  const { extends: name, ...own } = value;
  if (typeof name !== 'string') throw new ConfigError(`${file}: "extends" names a config file, for instance "nano.json".`);
  const path = resolve(dirname(file), name);
  if (seen.includes(path)) throw new ConfigError(`${file}: "extends" leads back to ${path}. Take one of them out.`);
  return merged(readJson(path, [...seen, path]), own);
}

const isGroup = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

const merged = (base: unknown, own: unknown): unknown =>
  isGroup(base) && isGroup(own)
    ? { ...base, ...Object.fromEntries(Object.entries(own).map(([key, value]) => [key, merged(base[key], value)])) }
    : own;

function applyOverride(raw: Record<string, unknown>, override: string): void {
  const equals = override.indexOf('=');
  if (equals < 1) throw new ConfigError(`--set takes path=value, for instance --set optim.lr=0.0001; "${override}" has no "=".`);
  const path = override.slice(0, equals).split('.');
  if (path.some((key) => key === '__proto__' || key === 'constructor' || key === 'prototype'))
    throw new ConfigError(`${override.slice(0, equals)} is no config key.`);
  const last = path.pop() as string;
  let target = raw;
  for (const key of path) {
    const next = target[key];
    if (typeof next !== 'object' || next === null) target[key] = {};
    target = target[key] as Record<string, unknown>;
  }
  target[last] = literal(override.slice(equals + 1));
}

/** Numbers, booleans, null and JSON structures as such; anything else is a string. */
function literal(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .map((key) => {
        const full = path ? `${path}.${key}` : key;
        const suggestion = nearest(full, configKeys());
        return `unknown key "${full}"${suggestion ? ` (did you mean "${suggestion}"?)` : ''}`;
      })
      .join('; ');
  }
  return `"${path}": ${issue.message}`;
}

/** All leaf and group keys by dotted path, in the schema's order. */
export function configKeys(): string[] {
  const keys: string[] = [];
  const walk = (value: unknown, prefix: string): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, child] of Object.entries(value)) {
      keys.push(prefix + key);
      walk(child, `${prefix}${key}.`);
    }
  };
  walk(schema.parse({ adapter: '' }), '');
  return keys;
}
