/**
 * LoRA adapters as Hugging Face PEFT stores them: a folder with `adapter_config.json` and `adapter_model.safetensors`.
 *
 * llama files in GGUF hold the rows of q and k in another order than Hugging Face's (neighbouring elements turn together
 * instead of halves), so the rows of their B are moved; A sees the input only and stays. Qwen models keep the order.
 */
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../ports.ts';
import { assembleAdapter, type Adapter, type AdapterTensor } from './lora.ts';
import { adapterTensors } from './parameters.ts';
import { NEOX } from './rope.ts';
import { durable, readSafetensors, writeSafetensors } from './safetensors.ts';
import type { Architecture } from './rope.ts';
import type { Linear, Shape } from './shape.ts';

const CONFIG = 'adapter_config.json';
const TENSORS = 'adapter_model.safetensors';
export const MODULES: Readonly<Record<Linear, string>> = {
  attn_q: 'self_attn.q_proj',
  attn_k: 'self_attn.k_proj',
  attn_v: 'self_attn.v_proj',
  attn_output: 'self_attn.o_proj',
  ffn_gate: 'mlp.gate_proj',
  ffn_up: 'mlp.up_proj',
  ffn_down: 'mlp.down_proj',
};
const PEFT_NAME = /^base_model\.model\.(?:model\.)?layers\.(\d+)\.([a-z_]+\.[a-z_]+)\.lora_([AB])(?:\.default)?\.weight$/;
const GGUF_NAME = /^blk\.(\d+)\.(\w+)\.weight\.lora_([ab])$/;

/**
 * Writes the adapter into `dir` (made if need be), loadable by `PeftModel.from_pretrained`.
 * @param base name or path of the base model for `base_model_name_or_path`, which PEFT only quotes
 */
export function exportPeft(
  dir: string,
  shape: Shape,
  lora: { readonly rank: number; readonly alpha: number },
  values: ReadonlyMap<string, Float32Array>,
  base: string | null = null,
): void {
  mkdirSync(dir, { recursive: true });
  const tensors = new Map(
    [...adapterTensors(shape, lora.rank)].map(([name, [inside = 0, outside = 0]]) => {
      const [, layer = '', linear = '', part = ''] = GGUF_NAME.exec(name) ?? [];
      const data = values.get(name);
      if (data?.length !== inside * outside) throw new RangeError(`${name} has ${data?.length ?? 0} numbers, not ${inside} × ${outside}`);
      return [
        `base_model.model.model.layers.${layer}.${MODULES[linear as Linear]}.lora_${part.toUpperCase()}.weight`,
        { shape: [outside, inside], data: part === 'b' ? reorder(data, linear as Linear, shape, inside, 'to PEFT') : data },
      ];
    }),
  );
  writeSafetensors(join(dir, TENSORS), tensors);
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    inference_mode: true,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    target_modules: Object.values(MODULES).map((module) => module.split('.')[1]),
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
  };
  durable(join(dir, CONFIG), [Buffer.from(`${JSON.stringify(config, null, 2)}\n`)]);
}

const configSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().nullish(),
  base_model_name_or_path: z.unknown(),
});
/**
 * Models by how their names begin. Tensors of two architectures may have the same names and extents, and rows of another order; the base
 * model's name is all that a folder says about it.
 */
const FAMILIES: readonly (readonly [name: RegExp, architecture: Architecture])[] = [
  [/^(qwen-?(1\.5|2)|qwq|qvq|deepseek-r1-distill-qwen)/i, 'qwen2'],
  [/^qwen-?3/i, 'qwen3'],
  [/^((meta-)?llama|codellama|smollm2?-|tinyllama|deepseek-r1-distill-llama)/i, 'llama'],
];
/** Options that change what the numbers mean: name → values that do not. */
const PLAIN: Readonly<Record<string, (value: unknown) => boolean>> = {
  bias: (x) => x === 'none',
  lora_bias: (x) => x === false,
  fan_in_fan_out: (x) => x === false,
  modules_to_save: (x) => Array.isArray(x) && x.length === 0,
  rank_pattern: isEmpty,
  alpha_pattern: isEmpty,
  layers_to_transform: (x) => Array.isArray(x) && x.length === 0,
  layer_replication: (x) => Array.isArray(x) && x.length === 0,
  trainable_token_indices: isEmpty,
  target_parameters: isEmpty,
  alora_invocation_tokens: isEmpty,
  // These initialisations change the base weights, so the adapter alone says nothing.
  init_lora_weights: (x) => typeof x === 'boolean' || !/^(pissa|olora|loftq|corda|lora_ga)/i.test(String(x)),
};
function isEmpty(x: unknown): boolean {
  return typeof x === 'object' && x !== null && Object.keys(x).length === 0;
}

