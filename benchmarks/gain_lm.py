"""The gain of random Alpaca rows for SmolLM2 that also has 175 human instructions, measured on 252 expert-written ones.

Needs `pip install 'syngain[local]'` and `syngain models add smollm2`. Prints the plan, the estimates and the seconds.

    .venv/bin/python benchmarks/gain_lm.py [--minutes 30] [--synthetic 1000] [--dtype float32] [--resume]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from syngain.core import SyngainError
from syngain.data import read
from syngain.data.study import Study
from syngain.learners.causal import CausalProxy
from syngain.training.student import StudentSettings, language_gain

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--synthetic", type=int, default=1000)
    parser.add_argument("--dtype", default=CausalProxy().dtype)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "syngain-gain-lm")
    parser.add_argument("--resume", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    real = read(SHARED / "self_instruct_seed_tasks.jsonl.gz")
    test = read(SHARED / "self_instruct_user252.jsonl.gz", like=real)
    alpaca = read(SHARED / "alpaca_random_9k.jsonl.gz", like=real)
    chosen = np.random.default_rng(0).choice(len(alpaca), options.synthetic, replace=False)
    started = time.monotonic()

    def told(stage: str, done: float) -> None:
        print(f"{time.monotonic() - started:7.1f} s {done:4.0%} {stage}", flush=True)

    found = language_gain(
        Study.of(real, alpaca.take(sorted(chosen.tolist())), test=test),
        folder=options.folder,
        settings=StudentSettings(proxy=CausalProxy(dtype=options.dtype), minutes=options.minutes),
        seed=options.seed,
        progress=told,
        resume=options.resume,
    )
    for arm in found.steps:
        print(f"{arm:10s} kept steps {found.steps[arm]} at rates {found.rates[arm]}")
    for name, estimate in found.estimates.items():
        low, high = estimate.interval(0.95)
        print(f"{name:35s} {estimate.value:+.4f} ({low:+.4f}, {high:+.4f}) {estimate.unit}, n = {estimate.n}")
        if name == "gain.kl_gap.test":
            print(f"  marks: {', '.join(estimate.marks) or 'none'}")
    for note in found.notes:
        print(f"note: {note}")
    print(f"{found.seconds:.0f} seconds of {60 * options.minutes:.0f}")


if __name__ == "__main__":
    try:
        main()
    except SyngainError as error:
        sys.exit(str(error))
