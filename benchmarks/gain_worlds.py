"""Coverage of the gain's intervals in worlds that know the true gain, and the errors of the equivalence verdict.

python benchmarks/gain_worlds.py [--worlds 500] [--sizes 30,100,300] [--null 100] [--workers 2]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from syngain.lab.worlds.gain_worlds import KINDS, GainWorld, trial

SIZES = "30,100,300"


def one(job):
    kind, anchors, seed = job
    return trial(GainWorld(kind=kind, anchors=anchors), seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=500)
    parser.add_argument("--sizes", default=SIZES)
    parser.add_argument("--null", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers) as pool:
        for anchors in map(int, given.sizes.split(",")):
            started = time.perf_counter()
            jobs = [(KINDS[seed % len(KINDS)], anchors, seed) for seed in range(given.worlds)]
            found = list(pool.map(one, jobs, chunksize=5))
            report(anchors, jobs, found)
            print(f"  {time.perf_counter() - started:.0f} s", flush=True)
        if given.null:
            found = list(pool.map(one, [("null", 100, seed) for seed in range(given.null)], chunksize=5))
            for metric in ("log_loss", "accuracy", "macro_f1"):
                held = sum(item.interval[metric][0] <= 0 <= item.interval[metric][1] for item in found)
                truth = np.mean([item.truth[metric] for item in found])
                print(
                    f"null worlds, {metric}: 90 % intervals hold 0 in {held} of {given.null} (true gain {truth:+.4f})"
                )


def report(anchors, jobs, found):
    for metric in ("log_loss", "accuracy", "macro_f1"):
        held = np.array([item.covers(metric) for item in found])
        bias = np.mean([item.value[metric] - item.truth[metric] for item in found])
        kinds = np.array([kind for kind, _, _ in jobs])
        each = ", ".join(f"{kind} {held[kinds == kind].mean():.2f}" for kind in KINDS)
        print(f"n = {anchors} {metric}: covers {held.mean():.3f} of {held.size} (bias {bias:+.4f}; {each})")
    wrong = np.array([item.wrong for item in found])
    said = [item.effect for item in found]
    counts = ", ".join(f"{name} {said.count(name)}" for name in ("gain", "no_gain", "harm", "cannot_tell"))
    print(f"n = {anchors} verdict (log-loss, min-gain .01): wrong in {wrong.mean():.3f}; {counts}")


if __name__ == "__main__":
    main()
