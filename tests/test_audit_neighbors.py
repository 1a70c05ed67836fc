"""Density, coverage, distance ratio."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference import neighbors as slow
from strategies import thorough
from syngain.audit.measures.neighbors import (
    Neighbors,
    Ranked,
    coverage,
    coverage_error,
    density,
    distance_ratio,
    expected_coverage,
    nearest,
)
from syngain.audit.measures.two_sample import Pooled, squared_distances


def measured(X):
    distance = squared_distances(X, X)
    np.fill_diagonal(distance, np.inf)
    return distance


def pooled(rng, n, m, d=3, shift=0.0):
    X = np.vstack([rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift])
    rows = np.arange(n + m)
    return Pooled(X, rows < n, rows, rows)


@thorough(40)
@given(st.integers(6, 14), st.integers(1, 12), st.integers(1, 5), st.integers(0, 99))
def test_measures_are_those_of_their_slow_twins(n, m, k, seed):
    rows = pooled(np.random.default_rng(seed), n, m, 2, 0.5)
    distance = measured(rows.X)
    real, synthetic = rows.X[rows.real].tolist(), rows.X[~rows.real].tolist()
    assert density(distance, rows.real, k) == pytest.approx(slow.density(real, synthetic, k))
    assert coverage(distance, rows.real, k) == pytest.approx(slow.coverage(real, synthetic, k))
    assert distance_ratio(distance, rows.real) == pytest.approx(slow.distance_ratio(real, synthetic))


@thorough(30)
@given(st.integers(8, 20), st.integers(2, 20), st.integers(1, 4), st.integers(0, 99))
def test_ranks_give_the_same_measures_for_every_labeling(n, m, k, seed):
    rng = np.random.default_rng(seed)
    rows = pooled(rng, n, m)
    distance, ranked = measured(rows.X), Ranked.of(measured(rows.X))
    side = rng.permutation(rows.real)
    expected = (density(distance, side, k), coverage(distance, side, k), distance_ratio(distance, side))
    assert ranked.statistics(side, k) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m", "k"), [(30, 30, 5), (40, 20, 3), (15, 60, 1)])
def test_density_and_coverage_of_the_same_law_have_the_stated_expectation(n, m, k):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(400):
        rows = pooled(rng, n, m)
        distance = measured(rows.X)
        found.append((density(distance, rows.real, k), coverage(distance, rows.real, k)))
    error = np.std(found, axis=0) / math.sqrt(400)
    assert abs(np.mean(found, axis=0) - (1.0, expected_coverage(n, m, k))) == pytest.approx((0, 0), abs=4 * error.max())


def test_expected_coverage_by_hand():
    assert expected_coverage(2, 1, 1) == pytest.approx(0.5)  # of two others, the synthetic one is nearer half the time
    assert expected_coverage(100, 100, 5) == pytest.approx(1 - 0.5**5, abs=0.01)


def test_copies_have_full_coverage_and_no_distance():
    real = np.random.default_rng(1).normal(size=(30, 4))
    rows = np.arange(60)
    found = Neighbors(draws=9)(Pooled(np.vstack([real, real]), rows < 30, rows, rows), np.random.default_rng(0))
    assert found["fidelity.coverage"].value == 1
    assert found["novelty.distance_ratio"].value == pytest.approx(0, abs=1e-6)
    assert found["novelty.distance_ratio"].p < 0.02


def test_far_rows_have_neither_density_nor_coverage():
    found = Neighbors(permutations=19, draws=9)(
        pooled(np.random.default_rng(2), 40, 40, 3, 50.0), np.random.default_rng(0)
    )
    assert found["fidelity.density"].value == 0
    assert found["fidelity.coverage"].value == 0
    assert found["fidelity.coverage"].interval(0.95)[1] > 0.05
    assert found["fidelity.coverage"].references["noise"] > 0.5


@pytest.mark.parametrize(("shift", "most"), [(0.0, 1.2), (1.0, 1.45), (2.5, 1.7)])
def test_the_error_of_coverage_is_that_of_simulated_sets_or_more_where_coverage_has_a_trend(shift, most):
    rng, values, errors = np.random.default_rng(3), [], []
    for _ in range(250):
        rows = pooled(rng, 80, 80, 3, shift)
        distance = measured(rows.X)
        values.append(coverage(distance, rows.real, 5))
        errors.append(coverage_error(distance, rows, 5))
    assert 0.85 < math.sqrt(np.mean(np.square(errors))) / np.std(values) < most


def test_rows_made_from_anchors_leave_together_with_them():
    """An anchor and its row share their noise: errors that resample kin are shorter."""
    rng = np.random.default_rng(4)
    real = rng.normal(size=(100, 8))
    X, rows = np.vstack([real, 0.9 * real + 0.436 * rng.normal(size=(100, 8))]), np.arange(200)
    alone = Neighbors(permutations=2)(Pooled(X, rows < 100, rows, rows), np.random.default_rng(0))
    kin = Neighbors(permutations=2)(Pooled(X, rows < 100, rows, rows, rows % 100), np.random.default_rng(0))

    def width(found):
        low, high = found["novelty.distance_ratio"].interval(0.95)
        return high - low

    assert width(kin) < 0.9 * width(alone)


@thorough(20)
@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 20), st.booleans())
def test_few_and_equal_rows_are_measured(n, m, seed, constant):
    rng = np.random.default_rng(seed)
    X = np.zeros((n + m, 2)) if constant else rng.normal(size=(n + m, 2)).round()
    rows = np.arange(n + m)
    found = Neighbors(permutations=3, draws=3)(Pooled(X, rows < n, rows, rows), rng)
    assert 0 <= found["fidelity.coverage"].value <= 1
    assert all(not math.isnan(end) for item in found.values() for end in (item.value, *item.interval(0.95)))


@thorough(20)
@given(st.integers(1, 30), st.integers(2, 30), st.integers(0, 20))
def test_nearest_is_the_nearest(n, m, seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
    index, distance = nearest(X, Y)
    table = np.sqrt(((X[:, None] - Y[None]) ** 2).sum(axis=2))
    assert distance == pytest.approx(table.min(axis=1), abs=1e-6)
    assert table[np.arange(n), index] == pytest.approx(table.min(axis=1), abs=1e-6)
    other, _ = nearest(Y, Y, exclude_self=True)
    assert np.all(other != np.arange(m))
