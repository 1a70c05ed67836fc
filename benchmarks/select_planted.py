"""Planted mixtures on banking77: half real rows, a quarter repeats of them, a quarter with other labels.

Correct is a row with the right label that does not repeat a row which ranks higher. The method is named here, before
the run: ``confidence``, repeats last. Precision at half size, and the nested gain over random choices.

python benchmarks/select_planted.py [--seeds 2] [--rows 1540] [--data ../shared/data]
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
from syngain.learners.logistic import Logistic
from syngain.selection.nested_choice import SelectionTrial
from syngain.workflows.evaluate.select import SelectSettings

METHOD = "confidence"


def mixture(pool, count, rng):
    """Rows with what is true of them; the pool gives each row once."""
    half, quarter = count // 2, count // 4
    taken = rng.permutation(len(pool))
    real = [dict(pool.records[i]) | {"planted": "real"} for i in taken[:half]]
    again = [real[i] | {"planted": "repeat"} for i in rng.permutation(half)[:quarter]]
    names = sorted(set(pool.labels))
    shuffled = []
    for i in taken[half : half + quarter]:
        row = dict(pool.records[i])
        others = [name for name in names if name != row["label"]]
        shuffled.append(row | {"label": others[int(rng.integers(len(others)))], "planted": "shuffled"})
    rows = [*real, *again, *shuffled]
    return [rows[i] for i in rng.permutation(len(rows))]


def correct(rows, order):
    """Whether each row of an order has its right label and is the first of equal texts among right rows."""
    seen, out = set(), []
    for i in order:
        fresh = rows[i]["text"] not in seen
        seen.add(rows[i]["text"])
        out.append(fresh and rows[i]["planted"] != "shuffled")
    return np.array(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=1_540)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    given = parser.parse_args()
    path = f"{given.data}/banking77_real.jsonl.gz"
    every = syngain.read(path, where={"split": "real_pool"})
    for seed in range(given.seeds):
        started = time.process_time()
        rng = np.random.default_rng(seed)
        by_class = [
            rng.permutation([i for i, y in enumerate(every.labels) if y == name])[:10]
            for name in sorted(set(every.labels))
        ]
        anchors = every.take(np.sort(np.concatenate(by_class)))
        rest = every.take(np.setdiff1d(np.arange(len(every)), np.concatenate(by_class)))
        rows = mixture(rest, given.rows, rng)
        made = Dataset.from_rows(rows, "planted", like=anchors)
        settings = SelectSettings(learner=Logistic(penalties=(0.25, 0.0625)), trial=SelectionTrial(folds=5))
        found = syngain.select(anchors, made, method=METHOD, seed=seed, settings=settings)
        hits = correct(rows, found.files["kept.jsonl"].rows)
        over = found.result.estimates["selection.log_loss.over_random"]
        accuracy = found.result.estimates["selection.accuracy.over_random"]
        kinds = [rows[i]["planted"] for i in found.files["kept.jsonl"].rows]
        low, high = over.interval(0.9)
        few, many = accuracy.interval(0.9)
        print(
            f"seed {seed}: {len(anchors)} anchors, {len(rows)} rows; precision at half {hits.mean():.3f} (of all "
            f"{correct(rows, range(len(rows))).mean():.3f}); shuffled kept {kinds.count('shuffled')}; over random "
            f"{over.value:+.3f} nats [{low:+.3f}, {high:+.3f}], "
            f"accuracy {accuracy.value:+.3f} [{few:+.3f}, {many:+.3f}]"
            f"; {found.result.verdict.decision}; CPU {time.process_time() - started:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
