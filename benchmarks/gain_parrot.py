"""Forecast against measured gain on parrot: 3 tasks x 2 generators x resamples of 80 % of the anchors, test fixed.

python benchmarks/gain_parrot.py [--resamples 20] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from syngain.core.rng import Streams
from syngain.data import match_sources, read
from syngain.gain.design.cross_validation import Design, experiment
from syngain.gain.design.layout import GainLayout
from syngain.gain.forecast import Forecaster
from syngain.gain.on_test import measured
from syngain.gain.proxies.metrics import LABEL_METRICS

TASKS = ("hypo-l", "questionintimacy", "crowdflower")
GENERATORS = ("syn_gpt-4", "syn_llama-2-70b")


def case(job):
    data, name, generator, seed = job
    started = time.process_time()
    path = f"{data}/parrot_{name}.jsonl.gz"
    anchors = read(path, where={"split": "anchor"})
    rows = read(path, where={"split": generator}, like=anchors)
    test = read(path, where={"split": "real_test"}, like=anchors)
    rng = np.random.default_rng([seed, len(name)])
    kept = np.sort(rng.permutation(len(anchors))[: round(0.8 * len(anchors))])
    source, _ = match_sources(rows, anchors)
    ground = GainLayout.of(anchors.take(kept), rows.take(np.flatnonzero(np.isin(source, kept))), test=test)
    streams = Streams(seed)
    task = ground.label_task(streams)
    design = Design(repeats=2, amounts=1, controls=False, balanced=False)
    found = experiment(task, ground.lineage, streams, design=design)
    weight = np.ones(ground.anchors.size)
    forecast = Forecaster(found, ground.anchor_labels, weight, len(ground.synthetic), (), ground.test.size)
    real = measured(task, ground, streams)
    out = {"task": name, "generator": generator, "seed": seed, "anchors": len(kept), "rows": len(ground.synthetic)}
    for metric in LABEL_METRICS:
        expected = forecast.estimate(forecast.all_rows(metric), metric, "")
        raw = forecast.estimate(forecast.raw(metric), metric, "")
        truth = real.gain(metric)
        out[metric] = {
            "forecast": expected.value,
            "interval": expected.interval(0.9),
            "raw": raw.value,
            "raw_interval": raw.interval(0.9),
            "measured": truth.value,
            "measured_interval": truth.interval(0.9),
        }
    out["cpu"] = time.process_time() - started
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--resamples", type=int, default=20)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    jobs = [(given.data, t, g, s) for s in range(given.resamples) for t in TASKS for g in GENERATORS]
    with ProcessPoolExecutor(given.workers) as pool:
        cases = []
        for found in pool.map(case, jobs):
            cases.append(found)
            if given.out:
                with given.out.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(found) + "\n")
    for metric in LABEL_METRICS:
        print(f"\n{metric}: forecast against measured")
        for name in TASKS:
            for generator in GENERATORS:
                line(
                    [c for c in cases if c["task"] == name and c["generator"] == generator],
                    metric,
                    f"{name} {generator}",
                )
        line(cases, metric, "all")
    print(f"\nCPU seconds per case: median {np.median([c['cpu'] for c in cases]):.1f}")


def line(cases, metric, title):
    part = [c[metric] for c in cases]
    held = [c["interval"][0] <= c["measured"] <= c["interval"][1] for c in part]
    ratio = [np.ptp(c["interval"]) / np.ptp(c["measured_interval"]) for c in part]
    error, raw = (np.mean([abs(c[k] - c["measured"]) for c in part]) for k in ("forecast", "raw"))
    raw_held = [c["raw_interval"][0] <= c["measured"] <= c["raw_interval"][1] for c in part]
    mean = [np.mean([c[k] for c in part]) for k in ("measured", "forecast", "raw")]
    print(
        f"{title:34s} held {sum(held)}/{len(held)} width ratio {np.median(ratio):.2f} | measured {mean[0]:+.4f} "
        f"forecast {mean[1]:+.4f} raw {mean[2]:+.4f} | error {error:.4f} raw {raw:.4f} raw held {sum(raw_held)}"
    )


if __name__ == "__main__":
    main()
