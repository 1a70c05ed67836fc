"""What rows of one template cost on other kinds of rows, and what each repair does: SmolLM2, 7 CPU minutes a seed.

    python benchmarks/train_retention.py [--seeds 3] --folder DIR

175 human instructions, 200 Alpaca rows that all open alike (`train_repair.py`), 252 user instructions as test, 90 short
GSM8K problems as rows of another kind. Settings were fixed before the first run. Finished arms are kept in DIR.
Needs `syngain models add smollm2`, `syngain[train]` and the shared data.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np
from train_repair import SHARED, templated

from syngain import report
from syngain.data import read
from syngain.learners.causal import CausalProxy
from syngain.training.repair.treatment import Treatment
from syngain.workflows.train.repair import RepairSettings, repair, repair_table

ROWS, OTHERS, LONGEST = 200, 90, 260  # templated rows, rows of another kind, letters of one
TREATMENT = Treatment(rows=24, prompts=8, tokens=8, checks=3)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, required=True)
    chosen = parser.parse_args()
    real = read(SHARED / "self_instruct_seed_tasks.jsonl.gz")
    test, alpaca, others = (
        read(SHARED / f"{name}.jsonl.gz", like=real)
        for name in ("self_instruct_user252", "alpaca_random_9k", "gsm8k_train")
    )
    short = [
        row for row, parts in enumerate(zip(*others.sides.values(), strict=True)) if sum(map(len, parts)) <= LONGEST
    ]
    others = others.take(sorted(np.random.default_rng(0).choice(short, OTHERS, replace=False).tolist()))
    begun = time.monotonic()

    def told(stage, done):
        print(f"{time.monotonic() - begun:7.1f} s, {sum(os.times()[:2]):7.1f} CPU s [{done:4.0%}] {stage}", flush=True)

    model = CausalProxy(rates=(1e-3,), batch=4, max_tokens=96)
    settings = RepairSettings(model=model, steps=16, repair_steps=8, seeds=chosen.seeds, treatment=TREATMENT)
    result = repair(
        real, templated(alpaca, ROWS), test=test, retain=others, folder=chosen.folder, settings=settings, resume=True,
        progress=told,
    )  # fmt: skip
    for line in repair_table(result):
        print(" | ".join(line))
    for name, item in result.estimates.items():
        if name.startswith(("repair.", "retain.")):
            low, high = item.interval(0.9)
            print(f"{name} {item.value:+.3f} ({low:+.3f}, {high:+.3f}), {item.n} rows")
    print(result.verdict.sentence, f"{sum(os.times()[:2]):.0f} CPU s", sep="\n")
    report.write(result, chosen.folder / "report", force=True)


if __name__ == "__main__":
    main()
