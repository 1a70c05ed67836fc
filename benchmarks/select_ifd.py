"""Does the conditional ratio of a small model find the rows that a large one chose by it?

Li et al. (2024) kept the 5 % of Alpaca with the highest ratio under a 7B model: how often is one of theirs above a
random Alpaca row under SmolLM2 and under the cache model of words, before and after the adjustment for length?

    .venv/bin/python benchmarks/select_ifd.py [--data ../shared/data] [--rows 60]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import time
from types import SimpleNamespace

import numpy as np

from syngain.data import read
from syngain.selection.conditional import CacheModel, ConditionalRatio, LanguageModel


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--rows", type=int, default=60)
    given = parser.parse_args()
    anchors = read(f"{given.data}/self_instruct_seed_tasks.jsonl.gz")
    rng = np.random.default_rng(0)
    prompts, texts = [], []
    for name in ("alpaca_random_9k", "alpaca_cherry_5pct"):
        rows = read(f"{given.data}/{name}.jsonl.gz", like=anchors)
        rows = rows.take(rng.permutation(len(rows))[: given.rows].tolist())
        prompts += rows.sides["prompt"]
        texts += rows.sides["response"]
    sides = {"anchor_prompts": list(anchors.sides["prompt"]), "anchor_texts": list(anchors.sides["response"])}
    candidates = SimpleNamespace(prompts=prompts, texts=texts, **sides)
    for judge in (LanguageModel("smollm2"), CacheModel()):
        before = time.process_time()
        found = judge.surprisals(candidates)
        adjusted = ConditionalRatio(judge).rank(candidates, given.rows, rng).score
        values = {"ratio": found.after / found.before, "adjusted": adjusted, "length alone": found.length}
        shown = ", ".join(f"{name} {chance(value, given.rows):.3f}" for name, value in values.items())
        seconds = time.process_time() - before
        print(f"{type(judge).__name__}: a chosen row is above a random one: {shown} ({seconds:.0f} s of CPU)")


def chance(value, rows):
    random, chosen = value[None, :rows], value[rows:, None]
    return np.mean((chosen > random) + 0.5 * (chosen == random))


if __name__ == "__main__":
    main()
