import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunEvent } from '../../src/core/events.ts';
import { dialectFor } from '../../src/core/prompts/index.ts';
import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config.ts';
import type { Curriculum } from '../../src/core/types.ts';
import type { Engine } from '../../src/engine/ports.ts';
import { scriptedEngine } from '../../src/engine/scripted.ts';
import type { Environment } from '../../src/environment/port.ts';
import { openScriptedEnvironment } from '../../src/environment/scripted.ts';
import { createAnswered } from '../../src/loop/answered.ts';
import { createConductor } from '../../src/loop/conductor.ts';
import type { ConductorControls } from '../../src/loop/conductor.ts';
import type { LoopContext } from '../../src/loop/context.ts';
import { createReader } from '../../src/loop/reader.ts';
import type { RunHooks } from '../../src/loop/run.ts';
import { initialState } from '../../src/loop/state.ts';
import type { LoopState } from '../../src/loop/state.ts';
import type { Monitor } from '../../safety/types.ts';

/** A run without evaluations whose checkpoints are names only. */
export const hooks: RunHooks = { evaluate: null, checkpoint: (step) => Promise.resolve({ dir: `step-${step}` }), firstEval: null };

/** Programs that the scripted environment knows: how it runs them is written here, in plain JavaScript. */
const RULES: Record<string, (input: string) => string> = {
  'function f(a){return a}': (input) => input,
  'function f(a){return a+1}': (input) => String(Number(input) + 1),
  'function f(a){return a*2}': (input) => String(Number(input) * 2),
  'function f(a){return a-3}': (input) => String(Number(input) - 3),
};
const PROGRAMS = Object.keys(RULES);

/**
 * What a small policy could say to each of the six prompts: right, wrong and malformed replies. The scripted engine
 * starts uniform over them and learns which ones pay.
 */
export function replies(prompt: string): string[] {
  const say = (thought: string, answer: string): string => `<think>${thought}</think><answer>${answer}</answer>`;
  const field = (name: string): string => new RegExp(`${name}: (.*)\n`).exec(prompt)?.[1] ?? '';
  if (prompt.startsWith('### propose induction'))
    return [say('plan', '1\n2\n3\n4\n5\nmessage: math'), say('', '1\n1\n1\n1\n1\nmessage: same'), 'nothing'];
  if (prompt.startsWith('### propose')) return PROGRAMS.flatMap((program) => [3, 4, 8].map((n) => say('new', `${program}\n${n}`)));
  if (prompt.startsWith('### solve deduction')) {
    const output = RULES[field('program')]?.(field('input')) ?? '0';
    return [say(`b=${output}`, output), say('', String(Number(output) + 7)), 'oops'];
  }
  if (prompt.startsWith('### solve abduction')) {
    const output = Number(field('output'));
    return [output, output - 1, output / 2, output + 3].map((n) => say('try', String(n)));
  }
  return PROGRAMS.slice(0, 3).map((program) => say('plan', program));
}

export interface Harness {
  readonly context: LoopContext;
  readonly conductor: ConductorControls;
  readonly engine: Engine;
  readonly state: LoopState;
  readonly events: RunEvent[];
}

export const quiet: Monitor = { version: 'quiet', tiers: ['rules'], scan: ({ id }) => ({ id, severity: 0, findings: [] }) };

export interface HarnessOptions {
  readonly overrides?: readonly string[];
  readonly monitor?: Monitor | null;
  readonly heldOut?: (program: string) => boolean;
  readonly curriculum?: Curriculum;
  readonly drillThought?: string;
  /** What the policy may say; default `replies`. */
  readonly replies?: (prompt: string) => string[];
  /** Judges instead of the scripted one. */
  readonly environment?: Environment;
  /** What the reader is made with, besides the monitor. */
  readonly stream?: Monitor | null;
  readonly limits?: { readonly thought: number; readonly judge: number };
}

/** A loop on fakes. `monitor` null = switched off. */
export function harness(options: HarnessOptions = {}): Harness {
  const config: Config = parseConfig(
    {
      steps: 3,
      algorithm: {
        proposals: 4,
        rollouts: 4,
        solver: 'reuse',
        references: 2,
        inductionInputs: 5,
        inductionShown: 3,
        seedFactor: 0.5,
        seedRounds: 3,
      },
      novelty: { repeats: 0 },
      optim: { lr: 0.5 },
    },
    options.overrides,
  );
  const engine = scriptedEngine({ replies: options.replies ?? replies });
  const environment = options.environment ?? openScriptedEnvironment(RULES);
  const events: RunEvent[] = [];
  const answered = createAnswered();
  const append = (more: readonly RunEvent[]): void => {
    for (const event of more) {
      events.push(event);
      answered.take(event);
    }
  };
  const state = initialState();
  const conductor = createConductor({
    onPause: (cause, reason, rolloutId) => append([{ type: 'pause', step: state.current, cause, reason, rolloutId }]),
    onResume: (reason, by) => append([{ type: 'resume', step: state.current, reason, by }]),
  });
  const context: LoopContext = {
    config,
    engine,
    environment,
    dialect: dialectFor('nano', 'javascript'),
    encode: ({ prompt }) => engine.tokenize(prompt),
    reader: createReader(options.monitor === undefined ? quiet : options.monitor, {
      policy: { pauseAt: config.safety.pauseAt },
      isAnswered: answered.has,
      ...(options.stream === undefined ? {} : { stream: options.stream }),
      ...(options.limits ? { limits: options.limits } : {}),
    }),
    journal: { append, close: () => {} },
    conductor,
    state,
    curriculum: options.curriculum ?? null,
    isHeldOut: options.heldOut ?? (() => false),
    observer: { phase: () => {}, tokens: () => {}, progress: () => {} },
    answered,
    drillThought: options.drillThought ?? 'a planted thought',
  };
  return { context, conductor, engine, state, events };
}

/** Metrics without wall-clock figures, which no two runs share. */
export const stable = (metrics: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(metrics).filter(([path]) => !/^(time|throughput|memory)\//.test(path)));

export function scratch(): { readonly dir: string; [Symbol.dispose](): void } {
  const dir = mkdtempSync(join(tmpdir(), 'kelvin-loop-'));
  return { dir, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}
