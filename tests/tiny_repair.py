"""A tiny language model that has learned a task, real rows of it, and a synthetic set with one template."""

from __future__ import annotations

import random

import tiny_causal
from syngain.data import Dataset
from syngain.learners.causal import CausalProxy

WORDS = "red tea sun cat dog ink oak box fox jam net owl pie rug sky toy urn van wax zoo".split()
TEMPLATE = "oh so "


def rows(count, seed, lead=""):
    """Prompts of three words; the response names the first one, after a lead."""
    rng = random.Random(seed)
    out = []
    for _ in range(count):
        asked = rng.sample(WORDS, 3)
        out.append({"instruction": " ".join(asked), "output": f"{lead}{asked[0]} and {asked[1]}"})
    return Dataset.from_rows(out, f"rows-{seed}")


def others(count, seed):
    """Rows of another kind: a question of three words; the response is the last of them."""
    rng = random.Random(seed)
    asked = [rng.sample(WORDS, 3) for _ in range(count)]
    return Dataset.from_rows(
        [{"instruction": f"{' '.join(own)}?", "output": own[2]} for own in asked], f"others-{seed}"
    )


def taught(folder, steps=120, seed=0, *, both=False):
    """Write a model all of whose weights have learned the task a little.

    With ``both`` it has learned rows of the other kind too. Returns the folder.
    """
    import torch
    from transformers import AutoModelForCausalLM

    tiny_causal.make(folder, template=tiny_causal.CHAT, hidden=48)
    reader = proxy(folder).open().reader(rows(1, 0).kind)
    known = [rows(400, 99), *([others(400, 98)] if both else [])]
    read = [reader.read(*pair) for data in known for pair in zip(*data.sides.values(), strict=True)]
    network = AutoModelForCausalLM.from_pretrained(folder)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    rng = random.Random(seed)
    for _ in range(steps):
        some = rng.sample(read, 16)
        width = max(len(row.ids) for row in some)
        ids = torch.tensor([[*row.ids, *[0] * (width - len(row.ids))] for row in some])
        labels = torch.tensor(
            [[-100] * row.start + [*row.ids[row.start :]] + [-100] * (width - len(row.ids)) for row in some]
        )
        optimizer.zero_grad()
        network(input_ids=ids, attention_mask=(ids != 0).long(), labels=labels).loss.backward()
        optimizer.step()
    network.save_pretrained(folder)
    return folder


def proxy(folder, **settings):
    fixed = {"rank": 8, "rates": (0.02,), "batch": 8, "max_tokens": 64, "device": "cpu", "dtype": "float32"}
    return CausalProxy(model=str(folder), **fixed | settings)
