"""Loops of fitted densities: what each regime does to the total variation."""

import math

import numpy as np
import pytest
from scipy import stats

from syngain.lab.regimes import GRID, REGIMES, TRUTH, KernelDensity, MixtureDensity, regime_draws

DENSITIES = {"mixture": MixtureDensity(), "kernel": KernelDensity()}


@pytest.fixture(scope="module")
def draws():
    return {
        (name, regime): regime_draws(density, regime, 80, 8, np.random.default_rng([i, j]))
        for i, (name, density) in enumerate(DENSITIES.items())
        for j, regime in enumerate(REGIMES)
    }


def clearly_above(first, second):
    """The last generation of one set of worlds is worse than that of another by more than four errors."""
    error = math.hypot(*(part[:, -1].std(ddof=1) / math.sqrt(len(part)) for part in (first, second)))
    return first[:, -1].mean() - second[:, -1].mean() > 4 * error


@pytest.mark.parametrize("name", DENSITIES)
def test_replacing_collapses_and_accumulating_or_fresh_rows_prevent_it(draws, name):
    replaced = draws[name, "replace"]
    assert replaced[:, -1].mean() > 1.8 * replaced[:, 0].mean()
    for regime in ("accumulate", "30% fresh", "30% fixed"):
        assert clearly_above(replaced, draws[name, regime]), regime


@pytest.mark.parametrize("name", DENSITIES)
def test_the_same_real_rows_help_less_than_fresh_ones(draws, name):
    assert clearly_above(draws[name, "30% fixed"], draws[name, "30% fresh"])


def test_densities_on_the_grid_are_those_of_the_fits():
    rows = np.random.default_rng(0).normal(size=(3, 400))
    kernel = KernelDensity().on_grid(rows, np.random.default_rng(0))
    width = 400**-0.2
    exact = stats.norm.pdf(GRID[None, :, None], rows[:, None, :], width).mean(axis=2)
    assert np.abs(kernel - exact).max() < 0.003  # rows are moved to the nearest point of the grid
    mixture = MixtureDensity().on_grid(rows, np.random.default_rng(0))
    assert (mixture.sum(axis=1) * (GRID[1] - GRID[0])).tolist() == pytest.approx([1, 1, 1], abs=1e-6)
    assert TRUTH.sum() * (GRID[1] - GRID[0]) == pytest.approx(1, abs=1e-6)
