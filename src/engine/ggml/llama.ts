/** The functions of libllama that the engine calls: models, contexts, batches, adapters, vocabulary. */
import koffi, { type LibraryHandle } from 'koffi';
import { EngineError } from '../ports.ts';
import { checkLlamaDefaults } from './layout.ts';
import { loadLibraries, type Build, type Pointer } from './libraries.ts';

type Native = ReturnType<LibraryHandle['func']>;
const SIGNATURES = {
  modelDefaults: 'llama_model_params llama_model_default_params()',
  contextDefaults: 'llama_context_params llama_context_default_params()',
  setLog: 'void llama_log_set(void* f, void* u)',
  loadModel: 'void* llama_model_load_from_file(const char* p, llama_model_params q)',
  freeModel: 'void llama_model_free(void* m)',
  newContext: 'void* llama_init_from_model(void* m, llama_context_params q)',
  freeContext: 'void llama_free(void* c)',
  memory: 'void* llama_get_memory(void* c)',
  copySequence: 'void llama_memory_seq_cp(void* m, int a, int b, int p0, int p1)',
  removeSequence: 'bool llama_memory_seq_rm(void* m, int a, int p0, int p1)',
  clearMemory: 'void llama_memory_clear(void* m, bool data)',
  decode: 'int32_t llama_decode(void* c, llama_batch b)',
  logits: 'void* llama_get_logits(void* c)',
  newBatch: 'llama_batch llama_batch_init(int32_t n, int32_t e, int32_t s)',
  freeBatch: 'void llama_batch_free(llama_batch b)',
  loadAdapter: 'void* llama_adapter_lora_init(void* m, const char* p)',
  freeAdapter: 'void llama_adapter_lora_free(void* a)',
  setAdapters: 'int32_t llama_set_adapters_lora(void* c, void* ads, size_t n, float* scales)',
  vocabulary: 'void* llama_model_get_vocab(void* m)',
  vocabularySize: 'int32_t llama_vocab_n_tokens(void* v)',
  endToken: 'int32_t llama_vocab_eos(void* v)',
  isEnd: 'bool llama_vocab_is_eog(void* v, int32_t t)',
  tokenize: 'int32_t llama_tokenize(void* v, const char* t, int32_t n, int32_t* out, int32_t nmax, bool special, bool parse)',
  piece: 'int32_t llama_token_to_piece(void* v, int32_t t, void* buffer, int32_t n, int32_t lstrip, bool special)',
} as const;

export type Llama = Readonly<Record<keyof typeof SIGNATURES, Native>>;

/** Fields of `llama_batch` as native pointers. */
export interface NativeBatch {
  readonly n_tokens: number;
  readonly token: Pointer;
  readonly pos: Pointer;
  readonly n_seq_id: Pointer;
  readonly seq_id: Pointer;
  readonly logits: Pointer;
}

let table: Llama | null = null;

/** @throws EngineError `unsupported` when the library's structs are not those of the pinned version. */
export function bindLlama(build: Build): Llama {
  if (table !== null) return table;
  const { llama } = loadLibraries(build);
  const pointers = (...names: string[]): Record<string, string> => Object.fromEntries(names.map((n) => [n, 'void*']));
  const fields = (type: string, ...names: string[]): Record<string, string> => Object.fromEntries(names.map((n) => [n, type]));
  koffi.struct('llama_model_params', {
    ...pointers('devices', 'tensor_buft_overrides'),
    n_gpu_layers: 'int32_t',
    ...fields('int', 'split_mode', 'load_mode', 'lazy_mode'),
    main_gpu: 'int32_t',
    ...pointers('tensor_split', 'progress_callback', 'progress_callback_user_data', 'kv_overrides'),
    ...fields('bool', 'vocab_only', 'check_tensors', 'use_extra_bufts', 'no_host', 'no_alloc', 'load_mtp'),
  });
  koffi.struct('llama_context_params', {
    ...fields('uint32_t', 'n_ctx', 'n_batch', 'n_ubatch', 'n_seq_max', 'n_rs_seq', 'n_outputs_max', 'n_outputs_max_per_seq'),
    ...fields('int32_t', 'n_threads', 'n_threads_batch'),
    ...fields('int', 'ctx_type', 'rope_scaling_type', 'pooling_type', 'attention_type', 'flash_attn_type'),
    ...fields('float', 'rope_freq_base', 'rope_freq_scale', 'yarn_ext_factor', 'yarn_attn_factor', 'yarn_beta_fast', 'yarn_beta_slow'),
    yarn_orig_ctx: 'uint32_t',
    defrag_thold: 'float',
    ...pointers('cb_eval', 'cb_eval_user_data'),
    ...fields('int', 'type_k', 'type_v'),
    ...pointers('abort_callback', 'abort_callback_data'),
    ...fields('bool', 'embeddings', 'offload_kqv', 'no_perf', 'op_offload', 'swa_full', 'kv_unified'),
    samplers: 'void*',
    n_samplers: 'size_t',
    ctx_other: 'void*',
  });
  koffi.struct('llama_batch', { n_tokens: 'int32_t', ...pointers('token', 'embd', 'pos', 'n_seq_id', 'seq_id', 'logits') });
  table = Object.fromEntries(Object.entries(SIGNATURES).map(([name, signature]) => [name, llama.func(signature)])) as unknown as Llama;
  const sink = koffi.register(() => undefined, koffi.pointer(koffi.proto('void llama_log_sink(int level, const char* text, void* user)')));
  table.setLog(sink, null);
  checkLlamaDefaults(table.modelDefaults() as Record<string, unknown>, table.contextDefaults() as Record<string, unknown>);
  return table;
}

/** Loads a model that `readGguf` has accepted. `vocabularyOnly` leaves the weights on disk. */
export function loadLlamaModel(l: Llama, path: string, vocabularyOnly: boolean, gpu: boolean): Pointer {
  const params = { ...(l.modelDefaults() as Record<string, unknown>), vocab_only: vocabularyOnly, n_gpu_layers: gpu ? 999 : 0 };
  const model = l.loadModel(path, params) as Pointer | null;
  if (model === null)
    throw new EngineError('corrupt', `llama.cpp refuses the model ${path}. Download or export it again, or choose another model.`);
  return model;
}
