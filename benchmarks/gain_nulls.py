"""Sets whose effect is known: duplicates, shuffled labels and more real rows of banking77; counterfactual reviews.

python benchmarks/gain_nulls.py [--data ../shared/data]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import time

import numpy as np

from syngain import gain, read
from syngain.data import Dataset

INTENTS = 12  # of the 77, the most frequent


def banking(data):
    pool = read(f"{data}/banking77_real.jsonl.gz", where={"split": "real_pool"})
    test = read(f"{data}/banking77_real.jsonl.gz", where={"split": "real_test"}, like=pool)
    names, counts = np.unique(list(pool.labels), return_counts=True)
    chosen = set(names[np.argsort(-counts, kind="stable")[:INTENTS]])
    rng = np.random.default_rng(0)
    rows = rng.permutation([i for i, label in enumerate(pool.labels) if label in chosen]).tolist()
    tested = test.take([i for i, label in enumerate(test.labels) if label in chosen])
    anchors, more, rest = pool.take(rows[:300]), pool.take(rows[300:800]), pool.take(rows[800:])
    shuffled = [dict(record) for record in more.records]
    for record, label in zip(shuffled, rng.permutation(list(more.labels)), strict=True):
        record["label"] = str(label)
    copies = anchors.take([row for row in range(300) for _ in range(2)])
    sets = {
        "duplicated anchors": copies,
        "shuffled labels": Dataset.from_rows(shuffled, "shuffled", like=anchors),
        "500 more real rows": more,
    }
    for name, rows in sets.items():
        started = time.process_time()
        result = gain(anchors, rows, test=tested, pool=rest, seed=0)
        print(f"\nbanking77, {INTENTS} intents, 300 anchors + {name}: {result.verdict.decision}")
        print(f"  {result.verdict.sentence}")
        keys = ("gain.log_loss", "gain.log_loss@over_duplication", "gain.log_loss@over_duplication_test")
        show(result, (*keys, "gain.log_loss.test", "gain.rows_worth", "gain.rows_worth@test", "gain.log_loss.pool"))
        found = ", ".join(finding.id for finding in result.findings) or "none"
        print(f"  findings: {found}; {time.process_time() - started:.0f} s CPU")


def reviews(data):
    path = f"{data}/cad_imdb.jsonl.gz"
    anchors = read(path, where={"split": "anchor_or_real_train"})
    revised = read(path, where={"split": "human_revised_train"}, like=anchors)
    for name in ("human_revised_test", "anchor_or_real_test"):
        started = time.process_time()
        test = read(path, where={"split": name}, like=anchors)
        result = gain(anchors, revised, test=test, seed=0)
        print(f"\ncad_imdb, revised reviews added, judged on {name}: {result.verdict.decision}")
        print(f"  {result.verdict.sentence}")
        show(result, [f"gain.{m}{t}" for m in ("log_loss", "accuracy") for t in ("", ".test")])
        print(f"  {time.process_time() - started:.0f} s CPU")


def show(result, names):
    for name in names:
        if name in result.estimates:
            estimate = result.estimates[name]
            low, high = estimate.interval(0.9)
            print(f"  {name}: {estimate.value:+.4f} (90 % {low:+.4f} to {high:+.4f}) {estimate.unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--only", choices=("banking", "reviews"))
    given = parser.parse_args()
    for name, part in {"banking": banking, "reviews": reviews}.items():
        if given.only in {None, name}:
            part(given.data)


if __name__ == "__main__":
    main()
