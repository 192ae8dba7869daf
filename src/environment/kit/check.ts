import { textsOf } from '../../core/prompts/languages.ts';
import { openDefined } from '../defined.ts';
import type { EnvironmentDefinition, Sample } from '../definition.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { Environment, EnvironmentLimits } from '../port.ts';
import { checkAnswers } from './answers.ts';
import { checkBounds } from './bounds.ts';
import { checkCanonical } from './canonical.ts';
import { checkDeterminism } from './determinism.ts';
import { Probe } from './probe.ts';
import type { Finding } from './probe.ts';

export interface KitOptions {
  /** Limits that `open` was given; outputs are measured against them. */
  readonly limits?: Partial<EnvironmentLimits>;
  /** Programs with an input that never end or grow without end: they must get a verdict that is not `ok`. */
  readonly endless?: readonly (readonly [string, string])[];
  /** Longest time for one call, milliseconds. */
  readonly timeoutMs?: number;
  /** Called as each check begins; what stands still is then known by its name. */
  readonly onCheck?: (name: string) => void;
}

export interface KitReport {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly tried: number; readonly findings: readonly Finding[] }[];
}

type Check = (probe: Probe, samples: readonly Sample[], options: KitOptions) => Promise<void>;

const CHECKS: readonly (readonly [string, Check])[] = [
  ['seed and worked examples hold', checkGiven],
  ['known answers are accepted, wrong ones refused', checkAnswers],
  ['canonical forms are stable', checkCanonical],
  ['bad text gets a verdict, within bounds', checkBounds],
];

/**
 * The test kit: whether an environment keeps the contract of the port (docs/environments.md) on these samples and on some
 * hundred hostile texts. `open` is called several times. Never throws for a fault of the environment: it is in the report.
 */
export async function checkEnvironment(
  open: () => Environment | Promise<Environment>,
  samples: readonly Sample[],
  options: KitOptions = {},
): Promise<KitReport> {
  const checks: KitReport['checks'][number][] = [];
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const make = (environment: Environment): Probe => new Probe(environment, limits, options.timeoutMs ?? 10_000);
  const attempt = async (name: string, work: () => Promise<{ tried: number; findings: readonly Finding[] }>): Promise<void> => {
    options.onCheck?.(name);
    const result = await work().catch((error: unknown) => ({ tried: 0, findings: [`it throws ${String(error)}`] }));
    checks.push({ name, tried: result.tried, findings: result.findings });
  };
  await attempt('samples are enough to judge by', () => Promise.resolve({ tried: samples.length, findings: judgeSamples(samples) }));
  for (const [name, check] of CHECKS)
    await attempt(name, async () => {
      await using environment = await open();
      const probe = make(environment);
      await check(probe, samples, options);
      return probe.result();
    });
  await attempt('the same question has the same answer', () => checkDeterminism(open, make, samples));
  await attempt('it closes, twice', async () => {
    const environment = await open();
    await environment[Symbol.asyncDispose]();
    await environment[Symbol.asyncDispose]();
    return { tried: 2, findings: [] };
  });
  return { ok: checks.every(({ findings }) => findings.length === 0), checks };
}

/** The kit on a definition, with its own samples. */
export const checkDefinition = (definition: EnvironmentDefinition, options: KitOptions = {}): Promise<KitReport> =>
  checkEnvironment(() => openDefined(definition, options.limits), definition.samples, {
    ...options,
    endless: [...(definition.endless ?? []), ...(options.endless ?? [])],
  });

/** A report as lines of text. */
export function* kitLines({ checks }: KitReport): Generator<string> {
  for (const { name, tried, findings } of checks) {
    yield `${findings.length === 0 ? 'ok  ' : 'FAIL'} ${name} (${tried} tried)`;
    for (const finding of findings.slice(0, 8)) yield `       ${finding}`;
    if (findings.length > 8) yield `       … and ${findings.length - 8} more`;
  }
}

/** Samples that an environment could pass by chance show nothing. */
function judgeSamples(samples: readonly Sample[]): Finding[] {
  const findings: Finding[] = [];
  if (samples.length < 2) findings.push('Give samples for at least two programs.');
  for (const { program, pairs } of samples)
    if (new Set(pairs.map(([, output]) => output)).size < 2)
      findings.push(`The pairs of ${JSON.stringify(program)} need two different outputs.`);
  return findings;
}

/** What is said to the model must be true. */
async function checkGiven(probe: Probe): Promise<void> {
  const { seed, examples, calls } = textsOf(probe.environment.language);
  await probe.gives('the seed', seed.program, seed.input, seed.output);
  // The identity is a seed in programming languages; elsewhere nothing makes up for a seed that is no valid task.
  const verdict = await probe.validate(seed.program, [seed.input]);
  if (!verdict.ok) probe.find(`the seed is no valid proposal: ${verdict.detail}`);
  if (examples.length === 0) probe.find('there is no worked example: small models need one');
  for (const { program, input, output, more } of examples) {
    for (const [given, result] of [[input, output] as const, ...more]) {
      await probe.gives('a worked example', program, given, result);
      if (!calls && /[\n\r]/.test(given)) probe.find(`the input ${JSON.stringify(given)} of a worked example is more than one line`);
    }
    if (more.length < 1) probe.find(`the worked example ${JSON.stringify(program)} has no further pairs for induction`);
  }
}
