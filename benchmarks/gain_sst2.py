"""Rows worth of SuperGen's rows: from a pool, and from 100 anchors alone, against the number measured on a test.

The 872 real rows are split into a pool of 400, of which 100 are the anchors, and a test of 472.

    python benchmarks/gain_sst2.py [--splits 20] [--data ../shared/data] [--workers 2]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import math
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from syngain.core.rng import Streams
from syngain.data import RoleOptions, read
from syngain.gain.curves.extrapolated import extrapolated_worth
from syngain.gain.curves.real_rows import CurveDesign, real_curve
from syngain.gain.curves.rows_worth import rows_worth
from syngain.gain.design.layout import GainLayout


def split(job):
    data, seed = job
    started = time.process_time()
    path = f"{data}/supergen_sst2.jsonl.gz"
    real = read(path, where={"split": "real_test"}, roles=RoleOptions(text="sentence"))
    rows = read(path, where={"split": "syn_supergen"}, roles=RoleOptions(text="text"), like=real)
    order = np.random.default_rng(seed).permutation(len(real)).tolist()
    anchors, pool, test = real.take(order[:100]), real.take(order[100:400]), real.take(order[400:])
    streams, design = Streams(seed), CurveDesign()
    found = []
    ground = GainLayout.of(anchors, rows, pool=pool, test=test)
    task = ground.label_task(streams)
    for judged in ("test", "pool"):
        curve = real_curve(task, ground, streams.child(judged), judged=judged, design=design)
        worth = rows_worth(curve.amounts, curve.curve, arm=curve.arm, anchors=curve.anchors, clusters=curve.cluster)
        found.append((worth.value, worth.low, worth.high))
    alone = real_curve(
        task, ground_alone(ground), streams.child("alone"), judged="anchors", design=CurveDesign(folds=10)
    )
    estimate = extrapolated_worth(alone, streams.stream("law"), folds=10)
    found.append((estimate.value, *estimate.interval(0.9)))
    return found, time.process_time() - started


def ground_alone(ground):
    """The same ground without its pool."""
    from dataclasses import replace

    return replace(ground, pool=ground.pool[:0])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with ProcessPoolExecutor(given.workers) as pool:
        cases = []
        for case in pool.map(split, [(given.data, seed) for seed in range(given.splits)]):
            cases.append(case)
            print(f"split {len(cases) - 1} done, {case[1]:.0f} s CPU", flush=True)
    overlaps = held = 0
    ratios = []
    for seed, ((direct, pooled, alone), seconds) in enumerate(cases):
        overlap = pooled[1] <= direct[2] and direct[1] <= pooled[2]
        inside = math.isnan(alone[0]) or alone[1] <= direct[0] <= alone[2]
        overlaps, held = overlaps + overlap, held + inside
        if all(math.isfinite(item[0]) and item[0] > 0 for item in (direct, pooled)):
            ratios.append(pooled[0] / direct[0])
        show = " | ".join(f"{value:7.0f} ({low:6.0f}, {high:6.0f})" for value, low, high in (direct, pooled, alone))
        print(f"split {seed:2d}: direct | pool | anchors alone: {show} {overlap} {inside} {seconds:.0f} s CPU")
    print(f"pool intervals overlap the direct one in {overlaps} of {len(cases)}")
    middle = np.median(ratios) if ratios else math.nan
    print(f"median ratio pool / direct over {len(ratios)} uncensored splits: {middle:.2f}")
    print(f"from 100 anchors alone the interval or a refusal holds the direct number in {held} of {len(cases)}")


if __name__ == "__main__":
    main()
