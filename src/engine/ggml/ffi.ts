/**
 * The functions of ggml that the engine calls, typed, and the few struct fields it reads. A failed ggml assertion ends
 * the process, so callers check shapes and sizes first; nothing here can.
 */
import koffi, { type LibraryHandle } from 'koffi';
import { computes, explainAborts, traced } from './abort.ts';
import { loadLibraries, type Build, type Pointer } from './libraries.ts';
import { EngineError } from '../ports.ts';

export const F32 = 0;
export const F16 = 1;
export const BF16 = 30;
export const I32 = 26;
export const I64 = 27;

const SIGNATURES = [
  'void* ggml_init(ggml_init_params p)',
  'void ggml_free(void* c)',
  'void* ggml_get_first_tensor(void* c)',
  'void* ggml_get_next_tensor(void* c, void* t)',
  'size_t ggml_tensor_overhead()',
  'size_t ggml_graph_overhead_custom(size_t n, bool g)',
  'void* ggml_new_graph_custom(void* c, size_t n, bool grads)',
  'void ggml_build_forward_expand(void* g, void* t)',
  'int ggml_graph_n_nodes(void* g)',
  'void* ggml_graph_node(void* g, int i)',
  'const char* ggml_op_desc(void* t)',
  'size_t ggml_nbytes(void* t)',
  'size_t ggml_row_size(int type, int64_t n)',
  'const char* ggml_get_name(void* t)',
  'void* ggml_set_name(void* t, const char* n)',
  'void ggml_set_param(void* t)',
  'void* ggml_new_tensor(void* c, int type, int nd, int64_t* ne)',
  'void* ggml_mul_mat(void* c, void* a, void* b)',
  'void* ggml_out_prod(void* c, void* a, void* b)',
  'void* ggml_add(void* c, void* a, void* b)',
  'void* ggml_add_inplace(void* c, void* a, void* b)',
  'void* ggml_sub(void* c, void* a, void* b)',
  'void* ggml_mul(void* c, void* a, void* b)',
  'void* ggml_div(void* c, void* a, void* b)',
  'void* ggml_scale(void* c, void* a, float s)',
  'void* ggml_scale_bias(void* c, void* a, float s, float b)',
  'void* ggml_clamp(void* c, void* a, float lo, float hi)',
  'void* ggml_exp(void* c, void* a)',
  'void* ggml_log(void* c, void* a)',
  'void* ggml_sqr(void* c, void* a)',
  'void* ggml_sgn(void* c, void* a)',
  'void* ggml_step(void* c, void* a)',
  'void* ggml_sqrt(void* c, void* a)',
  'void* ggml_sum(void* c, void* a)',
  'void* ggml_sum_rows(void* c, void* a)',
  'void* ggml_rms_norm(void* c, void* a, float eps)',
  'void* ggml_rms_norm_back(void* c, void* a, void* b, float eps)',
  'void* ggml_silu(void* c, void* a)',
  'void* ggml_silu_back(void* c, void* a, void* b)',
  'void* ggml_swiglu_split(void* c, void* a, void* b)',
  'void* ggml_soft_max(void* c, void* a)',
  'void* ggml_soft_max_inplace(void* c, void* a)',
  'void* ggml_soft_max_ext(void* c, void* a, void* m, float s, float mb)',
  'void* ggml_soft_max_ext_back(void* c, void* a, void* b, float s, float mb)',
  'void* ggml_rope_ext(void* c, void* a, void* b, void* ff, int nd, int mode, int nctx, float fb, float fs, float ef, float af, float bf, float bs)',
  'void* ggml_rope_ext_back(void* c, void* a, void* b, void* ff, int nd, int mode, int nctx, float fb, float fs, float ef, float af, float bf, float bs)',
  'void* ggml_reshape_1d(void* c, void* a, int64_t n0)',
  'void* ggml_reshape_2d(void* c, void* a, int64_t n0, int64_t n1)',
  'void* ggml_reshape_3d(void* c, void* a, int64_t n0, int64_t n1, int64_t n2)',
  'void* ggml_reshape_4d(void* c, void* a, int64_t n0, int64_t n1, int64_t n2, int64_t n3)',
  'void* ggml_permute(void* c, void* a, int a0, int a1, int a2, int a3)',
  'void* ggml_transpose(void* c, void* a)',
  'void* ggml_cont(void* c, void* a)',
  'void* ggml_cast(void* c, void* a, int type)',
  'void* ggml_cpy(void* c, void* a, void* b)',
  'void* ggml_argmax(void* c, void* a)',
  'void* ggml_get_rows(void* c, void* a, void* b)',
  'void* ggml_get_rows_back(void* c, void* a, void* b, void* s)',
  'void* ggml_repeat_back(void* c, void* a, void* b)',
  'void* ggml_set_rows(void* c, void* a, void* b, void* i)',
  'void* ggml_view_1d(void* c, void* a, int64_t n0, size_t off)',
  'void* ggml_view_2d(void* c, void* a, int64_t n0, int64_t n1, size_t nb1, size_t off)',
  'void* ggml_view_3d(void* c, void* a, int64_t n0, int64_t n1, int64_t n2, size_t nb1, size_t nb2, size_t off)',
  'void* ggml_view_4d(void* c, void* a, int64_t n0, int64_t n1, int64_t n2, int64_t n3, size_t nb1, size_t nb2, size_t nb3, size_t off)',
  'void* ggml_custom_4d(void* c, int type, int64_t n0, int64_t n1, int64_t n2, int64_t n3, void** args, int n, void* fun, int tasks, void* data)',
  'void* ggml_opt_step_adamw(void* c, void* a, void* g, void* m, void* v, void* p)',
  'void* ggml_backend_dev_init(void* d, const char* p)',
  'void ggml_backend_free(void* b)',
  'int ggml_backend_graph_compute(void* b, void* g)',
  'bool ggml_backend_supports_op(void* b, void* t)',
  'void* ggml_backend_get_default_buffer_type(void* b)',
  'void* ggml_backend_alloc_ctx_tensors(void* c, void* b)',
  'void ggml_backend_buffer_free(void* b)',
  'void ggml_backend_buffer_clear(void* b, uint8_t v)',
  'size_t ggml_backend_buffer_get_size(void* b)',
  'void ggml_backend_tensor_set(void* t, const void* d, size_t o, size_t n)',
  'void ggml_backend_tensor_get(void* t, void* d, size_t o, size_t n)',
  'void* ggml_gallocr_new(void* bt)',
  'bool ggml_gallocr_alloc_graph(void* ga, void* g)',
  'void ggml_gallocr_reserve_n_size(void* ga, void* g, const int* nodes, const int* leafs, size_t* sizes)',
  'size_t ggml_backend_alloc_ctx_tensors_from_buft_size(void* c, void* bt)',
  'void* ggml_backend_cpu_buffer_from_ptr(void* p, size_t n)',
  'int ggml_backend_tensor_alloc(void* b, void* t, void* at)',
  'void ggml_backend_dev_memory(void* d, size_t* free, size_t* total)',
  'void* ggml_backend_get_device(void* b)',
  'bool ggml_validate_row_data(int type, const void* d, size_t n)',
  'size_t ggml_gallocr_get_buffer_size(void* ga, int i)',
  'void ggml_gallocr_free(void* ga)',
  'void* ggml_backend_reg_get_proc_address(void* r, const char* n)',
  'void* ggml_backend_dev_backend_reg(void* d)',
  'const char* ggml_backend_dev_name(void* d)',
  'int ggml_backend_dev_type(void* d)',
  'void ggml_log_set(void* f, void* u)',
] as const;
/** These live in the library `ggml` itself, all others in `ggml-base`. */
const REGISTRY = [
  'void* ggml_backend_dev_by_type(int t)',
  'void ggml_backend_load_all_from_path(const char* p)',
  'size_t ggml_backend_dev_count()',
  'void* ggml_backend_dev_get(size_t i)',
] as const;