/**
 * Reads a PEFT folder as an adapter for a model of `shape`.
 * @throws EngineError `missing` (a file), `corrupt` (damaged, of another model), `unsupported` (DoRA, patterns, saved modules, …)
 */
export function importPeft(dir: string, shape: Shape): Adapter {
  const config = readConfig(dir);
  checkFamily(dir, config.base_model_name_or_path, shape.architecture ?? 'llama');
  const path = join(dir, TENSORS);
  if (statSync(path, { throwIfNoEntry: false }) === undefined && statSync(join(dir, 'adapter_model.bin'), { throwIfNoEntry: false }))
    throw new EngineError('unsupported', `${dir} holds a pickled adapter_model.bin. Save it again with safe_serialization=True.`);
  const linears = new Map(Object.entries(MODULES).map(([linear, module]) => [module, linear as Linear]));
  const found = new Map<string, AdapterTensor>();
  for (const [name, { shape: extents, read }] of readSafetensors(path)) {
    const [, layer = '', module = '', part = ''] = PEFT_NAME.exec(name) ?? [];
    const linear = linears.get(module);
    const [outside = 0, inside = 0] = extents;
    const own = linear === undefined || extents.length !== 2 ? name : `blk.${Number(layer)}.${linear}.weight.lora_${part.toLowerCase()}`;
    if (found.has(own)) throw new EngineError('corrupt', `${path} has ${own} twice. Save the adapter again.`);
    found.set(own, {
      shape: [inside, outside],
      read: () => (linear !== undefined && part === 'B' ? reorder(read(), linear, shape, inside, 'from PEFT') : read()),
    });
  }
  const alpha = config.use_rslora === true ? config.lora_alpha * Math.sqrt(config.r) : config.lora_alpha;
  const adapter = assembleAdapter(path, shape, found, alpha);
  if (adapter.rank !== config.r)
    throw new EngineError(
      'corrupt',
      `${dir}: ${CONFIG} says rank ${config.r}, the tensors have rank ${adapter.rank}. The files belong to different adapters; save it again.`,
    );
  return adapter;
}

function checkFamily(dir: string, base: unknown, architecture: Architecture): void {
  const name = typeof base === 'string' ? (base.split(/[/\\]/).filter(Boolean).at(-1) ?? '') : '';
  const made = FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? architecture;
  if (made === architecture) return;
  throw new EngineError(
    'corrupt',
    `${dir} was trained on ${name.slice(0, 80)}, a ${made} model; this one is ${architecture}. Give the adapter of this model, or correct base_model_name_or_path in ${CONFIG}.`,
  );
}

function readConfig(dir: string): z.infer<typeof configSchema> {
  const path = join(dir, CONFIG);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true)
    throw new EngineError('missing', `${dir} has no ${CONFIG}. Give a GGUF adapter, or a folder that PEFT's save_pretrained wrote.`);
  const fail = (why: string): never => {
    throw new EngineError('corrupt', `${path}: ${why}. Save the adapter again with PEFT.`);
  };
  if (stat.size > 1_000_000) fail(`it has ${stat.size} bytes`);
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    fail(`it is not JSON (${(error as Error).message.slice(0, 80)})`);
  }
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) return fail(parsed.error.issues.map((issue) => `"${issue.path.join('.')}": ${issue.message}`).join('; '));
  for (const [key, value] of Object.entries(parsed.data)) {
    // A later variant of LoRA switches itself on with a key of its own (use_dora, use_qalora, …).
    const plain = Object.hasOwn(PLAIN, key)
      ? PLAIN[key]
      : key.startsWith('use_') && key !== 'use_rslora'
        ? (x: unknown) => x === false
        : undefined;
    if (value !== null && plain?.(value) === false)
      throw new EngineError(
        'unsupported',
        `${path}: "${key}" is ${JSON.stringify(value).slice(0, 80)}, which Kelvin does not know. Train a plain LoRA, or merge this one into its model.`,
      );
  }
  return parsed.data;
}

/** Moves the rows of a q or k layer's weight or of its B, `rank` numbers each, between the two orders. */
export function reorder(data: Float32Array, linear: Linear, shape: Shape, rank: number, direction: 'to PEFT' | 'from PEFT'): Float32Array {
  if ((linear !== 'attn_q' && linear !== 'attn_k') || NEOX[shape.architecture ?? 'llama']) return data;
  const half = shape.headWidth / 2;
  const out = new Float32Array(data.length);
  for (let row = 0; row < data.length / rank; row++) {
    const at = row % shape.headWidth;
    // GGUF row 2i + j of a head is row j·half + i in Hugging Face's order.
    const other = row - at + (at % 2) * half + Math.floor(at / 2);
    const [from, to] = direction === 'to PEFT' ? [row, other] : [other, row];
    out.set(data.subarray(from * rank, (from + 1) * rank), to * rank);
  }
  return out;
}
