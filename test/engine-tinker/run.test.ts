/** `kelvin train` on a Tinker server: the embedded engine's journal, a server that dies in mid-step, a resume, an export. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTokenizer } from '../../src/engine/ggml/hugging-face.ts';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { verifyAudit } from '../../src/record/journal.ts';
import { kelvin, scratch, SMALL, stepMetrics, type Finished } from '../commands/cli.ts';
import { ALPHA, EmbeddedModel } from './embedded.ts';
import { handleSilently } from './faults.ts';
import { ScriptedTinker, type ServerOptions } from './server.ts';

const NANO = path.resolve(import.meta.dirname, '../../models/nano.gguf');
const LORA = ['engine.mode=lora', 'engine.lora.rank=4', `engine.lora.alpha=${ALPHA}`, 'optim.gradClip=0'];
const STEPS = ['--steps', '2'];

describe('kelvin train with engine.kind tinker', () => {
  const home = scratch();
  const tokenizer = path.join(home.dir, 'tokenizer');
  let intercept: ServerOptions['intercept'];
  const server = new ScriptedTinker({
    ...{ wire: 'protobuf', model: 'nano', deduplicates: true, key: 'tml-secret-key' },
    open: async (rank, seed) => await EmbeddedModel.open({ model: NANO, seed, rank, contextLength: 256 }, 'sequences'),
    intercept: async (...args) => (await intercept?.(...args)) ?? false,
  });
  const env = { TINKER_API_KEY: 'tml-secret-key' };
  let url: string;
  const settings = (): string[] =>
    [
      ...LORA,
      ...['model=nano', 'engine.kind=tinker', 'engine.tinker.server=skyrl-jax', `engine.tinker.url=${url}`],
      ...[`engine.tinker.tokenizer=${tokenizer}`, `engine.tinker.gguf=${NANO}`, 'engine.tinker.unreachableSeconds=1'],
    ].flatMap((item) => ['--set', item]);
  const dir = (name: string): string => path.join(home.dir, name);
  let whole: Finished;
  beforeAll(async () => {
    writeTokenizer(readGguf(NANO), tokenizer);
    url = await server.listen();
    whole = await kelvin(['train', '--run-dir', dir('whole'), ...STEPS, ...SMALL, ...settings()], { env }).done;
  }, 120_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    home[Symbol.dispose]();
  });

  it('runs to its end with the journal of the embedded engine', async () => {
    expect(whole.stderr).toBe('');
    expect(whole.code).toBe(0);
    const embedded = await kelvin(['train', '--run-dir', dir('embedded'), ...STEPS, ...SMALL, ...LORA.flatMap((item) => ['--set', item])])
      .done;
    expect(embedded.code).toBe(0);
    // The plan of the memory is the embedded engine's own.
    const shape = ({ events }: Finished): unknown =>
      events.filter(({ type }) => type !== 'plan').map(({ type, step, metrics }) => [type, step, Object.keys(metrics ?? {}).sort()]);
    const kinds = (run: Finished): unknown => [...new Set((shape(run) as unknown[]).map((entry) => JSON.stringify(entry)))];
    expect(kinds(whole)).toEqual(kinds(embedded));
    for (const event of whole.events) if (event.type === 'step') expect(event.metrics!['mismatch/max']).toBeLessThan(1e-4);
    expect(verifyAudit(dir('whole'))).toMatchObject({ ok: true });
  }, 120_000);

  it('writes the key nowhere', () => {
    for (const file of ['config.json', 'journal.sqlite', 'run.json'])
      expect(readFileSync(path.join(dir('whole'), file)).includes('tml-secret'), file).toBe(false);
    expect(whole.stdout).not.toContain('tml-secret');
  });

  it('a server killed in mid-step: exit code 8, and a resume gets the same numbers', async () => {
    let steps = 0;
    intercept = async (route, request, response, handle) => {
      if (route !== 'optim_step' || ++steps < 2) return false;
      // The step arrives and is taken; nobody hears of it.
      await handleSilently(handle, response);
      intercept = undefined;
      request.socket.destroy();
      await server.stop();
      return true;
    };
    const first = await kelvin(['train', '--run-dir', dir('lost'), ...STEPS, ...SMALL, ...settings()], { env }).done;
    expect(first.code).toBe(8);
    expect(first.stderr).toMatch(/The Tinker server was lost.*kelvin resume/);
    expect(first.events.at(-1)).toMatchObject({ type: 'error', exitCode: 8 });
    server.forget();
    expect(await server.listen(Number(new URL(url).port))).toBe(url);
    const second = await kelvin(['resume', dir('lost'), '--json'], { env }).done;
    expect(second.stderr).toBe('');
    expect(second.code).toBe(0);
    expect([...stepMetrics(first.events), ...stepMetrics(second.events)]).toEqual(stepMetrics(whole.events));
    expect([...server.models.values()].at(-1)!.optimSteps).toBe(2);
    expect(verifyAudit(dir('lost'))).toMatchObject({ ok: true });
  }, 120_000);

  it('what was learned comes back as a GGUF adapter, and the laptop chats with it', async () => {
    const out = path.join(home.dir, 'adapter.gguf');
    const exported = await kelvin(['export', dir('whole'), '--out', out], { env }).done;
    expect(exported.stderr).toBe('');
    expect(exported.stdout).toContain('adapter of whole after step 2');
    const chat = await kelvin(['chat', '--run', dir('whole'), '--prompt', 'f=x=>x+1', '--max-tokens', '8', '--json'], { env }).done;
    expect(chat.code).toBe(0);
    expect(chat.stdout).toContain('"type":"reply"');
  }, 120_000);

  it('what contradicts itself, or a missing key, is said before a run begins', async () => {
    const refused = async (more: readonly string[], key = 'tml-secret-key'): Promise<Finished> =>
      await kelvin(['train', '--run-dir', dir('refused'), ...STEPS, ...SMALL, ...settings(), ...more.flatMap((item) => ['--set', item])], {
        env: { TINKER_API_KEY: key },
      }).done;
    const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
      [['engine.mode=full'], 2, /engine\.mode/],
      [['engine.tinker.url='], 2, /engine\.tinker\.url/],
      [['loss.kl=0.1'], 2, /loss\.kl/],
      [['optim.gradClip=1'], 3, /grad_clip_norm/],
      [['model=other', `engine.tinker.tokenizer=${tokenizer}`], 3, /no model "other"; it has nano/],
    ];
    for (const [more, code, message] of cases) {
      const result = await refused(more);
      expect(result.stderr).toMatch(message);
      expect(result.code).toBe(code);
    }
    const keyless = await refused([], '');
    expect(keyless.code).toBe(3);
    expect(keyless.stderr).toMatch(/TINKER_API_KEY/);
  }, 120_000);
});
