"""CPU seconds of `gain` in the standard and in the quick setting: 500 anchors, 5,000 rows, 13 classes.

Anchors and GPT-4 rows of parrot's crowdflower (13 emotions), the rows filled up to 5,000 from Llama's.

    .venv/bin/python benchmarks/gain_costs.py [--data ../shared/data]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time

from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.study import Study
from syngain.workflows.evaluate.gain import GainSettings, gain_part


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--anchors", type=int, default=500)
    parser.add_argument("--rows", type=int, default=5_000)
    given = parser.parse_args()
    path = f"{given.data}/parrot_crowdflower.jsonl.gz"
    anchors = read(path, where={"split": "anchor"})
    rows = read(f"{path}::split=syn_gpt-4,syn_llama-2-70b", like=anchors)
    anchors, rows = anchors.take(range(given.anchors)), rows.take(range(min(given.rows, len(rows))))
    classes = len(set(anchors.labels) | set(rows.labels))
    print(f"{len(anchors):,} anchors, {len(rows):,} rows, {classes} classes")
    for quick in (False, True):
        started, before = time.perf_counter(), time.process_time()
        part = gain_part(Study.of(anchors, rows), streams=Streams(0), settings=GainSettings(quick=quick))
        cpu, wall = time.process_time() - before, time.perf_counter() - started
        estimate = part.estimates["gain.log_loss"]
        low, high = estimate.interval(0.9)
        print(
            f"{'quick' if quick else 'standard'}: {cpu:.0f} s CPU ({wall:.0f} s); {len(part.estimates)} estimates; "
            f"log-loss {estimate.value:+.3f} ({low:+.3f}, {high:+.3f}); {part.verdict.sentence}"
        )


if __name__ == "__main__":
    main()
