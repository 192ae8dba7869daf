/** LoRA adapters as files: GGUF, named as llama.cpp wants them, or PEFT folders (`peft.ts`). */
import { statSync } from 'node:fs';
import { EngineError } from '../ports.ts';
import { BF16, F16, F32 } from './ffi.ts';
import { readTensor } from './gguf-data.ts';
import { readGguf, typeName } from './gguf.ts';
import { writeGguf } from './gguf-write.ts';
import { fromBf16, fromF16 } from './half.ts';
import { assembleAdapter, type Adapter, type AdapterTensor } from './lora.ts';
import { adapterTensors } from './parameters.ts';
import { importPeft } from './peft.ts';
import type { Shape } from './shape.ts';

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
 * Reads an adapter for a model of `shape`: a GGUF file or a PEFT folder.
 * @throws EngineError `missing`, `corrupt` (damaged, or of another model) or `unsupported` (not a plain LoRA over linear layers)
 */
export function readAdapter(path: string, shape: Shape): Adapter {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new EngineError('missing', `There is no adapter ${path}. Give a GGUF adapter, or a folder that PEFT's save_pretrained wrote.`);
  if (stat.isDirectory()) return importPeft(path, shape);
  if (path.endsWith('.safetensors'))
    throw new EngineError('unsupported', `${path} is one file of a PEFT adapter. Give the folder that holds it and adapter_config.json.`);
  const file = readGguf(path);
  const { metadata } = file;
  if (metadata.get('general.type') !== 'adapter' || metadata.get('adapter.type') !== 'lora')
    throw new EngineError('corrupt', `${path} is not a LoRA adapter in GGUF format. Give a file that "kelvin export" or llama.cpp wrote.`);
  const architecture = metadata.get('general.architecture');
  if (architecture !== (shape.architecture ?? 'llama'))
    throw new EngineError(
      'corrupt',
      `${path} belongs to a ${String(architecture).slice(0, 40)} model, this one is ${shape.architecture ?? 'llama'}. Give the adapter of this model.`,
    );
  const alpha = metadata.get('adapter.lora.alpha');
  const found = new Map<string, AdapterTensor>();
  for (const [name, entry] of file.tensors) {
    const convert = DECODERS.get(entry.type);
    if (convert === undefined)
      throw new EngineError('unsupported', `${path}: ${name} is ${typeName(entry.type)}. Convert the adapter to F32, F16 or BF16.`);
    found.set(name, { shape: entry.shape, read: () => convert(readTensor(file, entry)) });
  }
  return assembleAdapter(path, shape, found, typeof alpha === 'number' ? alpha : NaN);
}

const DECODERS = new Map<number, (bytes: Buffer) => Float32Array>([
  [F32, (bytes) => new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)],
  [F16, fromF16],
  [BF16, fromBf16],
]);
