import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { start } from './trial.ts';
import type { Ended } from './trial.ts';

const LAUNCHER = fileURLToPath(new URL('../../bin/kelvin.mjs', import.meta.url));
const MODEL = fileURLToPath(new URL('../../models/nano.gguf', import.meta.url));

export interface ModelTrials {
  readonly models: number;
  readonly place: { readonly dir: string; readonly env: Record<string, string> };
  readonly damage: (file: string, swap: string | null) => string;
  readonly pick: <T>(items: readonly T[]) => T;
  readonly fail: (what: string, why: string) => never;
  readonly count: (key: string) => void;
}

/** Damaged models and adapters on the real engine, each in a process of its own: refused with a sentence, never trained on. */
export async function modelTrials({ models, place, damage, pick, fail, count }: ModelTrials): Promise<void> {
  const home = join(place.dir, 'models');
  mkdirSync(home);
  const [model, adapter, run] = ['model.gguf', 'adapter.gguf', 'run'].map((name) => join(home, name)) as [string, string, string];
  const kelvin = (...args: string[]): Promise<Ended> => start(LAUNCHER, args, place);
  const small = [
    'eval.suite=none',
    'algorithm.proposals=2',
    'algorithm.rollouts=2',
    'algorithm.seedFactor=0.3',
    'engine.threads=1',
    'engine.mode=lora',
  ];
  const train = (dir: string, ...more: string[]): Promise<Ended> =>
    kelvin(
      'train',
      '--headless',
      '--steps',
      '1',
      '--run-dir',
      dir,
      ...[...small, `model=${model}`, ...more].flatMap((set) => ['--set', set]),
    );
  const must = async (work: Promise<Ended>): Promise<void> => {
    const { code, stderr } = await work;
    if (code !== 0) fail('models', `the undamaged run ended with ${code}: ${stderr}`);
  };

  cpSync(MODEL, model);
  await must(train(join(home, 'first')));
  await must(kelvin('export', join(home, 'first'), '--out', adapter));
  await must(train(run, `adapter=${adapter}`));
  const names = ['model.gguf', 'adapter.gguf'];
  for (const name of names) cpSync(join(home, name), join(home, `sound-${name}`));

  for (let n = 1; n <= models; n++) {
    const name = pick(names);
    for (const each of names) {
      rmSync(join(home, each), { force: true });
      cpSync(join(home, `sound-${each}`), join(home, each));
    }
    const way = damage(join(home, name), join(home, `sound-${names.find((other) => other !== name)!}`));
    const what = `model ${n}: ${name} ${way}`;
    const { code, signal, stderr } = await kelvin('resume', run, '--headless', '--steps', '2');
    if (code === null || ![2, 3, 4].includes(code)) fail(what, `exit code ${code ?? signal}: ${stderr}`);
    if (!/^kelvin: .*\w/m.test(stderr) || /\n\s+at /.test(stderr)) fail(what, `no clear sentence: ${stderr}`);
    count(`exit code ${code}`);
  }
}
