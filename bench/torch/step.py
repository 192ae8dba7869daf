"""One reinforcement-learning step of transformers + PEFT on a model of SmolLM2-135M's shape, and plain training: the other side of bench/training.ts.

    python bench/torch/step.py rl|train [--threads 2] [--repeats 3]

Random weights: only shapes matter for time. Prints one JSON object a line: CPU-seconds of each part, tokens, peak memory.
Needs `pip install torch transformers peft`.
"""
import argparse
import json
import resource
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

PROMPTS, ROLLOUTS, PROMPT, NEW = 16, 4, 64, 64
LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def build():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
        num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0, rms_norm_eps=1e-5, tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    return get_peft_model(model, LoraConfig(r=16, lora_alpha=32, target_modules=LINEARS, lora_dropout=0.0))


def logprobs(model, tokens, first):
    """Log-probabilities of tokens[:, first:], logits of those positions only."""
    logits = model(input_ids=tokens, logits_to_keep=tokens.shape[1] - first + 1).logits[:, :-1]
    return torch.log_softmax(logits.float(), -1).gather(2, tokens[:, first:, None])[..., 0]


class Clock:
    def __init__(self):
        self.parts = {}
        self.last = time.process_time()

    def lap(self, name):
        now = time.process_time()
        self.parts[name] = round(self.parts.get(name, 0) + now - self.last, 2)
        self.last = now


def rl_step(model, optimiser):
    """Generate, old log-probabilities, forward and backward in micro-batches of 16 sequences, AdamW: what TRL's GRPO trainer does with its default settings."""
    clock = Clock()
    prompts = torch.randint(5, 49152, (PROMPTS, PROMPT)).repeat_interleave(ROLLOUTS, 0)
    model.eval()
    with torch.no_grad():
        tokens = model.generate(
            input_ids=prompts, attention_mask=torch.ones_like(prompts), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
            min_new_tokens=NEW, max_new_tokens=NEW, pad_token_id=0,
        )
    clock.lap("generate")
    with torch.no_grad():
        old = torch.cat([logprobs(model, part, PROMPT) for part in tokens.split(16)])
    clock.lap("old_logprobs")
    model.train()
    advantages = torch.randn(len(tokens), 1)
    for part, old_part, advantage in zip(tokens.split(16), old.split(16), advantages.split(16)):
        ratio = torch.exp(logprobs(model, part, PROMPT) - old_part)
        (-(ratio * advantage).sum() / (len(tokens) * NEW)).backward()
    clock.lap("train")
    optimiser.step()
    optimiser.zero_grad()
    clock.lap("optimiser")
    return clock.parts


def train_step(model, optimiser):
    """512 tokens, all of them targets."""
    clock = Clock()
    tokens = torch.randint(5, 49152, (4, 129))
    (-logprobs(model, tokens, 1).mean()).backward()
    clock.lap("train")
    optimiser.step()
    optimiser.zero_grad()
    clock.lap("optimiser")
    return clock.parts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=["rl", "train"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = build()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    step = rl_step if args.task == "rl" else train_step
    for _ in range(args.repeats):
        parts = step(model, optimiser)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps({**parts, "total": round(sum(parts.values()), 2), "peakMb": peak}), flush=True)


main()
