import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { evalCommand } from '../../src/commands/eval.ts';
import { explain } from '../../src/commands/exits.ts';
import { EMPTY_VIEW, fold } from '../../src/core/fold.ts';
import { openJournalReader, verifyAudit } from '../../src/record/journal.ts';
import { kelvin, scratch, SMALL } from './cli.ts';
import type { Finished } from './cli.ts';

const suite = (name: string, file: string): string[] => ['--suite', `${name}=test/fixtures/suites/${file}`];

describe('kelvin eval', () => {
  using home = scratch();
  const run = join(home.dir, 'learned');
  const ask = (...args: string[]): Promise<Finished> =>
    kelvin(['eval', ...args, '--threads', '1'], { env: { KELVIN_CACHE: join(home.dir, 'cache') } }).done;

  beforeAll(async () => {
    const { code } = await kelvin([
      'train',
      '--run-dir',
      run,
      '--steps',
      '1',
      ...SMALL,
      '--set',
      'engine.mode=lora',
      '--set',
      'optim.lr=0.01',
    ]).done;
    expect(code).toBe(0);
  }, 120_000);

  it('takes benchmarks of a run, records them in its journal and shows them as a table', async () => {
    const first = await ask(run, ...suite('gsm8k', 'gsm8k.parquet'), '--max-tokens', '8', '--json');
    expect([first.code, first.stderr]).toEqual([0, '']);
    const outcome = JSON.parse(first.stdout) as Record<string, unknown>;
    expect(outcome).toMatchObject({ type: 'benchmark', suite: 'gsm8k', label: 'learned @ 1', problems: 2, of: 2, samples: 1 });
    expect(outcome['metrics']).toMatchObject({ 'pass@1': 0 });

    // The second time nothing is sampled: only the moment of the outcome is another.
    const again = JSON.parse((await ask(run, ...suite('gsm8k', 'gsm8k.parquet'), '--max-tokens', '8', '--json')).stdout) as typeof outcome;
    expect({ ...again, at: 0 }).toEqual({ ...outcome, at: 0 });

    using reader = openJournalReader(run);
    const view = reader.events(0).reduce((before, { event }) => fold(before, event), EMPTY_VIEW);
    expect(view.benchmarks).toHaveLength(2);
    expect(view.benchmarks[0]).toMatchObject({
      step: 1,
      suite: 'gsm8k',
      temperature: 0,
      maxTokens: 8,
      adapterHash: outcome['adapterHash'],
    });
    expect(view.state).toBe('finished');
    expect(verifyAudit(run).ok).toBe(true);

    const table = await ask('--table');
    expect(table.stdout).toMatch(/^model .*AVG +gsm8k\nlearned @ 1 .* 0\.0\n$/);
  }, 120_000);

  it('takes samples of a model, and only the first problems', async () => {
    const { code, stdout, stderr } = await ask(
      'models/nano.gguf',
      ...suite('cruxeval-o', 'cruxeval.jsonl'),
      ...['--tasks', '2', '--samples', '3', '--temperature', '1', '--k', '1,2', '--max-tokens', '12'],
    );
    expect(code).toBe(0);
    expect(stderr).toMatch(/CRUXEval-O: 6 of 6 answers, \d right/);
    expect(stdout).toMatch(
      /^CRUXEval-O: pass@1 [\d.]+ %, pass@2 [\d.]+ % \| \d of 6 answers right, 2 problems \(the first of the suite\), 3 samples at temperature 1\n/,
    );
  }, 120_000);

  it('says what is wrong with exit code 2, before a model is loaded', async () => {
    const broken = join(home.dir, 'broken.jsonl');
    writeFileSync(broken, '{"question": "a", "answer": "#### 1"}\n{"question": 2}\n');
    const options = { samples: 1, maxTokens: 8, context: 256, seed: 1, threads: 1, table: false, json: true };
    const small = 'gsm8k=test/fixtures/suites/gsm8k.jsonl';
    for (const [asked, message] of [
      [{ suites: ['humanevl=x'] }, /did you mean humaneval\?/],
      [{ suites: ['gsm8k=none.jsonl'] }, /none\.jsonl does not exist/],
      [{ suites: ['gsm8k=test/fixtures/suites/cruxeval.jsonl'] }, /this is not GSM8K/],
      [{ suites: [small], k: [5] }, /--k 5 needs at least 5 samples, and there are 1/],
      [{ suites: [small], samples: 2, temperature: 0 }, /every sample is the same/],
      [{ suites: [small, 'heldout'] }, /heldout and tune go without/],
      [{ suites: [small], target: run, adapter: 'x' }, /brings its own adapter/],
      [{ suites: [small], adapter: 'none' }, /none is no adapter/],
    ] as const) {
      const error: unknown = await evalCommand({ ...options, ...asked }).catch((reason: unknown) => reason);
      expect(explain(error)).toEqual({ code: 2, message: expect.stringMatching(message) });
    }
    const { code, stderr } = await ask('--suite', `gsm8k=${broken}`);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/broken\.jsonl, line 2: the field "answer" is missing/)]);
  }, 120_000);

  it('still takes the held-out suite of the project', async () => {
    const { code, stdout } = await ask('--tasks', '3', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ type: 'eval', suite: 'heldout', tasks: 3 });
  }, 120_000);
});
