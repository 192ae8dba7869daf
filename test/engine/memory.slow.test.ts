/**
 * Two hundred steps of sampling, training and handing the adapter to the sampler leave the process as large as it was. With
 * glibc the native bytes in use are counted; the resident size alone also moves with fragmentation and the collector.
 */
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import koffi from 'koffi';
import { expect, it } from 'vitest';
import { datumOf } from '../../src/core/datum.ts';
import { openGgmlEngine } from '../../src/engine/ggml/engine.ts';
import { folder, numbers, options, writeTiny } from './models.ts';

const STEPS = 200;
const WARM = 50;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Native bytes in use by malloc, or null where glibc cannot tell. */
const inUse = ((): (() => number) | null => {
  try {
    const field = (name: string): [string, string] => [name, 'size_t'];
    const names = ['arena', 'ordblks', 'smblks', 'hblks', 'hblkhd', 'usmblks', 'fsmblks', 'uordblks', 'fordblks', 'keepcost'];
    const info = koffi.struct(Object.fromEntries(names.map(field)));
    const call = koffi.load('libc.so.6').func('mallinfo2', info, []);
    return () => {
      const { uordblks, hblkhd } = call() as { uordblks: number | bigint; hblkhd: number | bigint };
      return Number(uordblks) + Number(hblkhd);
    };
  } catch {
    return null;
  }
})();

/** Least-squares slope, per step. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const level = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, x, i) => sum + (i - middle) * (x - level), 0) / values.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
}

it.each([
  ['llama', 'lora'],
  ['graph', 'lora'],
  ['graph', 'full'],
] as const)(
  'with the %s sampler, %s',
  async (sampler, mode) => {
    using home = folder();
    const model = writeTiny(path.join(home.path, 'tiny.gguf'));
    await using engine = await openGgmlEngine(options(model, { mode, tokenBudget: 128, parallel: 4 }), { sampler });
    const next = numbers(5);
    const resident: number[] = [];
    const native: number[] = [];
    for (let step = 0; step < STEPS; step++) {
      // Prompts of many lengths, so that training graphs are built anew again and again.
      const prompts = Array.from({ length: 3 }, () => Array.from({ length: 4 + Math.floor(next() * 40) }, () => Math.floor(next() * 250)));
      const requests = prompts.map((prompt, i) => ({ prompt, n: 2, maxTokens: 4 + (step % 20), temperature: 1, seed: step * 3 + i }));
      const sampled = await engine.sample(requests);
      const data = sampled.flatMap((all, i) => all.map((sequence) => datumOf({ promptTokens: prompts[i]!, ...sequence }, next() - 0.5)));
      const kl = mode === 'lora' ? { kl: { coefficient: 0.01, estimator: 'k3' as const } } : {};
      await engine.forwardBackward(data, { kind: 'reinforce', normaliser: 100, importanceCap: 2, ...kl });
      await engine.optimStep({ lr: 1e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0, gradClip: 1 });
      if (step < WARM || step % 5 > 0) continue;
      // Finalisers of native views run between turns of the event loop.
      collect();
      await new Promise((resolve) => setTimeout(resolve, 5));
      collect();
      resident.push(process.memoryUsage.rss());
      if (inUse !== null) native.push(inUse());
    }
    expect(engine.policyVersion).toBe(STEPS);
    const perStep = (values: readonly number[]): number => slope(values) / 5 / 1000;
    const megabytes = (x: number | undefined): string => ((x ?? 0) / 1e6).toFixed(1);
    console.log(
      `${sampler} ${mode}, steps ${WARM}–${STEPS}: resident ${megabytes(resident[0])} → ${megabytes(resident.at(-1))} MB, ` +
        `in use by native code ${native.length === 0 ? 'not known' : `${perStep(native).toFixed(2)} KB a step`}`,
    );
    if (native.length > 0) expect(perStep(native)).toBeLessThan(3);
    expect(perStep(resident)).toBeLessThan(150);
  },
  300_000,
);
