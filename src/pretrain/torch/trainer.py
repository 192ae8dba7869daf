"""Pre-training steps in PyTorch, driven over pipes by src/pretrain/torch/trainer.ts.

The same model, loss and optimisers as the embedded engine (docs/engine.md), for machines where PyTorch's
matrix products are faster. Frames on stdin, little-endian; answers on stdout.
  B rows length normaliser  ids targets weights  -> log-probabilities of the targets, [rows, length] F32
  S lr beta1 beta2 eps clip muonLr momentum decay -> one byte
  W                                               -> all weights, in the order of the header, F32
The first frame is a JSON header (int32 size, text): shape, threads, names and dimensions; then the initial weights.
"""

import json
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

stdin, stdout = sys.stdin.buffer, sys.stdout.buffer


def read(count):
    data = stdin.read(count)
    if len(data) != count:
        sys.exit(0)
    return data


def floats(count):
    return torch.from_numpy(np.frombuffer(read(4 * count), dtype="<f4").copy())


def ints(count):
    return torch.from_numpy(np.frombuffer(read(4 * count), dtype="<i4").astype(np.int64))


header = json.loads(read(struct.unpack("<i", read(4))[0]))
shape = header["shape"]
torch.set_num_threads(header["threads"])
heads, head_width = shape["heads"], shape["headWidth"]
W = {}
for name, dims in header["tensors"]:
    # GGUF names the fastest dimension first.
    size = int(np.prod(dims))
    W[name] = torch.nn.Parameter(floats(size).view(*reversed(dims)))

angles = torch.outer(
    torch.arange(shape["context"]).float(),
    shape["ropeBase"] ** (-torch.arange(0, head_width, 2).float() / head_width),
)
COS, SIN = angles.cos(), angles.sin()


def rope(x):
    """Rotates neighbouring pairs, as the llama architecture of GGUF does. x: [rows, heads, length, head_width]."""
    even, odd = x[..., 0::2], x[..., 1::2]
    cos, sin = COS[: x.shape[2]], SIN[: x.shape[2]]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], -1).flatten(-2)


def forward(ids):
    rows, length = ids.shape
    norm = lambda x, name: F.rms_norm(x, (shape["width"],), W[name], shape["epsilon"])
    split = lambda x: x.view(rows, length, heads, head_width).transpose(1, 2)
    x = F.embedding(ids, W["token_embd.weight"])
    for i in range(shape["layers"]):
        w = lambda part: W[f"blk.{i}.{part}.weight"]
        a = norm(x, f"blk.{i}.attn_norm.weight")
        q, k, v = (split(F.linear(a, w(part))) for part in ("attn_q", "attn_k", "attn_v"))
        y = F.scaled_dot_product_attention(rope(q), rope(k), v, is_causal=True)
        x = x + F.linear(y.transpose(1, 2).reshape(rows, length, -1), w("attn_output"))
        b = norm(x, f"blk.{i}.ffn_norm.weight")
        x = x + F.linear(F.silu(F.linear(b, w("ffn_gate"))) * F.linear(b, w("ffn_up")), w("ffn_down"))
    return F.linear(norm(x, "output_norm.weight"), W["token_embd.weight"])


matrices = [p for n, p in W.items() if p.ndim == 2 and n.startswith("blk.")]
others = [p for n, p in W.items() if not (p.ndim == 2 and n.startswith("blk."))]
adam = torch.optim.AdamW(others, lr=0.0, weight_decay=0.0)
momenta = [torch.zeros_like(p) for p in matrices]


@torch.no_grad()
def muon(lr, momentum, decay):
    for p, m in zip(matrices, momenta):
        m.lerp_(p.grad, 1 - momentum)
        x = p.grad.lerp(m, momentum)
        tall = x.shape[0] > x.shape[1]
        x = x.T if tall else x
        x = x / (x.norm() + 1e-7)
        for _ in range(5):  # Newton-Schulz
            a = x @ x.T
            x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
        p.mul_(1 - lr * decay)
        p.add_(x.T if tall else x, alpha=-lr * max(1.0, p.shape[0] / p.shape[1]) ** 0.5)
        p.grad = None


while True:
    frame = read(1)
    if frame == b"B":
        rows, length, normaliser = struct.unpack("<iif", read(12))
        ids, targets = ints(rows * length).view(rows, length), ints(rows * length)
        weights = floats(rows * length)
        logp = -F.cross_entropy(forward(ids).flatten(0, 1), targets, reduction="none")
        (-(logp * weights).sum() / normaliser).backward()
        stdout.write(logp.detach().numpy().astype("<f4").tobytes())
    elif frame == b"S":
        lr, beta1, beta2, eps, clip, muon_lr, momentum, decay = struct.unpack("<8f", read(32))
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(others, clip)
        adam.param_groups[0].update(lr=lr, betas=(beta1, beta2), eps=eps)
        adam.step()
        adam.zero_grad()
        muon(muon_lr, momentum, decay)
        stdout.write(b"k")
    elif frame == b"W":
        for name, _ in header["tensors"]:
            stdout.write(W[name].detach().numpy().astype("<f4").tobytes())
    stdout.flush()
