"""Sets whose order is known, on parrot: GPT-4, Llama, the real pool, repeated anchors, GPT-4 with shuffled labels.

Shuffled labels must not be told ahead of anything, repeated anchors not ahead of any set of new rows, and the real pool
not behind anything; on log-loss with class weights, at equal size, by held-out anchors and by the real test.

python benchmarks/compare_parrot.py [--tasks hypo-l ...] [--seeds 1] [--judges anchors test] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time

import numpy as np

import syngain
from syngain.data.dataset import Dataset
from syngain.selection.matched_sets import Contest
from syngain.workflows.evaluate.compare import CompareSettings

TASKS = ("hypo-l", "questionintimacy", "crowdflower")


def sets_of(path, anchors, rng):
    splits = {"GPT-4": "syn_gpt-4", "Llama": "syn_llama-2-70b", "pool": "real_pool"}
    out = {name: syngain.read(path, where={"split": split}, like=anchors) for name, split in splits.items()}
    times = -(-min(map(len, out.values())) // len(anchors))
    repeated = [
        {"text": r["text"], "label": r["label"], "source_text": r["text"]}
        for r in anchors.records
        for _ in range(times)
    ]
    labels = rng.permutation([r["label"] for r in out["GPT-4"].records])
    shuffled = [dict(r) | {"label": str(y)} for r, y in zip(out["GPT-4"].records, labels, strict=True)]
    return out | {
        "repeated": Dataset.from_rows(repeated, "repeated", like=anchors),
        "shuffled": Dataset.from_rows(shuffled, "shuffled", like=anchors),
    }


def told(result):
    """Pairs (ahead, behind) that the report tells apart."""
    parts = [name.partition("@")[2] for name in result.estimates if name.startswith("compare.log_loss@")]
    return {tuple(p.split(" over ")) for p in parts if result.estimates[f"compare.log_loss@{p}"].adjusted_p < 0.05}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--judges", nargs="+", default=["anchors", "test"])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    given = parser.parse_args()
    for task in given.tasks:
        path = f"{given.data}/parrot_{task}.jsonl.gz"
        anchors = syngain.read(path, where={"split": "anchor"})
        test = syngain.read(path, where={"split": "real_test"}, like=anchors)
        for seed in range(given.seeds):
            sets = sets_of(path, anchors, np.random.default_rng(seed))
            for judge in given.judges:
                started = time.process_time()
                settings = CompareSettings(measures=False, contest=Contest(draws=given.draws))
                judges = test if judge == "test" else None
                result = syngain.compare(anchors, sets, test=judges, seed=seed, settings=settings)
                pairs = told(result)
                new = {"GPT-4", "Llama", "pool"}
                wrong = sorted(
                    f"{a} over {b}"
                    for a, b in pairs
                    if a == "shuffled" or (a == "repeated" and b in new) or b == "pool"
                )
                ranks = ", ".join(
                    f"{name.partition('@')[2]} {item.interval(0.95)[0]:.0f}-{item.interval(0.95)[1]:.0f}"
                    for name, item in result.estimates.items()
                    if name.startswith("compare.rank@")
                )
                print(
                    f"{task} seed {seed} by {judge}: wrong {wrong or 'none'}; told {len(pairs)} of 10; {ranks}; "
                    f"CPU {time.process_time() - started:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
