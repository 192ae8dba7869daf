/**
 * Sampling against a bare `llama_decode` loop on the same batch in the same process, taking turns. The bare loop computes
 * the same prompts and as many tokens and draws nothing (it feeds fixed tokens), so the ratio holds all that
 * Kelvin adds: drawing, log-probabilities, stop texts, moving sequences.
 *
 *   npm run bench sampling [-- SEQUENCES NEW_TOKENS REPEATS THREADS]     default 64 64 3 1
 *
 * The model is KELVIN_SMOLLM2 (a GGUF), or a file of its shape with random weights. Figures are CPU-seconds of the process.
 */
import koffi from 'koffi';
import { openGgmlEngine } from '../src/engine/ggml/engine.ts';
import { bindLlama, loadLlamaModel, type NativeBatch } from '../src/engine/ggml/llama.ts';
import type { Pointer } from '../src/engine/ggml/libraries.ts';
import { uniformAt } from '../src/engine/ggml/random.ts';
import { benchModel } from './model.ts';
import { median } from './report.ts';

const PROMPT = 64;
const BATCH = 512;
const [sequences = 64, tokens = 64, repeats = 3, threads = 1] = process.argv.slice(2).map(Number);
const model = process.env['KELVIN_SMOLLM2'] ?? benchModel();
const context = Math.ceil((PROMPT + tokens) / 64) * 64;

await using engine = await openGgmlEngine(
  {
    model,
    mode: 'lora',
    lora: { rank: 16, alpha: 32 },
    backend: 'cpu',
    threads,
    contextLength: context,
    parallel: sequences,
    tokenBudget: 512,
    seed: 1,
    inference: true,
  },
  { sampler: 'llama' },
);
const vocabulary = engine.info.vocabularySize;
const prompts = Array.from({ length: sequences }, (_, s) =>
  Array.from({ length: PROMPT }, (_, i) => 300 + Math.floor(uniformAt(7, s, i) * (vocabulary - 300))),
);

const cpu = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const l = bindLlama('cpu');
/** CPU-seconds inside `llama_decode`: with one thread nothing else computes meanwhile. */
let inside = 0;
const decoding = l.decode;
const timed = (...args: unknown[]): unknown => {
  const from = cpu();
  const done = args.pop() as (error: Error | null, code: number) => void;
  return decoding.async(...args, (error: Error | null, code: number) => {
    inside += cpu() - from;
    done(error, code);
  });
};
Object.assign(l, { decode: Object.assign((...args: unknown[]): unknown => decoding(...args), { async: timed }) });

/** Tokens (of prompts and completions) a CPU-second, and the share of it outside `llama_decode`. */
async function kelvin(): Promise<{ readonly rate: number; readonly outside: number }> {
  const from = cpu();
  inside = 0;
  const sampled = await engine.sample(
    prompts.map((prompt, s) => ({ prompt, n: 1, maxTokens: tokens, temperature: 1, seed: s, stop: ['</answer>'] })),
  );
  const made = sampled.flat().reduce((sum, { tokens: all }) => sum + all.length, 0);
  const spent = cpu() - from;
  return { rate: (sequences * PROMPT + made) / spent, outside: 1 - inside / spent };
}

const native = loadLlamaModel(l, model, false, false);
const half = Math.ceil(sequences / threads);
const loops = Array.from({ length: threads }, (_, lane) => bareLoop(prompts.slice(lane * half, (lane + 1) * half)));

function bareLoop(mine: readonly (readonly number[])[]): () => Promise<void> {
  const handle = l.newContext(native, {
    ...(l.contextDefaults() as Record<string, unknown>),
    n_ctx: context * mine.length,
    n_seq_max: mine.length,
    n_batch: BATCH,
    n_ubatch: BATCH,
    n_threads: 1,
    n_threads_batch: 1,
    kv_unified: false,
  }) as Pointer;
  const memory = l.memory(handle) as Pointer;
  const batch = l.newBatch(BATCH, 0, 1) as NativeBatch;
  const ints = (at: Pointer, n: number): Int32Array => new Int32Array(koffi.view(at, n * 4) as ArrayBuffer);
  const [token, position, count] = [ints(batch.token, BATCH), ints(batch.pos, BATCH), ints(batch.n_seq_id, BATCH)];
  const wanted = new Int8Array(koffi.view(batch.logits, BATCH) as ArrayBuffer);
  const owners = (koffi.decode(batch.seq_id, 0, 'void*', BATCH) as Pointer[]).map((at) => ints(at, 1));
  let n = 0;
  const put = (id: number, at: number, sequence: number, logits: boolean): void => {
    token[n] = id;
    position[n] = at;
    count[n] = 1;
    (owners[n] as Int32Array)[0] = sequence;
    wanted[n++] = logits ? 1 : 0;
  };
  const decode = (): Promise<void> =>
    new Promise((resolve, reject) => {
      l.decode.async(handle, { ...batch, n_tokens: n }, (error: Error | null, code: number) => {
        n = 0;
        if (error !== null || code !== 0) reject(error ?? new Error(`llama_decode gave code ${code}`));
        else resolve();
      });
    });
  return async () => {
    l.clearMemory(memory, false);
    for (const [s, prompt] of mine.entries()) {
      prompt.forEach((id, i) => put(id, i, s, i === PROMPT - 1));
      if (n + PROMPT > BATCH || s === mine.length - 1) await decode();
    }
    for (let t = 1; t < tokens; t++) {
      for (const s of mine.keys()) put(300 + ((t * 31 + s * 17) % 1000), PROMPT + t - 1, s, true);
      await decode();
    }
  };
}

async function bare(): Promise<number> {
  const from = cpu();
  await Promise.all(loops.map((loop) => loop()));
  return (sequences * (PROMPT + tokens)) / (cpu() - from);
}

const pairs: { readonly kelvin: number; readonly bare: number; readonly outside: number }[] = [];
for (let i = 0; i < repeats; i++) {
  // Turns alternate, so that neither side always comes first.
  const first = i % 2 === 0 ? await kelvin() : null;
  const loop = await bare();
  const { rate, outside } = first ?? (await kelvin());
  pairs.push({ kelvin: rate, bare: loop, outside });
}
const row = (name: string, value: number, digits: number): unknown =>
  process.stdout.write(`  ${name.padEnd(44)}${value.toFixed(digits).padStart(8)}\n`);
process.stdout.write(`\nsampling: ${sequences} sequences, ${PROMPT} + ${tokens} tokens, ${threads} thread(s), medians of ${repeats}\n`);
row('Kelvin, tokens / CPU-s', median(pairs.map((pair) => pair.kelvin)), 1);
row('bare llama_decode loop, tokens / CPU-s', median(pairs.map((pair) => pair.bare)), 1);
row('ratio', median(pairs.map((pair) => pair.kelvin / pair.bare)), 3);
if (threads === 1) row('share outside llama_decode', median(pairs.map((pair) => pair.outside)), 4);
