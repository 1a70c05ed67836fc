"""Rows worth: the truth is recovered and covered, harm is negative, and nothing is said beyond what was measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from syngain.core.errors import UsageError
from syngain.gain.curves.rows_worth import rows_worth
from syngain.inference.isotonic import antitonic

AMOUNTS = np.array([50.0, 100, 200, 283, 400, 566, 800, 1131, 1600])
ANCHORS = 200


def loss(n):
    return 0.3 + 4 * np.asarray(n, float) ** -0.5


def world(r, rng, *, rows=400, per_cluster=1, seeds=3, spread=1.0, own=0.15, seed_spread=0.004):
    """Losses of test rows that share their difficulty, clusters that respond alike, seeds that shift all."""
    count = rows // per_cluster
    codes = np.repeat(np.arange(count), per_cluster)
    hard = spread * rng.standard_normal(count)[codes]
    shape = (AMOUNTS.size, seeds, rows)
    curve = loss(AMOUNTS)[:, None, None] + hard + own * rng.standard_normal((AMOUNTS.size, 1, count))[:, :, codes]
    curve = curve + seed_spread * rng.standard_normal((AMOUNTS.size, seeds, 1)) + 0.02 * rng.standard_normal(shape)
    arm = loss(ANCHORS + r) + hard + own * rng.standard_normal(count)[codes]
    arm = arm + seed_spread * rng.standard_normal((seeds, 1)) + 0.02 * rng.standard_normal((seeds, rows))
    return curve, arm, codes


@pytest.mark.parametrize("r", [-120, -50, 0, 150, 600, 1200])
def test_without_noise_the_worth_is_the_truth(r):
    curve = np.tile(loss(AMOUNTS)[:, None], (1, 20))
    worth = rows_worth(AMOUNTS, curve, arm=np.full(20, loss(ANCHORS + r)), anchors=ANCHORS)
    assert worth.value == pytest.approx(r, abs=0.04 * (ANCHORS + r))  # a chord of the curve lies above it
    assert worth.low == pytest.approx(worth.value)
    assert worth.high == pytest.approx(worth.value)


@pytest.mark.parametrize(
    ("r", "rows", "per_cluster", "seeds"),
    [(-80, 400, 1, 3), (0, 400, 1, 3), (300, 400, 1, 1), (300, 1200, 4, 5), (1350, 400, 1, 3)],
)
def test_the_interval_covers_the_truth(r, rows, per_cluster, seeds):
    hits, repeats = 0, 200
    for seed in range(repeats):
        rng = np.random.default_rng([seed, rows, seeds, r + 1000])
        spread = 0.0 if seeds == 1 else 0.004  # one seed cannot show its own variance
        curve, arm, codes = world(r, rng, rows=rows, per_cluster=per_cluster, seeds=seeds, seed_spread=spread)
        worth = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS, clusters=codes)
        hits += worth.low <= r <= worth.high
    assert 0.84 <= hits / repeats <= 0.98  # .90, 3 standard errors below; falling curves make it a little wide


def test_ignoring_clusters_makes_the_interval_too_short():
    curve, arm, codes = world(300, np.random.default_rng(0), rows=1200, per_cluster=6)
    alone = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS)
    right = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS, clusters=codes)
    assert right.value == alone.value
    assert right.high - right.low > 1.3 * (alone.high - alone.low)
    assert right.estimate.clusters == 200


def test_harm_is_negative_and_said():
    curve, arm, _ = world(-120, np.random.default_rng(1))
    worth = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS)
    assert worth.value < 0
    assert worth.high < 0
    assert f"do harm: equivalent to losing {-worth.value:.0f} of the 200 real rows, 90% CI [" in worth.sentence
    assert f"CI [{-worth.high:.0f}, " in worth.sentence


def test_an_arm_beyond_the_curve_is_worth_more_than_was_measured():
    curve, arm, _ = world(300, np.random.default_rng(2))
    worth = rows_worth(AMOUNTS, curve, arm=arm - 1, anchors=ANCHORS)
    assert (worth.value, worth.low, worth.high) == (math.inf, 1400, math.inf)
    assert "more than 1,400 real rows" in worth.sentence
    worse = rows_worth(AMOUNTS, curve, arm=arm + 1, anchors=ANCHORS)
    assert (worse.value, worse.low, worse.high) == (-math.inf, -math.inf, -150)
    assert worse.estimate.as_json()["value"] is None


def test_a_flat_curve_cannot_tell():
    told = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        curve, arm = 0.5 + rng.standard_normal((9, 100)), 0.5 + rng.standard_normal(100)
        worth = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS)
        told += (worth.low, worth.high) != (-math.inf, math.inf)
        assert ("Inconclusive" in worth.sentence) == (worth.low == -worth.high)
    assert told <= 19  # a tenth, and 3 standard errors


def test_the_order_of_amounts_does_not_matter():
    curve, arm, _ = world(300, np.random.default_rng(3))
    turned = rows_worth(AMOUNTS[::-1], curve[::-1], arm=arm, anchors=ANCHORS)
    assert turned == rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
def test_the_antitonic_matrix_is_isotonic_regression(losses):
    losses = np.array(losses)
    matrix = antitonic(losses)
    expected = IsotonicRegression(increasing=False).fit_transform(np.arange(losses.size), losses)
    assert matrix @ losses == pytest.approx(expected, abs=1e-9)
    assert matrix.sum(axis=1) == pytest.approx(1)


@given(st.integers(0, 1000), st.floats(0, 0.5))
@settings(max_examples=40, deadline=None)
def test_a_better_arm_is_worth_no_less_and_the_interval_holds_the_value(seed, better):
    curve, arm, _ = world(200, np.random.default_rng(seed), rows=60, seeds=2)
    one = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS)
    two = rows_worth(AMOUNTS, curve, arm=arm - better, anchors=ANCHORS)
    assert two.value >= one.value
    for worth in (one, two):
        assert worth.low <= worth.value <= worth.high
        assert worth.estimate.interval(0.95)[0] <= worth.low <= worth.high <= worth.estimate.interval(0.95)[1]


@given(st.integers(0, 1000), st.floats(-10, 10), st.floats(0.1, 10))
@settings(max_examples=30, deadline=None)
def test_shift_and_unit_of_the_loss_do_not_matter(seed, shift, scale):
    curve, arm, _ = world(200, np.random.default_rng(seed), rows=60, seeds=2)
    one = rows_worth(AMOUNTS, curve, arm=arm, anchors=ANCHORS)
    two = rows_worth(AMOUNTS, shift + scale * curve, arm=shift + scale * arm, anchors=ANCHORS)
    assert (two.value, two.low, two.high) == pytest.approx((one.value, one.low, one.high), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amounts": AMOUNTS * 0},
        {"amounts": AMOUNTS[:1], "curve": np.ones((1, 5))},
        {"amounts": AMOUNTS[:4]},
        {"arm": np.ones(4)},
        {"arm": np.full(5, np.nan)},
        {"clusters": np.zeros(5, int)},
        {"clusters": np.arange(4)},
        {"level": 1.0},
        {"anchors": 0},
    ],
)
def test_wrong_input_is_said(wrong):
    options = {"amounts": AMOUNTS, "curve": np.ones((9, 5)), "arm": np.ones(5), "anchors": 200, **wrong}
    with pytest.raises(UsageError):
        rows_worth(options.pop("amounts"), options.pop("curve"), **options)
