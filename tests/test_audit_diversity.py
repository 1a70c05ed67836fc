"""The Vendi score."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.audit.measures.diversity import Vendi, unit_rows, vendi
from syngain.audit.measures.two_sample import Pooled


@thorough(80)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_vendi_lies_between_one_and_the_rows_or_dimensions(n, d, seed):
    value = vendi(unit_rows(np.random.default_rng(seed).normal(size=(n, d))))
    assert 1 - 1e-9 <= value <= min(n, d) + 1e-9


def test_vendi_of_orthogonal_rows_is_their_number_and_of_equal_rows_one():
    assert vendi(np.eye(7)) == pytest.approx(7)
    assert vendi(unit_rows(np.ones((7, 3)))) == pytest.approx(1)
    assert vendi(np.repeat(np.eye(3), [5, 5, 5], axis=0)) == pytest.approx(3)


@thorough(30)
@given(st.integers(2, 10), st.integers(2, 10), st.integers(0, 50))
def test_the_dual_is_the_score_of_the_kernel_matrix(n, d, seed):
    X = unit_rows(np.random.default_rng(seed).normal(size=(n, d)))
    eigenvalues = np.linalg.eigvalsh(X @ X.T / n)
    eigenvalues = eigenvalues[eigenvalues > 1e-14]
    assert vendi(X) == pytest.approx(math.exp(-np.sum(eigenvalues * np.log(eigenvalues))), rel=1e-6)


@thorough(30)
@given(st.integers(2, 10), st.integers(0, 50), st.integers(1, 4))
def test_repeating_every_row_adds_nothing(n, seed, times):
    X = unit_rows(np.random.default_rng(seed).normal(size=(n, 4)))
    assert vendi(np.repeat(X, times, axis=0)) == pytest.approx(vendi(X), rel=1e-9)


def test_a_zero_row_is_like_no_other():
    X = unit_rows(np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert np.linalg.norm(X, axis=1) == pytest.approx([1, 1])
    assert vendi(X) == pytest.approx(2)
    assert vendi(unit_rows(np.zeros((5, 3)))) == pytest.approx(1)


def measured(real, synthetic, seed=0, **settings):
    rows = np.arange(len(real) + len(synthetic))
    pooled = Pooled(np.vstack([real, synthetic]), rows < len(real), rows, rows)
    return Vendi(**settings)(pooled, np.random.default_rng(seed))["diversity.vendi"]


def test_a_collapsed_set_is_less_diverse_than_the_real_rows():
    rng = np.random.default_rng(1)
    item = measured(rng.normal(size=(100, 10)), rng.normal(size=(100, 10)) * ([1] * 3 + [0.1] * 7))
    assert item.value < item.null[0]
    assert item.p < 1e-4


def test_the_interval_is_that_of_simulated_sets():
    rng = np.random.default_rng(2)
    truth = np.mean([vendi(unit_rows(rng.normal(size=(80, 12)))) for _ in range(300)])
    covered = 0
    for seed in range(60):
        low, high = measured(rng.normal(size=(80, 12)), rng.normal(size=(80, 12)), seed, permutations=2).interval(0.95)
        covered += low <= truth <= high
    assert covered >= 52


@pytest.mark.parametrize("n", [2, 20])
def test_constant_rows_are_measured(n):
    item = measured(np.ones((n, 2)), np.ones((n, 2)), permutations=9, draws=9)
    assert item.value == pytest.approx(1)
    assert item.p == 1


def test_the_same_seed_gives_the_same_numbers():
    X = np.random.default_rng(3).normal(size=(40, 5))
    assert measured(X, X, permutations=9) == measured(X, X, permutations=9)
