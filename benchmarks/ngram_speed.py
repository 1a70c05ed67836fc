"""How fast the n-gram proxy learns and scores, and what held-out real text costs it, next to plain references.

Prints MB/s of fit and of scoring the same rows again, then nats per byte (the end of a text included) on 500 rows that
were not learned: the proxy, byte frequencies alone, and zlib and lzma on the same bytes after as much of the training
text as they can see.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/ngram_speed.py [--rows 6000] [--repeat 3] [--arms 20]
"""

from __future__ import annotations

import argparse
import lzma
import math
import os
import time
import zlib
from pathlib import Path

import numpy as np

from syngain.data import read
from syngain.gain.proxies.task import Training
from syngain.gain.proxies.texts import TextTask
from syngain.learners.ngram import NgramModel

SHARED = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
TEST = 500


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--arms", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def fastest(repeat, run):
    """The least seconds of several runs, and what the last one returned."""
    best = math.inf
    for _ in range(repeat):
        started = time.perf_counter()
        result = run()
        best = min(best, time.perf_counter() - started)
    return best, result


def compressed(compress, train, test):
    """Nats per byte that the test text adds behind the training text."""
    before, after = "\n".join(train).encode(), "\n".join([*train, *test]).encode()
    added = len(compress(after)) - len(compress(before))
    return added * 8 * math.log(2) / (len(after) - len(before))


def measure(name, rows, options):
    order = np.random.default_rng(options.seed).permutation(len(rows)).tolist()
    test, train = rows.take(order[:TEST]), rows.take(order[TEST : TEST + options.rows])
    said, asked = list(train.sides["response"]), list(train.sides["prompt"])
    size = sum(len(text.encode()) for text in said)
    fitting, fitted = fastest(options.repeat, lambda: NgramModel().fit(said, asked))
    scoring, _ = fastest(options.repeat, lambda: fitted.surprisal(said, asked))
    print(f"{name}: {len(train):,} rows, {size:,} bytes; {TEST} rows held out; discount {fitted.discount}")
    print(
        f"  fit {size / fitting / 1e6:.2f} MB/s, score {size / scoring / 1e6:.2f} MB/s, "
        f"both {size / (fitting + scoring) / 1e6:.2f} MB/s"
    )
    tested = list(test.sides["response"])
    for label, model in (
        ("order 7", NgramModel()),
        ("order 6", NgramModel(order=6)),
        ("order 5", NgramModel(order=5)),
        ("byte frequencies", NgramModel(order=1)),
    ):
        nats, counted = model.fit(said, asked).surprisal(tested, list(test.sides["prompt"]))
        print(f"  {nats.sum() / counted.sum():.4f} nats per byte: {label}")
    print(f"  {compressed(lambda data: zlib.compress(data, 9), said[-100:], tested[:20]):.4f} nats per byte: zlib")
    print(f"  {compressed(lambda data: lzma.compress(data, preset=9), said, tested):.4f} nats per byte: lzma")


def arms(rows, options):
    """Seconds of an arm of a text task: half of 1,000 real rows, half of the synthetic ones."""
    rng = np.random.default_rng(options.seed)
    started = time.perf_counter()
    task = TextTask.of(rows.take(range(1000)), rows.take(range(1000, 1000 + options.rows)))
    laid = time.perf_counter() - started
    judged = np.arange(1000)
    started = time.perf_counter()
    for _ in range(options.arms):
        real, synthetic = (np.sort(rng.permutation(n)[: n // 2]) for n in (1000, options.rows))
        task.judge(Training(real, synthetic), judged, rng)
    each = (time.perf_counter() - started) / options.arms
    size = int(task.grams.size.sum())
    print(f"text task of {task.grams.rows:,} rows, {size:,} bytes: index {laid:.2f} s, then {each:.3f} s per arm")


def main() -> None:
    options = arguments()
    alpaca, problems = read(SHARED / "alpaca_random_9k.jsonl.gz"), read(SHARED / "gsm8k_train.jsonl.gz")
    measure("alpaca_random_9k, responses", alpaca, options)
    measure("gsm8k_train, solutions", problems, options)
    arms(alpaca, options)


if __name__ == "__main__":
    main()
