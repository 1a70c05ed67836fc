"""Repeats, and how many rows are different."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.audit.measures.duplicates import (
    TOLERATED,
    distinct_variance,
    effective_size,
    repeated_fraction,
    smoothed_signs,
)

codes = st.lists(st.integers(0, 20), min_size=1, max_size=60).map(np.array)


@thorough(100)
@given(codes)
def test_repeats_and_different_rows_add_up_to_all(code):
    repeats = repeated_fraction(code, np.arange(5), kind="equal").value
    assert repeats * code.size + effective_size(code).value == pytest.approx(code.size)
    assert 0 <= repeats < 1


@thorough(100)
@given(codes, st.integers(1, 4))
def test_the_interval_holds_the_value_whatever_the_units(code, size):
    item = repeated_fraction(code, code, kind="equal", units=np.arange(code.size) // size)
    low, high = item.interval(0.95)
    assert low <= item.value <= high
    assert 0 <= item.p <= 1


@pytest.mark.parametrize(("n", "kinds"), [(300, 300), (300, 3_000), (100, 100_000)])
def test_the_variance_of_different_values_is_that_of_simulated_draws(n, kinds):
    rng = np.random.default_rng(0)
    draws = [rng.integers(kinds, size=n) for _ in range(1_500)]
    truth = np.var([np.unique(code).size for code in draws])
    found = np.mean([distinct_variance(code) for code in draws])
    assert found == pytest.approx(truth, rel=0.15, abs=0.05)


def test_the_error_of_a_saturated_set_is_at_most_a_hundredth_of_its_rows():
    """Nearly all kinds are seen: the alternating series is noise about a variance of almost nothing."""
    rng = np.random.default_rng(0)
    found = [distinct_variance(rng.integers(40, size=300)) for _ in range(200)]
    assert np.sqrt(np.mean(found)) < 0.01 * 300


def test_the_variance_of_different_values_knows_units():
    """Units that repeat themselves: rows of a unit are one value with probability one half."""
    rng, size = np.random.default_rng(1), 4
    unit = np.repeat(np.arange(60), size)

    def draw():
        code = rng.integers(5_000, size=unit.size)
        return np.where(rng.random(60)[unit] < 0.5, code[unit * size], code)

    draws = [draw() for _ in range(600)]
    truth = np.var([np.unique(code).size for code in draws])
    assert np.mean([distinct_variance(code, unit) for code in draws]) == pytest.approx(truth, rel=0.15)


def test_all_different_and_all_equal_rows_have_no_variance_to_speak_of():
    assert distinct_variance(np.arange(50)) == pytest.approx(0, abs=0.01)
    assert distinct_variance(np.zeros(50)) == pytest.approx(0, abs=0.01)


def test_the_smoothed_series_starts_as_good_and_toulmin_and_dies_out():
    signs = smoothed_signs(40)
    assert signs[:3] == pytest.approx([1, -1, 1], abs=1e-3)
    assert np.abs(signs[25:]).max() < 1e-6
    assert smoothed_signs(0).size == 0


def test_a_set_that_repeats_a_third_of_its_rows_differs_from_the_tolerated_share():
    synthetic = np.concatenate([np.arange(200), np.arange(100)])
    item = repeated_fraction(synthetic, np.arange(300), kind="equal")
    assert item.value == pytest.approx(1 / 3)
    assert item.p < 1e-10
    assert item.null == (0.0, TOLERATED)


def test_repeats_that_the_real_rows_have_too_are_no_finding():
    rng = np.random.default_rng(2)
    item = repeated_fraction(rng.integers(100, size=300), rng.integers(100, size=600), kind="equal")
    assert item.p > 0.05
    assert item.references["real_at_equal_size"] == pytest.approx(item.value, abs=0.06)


@pytest.mark.parametrize("n", [1, 2])
def test_one_and_two_rows_are_measured(n):
    item = repeated_fraction(np.zeros(n, int), np.zeros(n, int), kind="equal", units=np.zeros(n, int))
    assert item.value == 1 - 1 / n
    assert effective_size(np.zeros(n, int)).value == 1
