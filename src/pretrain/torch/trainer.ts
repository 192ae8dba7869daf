import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Datum } from '../../core/types.ts';
import { expectedTensors } from '../../engine/ggml/shape.ts';
import type { Shape } from '../../engine/ggml/shape.ts';
import type { PretrainTrainer } from '../trainer.ts';

/** Padded tokens of one forward and backward pass. */
const TOKENS = 2048;

/**
 * The PyTorch trainer: the same steps as the embedded engine's, in a Python process over pipes. Needs `pip install torch numpy`;
 * KELVIN_PYTHON names the interpreter (default `python3`). Throws with the remedy when it cannot start.
 */
export function openTorchTrainer(shape: Shape, values: ReadonlyMap<string, Float32Array>, threads: number): PretrainTrainer {
  const python = process.env['KELVIN_PYTHON'] ?? 'python3';
  const child = spawn(python, ['-u', script()], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = new Answers(child, python);
  const send = (...parts: readonly (Buffer | ArrayBufferView)[]): void => {
    for (const part of parts) child.stdin.write(Buffer.isBuffer(part) ? part : Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  };
  const tensors = [...expectedTensors(shape)];
  const header = Buffer.from(JSON.stringify({ shape, threads, tensors }));
  send(Int32Array.of(header.length), header, ...tensors.map(([name]) => values.get(name) as Float32Array));

  const chunkLogprobs = async (chunk: readonly Datum[], normaliser: number): Promise<Float32Array[]> => {
    const length = Math.max(...chunk.map((datum) => datum.tokens.length));
    const [ids, targets] = [new Int32Array(chunk.length * length), new Int32Array(chunk.length * length)];
    const weights = new Float32Array(chunk.length * length);
    chunk.forEach((datum, row) => {
      ids.set(datum.tokens, row * length);
      targets.set(datum.targets, row * length);
      weights.set(datum.weights, row * length);
    });
    send(Buffer.from('B'), Int32Array.of(chunk.length, length), Float32Array.of(normaliser), ids, targets, weights);
    const logprobs = toFloats(await answers.take(4 * chunk.length * length));
    return chunk.map((datum, row) => logprobs.slice(row * length, row * length + datum.tokens.length));
  };

  return {
    async forwardBackward(data, { normaliser }) {
      const logprobs = new Map<Datum, Float32Array>();
      for (const chunk of chunks(data)) {
        const values = await chunkLogprobs(chunk, normaliser);
        chunk.forEach((datum, i) => logprobs.set(datum, values[i] as Float32Array));
      }
      return { logprobs: data.map((datum) => logprobs.get(datum) as Float32Array) };
    },
    async muon(adam, muon) {
      send(
        Buffer.from('S'),
        Float32Array.of(adam.lr, adam.beta1, adam.beta2, adam.eps, adam.gradClip, muon.lr, muon.momentum, muon.weightDecay),
      );
      await answers.take(1);
    },
    async readWeights() {
      send(Buffer.from('W'));
      const weights = new Map<string, Float32Array>();
      for (const [name, dims] of tensors) weights.set(name, toFloats(await answers.take(4 * dims.reduce((a, b) => a * b, 1))));
      return weights;
    },
    close() {
      child.stdin.end();
      child.kill();
    },
  };
}

/** Beside this file, or in the sources when this runs from the bundle. */
function script(): string {
  let dir = dirname(fileURLToPath(import.meta.url));
  const beside = join(dir, 'trainer.py');
  if (existsSync(beside)) return beside;
  while (!existsSync(join(dir, 'package.json'))) dir = dirname(dir);
  return join(dir, 'src', 'pretrain', 'torch', 'trainer.py');
}

/** Data by length, so that little is padding, cut into batches of at most TOKENS padded tokens. */
function chunks(data: readonly Datum[]): Datum[][] {
  const out: Datum[][] = [];
  for (const datum of data.toSorted((a, b) => a.tokens.length - b.tokens.length)) {
    const longest = datum.tokens.length;
    const current = out.at(-1);
    if (current && longest * (current.length + 1) <= TOKENS) current.push(datum);
    else out.push([datum]);
  }
  return out;
}

const toFloats = (bytes: Buffer): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer);

/** Bytes of a child's stdout, taken in order; rejects when the child ends first. */
class Answers {
  #buffered: Buffer[] = [];
  #size = 0;
  #waiting: { readonly count: number; readonly resolve: (bytes: Buffer) => void; readonly reject: (error: Error) => void } | null = null;
  #ended: Error | null = null;

  constructor(child: ReturnType<typeof spawn>, python: string) {
    const end = (reason: string): void => {
      this.#ended ??= new Error(
        `PyTorch pre-training ended (${reason}). It needs "${python} -m pip install torch numpy"; KELVIN_PYTHON names another Python.`,
      );
      this.#waiting?.reject(this.#ended);
    };
    child.on('error', (error) => end(error.message));
    child.on('exit', (code, signal) => end(`exit ${code ?? signal}`));
    child.stdin?.on('error', () => {});
    child.stdout?.on('data', (bytes: Buffer) => {
      this.#buffered.push(bytes);
      this.#size += bytes.length;
      this.#settle();
    });
  }

  take(count: number): Promise<Buffer> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting = { count, resolve, reject };
      this.#settle();
    });
  }

  #settle(): void {
    const waiting = this.#waiting;
    if (!waiting || this.#size < waiting.count) return;
    const all = Buffer.concat(this.#buffered);
    this.#buffered = [all.subarray(waiting.count)];
    this.#size -= waiting.count;
    this.#waiting = null;
    waiting.resolve(all.subarray(0, waiting.count));
  }
}
