/**
 * What each server that speaks the Tinker API makes of a request, and what it ignores. Sources: docs/tinker.md. Whatever a
 * server would ignore is refused with a sentence before a run begins.
 */
import { EngineError } from '../ports.ts';
import type { LossName, Wire } from './wire.ts';

export const SERVERS = ['tinker', 'skyrl-jax', 'skyrl-train', 'tuft'] as const;
export type ServerName = (typeof SERVERS)[number];

/** Options that a server sets itself; a config may accept that (`engine.tinker.accept`). */
export const OPTIONS = ['gradClip', 'beta1', 'beta2', 'eps', 'weightDecay'] as const;
export type Option = (typeof OPTIONS)[number];

export interface ServerRecord {
  readonly name: string;
  /**
   * `tokens`: gradients are summed over tokens and sequences. `sequences`: each sequence's sum is divided by the sum of its
   * `weights`, and the gradient of a step by the number of its sequences.
   */
  readonly reduction: 'tokens' | 'sequences';
  readonly losses: ReadonlySet<LossName>;
  /** Policy losses take `weights` (a mask). */
  readonly weights: boolean;
  readonly ignores: ReadonlySet<Option>;
  /** The only LoRA alpha. */
  readonly alpha: number;
  /** Training requests repeated with their sequence number are recognised, by generation of the wire. */
  readonly deduplicates: Readonly<Record<Wire, boolean>>;
  /** Log-probabilities are those at temperature 1 whatever was sampled at. */
  readonly untempered: boolean;
  /** A sampler keeps its weights while the model trains on. */
  readonly snapshots: boolean;
  /** Name of the gradient's norm in the metrics of optim_step. */
  readonly gradNorm: RegExp;
}

const GRAD_NORM = /(^|[/.:])grad_norm(:|$)/;
const POLICY_LOSSES: ReadonlySet<LossName> = new Set<LossName>(['cross_entropy', 'importance_sampling', 'ppo', 'cispo']);
const common = { alpha: 32, untempered: true, snapshots: true, gradNorm: GRAD_NORM } as const;

export const RECORDS: Readonly<Record<ServerName, ServerRecord>> = {
  tinker: {
    ...common,
    name: 'hosted Tinker',
    reduction: 'tokens',
    losses: POLICY_LOSSES,
    weights: false,
    ignores: new Set(),
    deduplicates: { json: true, protobuf: true },
  },
  'skyrl-jax': {
    ...common,
    name: "SkyRL's jax back end",
    // Loads a sampler's weights into the adapter that it trains: an earlier policy's would undo the training since.
    snapshots: false,
    reduction: 'sequences',
    losses: POLICY_LOSSES,
    weights: true,
    ignores: new Set<Option>(['gradClip']),
    // 0.3.0 (JSON) takes a repetition for a new request; 0.4.0 (protobuf) compares sequence number and body.
    deduplicates: { json: false, protobuf: true },
  },
  'skyrl-train': {
    ...common,
    name: "SkyRL's fsdp and megatron back ends",
    // Their inference engines hold the weights that were sent last.
    snapshots: false,
    reduction: 'tokens',
    losses: new Set<LossName>(['cross_entropy', 'importance_sampling']),
    weights: true,
    ignores: new Set<Option>(['gradClip', 'beta1', 'beta2', 'eps', 'weightDecay']),
    deduplicates: { json: false, protobuf: true },
  },
  tuft: {
    ...common,
    name: 'TuFT',
    reduction: 'tokens',
    losses: new Set<LossName>(['cross_entropy', 'importance_sampling']),
    weights: false,
    ignores: new Set<Option>(['gradClip']),
    deduplicates: { json: false, protobuf: false },
  },
};

/** What a run asks of a server. */
export interface Wanted {
  readonly alpha: number;
  /** Sampling temperature of what is trained on. */
  readonly temperature: number;
  readonly gradClip: number;
  /** `algorithm.staleness`. */
  readonly staleness: number;
  /** Options whose being ignored the config accepts. */
  readonly accept: readonly Option[];
}

const OWN: Readonly<Record<Exclude<Option, 'gradClip'>, string>> = {
  beta1: 'optim.beta1',
  beta2: 'optim.beta2',
  eps: 'optim.eps',
  weightDecay: 'optim.weightDecay',
};

/** @throws EngineError `unsupported`, one sentence for the first thing that the server would ignore. */
export function refuseIgnored(record: ServerRecord, wanted: Wanted): void {
  const refuse = (sentence: string): never => {
    throw new EngineError('unsupported', sentence);
  };
  const ignored = (option: Option): boolean => record.ignores.has(option) && !wanted.accept.includes(option);
  if (wanted.alpha !== record.alpha)
    refuse(
      `${capital(record.name)} knows only a LoRA alpha of ${record.alpha}, and engine.lora.alpha is ${wanted.alpha}. Set it to ${record.alpha}.`,
    );
  if (record.untempered && wanted.temperature !== 1)
    refuse(
      `${capital(record.name)} gives log-probabilities at temperature 1 only, and algorithm.temperature is ${wanted.temperature}: importance weights would be wrong. Set it to 1.`,
    );
  if (wanted.staleness > 0 && !record.snapshots)
    refuse(
      `${capital(record.name)} cannot sample with an earlier policy than the last, and algorithm.staleness is ${wanted.staleness}. Set it to 0.`,
    );
  if (wanted.gradClip > 0 && ignored('gradClip'))
    refuse(`${capital(record.name)} ignores grad_clip_norm, and optim.gradClip is ${wanted.gradClip}. Set it to 0.`);
  for (const [option, key] of Object.entries(OWN))
    if (ignored(option as Option))
      refuse(
        `${capital(record.name)} set ${key} when they start and ignore what a run says. Start the server with the same value and add "${option}" to engine.tinker.accept.`,
      );
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
