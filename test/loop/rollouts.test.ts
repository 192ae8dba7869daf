import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/core/events.ts';
import type { Rollout } from '../../src/core/types.ts';
import type { Reader } from '../../src/loop/reader.ts';
import { run } from '../../src/loop/run.ts';
import { TokenStream } from '../../src/loop/stream.ts';
import { harness, hooks, stable } from './harness.ts';
import type { Harness } from './harness.ts';

const rollouts = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'rollouts' ? event.rollouts : []));
const numbers = (events: readonly RunEvent[]) => events.flatMap((event) => (event.type === 'step' ? [stable(event.metrics)] : []));

describe('the text of a sequence while it is generated', () => {
  const decode = (tokens: readonly number[]): string => Buffer.from(tokens).toString('utf8');
  const feed = (text: string | Buffer): { readonly seen: string[]; readonly at: number[] } => {
    const stream = new TokenStream(decode);
    const seen: string[] = [];
    const at: number[] = [];
    for (const [i, byte] of [...Buffer.from(text)].entries()) {
      stream.push(byte);
      if (!stream.atBoundary()) continue;
      seen.push(stream.text());
      at.push(i + 1);
    }
    return { seen, at };
  };

  it('is looked at after at most 16 tokens and where a sentence ends', () => {
    expect(feed('x'.repeat(50)).at).toEqual([16, 32, 48]);
    expect(feed('One. Two! Three?\nand then').at).toEqual([4, 5, 9, 10, 16, 17]);
    expect(feed('short').at).toEqual([]);
  });

  it('never breaks a character, and loses nothing', () => {
    const text = 'Ünïcödé – “日本語のテキスト。” 🙂🙂 and more 👩‍👩‍👧‍👦 of it. ';
    const { seen } = feed(text.repeat(4));
    expect(seen.length).toBeGreaterThan(10);
    for (const part of seen) {
      expect(part).not.toContain('\uFFFD');
      expect(text.repeat(4).startsWith(part)).toBe(true);
    }
  });

  it('goes on behind bytes that are no text', () => {
    const broken = Buffer.concat([
      Buffer.from([0xff, 0xfe, 0xf0, 0x9f]),
      Buffer.from('then plain words follow here.'),
      Buffer.alloc(40, 0x80),
    ]);
    const { seen } = feed(broken);
    expect(seen.some((part) => part.endsWith('then plain words follow here.'))).toBe(true);
    expect(seen.at(-1)?.length).toBeGreaterThan(40);
  });
});

/** The harness's reader with eyes on what is being written. */
function watching(made: Harness, watch: (id: string, text: string) => 'cut' | 'go'): { readonly read: Rollout[] } {
  const { reader } = made.context;
  const read: Rollout[] = [];
  const watched: Reader = Object.create(reader, {
    watch: { value: watch },
    read: {
      value: (rollout: Rollout, ...rest: []) => {
        read.push(rollout);
        reader.read(rollout, ...rest);
      },
    },
  }) as Reader;
  Object.assign(made.context, { reader: watched });
  // The class keeps its state in the original: its methods run there.
  for (const name of ['begin', 'settle', 'verdict', 'severity', 'pauses', 'counts', 'decide', 'warnings', 'resolve'] as const)
    Object.defineProperty(watched, name, { value: (reader[name] as () => unknown).bind(reader) });
  return { read };
}

describe('a reader that watches', () => {
  it('sees growing beginnings of the completion, and without a cut nothing changes', async () => {
    const plain = harness();
    await run(plain.context, hooks);
    const made = harness();
    const texts = new Map<string, string[]>();
    const { read } = watching(made, (id, text) => {
      texts.set(id, [...(texts.get(id) ?? []), text]);
      return 'go';
    });
    await run(made.context, hooks);
    expect(numbers(made.events)).toEqual(numbers(plain.events));
    expect(texts.size).toBeGreaterThan(10);
    for (const { id, completion } of read)
      for (const [i, text] of (texts.get(id) ?? []).entries()) {
        expect(completion.startsWith(text)).toBe(true);
        expect(text.length).toBeGreaterThan(texts.get(id)?.[i - 1]?.length ?? -1);
      }
  });

  it('cuts a sequence: it ends there, is malformed, is read whole and takes part in the update', async () => {
    const made = harness();
    const { read } = watching(made, (_, text) => (text.includes('a*2') ? 'cut' : 'go'));
    await run(made.context, hooks);
    const cut = read.filter((rollout) => rollout.stopReason === 'cut');
    expect(cut.length).toBeGreaterThan(0);
    for (const { id, thought, completion, answer } of cut) {
      expect(thought).toBe(completion);
      expect(answer).toBe('');
      expect(completion).toContain('a*2');
      expect(completion).not.toContain('</answer>');
      const record = rollouts(made.events).find((item) => item.rollout.id === id);
      expect(record?.outcome).toBe('malformed');
      // Seeding has no rewards.
      if ((record?.rollout.step ?? 0) > 0) expect(record?.reward).toBe(-1);
    }
    expect(rollouts(made.events).some((item) => item.rollout.stopReason === 'cut' && item.advantage !== null)).toBe(true);
    expect(numbers(made.events)).toHaveLength(3);
  });
});
