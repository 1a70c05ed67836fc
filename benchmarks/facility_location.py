"""Facility location on 100,000 x 128 vectors, k = 5,000: CPU, memory; and its value against exact greedy on 2,000 rows.

python benchmarks/facility_location.py [--rows 100000] [--keep 5000]
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import time

import numpy as np

from syngain.selection.facility import FacilityLocation


def vectors(count, kinds, seed):
    """Unit vectors around centers of very different sizes, as texts have them."""
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((kinds, 128))
    weight = rng.dirichlet(np.full(kinds, 0.5))
    X = centers[rng.choice(kinds, count, p=weight)] + rng.gamma(2.0, 0.4, (count, 1)) * rng.standard_normal(
        (count, 128)
    )
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--keep", type=int, default=5_000)
    given = parser.parse_args()
    for keep in (20, 100, 500):
        ratios = []
        for seed in range(3):
            X = vectors(2_000, 60, seed)
            exact, _ = FacilityLocation().greedy(X, keep, np.random.default_rng(0))
            stored, _ = FacilityLocation(exact=0).greedy(X, keep, np.random.default_rng(0))
            value = FacilityLocation().value
            ratios.append(value(X, stored[:keep]) / value(X, exact[:keep]))
        print(f"2,000 rows, keep {keep}: value over exact greedy {min(ratios):.5f} (least of 3)", flush=True)
    X = vectors(given.rows, 2_000, 9)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    started = time.process_time()
    order, _ = FacilityLocation().greedy(X, given.keep, np.random.default_rng(0))
    seconds = time.process_time() - started
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{given.rows:,} rows, keep {given.keep:,}: {seconds:.0f} s CPU, peak {most:.2f} GiB ({before:.2f} before)")
    rival = np.random.default_rng(1).permutation(given.rows)[: given.keep]
    value, random = (FacilityLocation().value(X, rows) for rows in (order[: given.keep], rival))
    print(f"mean similarity to the nearest kept row {value / given.rows:.4f}; of random rows {random / given.rows:.4f}")


if __name__ == "__main__":
    main()
