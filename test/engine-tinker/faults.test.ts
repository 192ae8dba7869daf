/**
 * A thousand faults and more: the same weights to the bit as without, and the server counts every optimiser step once.
 * Other faults: KELVIN_FAULT_SEEDS=5,6,7 KELVIN_FAULTS=3000.
 */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import { EngineError, type Engine } from '../../src/engine/ports.ts';
import { RECORDS, type ServerName } from '../../src/engine/tinker/servers.ts';
import { EOS, folder } from '../engine/models.ts';
import { faults, type Fault } from './faults.ts';
import { BASE, openTinker, SHORT_LIMITS, tiny } from './harness.ts';
import { ScriptedTinker, type ServedModel } from './server.ts';
import { TableModel } from './table.ts';

const FAULTS = Number(process.env['KELVIN_FAULTS'] ?? 1000);
const SEEDS = (process.env['KELVIN_FAULT_SEEDS'] ?? '1,2,3,4').split(',').map(Number);
const EACH = 2 * Math.ceil(FAULTS / SEEDS.length / 2);
const SHARE = 0.4;
/** Steps of the run without faults: more than the others take. */
const CALM = Math.ceil(EACH / 5);
const LOSS = { kind: 'reinforce', normaliser: 24, importanceCap: 2 } as const;
const ADAM = { lr: 0.05, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.01, gradClip: 0 };

/** One step of a toy task: more of the low tokens. Everything depends on weights and step alone. */
async function step(engine: Engine, number: number): Promise<void> {
  const prompts = [[1], [2, 3]];
  const groups = await engine.sample(prompts.map((prompt, i) => ({ prompt, n: 3, maxTokens: 4, temperature: 1, seed: number * 10 + i })));
  const data = groups.flatMap((group, i) =>
    group.map((rollout) => {
      const reward = rollout.tokens.filter((token) => token < 64).length / rollout.tokens.length;
      return datumOf({ promptTokens: prompts[i]!, ...rollout }, reward - 0.4);
    }),
  );
  await engine.forwardBackward(data, LOSS);
  await engine.optimStep(ADAM);
}

interface Outcome {
  /** Hash of the server's weights after each step that was completed. */
  readonly weights: readonly string[];
  readonly steps: number;
  readonly counted: number;
  readonly versions: number[];
  readonly resumed: number;
  readonly injected: number;
  readonly kinds: number;
}

/** Runs until all faults have happened; without a seed, without faults and for `CALM` steps. A lost server is answered by a resume. */
async function train(
  wire: 'json' | 'protobuf',
  deduplicates: boolean,
  server: ServerName,
  seed: number | null,
  many: number,
): Promise<Outcome> {
  using at = folder();
  const { tokenizer } = tiny(at.path);
  const { reduction } = RECORDS[server];
  const without: Fault[] = deduplicates ? [] : ['twice'];
  const { injected, intercept } = faults(seed ?? 0, many, SHARE, () => scripted, without);
  const open = async (): Promise<TableModel> => new TableModel(tokenizer.size, EOS, reduction);
  await using scripted = new ScriptedTinker({ wire, model: BASE, deduplicates, open, intercept });
  const url = await scripted.listen();
  const record = { ...RECORDS[server], deduplicates: { json: deduplicates, protobuf: deduplicates } };
  let engine = await openTinker({ url, tokenizer, record, limits: SHORT_LIMITS });
  const last = (): { readonly served: ServedModel; readonly optimSteps: number } =>
    [...scripted.models.values()].filter((model) => model.optimSteps > 0).at(-1)!;
  const weights: string[] = [];
  const versions: number[] = [];
  let [done, resumed] = [0, 0];
  let saved: string | null = null;
  try {
    while (seed === null ? done < CALM : injected.total < many) {
      try {
        await step(engine, done + 1);
        const dir = path.join(at.path, `checkpoint-${done + 1}-${resumed}`);
        mkdirSync(dir);
        await engine.saveState(dir);
        saved = dir;
        versions.push(engine.policyVersion);
        weights.push(
          createHash('sha256')
            .update((last().served as TableModel).logits)
            .digest('hex'),
        );
        done++;
      } catch (error) {
        if (!(error instanceof EngineError) || error.code !== 'server' || deduplicates) throw error;
        resumed++;
        await engine[Symbol.asyncDispose]();
        engine = await openTinker({ url, tokenizer, record, limits: SHORT_LIMITS });
        if (saved !== null) await engine.loadState(saved);
      }
    }
    return { weights, steps: done, counted: last().optimSteps, versions, resumed, injected: injected.total, kinds: injected.counts.size };
  } finally {
    await engine[Symbol.asyncDispose]();
  }
}

describe.each([
  { wire: 'protobuf', deduplicates: true, server: 'skyrl-jax', seeds: SEEDS, many: EACH },
  { wire: 'json', deduplicates: true, server: 'tinker', seeds: SEEDS.slice(0, 1), many: EACH / 2 },
  { wire: 'json', deduplicates: false, server: 'skyrl-jax', seeds: SEEDS.slice(0, 1), many: EACH / 2 },
] as const)('$wire, repetitions known: $deduplicates, $server', ({ wire, deduplicates, server, seeds, many }) => {
  let calm: Outcome | undefined;
  it.each(seeds)(`survives ${many} faults, seed %i: no step lost, none twice`, async (seed) => {
    const suffered = await train(wire, deduplicates, server, seed, many);
    expect(suffered.injected).toBe(many);
    expect(suffered.kinds).toBeGreaterThan(10);
    expect(suffered.counted).toBe(suffered.steps);
    expect(suffered.versions).toEqual(Array.from({ length: suffered.steps }, (_, i) => i + 1));
    if (deduplicates) expect(suffered.resumed).toBe(0);
    else expect(suffered.resumed).toBeGreaterThan(0);
    calm ??= await train(wire, deduplicates, server, null, 0);
    expect(calm.counted).toBe(CALM);
    expect(suffered.weights).toEqual(calm.weights.slice(0, suffered.steps));
    process.stderr.write(
      `${wire} seed ${seed}: ${suffered.injected} faults of ${suffered.kinds} kinds in ${suffered.steps} steps, ${suffered.resumed} resumes\n`,
    );
  });
});
