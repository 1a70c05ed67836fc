"""Supersample information of decision trees on digits 4 against 9, and of a constant synthetic set.

Trees learn their rows by heart, so the pooled information of loss differences in units of ln 2 is the test error; the
gap stays below every bound. A constant set has the best GGMI there is, and is harm.

    .venv/bin/python benchmarks/ggmi_digits.py [--draws 10] [--masks 20] [--data ../shared/data]
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import math
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from sklearn.datasets import load_digits
from sklearn.tree import DecisionTreeClassifier

import syngain
from syngain.core.rng import Streams
from syngain.data import Dataset, read
from syngain.gain.generalization import JointTask, Masks
from syngain.gain.proxies.labels import LabelTask
from syngain.information.estimators.supersample import KINDS

FLIPPED = 0.2


@dataclass(frozen=True)
class Tree:
    """A tree until every leaf is pure; a fresh seed for every fit, as drawn from its rows."""

    def fit(self, examples):
        seed = int(np.abs(examples.X).sum() * 7) % 2**31
        tree = DecisionTreeClassifier(random_state=seed).fit(examples.X, examples.y)

        def log_probabilities(X):
            p = np.full((len(X), examples.classes), 1e-9)
            p[:, tree.classes_] += tree.predict_proba(X)
            return np.log(p / p.sum(axis=1, keepdims=True))

        return SimpleNamespace(converged=True, log_probabilities=log_probabilities)


def digits(flip, rng):
    data = load_digits()
    kept = np.isin(data.target, (4, 9))
    y = (data.target[kept] == 9).astype(np.int64)
    return data.data[kept], np.where(rng.random(y.size) < flip, 1 - y, y)


def bench(X, y):
    none = np.empty(0, dtype=np.int64)
    task = LabelTask(X, X[:0], y, none, np.arange(y.size), none, 2, learner=Tree())
    return JointTask(task, np.arange(y.size), none)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SYNGAIN_DATA", "../shared/data"))
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--masks", type=int, default=20)
    given = parser.parse_args()
    for flip in (0.0, FLIPPED):
        X, y = digits(flip, np.random.default_rng(0))
        for n in (25, 75, 150):
            plan = Masks(pairs=n, masks=given.masks, draws=given.draws)
            found = bench(X, y).supersamples(np.arange(y.size), plan, Streams(n))
            show(found, f"n = {n}, {100 * flip:.0f} % flipped")
    constant(given.data)


def show(found, title):
    error, pooled, gap = found.held.mean(), found.pooled().mean() / math.log(2), found.gaps().mean()
    print(f"{title}: test error {error:.4f}, pooled I_ld / ln 2 {pooled:.4f} ({100 * (pooled / error - 1):+.2f} %)")
    rng = np.random.default_rng(0)
    for kind in KINDS:
        value, null = found.corrected(kind).mean(), found.null(kind, rng)
        low, high = np.quantile(null, (0.025, 0.975))
        bound = found.bound(kind).mean()
        held = int(np.sum(found.gaps() <= found.bound(kind)))
        print(
            f"    {kind}-CMI {value:.4f} (masks permuted {low:.4f} to {high:.4f}); gap {gap:.4f} <= {bound:.4f}, "
            f"in {held} of {len(found.loss)} supersamples"
        )


def constant(data):
    anchors = read(f"{data}/parrot_questionintimacy.jsonl.gz", where={"split": "anchor"})
    rows = [{"text": "the same text", "label": anchors.labels[0]} for _ in range(400)]
    for name, made in {
        "GPT-4": read(f"{data}/parrot_questionintimacy.jsonl.gz", where={"split": "syn_gpt-4"}, like=anchors),
        "constant": Dataset.from_rows(rows, "constant", like=anchors),
    }.items():
        result = syngain.ggmi(anchors, made)
        print(f"{name}: {result.verdict.decision}: {result.verdict.sentence}")


if __name__ == "__main__":
    main()
