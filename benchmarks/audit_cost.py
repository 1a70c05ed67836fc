"""CPU seconds of an audit of many pairs: halves of public instructions and answers, recombined.

SYNGAIN_DATA=../shared/data PYTHONPATH=CHECKOUT/src python benchmarks/audit_cost.py REAL SYNTHETIC

Two numbers of rows, for example 5000 100000; run it for two checkouts one after another, and compare their ratio.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

import syngain
from syngain.data.dataset import Dataset

FILES = ("alpaca_random_9k", "alpaca_cherry_5pct", "alpaca_claude_t45", "gsm8k_train")


def half(text, *, first):
    words = text.split(" ")
    middle = len(words) // 2
    return " ".join(words[:middle] if first else words[middle:])


def recombined(number, rng):
    folder = Path(os.environ.get("SYNGAIN_DATA", "../shared/data"))
    read = [syngain.read(folder / f"{name}.jsonl.gz") for name in FILES]
    pairs = [pair for one in read for pair in zip(one.sides["prompt"], one.sides["response"], strict=True)]
    rows = []
    for i in range(number):
        a, b = rng.integers(len(pairs), size=2)
        prompt, response = (
            pairs[i]
            if i < len(pairs)
            else (
                f"{half(one, first=True)} {half(other, first=False)}"
                for one, other in zip(pairs[a], pairs[b], strict=True)
            )
        )
        rows.append({"prompt": prompt, "completion": response})
    return [rows[i] for i in rng.permutation(number)]


def main():
    real, synthetic = map(int, sys.argv[1:3])
    rows = recombined(real + synthetic, np.random.default_rng(0))
    sets = Dataset.from_rows(rows[:real], "real"), Dataset.from_rows(rows[real:], "synthetic")
    start = time.process_time()
    syngain.audit(*sets, gain=False)
    print(f"{Path(syngain.__file__).parent}: {real:,} x {synthetic:,} rows, {time.process_time() - start:.1f} CPU s")


if __name__ == "__main__":
    main()
