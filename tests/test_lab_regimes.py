"""Loops of fitted densities: what each regime does to the total variation."""

import math

import numpy as np
import pytest
from scipy import stats

from syngain.lab import run
from syngain.lab.presets.regimes import GRID, REGIMES, ROWS, SHARE, TRUTH, KernelDensity, MixtureDensity, regime_draws

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


class Watched(KernelDensity):
    """Kernel densities that keep the rows each generation is fitted on, and leave their densities uncomputed."""

    def __init__(self):
        self.generations = []

    def on_grid(self, rows, rng):
        self.generations.append(rows)
        return np.zeros((len(rows), GRID.size))


def moments_by_law(regime, generations):
    """Expected mean square of the rows of each generation: a kernel of width h adds h squared to what it is drawn from.

    The truth has 1 + 2^2; real rows, fresh or fixed, bring it back; accumulated rows are t times as many, so that their
    kernel is narrower and the new rows are one part of t + 1.
    """
    real, moments = 5.0, [5.0]
    for t in range(1, generations):
        rows = t * ROWS if regime == "accumulate" else ROWS
        drawn = moments[-1] + rows**-0.4
        if regime == "replace":
            moments.append(drawn)
        elif regime == "accumulate":
            moments.append((t * moments[-1] + drawn) / (t + 1))
        else:
            moments.append(SHARE * real + (1 - SHARE) * drawn)
    return moments


@pytest.mark.parametrize("regime", REGIMES)
def test_kernel_densities_follow_the_law_of_their_second_moment(regime):
    watched = Watched()
    regime_draws(watched, regime, 2_000, 8, np.random.default_rng([7, REGIMES.index(regime)]))
    squares = np.array([(rows**2).mean(axis=1) for rows in watched.generations])
    errors = squares.std(axis=1, ddof=1) / math.sqrt(squares.shape[1])
    deviations = np.abs(squares.mean(axis=1) - moments_by_law(regime, 8)) / errors
    assert deviations.max() < stats.norm.isf(0.005 / 32)  # Bonferroni over the four regimes


def variances_by_law(kept, width):
    """Expected variance of the rows of eight generations: the old one and the kernel's, of which ``kept`` is left."""
    law = [5.0 * (1 - 1 / ROWS)]
    for _ in range(7):
        law.append(kept * (law[-1] + width**2))
    return law


def test_replaced_kernel_densities_follow_the_law_of_their_variance():
    """The variance of n drawn rows is (1 - 1 / n) of the law's; laws without that part or without the kernel fail."""
    watched = Watched()
    regime_draws(watched, "replace", 2_000, 8, np.random.default_rng(8))
    variances = np.array([rows.var(axis=1) for rows in watched.generations])
    errors = variances.std(axis=1, ddof=1) / math.sqrt(variances.shape[1])

    def deviation(law):
        return (np.abs(variances.mean(axis=1) - law) / errors).max()

    limit = stats.norm.isf(0.005 / 8)
    assert deviation(variances_by_law(1 - 1 / ROWS, ROWS**-0.2)) < limit
    assert deviation(variances_by_law(1, ROWS**-0.2)) > 2 * limit
    assert deviation(variances_by_law(1 - 1 / ROWS, 0.0)) > 2 * limit


def test_ids_of_sweeps_keep_their_random_streams_whatever_they_are_called():
    """A sweep that is renamed draws other numbers: its id names the stream, and a title is for readers."""
    result = run("paper-highdim", quick=True, seed=0)
    expected = {
        "K",
        "J",
        "L",
        "quality of the J components",
        "share of anchors mixed in",
        "share of anchors per prompt",
    }
    for found in result.data["gaps"].values():
        assert set(found) == expected | {"curation noise"}
    titles = {panel.title for panel in result.panels}
    assert "fraction of real rows mixed in" in titles
    assert not any("anchor" in title for title in titles)
