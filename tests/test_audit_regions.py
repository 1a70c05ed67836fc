"""Regions and classes that nobody reaches."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from strategies import thorough
from syngain.audit.measures.regions import Regions

cells = st.lists(st.integers(0, 5), min_size=2, max_size=60).map(np.array)


@thorough(60)
@given(cells, cells)
def test_the_missing_mass_is_the_share_of_real_rows_in_missing_cells(real, synthetic):
    found = Regions().compare(real, synthetic, 6)
    item = Regions().estimate(found, np.arange(real.size))
    assert item.value == pytest.approx(found.real_counts[found.missing].sum() / real.size)
    assert found.expected.sum() == pytest.approx(synthetic.size)
    assert np.all(found.synthetic_counts[found.missing] < 0.2 * found.expected[found.missing])
    assert 0 <= item.p <= 1


def test_an_empty_cell_has_the_hypergeometric_p_over_all_cells():
    real, synthetic = np.repeat([0, 1], [20, 80]), np.ones(100, int)
    found = Regions().compare(real, synthetic, 2)
    assert found.p[0] == pytest.approx(2 * stats.hypergeom.cdf(0, 200, 20, 100))
    assert found.missing.tolist() == [0]
    assert Regions().estimate(found, np.arange(100)).value == pytest.approx(0.2)


def test_a_cell_too_small_to_tell_is_not_missing():
    found = Regions().compare(np.repeat([0, 1], [3, 97]), np.ones(100, int), 2)
    assert found.missing.size == 0


def test_cells_of_one_law_are_missing_as_rarely_as_stated():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(30))
    lost = [Regions().compare(rng.choice(30, 400, p=p), rng.choice(30, 400, p=p), 30).missing.size for _ in range(300)]
    assert np.mean(np.array(lost) > 0) < 0.03


def test_clusters_are_made_from_one_half_and_counted_on_the_other():
    X = np.random.default_rng(1).normal(size=(101, 3)).astype(np.float32)
    code, centers = Regions().clusters(X, np.random.default_rng(2))
    assert (code == -1).sum() == 50
    held = np.flatnonzero(code >= 0)
    table = np.linalg.norm(X[held, None] - centers[None], axis=2)
    assert np.array_equal(table.argmin(axis=1), code[held])


def test_a_lost_cluster_is_found_and_its_mass_lies_in_the_interval():
    rng = np.random.default_rng(3)
    centers = 8 * rng.normal(size=(5, 4))
    names = rng.integers(5, size=1_000)
    real = (centers[names] + rng.normal(size=(1_000, 4))).astype(np.float32)
    synthetic = centers[rng.integers(1, 5, size=1_000)] + rng.normal(size=(1_000, 4))
    code, middle = Regions().clusters(real, rng)
    reached = np.linalg.norm(synthetic[:, None] - middle[None], axis=2).argmin(axis=1)
    item = Regions().estimate(Regions().compare(code, reached, len(middle)), np.arange(1_000))
    low, high = item.interval(0.95)
    assert low < 0.2 < high
    assert item.p < 1e-6


@pytest.mark.parametrize("n", [4, 60])
def test_constant_rows_make_a_region_that_is_reached(n):
    X = np.ones((n, 2), np.float32)
    code, centers = Regions().clusters(X, np.random.default_rng(0))
    found = Regions().compare(code, np.full(n, code.max()), len(centers))
    item = Regions().estimate(found, np.arange(n))
    assert item.value == 0
    assert not math.isnan(item.interval(0.95)[1])
