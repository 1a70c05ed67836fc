"""What shared training rows add to the variance of a gain: exact for gains that are sums over pairs of anchors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from syngain.core.rng import Streams
from syngain.gain.design.fold_pairs import leave_pairs
from syngain.gain.design.lineage import Lineage
from syngain.gain.proxies.task import Outcome
from syngain.inference.clusters import clustered_variance

N, FOLDS = 40, 10


@dataclass
class Summing:
    """The gain of anchor i is ``first[i]`` plus the mean of ``second[i, j]`` over the anchors j that train."""

    first: np.ndarray
    second: np.ndarray

    def within(self, real, synthetic):
        return self

    def judge(self, training, rows, rng):
        gain = self.first[rows] + self.second[np.ix_(rows, training.real)].sum(axis=1) / self.first.size
        loss = 5.0 - gain if training.synthetic.size else np.full(rows.size, 5.0)
        return Outcome(loss, np.ones(rows.size), np.zeros(rows.size, dtype=np.int64))


def draw(seed, *, sign, weight=3.0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, N))
    second = weight * np.outer(x, y)
    return Summing(x / 2, second + sign * second.T), rng.permutation(np.arange(N) % FOLDS)


def inflation(task, fold):
    source = np.arange(4 * N) % N
    lineage = Lineage.of(source, np.arange(5 * N))
    pairs = leave_pairs(task, lineage, fold, np.random.default_rng(0).permutation(4 * N), 10_000, Streams(0))
    gains = pairs.anchors[0].loss - pairs.both[0].loss
    factor = pairs.inflation("log_loss", np.zeros(N, dtype=np.int64), np.ones(N), lineage.group)
    return factor, gains, clustered_variance(gains, lineage.group)


def test_the_variance_is_right_where_pairs_of_anchors_carry_it():
    """The mean of the gains varies as pairs say, more than independent anchors would."""
    found = [inflation(*draw(seed, sign=1.0)) for seed in range(300)]
    really = np.var([gains.mean() for _, gains, _ in found])
    said = np.mean([factor * first for factor, _, first in found])
    plain = np.mean([first for _, _, first in found])
    assert said == pytest.approx(really, rel=0.25)
    assert plain < 0.75 * really


def test_without_pair_terms_anchors_are_independent():
    factors = [inflation(*draw(seed, sign=1.0, weight=0.0))[0] for seed in range(5)]
    assert factors == pytest.approx([1.0] * 5)


def test_pairs_that_take_variance_away_are_not_believed():
    factors = [inflation(*draw(seed, sign=-1.0))[0] for seed in range(30)]
    assert min(factors) == 1.0
    assert np.median(factors) == 1.0


def test_a_fold_is_never_judged_by_arms_that_saw_it_or_the_fold_left_out_with_it():
    seen = []

    class Watching(Summing):
        def judge(self, training, rows, rng):
            seen.append((set(training.real), set(training.synthetic % N), set(rows)))
            return super().judge(training, rows, rng)

    task, fold = draw(0, sign=1.0)
    inflation(Watching(task.first, task.second), fold)
    assert len(seen) == 2 * (FOLDS + FOLDS * (FOLDS - 1) // 2)
    for real, made_from, rows in seen:
        assert not rows & real
        assert not rows & made_from
        assert real | rows == set(range(N))


def test_too_few_folds_or_rows_of_one_pair_only_leave_it_unknown():
    task, fold = draw(0, sign=1.0)
    everything = Lineage.of(np.arange(40) % N, np.arange(2 * N))
    order = np.arange(40)
    assert leave_pairs(task, everything, fold % 3, order, 100, Streams(0)) is None
    two = Lineage.of(np.flatnonzero(fold < 2)[np.arange(40) % 8], np.arange(2 * N))
    assert leave_pairs(task, two, fold, order, 100, Streams(0)) is None