type Native = ReturnType<LibraryHandle['func']>;
type LastWord<S extends string> = S extends `${string} ${infer Rest}` ? LastWord<Rest> : S;
type NameIn<S extends string> = S extends `${infer Head}(${string}` ? LastWord<Head> : never;
type Name = NameIn<(typeof SIGNATURES)[number]> | NameIn<(typeof REGISTRY)[number]>;
type Argument = Pointer | number | bigint | string | boolean | null | ArrayBufferView | Record<string, unknown>;

/** Functions by name; TypeScript checks the names only, so every call site keeps to `ggml.h` of the pinned version. */
export type Functions = Readonly<Record<Name, (...args: Argument[]) => Pointer>>;

/** ggml, bound. */
export interface Ggml {
  readonly build: Build;
  readonly folder: string;
  readonly f: Functions;
  /** Computes a graph on a thread of its own; the event loop goes on. */
  compute(backend: Pointer, graph: Pointer): Promise<void>;
}

// Declared once: koffi keeps some bytes for good whenever it is given a length with a type, and graphs read thousands of tensors.
const EXTENTS = koffi.array('int64_t', 4);
const SOURCES = koffi.array('uint64_t', 10);

let table: Ggml | null = null;

/** The bindings of a build; loads it when it is the first use. */
export function bindGgml(build: Build): Ggml {
  const libraries = loadLibraries(build);
  if (table !== null) return table;
  koffi.struct('ggml_init_params', { mem_size: 'size_t', mem_buffer: 'void*', no_alloc: 'bool' });
  const f: Record<string, Native> = {};
  for (const signature of SIGNATURES)
    f[nameIn(signature)] = traced(nameIn(signature), signature, libraries.base.func(signature) as never) as Native;
  for (const signature of REGISTRY) f[nameIn(signature)] = libraries.ggml.func(signature);
  const functions = f as unknown as Functions;
  const sink = koffi.register(() => undefined, koffi.pointer(koffi.proto('void ggml_log_sink(int level, const char* text, void* user)')));
  functions.ggml_log_set(sink as unknown as Pointer, null);
  const native = functions.ggml_backend_graph_compute as unknown as Native;
  table = {
    build,
    folder: libraries.folder,
    f: functions,
    compute: (backend, graph) =>
      computes(
        graph,
        new Promise((resolve, reject) => {
          native.async(backend, graph, (error: Error | null, code: number) => {
            if (error !== null) reject(new EngineError('native', `The compute call failed: ${error.message}`));
            else if (code !== 0)
              reject(new EngineError('native', `The compute backend gave code ${code}; lower engine.tokenBudget if memory is short.`));
            else resolve();
          });
        }),
      ),
  };
  explainAborts(libraries.base, () => table);
  if (Number(functions.ggml_backend_dev_count()) === 0) functions.ggml_backend_load_all_from_path(libraries.folder);
  return table;
}

const nameIn = (signature: string): string => /(\w+)\(/.exec(signature)?.[1] ?? '';

/** ggml type number of a tensor (`ggml_tensor.type`, at byte 0 in the pinned version; checked by `layout.ts`). */
export function typeOf(tensor: Pointer): number {
  return Number(koffi.decode(tensor, 0, 'int'));
}

/** The operands of a node (`ggml_tensor.src`, at byte 152 in the pinned version; checked by `layout.ts`). */
export function sourcesOf(tensor: Pointer): Pointer[] {
  const all = Array.from(koffi.decode(tensor, 152, SOURCES) as ArrayLike<number | bigint>, BigInt);
  return all.filter((source) => source !== 0n);
}

/** Extents of a tensor, innermost first (`ggml_tensor.ne`, at byte 16 in the pinned version; checked by `layout.ts`). */
export function extents(tensor: Pointer): number[] {
  return Array.from(koffi.decode(tensor, 16, EXTENTS) as ArrayLike<number | bigint>, Number);
}
