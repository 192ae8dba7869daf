/** One block of the model, forward and backward: x + attention(norm x), then h + feed-forward(norm h). */
import { attention, attentionBack, type Attended } from './attention.ts';
import type { BlockBuilder, Turned } from './block.ts';
import type { Pointer } from './libraries.ts';

/** Values of the forward pass that the backward pass needs. */
export interface Saved {
  readonly x: Pointer;
  readonly normed: Pointer;
  readonly a: Pointer;
  readonly q: Turned;
  readonly k: Turned;
  readonly attended: Attended;
  readonly h: Pointer;
  readonly hNormed: Pointer;
  readonly b: Pointer;
  readonly gate: Pointer;
  readonly up: Pointer;
  readonly act: Pointer;
}

/** The forward pass up to the last linear layer. */
export function forward(build: BlockBuilder, layer: number, x: Pointer): Saved {
  const { f, c } = build;
  const { normed, y: a } = build.norm(`blk.${layer}.attn_norm.weight`, x);
  const q = build.turned(layer, 'attn_q', a);
  const k = build.turned(layer, 'attn_k', a);
  const attended = attention(build, q.y, k.y, build.linear(layer, 'attn_v', a));
  const h = f.ggml_add(c, x, build.linear(layer, 'attn_output', attended.o));
  const { normed: hNormed, y: b } = build.norm(`blk.${layer}.ffn_norm.weight`, h);
  const gate = build.linear(layer, 'ffn_gate', b);
  const up = build.linear(layer, 'ffn_up', b);
  const act = f.ggml_swiglu_split(c, gate, up);
  return { x, normed, a, q, k, attended, h, hNormed, b, gate, up, act };
}

/** Output of the block. */
export function output(build: BlockBuilder, layer: number, s: Saved): Pointer {
  return build.add(build.f.ggml_add(build.c, s.h, build.linear(layer, 'ffn_down', s.act)));
}

/** Gradient of the block's input, given that of its output. */
export function backward(build: BlockBuilder, layer: number, s: Saved, gy: Pointer): Pointer {
  const { f, c } = build;
  const gAct = build.linearBack(layer, 'ffn_down', s.act, gy);
  const gUp = f.ggml_mul(c, gAct, f.ggml_silu(c, s.gate));
  const gGate = f.ggml_silu_back(c, f.ggml_mul(c, gAct, s.up), s.gate);
  const gb = f.ggml_add(c, build.linearBack(layer, 'ffn_gate', s.b, gGate), build.linearBack(layer, 'ffn_up', s.b, gUp));
  const gh = f.ggml_add(c, gy, build.normBack(`blk.${layer}.ffn_norm.weight`, s.h, s.hNormed, gb));
  const { gq, gk, gv } = attentionBack(build, s.attended, build.linearBack(layer, 'attn_output', s.attended.o, gh));
  const gqk = f.ggml_add(c, build.turnedBack(layer, 'attn_q', s.a, s.q, gq), build.turnedBack(layer, 'attn_k', s.a, s.k, gk));
  const ga = f.ggml_add(c, gqk, build.linearBack(layer, 'attn_v', s.a, gv));
  return build.add(f.ggml_add(c, gh, build.normBack(`blk.${layer}.attn_norm.weight`, s.x, s.normed, ga)));
}
