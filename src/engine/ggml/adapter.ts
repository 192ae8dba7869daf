/** LoRA adapters as GGUF files, named as llama.cpp wants them. */
import { EngineError } from '../ports.ts';
import { F32 } from './ffi.ts';
import { readFloats } from './gguf-data.ts';
import { readGguf } from './gguf.ts';
import { writeGguf } from './gguf-write.ts';
import { adapterTensors } from './parameters.ts';
import type { Shape } from './shape.ts';

/** Fresh adapter: A ~ N(0, 1/in), B = 0, so that it changes nothing at first (Hu et al. 2021). */
export function initialAdapter(shape: Shape, rank: number, uniform: () => number): Map<string, Float32Array> {
  const gauss = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return new Map(
    [...adapterTensors(shape, rank)].map(([name, [n = 1, m = 1]]) => {
      const data = new Float32Array(n * m);
      return [name, name.endsWith('lora_a') ? data.map(() => gauss() / Math.sqrt(n)) : data];
    }),
  );
}

export function writeAdapter(
  path: string,
  shape: Shape,
  lora: { rank: number; alpha: number },
  values: ReadonlyMap<string, Float32Array>,
): void {
  const tensors = [...adapterTensors(shape, lora.rank)].map(
    ([name, dims]) => [name, { shape: dims, data: values.get(name) ?? new Float32Array(0) }] as const,
  );
  writeGguf(
    path,
    new Map([
      ['general.type', { text: 'adapter' }],
      ['general.architecture', { text: shape.architecture ?? 'llama' }],
      ['adapter.type', { text: 'lora' }],
      ['adapter.lora.alpha', { f32: lora.alpha }],
    ]),
    new Map(tensors),
  );
}

/**
 * Reads an adapter over all linear layers of `shape`.
 * @throws EngineError `corrupt` when it is no adapter or of another model, `unsupported` when it leaves out layers or is not F32.
 */
export function readAdapter(path: string, shape: Shape): { rank: number; alpha: number; values: Map<string, Float32Array> } {
  const file = readGguf(path);
  const alpha = file.metadata.get('adapter.lora.alpha');
  if (file.metadata.get('general.type') !== 'adapter' || typeof alpha !== 'number')
    throw new EngineError('corrupt', `${path} is not a LoRA adapter in GGUF format. Give the file that "exportModel" wrote.`);
  const rank = file.tensors.get('blk.0.attn_q.weight.lora_a')?.shape[1] ?? 0;
  const values = new Map<string, Float32Array>();
  for (const [name, dims] of adapterTensors(shape, rank)) {
    const entry = file.tensors.get(name);
    if (entry === undefined)
      throw new EngineError('unsupported', `${path} lacks ${name}; adapters must cover all linear layers of this model. Train a new one.`);
    if (entry.type !== F32 || entry.shape[0] !== dims[0] || (entry.shape[1] ?? 1) !== dims[1])
      throw new EngineError(
        'corrupt',
        `${path}: ${name} has extents [${entry.shape.join(', ')}], this model wants F32 [${dims.join(', ')}]. It belongs to another model.`,
      );
    values.set(name, readFloats(file, entry));
  }
  return { rank, alpha, values };
}
