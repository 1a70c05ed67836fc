"""Mixtures of 17 domains: fit on runs of 1M parameters, predict the order of 256 runs of 60M by their Pile-CC loss.

With all 512 runs, and with 128 and 64 of them (seeded), where an optimum may be refused.

python benchmarks/mix_regmix.py [--runs 512 128 64] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import tempfile
import time
from pathlib import Path

import numpy as np

import syngain

LOSS = "metric/the_pile_pile_cc_val_loss"


def part(path, rows, folder):
    lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    out = folder / Path(path).name
    out.write_text("".join([lines[0], *(lines[1 + row] for row in rows)]), encoding="utf-8")
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", nargs="+", type=int, default=[512, 128, 64])
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    given = parser.parse_args()
    folder = Path(given.data) / "regmix"
    tables = {name: folder / f"{name}.csv" for name in ("train_mixture_1m", "train_pile_loss_1m")}
    tests = [folder / f"test_{name}_60m.csv" for name in ("mixture", "pile_loss")]
    for runs in given.runs:
        started = time.process_time()
        with tempfile.TemporaryDirectory() as name:
            rows = np.sort(np.random.default_rng(0).permutation(512)[:runs])
            mixtures, losses = (part(path, rows, Path(name)) for path in tables.values())
            found = syngain.mix_runs(mixtures, losses, LOSS, test_mixtures=tests[0], test_losses=tests[1])
        for key in ("mix.rank_correlation", "mix.rank_correlation@test", "mix.error"):
            one = found.result.estimates[key]
            low, high = one.interval(0.95)
            print(f"{runs} runs: {key} {one.value:.4f} [{low:.4f}, {high:.4f}]")
        print(f"{found.result.verdict.decision}: {found.result.verdict.sentence}")
        print(f"CPU {time.process_time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
