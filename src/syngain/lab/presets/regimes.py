"""Self-consuming loops of fitted densities under four regimes.

The measure is the total variation to the truth. There are no closed forms.

The truth is two unit Gaussians at -2 and 2. Each generation fits a mixture by expectation-maximization, or a kernel
density, on rows from the last fit (replace), on all rows so far (accumulate), or with a fraction of real rows, new in
each generation (fresh) or always the same (fixed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from scipy import stats

from syngain.lab.em import MixtureFit

if TYPE_CHECKING:
    from syngain.core.arrays import Floats

Regime = Literal["replace", "accumulate", "30% fresh", "30% fixed"]
REGIMES: tuple[Regime, ...] = ("replace", "accumulate", "30% fresh", "30% fixed")
ROWS, SHARE = 150, 0.3
GRID = np.linspace(-8, 8, 321)
TRUTH = (stats.norm.pdf(GRID, -2) + stats.norm.pdf(GRID, 2)) / 2


class Density(Protocol):
    """Fits one density per replicate, samples it and evaluates it on the grid."""

    def sample(self, rows: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Fit ``rows`` (R, m) and draw n rows from each fit, shape (R, n)."""

    def on_grid(self, rows: Floats, rng: np.random.Generator) -> Floats:
        """Fit ``rows`` (R, m) and evaluate the densities on the grid (R, grid)."""


class MixtureDensity:
    """Two components by expectation-maximization."""

    def sample(self, rows: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Draws of the fits."""
        return MixtureFit(components=2).fit(rows[:, None, :], rng=rng).sample(n, rng)[:, 0, :]

    def on_grid(self, rows: Floats, rng: np.random.Generator) -> Floats:
        """Densities of the fits."""
        points = np.broadcast_to(GRID, (rows.shape[0], 1, GRID.size)).copy()
        return np.exp(MixtureFit(components=2).fit(rows[:, None, :], rng=rng).log_density(points))


class KernelDensity:
    """A Gaussian kernel with bandwidth m^(-1/5)."""

    def sample(self, rows: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Draws of the fits: a row plus kernel noise."""
        chosen = rng.integers(rows.shape[1], size=(rows.shape[0], n))
        noise = rng.normal(size=(rows.shape[0], n))
        return np.asarray(np.take_along_axis(rows, chosen, axis=1) + rows.shape[1] ** -0.2 * noise)

    def on_grid(self, rows: Floats, rng: np.random.Generator) -> Floats:
        """Densities of the fits, by binning on the grid and one convolution."""
        del rng  # nothing is drawn
        step = GRID[1] - GRID[0]
        bins = np.clip(np.round((rows - GRID[0]) / step).astype(int), 0, GRID.size - 1)
        counts = np.zeros((rows.shape[0], GRID.size))
        np.add.at(counts, (np.arange(rows.shape[0])[:, None], bins), 1 / rows.shape[1])
        kernel = stats.norm.pdf(GRID[:, None] - GRID[None, :], scale=rows.shape[1] ** -0.2)
        return np.asarray(counts @ kernel)


def regime_draws(
    density: Density, regime: Regime, replicates: int, generations: int, rng: np.random.Generator
) -> Floats:
    """Total variation to the truth after each generation, shape (R, generations).

    The first is fitted on real rows.
    """
    fixed = _real(replicates, ROWS, rng)
    rows, out = fixed, []
    for _ in range(generations):
        out.append(_distance(density.on_grid(rows, rng)))
        rows = _next(density, regime, rows, fixed, rng)
    return np.array(out).T


def _next(density: Density, regime: Regime, rows: Floats, fixed: Floats, rng: np.random.Generator) -> Floats:
    """The rows of the next generation."""
    kept = round(SHARE * ROWS)
    if regime == "replace":
        return density.sample(rows, ROWS, rng)
    if regime == "accumulate":
        return np.hstack([rows, density.sample(rows, ROWS, rng)])
    real = _real(rows.shape[0], kept, rng) if regime == "30% fresh" else fixed[:, :kept]
    return np.hstack([real, density.sample(rows, ROWS - kept, rng)])


def _real(replicates: int, n: int, rng: np.random.Generator) -> Floats:
    return np.asarray(rng.normal(size=(replicates, n)) + rng.choice([-2.0, 2.0], size=(replicates, n)))


def _distance(densities: Floats) -> Floats:
    """Total variation of densities to the truth on the grid.

    Plus half of the mass outside the grid.
    """
    step = GRID[1] - GRID[0]
    inside = np.abs(densities - TRUTH).sum(axis=1) * step / 2
    return np.asarray(inside + np.maximum(1 - densities.sum(axis=1) * step, 0.0) / 2)
