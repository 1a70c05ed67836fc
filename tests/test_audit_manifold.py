"""Density and coverage of whole sets: the numbers of the pooled matrix, whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syngain.audit.measures import manifold
from syngain.audit.measures.manifold import density_coverage
from syngain.audit.measures.neighbors import coverage, density
from syngain.audit.measures.two_sample import squared_distances
from syngain.core import UsageError


def pooled(real, synthetic, k):
    distance = squared_distances(np.vstack([real, synthetic]), np.vstack([real, synthetic]))
    np.fill_diagonal(distance, np.inf)
    flags = np.arange(len(distance)) < len(real)
    return density(distance, flags, k), coverage(distance, flags, k)


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 40), st.integers(1, 40), st.integers(1, 6), st.integers(0, 10**6), st.integers(1, 9))
def test_blocks_give_the_numbers_of_all_pairs(n, m, d, seed, rows):
    rng = np.random.default_rng(seed)
    real, synthetic = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + 0.3
    k = int(rng.integers(1, n))
    before = manifold.BLOCK_BYTES
    manifold.BLOCK_BYTES = rows * max(n, m) * 4
    try:
        assert density_coverage(real, synthetic, k) == pytest.approx(pooled(real, synthetic, k), abs=1e-12)
    finally:
        manifold.BLOCK_BYTES = before


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_single_precision_decides_nothing(offset, kind):
    rng = np.random.default_rng(3)
    centers = rng.normal(size=(5, 64))
    real, synthetic = (
        (centers[rng.integers(5, size=n)] + 0.01 * rng.normal(size=(n, 64)) + offset).astype(kind) for n in (300, 400)
    )
    real[10:30] = real[:20]  # repeated rows: radii that tie
    exact = [X.astype(np.float64) for X in (real, synthetic)]
    radii = [np.sort(((exact[0] - row) ** 2).sum(axis=1))[5] for row in exact[0]]
    hits = np.array(
        [((exact[1] - row) ** 2).sum(axis=1) <= radius for row, radius in zip(exact[0], radii, strict=True)]
    )
    assert density_coverage(real, synthetic, 5) == pytest.approx(
        (hits.sum() / (5 * 400), hits.any(axis=1).mean()), abs=1e-3
    )


def test_the_same_law_has_density_one_and_far_rows_none():
    rng = np.random.default_rng(0)
    real, fresh = rng.normal(size=(2, 1500, 8)).astype(np.float32)
    found = density_coverage(real, fresh)
    assert found[0] == pytest.approx(1.0, abs=0.1)
    assert found[1] > 0.9
    assert density_coverage(real, fresh + 100) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("shapes", "k"), [(((5, 2), (0, 2)), 1), (((5, 2), (3, 3)), 1), (((5, 2), (3, 2)), 5), (((5, 2), (3, 2)), 0)]
)
def test_what_has_no_density_is_refused(shapes, k):
    real, synthetic = (np.zeros(shape) for shape in shapes)
    with pytest.raises(UsageError):
        density_coverage(real, synthetic, k)
