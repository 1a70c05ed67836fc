"""Intervals, nulls and p-values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from strategies import thorough
from syngain.inference.clusters import clustered_freedom, clustered_variance
from syngain.inference.intervals import error_intervals, normal_intervals, share_intervals, wilson
from syngain.inference.resampling import difference_p, permutation, permuted_sides, subsampled_error, subsampled_errors

units = st.lists(st.integers(0, 8), min_size=2, max_size=40).map(np.array)


@thorough(100)
@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_wilson_is_the_interval_of_scipy(n, part, level):
    count = round(part * n)
    found = stats.binomtest(count, n).proportion_ci(level, method="wilson")
    assert wilson(count / n, n, level) == pytest.approx((found.low, found.high), abs=1e-12)


@thorough(100)
@given(st.floats(0, 1), st.floats(0.5, 1e6))
def test_wilson_stays_in_the_unit_interval_and_holds_the_share(share, n):
    low, high = wilson(share, n, 0.95)
    assert -1e-12 <= low <= share <= high <= 1 + 1e-12


def test_few_degrees_of_freedom_widen_wilson():
    assert wilson(0.3, 50, 0.95, 5)[1] > wilson(0.3, 50, 0.95)[1]


def test_rows_alone_give_wilson_and_repeated_rows_its_design_effect():
    hits = np.arange(200) % 4 == 0
    assert share_intervals(hits, np.arange(200))[0.95] == pytest.approx(wilson(0.25, 200, 0.95), rel=0.01)
    tripled = share_intervals(np.repeat(hits, 3), np.repeat(np.arange(200), 3))[0.95]
    single = share_intervals(hits)[0.95]
    assert tripled[1] - tripled[0] == pytest.approx(single[1] - single[0], rel=0.02)


@pytest.mark.parametrize("hits", [np.zeros(30, bool), np.ones(30, bool), np.array([True])])
def test_a_share_of_none_or_all_has_an_interval_of_its_own_units(hits):
    low, high = share_intervals(hits, np.arange(hits.size) // 3)[0.95]
    assert low <= hits.mean() <= high
    assert high - low > 0.1


def test_rows_of_one_unit_say_nothing_about_a_share_between_none_and_all():
    assert share_intervals(np.array([True, False]), np.zeros(2, int))[0.95] == (0.0, 1.0)


def test_units_are_never_worth_more_than_their_rows():
    hits = np.tile([True, False], 50)  # opposites in every unit: a variance of zero
    assert share_intervals(hits, np.repeat(np.arange(50), 2))[0.95] == pytest.approx(wilson(0.5, 100, 0.95))


def test_clustered_variance_of_rows_alone_is_the_variance_of_a_mean():
    values = np.random.default_rng(0).normal(size=50)
    assert clustered_variance(values, np.arange(50)) == pytest.approx(values.var(ddof=1) / 50)
    assert clustered_variance(values, None) == pytest.approx(values.var(ddof=1) / 50)
    assert clustered_variance(values, np.zeros(50)) == math.inf


def test_clustered_variance_is_that_of_simulated_units():
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(60), rng.integers(1, 5, 60))
    draws = [rng.normal(size=60)[unit] + rng.normal(size=unit.size) for _ in range(400)]
    found = np.mean([clustered_variance(values, unit) for values in draws])
    assert found == pytest.approx(np.var([values.mean() for values in draws]), rel=0.15)


def test_freedom_is_the_number_of_units_less_one_for_normal_sums_and_less_for_heavy_tails():
    rng = np.random.default_rng(2)
    normal = np.mean([clustered_freedom(rng.normal(size=40), np.arange(40)) for _ in range(300)])
    assert 30 < normal < 55
    heavy = np.zeros(40)
    heavy[0] = 1
    assert clustered_freedom(heavy, np.arange(40)) < 3
    assert clustered_freedom(np.zeros(40), np.arange(40)) == 39


def test_normal_intervals_have_the_quantiles_of_their_degrees():
    assert normal_intervals(1.0, 2.0)[0.95] == pytest.approx((1 - 2 * 1.959964, 1 + 2 * 1.959964))
    assert normal_intervals(0.0, 1.0, 4)[0.9][1] == pytest.approx(stats.t.isf(0.05, 4))


def test_error_intervals_are_wilson_with_the_trials_of_the_error():
    error = math.sqrt(0.2 * 0.8 / 77)
    assert error_intervals(0.2, error, 1000)[0.95] == pytest.approx(wilson(0.2, 77, 0.95))
    assert error_intervals(0.0, 0.0, 50)[0.95] == wilson(0.0, 50, 0.95)


def simulated_error(statistic, draw, rng, replicates=400):
    return float(np.std([statistic(draw(rng)) for _ in range(replicates)]))


def test_subsampling_is_exact_for_means():
    rng = np.random.default_rng(3)
    values = rng.exponential(size=200)
    found = subsampled_error(lambda rows: float(values[rows].mean()), np.arange(200), rng, draws=2_000)
    assert found == pytest.approx(values.std(ddof=1) / math.sqrt(200), rel=0.06)


def test_subsampling_at_the_golden_share_is_exact_for_rare_pairs():
    """Repeats in a diverse set are a count of pairs over n; the ordinary jackknife reads twice its variance."""
    rng, n, kinds = np.random.default_rng(4), 400, 2_000

    def repeats(codes):
        return 1 - np.unique(codes).size / codes.size

    truth = simulated_error(repeats, lambda r: r.integers(kinds, size=n), rng, 2_000)
    found = []
    for _ in range(60):
        codes = rng.integers(kinds, size=n)
        found.append(subsampled_error(lambda rows, c=codes: repeats(c[rows]), np.arange(n), rng, draws=60) ** 2)
    assert math.sqrt(np.mean(found)) == pytest.approx(truth, rel=0.12)


def test_subsampling_keeps_units_whole():
    unit = np.repeat(np.arange(10), 3)

    def whole(rows):
        kept = np.bincount(unit[rows], minlength=10)
        assert set(kept) <= {0, 3}
        return np.array([kept.sum(), 1.0])

    errors = subsampled_errors(whole, unit, np.random.default_rng(5), draws=20)
    assert errors == [0.0, 0.0]  # always the same number of units of three rows


def test_too_few_units_have_an_infinite_error():
    assert subsampled_error(lambda rows: float(rows.size), np.array([0, 0, 1, 2]), np.random.default_rng(0)) == math.inf


@thorough(100)
@given(units, st.integers(0, 40), st.integers(0, 5))
def test_permuted_sides_keep_units_whole_and_never_exceed_the_first_side(unit, first, seed):
    side = permuted_sides(unit, min(first, unit.size), np.random.default_rng(seed))
    assert side.shape == unit.shape
    assert side.sum() <= first
    for name in np.unique(unit):
        assert np.unique(side[unit == name]).size == 1


@thorough(30)
@given(st.integers(1, 50), st.integers(0, 9))
def test_permuted_rows_alone_have_exactly_as_many_on_the_first_side(n, seed):
    assert permuted_sides(np.arange(n), n // 2, np.random.default_rng(seed)).sum() == n // 2


def test_p_values_are_counted_exactly_and_continued_beyond_all_draws():
    draws = np.random.default_rng(6).normal(size=199)
    assert permutation(float(np.sort(draws)[-10]), draws, "upper").p == pytest.approx(11 / 200 - 1 / 200, abs=0.006)
    assert permutation(-100.0, draws, "upper").p == 1
    assert 0 < permutation(8.0, draws, "upper").p < 1e-10
    assert permutation(-8.0, draws, "lower").p < 1e-10
    assert permutation(8.0, draws, "both").p == pytest.approx(2 * permutation(8.0, draws, "upper").p)


def test_p_values_are_uniform_under_the_null():
    rng = np.random.default_rng(7)
    p = np.array([permutation(float(rng.normal()), rng.normal(size=99), "both").p for _ in range(600)])
    for level in (0.05, 0.2, 0.5):
        assert np.mean(p <= level) == pytest.approx(level, abs=4 * math.sqrt(level / 600) + 0.01)


def test_a_constant_statistic_has_p_one():
    assert permutation(0.0, np.zeros(99), "both").p == 1
    assert permutation(0.0, np.zeros(1), "upper").p == 1
    assert permutation(1.0, np.zeros(1), "upper").p == 0.5


def test_the_p_of_a_difference():
    assert difference_p(1.959964, 1.0, "both") == pytest.approx(0.05)
    assert difference_p(0.0, 0.0, "upper") == 1
    assert difference_p(1.0, math.inf, "both") == 1
    assert difference_p(1.0, 0.0, "upper") == 0
    assert difference_p(1.0, 0.0, "lower") == 1
