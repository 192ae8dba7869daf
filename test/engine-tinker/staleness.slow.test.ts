/** `algorithm.staleness` through the command line, on a server that dies. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readGguf } from '../../src/engine/ggml/gguf.ts';
import { writeTokenizer } from '../../src/engine/ggml/hugging-face.ts';
import { kelvin, scratch, SMALL, stepMetrics } from '../commands/cli.ts';
import { ALPHA, EmbeddedModel } from './embedded.ts';
import { ScriptedTinker } from './server.ts';

describe('kelvin train with algorithm.staleness 1', () => {
  it('a killed run that is resumed gets the numbers of the unbroken one', async () => {
    using home = scratch();
    const NANO = path.resolve(import.meta.dirname, '../../models/nano.gguf');
    writeTokenizer(readGguf(NANO), path.join(home.dir, 'tokenizer'));
    let stopAt = Infinity;
    let steps = 0;
    await using server = new ScriptedTinker({
      ...{ wire: 'protobuf', model: 'nano', deduplicates: true },
      open: async (rank, seed) => await EmbeddedModel.open({ model: NANO, seed, rank, contextLength: 256 }, 'tokens'),
      intercept: async (route, request) => {
        if (route !== 'optim_step' || ++steps < stopAt) return false;
        stopAt = Infinity;
        request.socket.destroy();
        await server.stop();
        return true;
      },
    });
    const url = await server.listen();
    const settings = [
      ...['engine.mode=lora', 'engine.lora.rank=4', `engine.lora.alpha=${ALPHA}`, 'optim.gradClip=0', 'model=nano', 'engine.kind=tinker'],
      ...['engine.tinker.server=tinker', `engine.tinker.url=${url}`, `engine.tinker.tokenizer=${path.join(home.dir, 'tokenizer')}`],
      ...['engine.tinker.unreachableSeconds=1', 'algorithm.staleness=1', 'optim.lr=0.001'],
    ].flatMap((item) => ['--set', item]);
    const train = async (name: string) =>
      await kelvin(['train', '--run-dir', path.join(home.dir, name), '--steps', '3', ...SMALL, ...settings], { env: {} }).done;
    const whole = await train('whole');
    expect([whole.code, whole.stderr]).toEqual([0, '']);
    expect((stepMetrics(whole.events) as [number, Record<string, number>][]).map(([, metrics]) => metrics['staleness/max'])).toEqual([
      0, 1, 1,
    ]);
    [steps, stopAt] = [0, 3];
    const first = await train('lost');
    expect(first.code).toBe(8);
    server.forget();
    expect(await server.listen(Number(new URL(url).port))).toBe(url);
    const second = await kelvin(['resume', path.join(home.dir, 'lost'), '--json'], { env: {} }).done;
    expect([second.code, second.stderr]).toEqual([0, '']);
    expect([...stepMetrics(first.events), ...stepMetrics(second.events)]).toEqual(stepMetrics(whole.events));
  }, 120_000);
});
