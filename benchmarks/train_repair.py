"""Repair of pattern overfitting on SmolLM2: 200 short Alpaca rows that all open with one sentence, 175 human rows.

Judged on the first rows of a random order of the 252 user instructions. The set is made here: the responses are those
of Alpaca with the sentence before them. Needs `pip install 'syngain[train]'` and `syngain models add smollm2`.

    .venv/bin/python benchmarks/train_repair.py [--seeds 3] [--rows 48] [--folder DIR] [--fresh]

A run that was stopped goes on with what is in the folder; --fresh starts anew.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from syngain.core import SyngainError
from syngain.data import read
from syngain.learners.causal import CausalProxy
from syngain.training.repair.treatment import Treatment
from syngain.workflows.train.repair import RepairSettings, repair, repair_table

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SENTENCE = "Certainly! I would be happy to help you with that. "
MOST_LETTERS, LEAST_ANSWER = 120, 8  # of prompt and response together, of the response


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--synthetic", type=int, default=200)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repair-steps", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=48)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=12)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--max-tokens", type=int, default=96)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "syngain-train-repair")
    parser.add_argument("--fresh", action="store_true")
    return parser.parse_args()


def templated(alpaca, count: int):
    """Short rows of Alpaca, each response behind the sentence."""
    (asked, prompts), (said, responses) = alpaca.sides.items()
    lengths = [
        (len(prompt) + len(response), len(response)) for prompt, response in zip(prompts, responses, strict=True)
    ]
    short = [i for i, (both, own) in enumerate(lengths) if both <= MOST_LETTERS and own >= LEAST_ANSWER]
    rows = alpaca.take(sorted(np.random.default_rng(0).choice(short, count, replace=False).tolist()))
    return replace(rows, sides={asked: rows.sides[asked], said: [SENTENCE + text for text in rows.sides[said]]})


def main() -> None:
    options = arguments()
    real = read(SHARED / "self_instruct_seed_tasks.jsonl.gz")
    test = read(SHARED / "self_instruct_user252.jsonl.gz", like=real)
    alpaca = read(SHARED / "alpaca_random_9k.jsonl.gz", like=real)
    started = time.monotonic()

    def told(stage: str, done: float) -> None:
        cpu = sum(os.times()[:2])
        print(f"{time.monotonic() - started:7.1f} s, {cpu:7.1f} s CPU {done:4.0%} {stage}", flush=True)

    result = repair(
        real,
        templated(alpaca, options.synthetic),
        test=test,
        folder=options.folder,
        settings=RepairSettings(
            model=CausalProxy(rates=(options.rate,), batch=options.batch, max_tokens=options.max_tokens),
            steps=options.steps,
            repair_steps=options.repair_steps,
            seeds=options.seeds,
            treatment=Treatment(rows=options.rows, prompts=options.prompts, tokens=options.tokens),
        ),
        resume=not options.fresh,
        progress=told,
    )
    for line in repair_table(result):
        print(" | ".join(line))
    for name, estimate in result.estimates.items():
        if name.startswith("repair."):
            (low, high), (lower, upper) = estimate.interval(0.90), estimate.interval(0.95)
            ends = f"90 %: {low:.3f}, {high:.3f}; 95 %: {lower:.3f}, {upper:.3f}"
            print(f"{name:25s} {estimate.value:+.3f} ({ends}) {estimate.unit}, n = {estimate.n}")
    print(result.verdict.sentence)
    for heading, text in result.views.computed:
        print(f"{heading}: {text}")


if __name__ == "__main__":
    try:
        main()
    except SyngainError as error:
        sys.exit(str(error))
