/**
 * Checks, right after loading, that the structs of the native libraries have the layout this code was written for (the
 * pinned node-llama-cpp version). A mismatch is an error here and would be a silent memory fault later.
 */
import { EngineError } from '../ports.ts';
import { BF16, extents, F32, sourcesOf, typeOf, type Ggml } from './ffi.ts';
import { newContext, newTensor } from './memory.ts';

const wrong = (what: string): never => {
  throw new EngineError(
    'unsupported',
    `The installed native libraries differ from the version that Kelvin was built for (${what}). Run "npm ci" to get the pinned version.`,
  );
};

/** `ggml_tensor.ne` is where `extents` reads it. */
export function checkTensorLayout(g: Ggml): void {
  const context = newContext(g, 4);
  const tensor = newTensor(g, context, F32, 3, 5, 7, 11);
  if (extents(tensor).join() !== '3,5,7,11' || Number(g.f.ggml_nbytes(tensor)) !== 3 * 5 * 7 * 11 * 4) wrong('tensor layout');
  if (typeOf(tensor) !== F32 || typeOf(newTensor(g, context, BF16, 1)) !== BF16) wrong('tensor type');
  const sum = g.f.ggml_add(context, tensor, tensor);
  if (sourcesOf(sum).join() !== [tensor, tensor].join()) wrong('operands of a tensor');
  g.f.ggml_free(context);
}

/** The defaults that libllama fills in must land in the fields of those names. */
export function checkLlamaDefaults(model: Readonly<Record<string, unknown>>, context: Readonly<Record<string, unknown>>): void {
  const expected: readonly (readonly [Readonly<Record<string, unknown>>, string, unknown])[] = [
    [model, 'split_mode', 1],
    [model, 'main_gpu', 0],
    [model, 'vocab_only', false],
    [model, 'use_extra_bufts', true],
    [model, 'no_alloc', false],
    [context, 'n_ctx', 512],
    [context, 'n_batch', 2048],
    [context, 'n_ubatch', 512],
    [context, 'n_seq_max', 1],
    [context, 'rope_scaling_type', -1],
    [context, 'type_k', 1],
    [context, 'type_v', 1],
    [context, 'embeddings', false],
    [context, 'offload_kqv', true],
    [context, 'swa_full', true],
    [context, 'kv_unified', false],
  ];
  for (const [struct, field, value] of expected)
    if (struct[field] !== value) wrong(`llama parameters: ${field} is ${String(struct[field])}`);
}
