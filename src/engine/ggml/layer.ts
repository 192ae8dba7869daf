/** One block of the model, forward and backward: x + attention(norm x), then h + feed-forward(norm h). */
import { attention, attentionBack, type Attended } from './attention.ts';
import type { BlockBuilder, Turned } from './block.ts';
import type { Pointer } from './libraries.ts';

/** What the backward pass reads of the forward pass. Norms and activations are not among it: computing them again costs next to nothing. */
export interface Saved {
  readonly x: Pointer;
  readonly q: Turned;
  readonly k: Turned;
  readonly attended: Attended;
  readonly h: Pointer;
  readonly gate: Pointer;
  readonly up: Pointer;
}

/** The forward pass up to the last linear layer. */
export function forward(build: BlockBuilder, layer: number, x: Pointer): Saved {
  const { y: a } = build.norm(`blk.${layer}.attn_norm.weight`, x);
  const q = build.turned(layer, 'attn_q', a);
  const k = build.turned(layer, 'attn_k', a);
  const attended = attention(build, q.y, k.y, build.linear(layer, 'attn_v', a));
  const h = build.f.ggml_add(build.c, x, build.linear(layer, 'attn_output', attended.o));
  const { y: b } = build.norm(`blk.${layer}.ffn_norm.weight`, h);
  return { x, q, k, attended, h, gate: build.linear(layer, 'ffn_gate', b), up: build.linear(layer, 'ffn_up', b) };
}

/** Output of the block. */
export function output(build: BlockBuilder, layer: number, { h, gate, up }: Saved): Pointer {
  const { f, c } = build;
  return build.add(f.ggml_add(c, h, build.linear(layer, 'ffn_down', f.ggml_swiglu_split(c, gate, up))));
}

/** Gradient of the block's input, given that of its output. */
export function backward(build: BlockBuilder, layer: number, s: Saved, gy: Pointer): Pointer {
  const { f, c } = build;
  const gAct = build.linearBack(layer, 'ffn_down', f.ggml_swiglu_split(c, s.gate, s.up), gy);
  const g = build.products.swigluBack(c, gAct, s.gate, s.up);
  const { normed: hNormed, y: b } = build.norm(`blk.${layer}.ffn_norm.weight`, s.h);
  const gb = f.ggml_add(c, build.linearBack(layer, 'ffn_gate', b, g.gate), build.linearBack(layer, 'ffn_up', b, g.up));
  const gh = f.ggml_add(c, gy, build.normBack(`blk.${layer}.ffn_norm.weight`, s.h, hNormed, gb));
  const { gq, gk, gv } = attentionBack(build, s.attended, build.linearBack(layer, 'attn_output', s.attended.o, gh));
  const { normed, y: a } = build.norm(`blk.${layer}.attn_norm.weight`, s.x);
  const gqk = f.ggml_add(c, build.turnedBack(layer, 'attn_q', a, s.q, gq), build.turnedBack(layer, 'attn_k', a, s.k, gk));
  const ga = f.ggml_add(c, gqk, build.linearBack(layer, 'attn_v', a, gv));
  return build.add(f.ggml_add(c, gh, build.normBack(`blk.${layer}.attn_norm.weight`, s.x, normed, ga)));
}
