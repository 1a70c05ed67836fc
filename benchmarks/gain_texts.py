"""The n-gram proxy's gain: GSM8K solutions of four generators, Alpaca subsets over seed instructions.

Anchors: 300 of GSM8K's worked answers, test 1,000 others; each generator's solutions as they are, and the correct ones.
Anchors: the 175 human seed instructions, test the 252 expert-written ones; Alpaca rows by random, Claude, IFD.

    .venv/bin/python benchmarks/gain_texts.py [--data ../shared/data]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time

import numpy as np

from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.study import Study
from syngain.workflows.evaluate.gain import GainSettings, gain_part

ALPACA = ("alpaca_random_9k", "alpaca_claude_t45", "alpaca_cherry_5pct")
MOST = 2_000


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    given = parser.parse_args()
    real = read(f"{given.data}/gsm8k_train.jsonl.gz")
    order = np.random.default_rng(0).permutation(len(real)).tolist()
    anchors, test = real.take(order[:300]), real.take(order[300:1300])
    path = f"{given.data}/gsm8k_model_solutions_even.jsonl.gz"
    solutions = read(path, like=anchors)
    for name in sorted(set(solutions.generators)):
        own = [i for i, of in enumerate(solutions.generators) if of == name]
        right = [i for i in own if str(solutions.records[i]["is_correct"]).lower() in {"true", "1"}]
        show(f"GSM8K {name}", anchors, solutions.take(own), test)
        show(f"GSM8K {name}, correct", anchors, solutions.take(right), test)
    anchors = read(f"{given.data}/self_instruct_seed_tasks.jsonl.gz")
    test = read(f"{given.data}/self_instruct_user252.jsonl.gz", like=anchors)
    for name in ALPACA:
        rows = read(f"{given.data}/{name}.jsonl.gz", like=anchors)
        kept = np.random.default_rng(0).permutation(len(rows))[:MOST]
        show(f"{name}, {kept.size:,} of {len(rows):,}", anchors, rows.take(kept.tolist()), test)


def show(title, anchors, rows, test):
    before = time.process_time()
    part = gain_part(Study.of(anchors, rows, test=test), streams=Streams(0), settings=GainSettings(min_gain=0.005))
    found = []
    for name in ("gain.nats_per_byte", "gain.nats_per_byte.test", "gain.nats_per_byte@over_duplication_test"):
        low, high = part.estimates[name].interval(0.9)
        found.append(f"{part.estimates[name].value:+.4f} ({low:+.4f}, {high:+.4f})")
    seconds = time.process_time() - before
    print(
        f"{title} ({len(rows):,} rows): forecast {found[0]} | test {found[1]} | over "
        f"duplication {found[2]} | {seconds:.0f} s"
    )
    print(f"    {part.verdict.decision}: {part.verdict.sentence}", flush=True)


if __name__ == "__main__":
    main()
