import type { Attack, LanguageRules } from './language.ts';
import type { KnownLanguage } from './languages.ts';
import type { Execution } from './port.ts';
import type { LayerName } from './protocol.ts';
import type { SandboxEnvironment } from './sandbox.ts';

/** A wall around model-written programs, whether it holds on this machine, and what its absence would mean. */
export interface IsolationLayer {
  readonly name: 'memory' | 'gate' | 'limits' | LayerName;
  readonly holds: boolean;
  readonly detail: string;
  readonly consequence: string;
}

export interface IsolationReport {
  readonly layers: readonly IsolationLayer[];
  readonly tried: readonly { readonly language: string; readonly programs: number; readonly held: number }[];
}

const CONSEQUENCES: Readonly<Record<IsolationLayer['name'], string>> = {
  memory: 'programs could change each other or their verdicts: do not run model-written programs here.',
  gate: 'a program could reach functions of the host: do not run model-written programs here.',
  limits: 'a program could run for ever or take all memory: training would stand still.',
  files: 'a program that broke out of WebAssembly could read and write files as this user.',
  processes: 'a program that broke out of WebAssembly could start other programs as this user.',
  network: 'a program that broke out of WebAssembly could reach the network.',
  namespace: "the operating system adds no wall of its own: only Node's permissions, where they hold, are around the sandbox process.",
};

/** Small limits: the programs of the self-test either end at once or never. */
const LIMITS = { fuel: 1_000, memoryMb: 16 };
const CHECK = { good: '42', input: '41' };

/**
 * Runs hostile programs of each language and an honest one after each, without the static scan, and asks the sandbox
 * processes what they found when they tried their own walls. About a second a language.
 */
export async function testIsolation(languages: readonly KnownLanguage[]): Promise<IsolationReport> {
  const layers = new Map<IsolationLayer['name'], IsolationLayer>();
  const note = (name: IsolationLayer['name'], holds: boolean, detail: string): void => {
    const before = layers.get(name);
    const told = before?.holds === holds && before.detail !== detail ? `${before.detail}; ${detail}` : detail;
    if (before === undefined || before.holds) layers.set(name, { name, holds, detail: told, consequence: CONSEQUENCES[name] });
  };
  const tried: IsolationReport['tried'][number][] = [];
  for (const { rules, attacks, open } of languages) {
    await using environment = await open(LIMITS, { workers: 1, rules: { forbidden: 'paper' } });
    const failures = await attack(environment, rules, attacks);
    for (const {
      attack: { layer },
      seen,
    } of failures)
      note(layer, false, `${rules.title}: ${seen}`);
    for (const layer of ['memory', 'gate', 'limits'] as const)
      note(layer, true, `${attacks.filter((one) => one.layer === layer).length} hostile ${rules.title} programs were held`);
    for (const { name, holds, detail } of await environment.layers()) note(name, holds, detail);
    tried.push({ language: rules.language, programs: attacks.length, held: attacks.length - failures.length });
  }
  return { layers: [...layers.values()], tried };
}

interface Failure {
  readonly attack: Attack;
  readonly seen: string;
}

async function attack(environment: SandboxEnvironment, rules: LanguageRules, attacks: readonly Attack[]): Promise<readonly Failure[]> {
  const outcomes = await Promise.all(
    attacks.map(async (one): Promise<Failure | null> => {
      const [verdict, after] = await Promise.all([environment.execute(one.code, '1'), environment.execute(rules.probe, CHECK.input)]);
      if (!isHeld(one, verdict)) return { attack: one, seen: `${one.name} gave ${describe(verdict)}` };
      if (after.verdict !== 'ok' || after.output !== CHECK.good)
        return { attack: one, seen: `after ${one.name} an honest program gave ${describe(after)}` };
      return null;
    }),
  );
  return outcomes.filter((outcome) => outcome !== null);
}

function isHeld({ verdicts, output }: Attack, execution: Execution): boolean {
  return verdicts.includes(execution.verdict) && (execution.verdict !== 'ok' || execution.output === output);
}

const describe = (execution: Execution): string =>
  execution.verdict === 'ok' ? `the output ${execution.output.slice(0, 80)}` : `the verdict ${execution.verdict}`;
