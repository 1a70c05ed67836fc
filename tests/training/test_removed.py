"""Shares of a loss increase: Fieller's interval against worlds whose ratio is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from syngain.inference.ratios import fieller
from syngain.training.repair.pattern_metrics import State
from syngain.training.repair.removed_share import removals


def world(rng, *, ratio=0.8, below=1.0, rows=60, seeds=3, drift=0.1):
    """Rows that lose ``below`` on average and get ``ratio`` of it back; seeds drift together in both."""
    size = rng.normal(below, 1.0, rows)
    lost = [size * (1 + drift * rng.normal()) + rng.normal(0, 0.3, rows) for _ in range(seeds)]
    back = [one * (ratio + drift * rng.normal()) + rng.normal(0, 0.3, rows) for one in lost]
    return back, lost, [np.arange(rows)] * seeds


def test_the_interval_holds_the_ratio_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        low, high = fieller(*world(rng)).intervals[0.9]
        held.append(low <= 0.8 <= high)
    assert 0.87 < np.mean(held) < 0.99


def test_where_the_increase_cannot_be_told_from_zero_every_share_is_possible():
    rng = np.random.default_rng(1)
    low, high = fieller(*world(rng, below=0.0)).intervals[0.95]
    assert (low, high) == (-math.inf, math.inf)


def test_with_a_sure_increase_it_is_the_delta_method():
    rng = np.random.default_rng(2)
    above, below, units = world(rng, below=5.0, rows=500, seeds=1)
    found = fieller(above, below, units)
    residual = above[0] - found.value * below[0]
    error = math.sqrt(residual.var(ddof=1) * residual.size) / below[0].sum()
    low, high = found.intervals[0.9]
    assert (high - low) / 2 == pytest.approx(1.645 * error, rel=0.02)


def test_one_cluster_says_nothing_and_no_increase_has_no_share():
    ones = [np.ones(5)]
    assert fieller(ones, ones, [np.zeros(5, dtype=int)]).intervals[0.9] == (-math.inf, math.inf)
    assert math.isnan(fieller(ones, [np.zeros(5)], [np.arange(5)]).value)


def states(**losses):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 40)
    return {
        arm: [State(np.full(40, loss) + noise * loss, np.full(40, 10), ()) for _ in range(2)]
        for arm, loss in losses.items()
    }


def test_back_to_the_untrained_model_is_all_of_it_and_no_change_is_nothing():
    found = removals(
        states(untrained=20.0, overfitted=30.0, replay=20.0, forget=30.0, both=15.0, anchors=12.0, mix=25.0),
        [np.arange(40)] * 2,
    )
    assert found["repair.increase"].value == pytest.approx(1.0, rel=0.01)
    shares = {name.partition("@")[2]: item.value for name, item in found.items() if "removed" in name}
    assert shares == pytest.approx({"replay": 1.0, "forget": 0.0, "both": 1.5, "mix": 0.5})
    assert found["repair.added@forget"].value == pytest.approx(0.5)
    assert found["repair.left@replay"].value == pytest.approx(0.8, rel=0.01)
    assert "repair.removed@jitter" not in found
