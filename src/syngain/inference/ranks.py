"""Rank correlations with bootstrap intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from syngain.core.arrays import Floats, Ints


EXPLAINED = 1e-9  # rest of the variance, below which a third quantity decides


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """A Spearman correlation with a 95% interval."""

    value: float
    lower: float
    upper: float

    def cells(self) -> tuple[float, float, float]:
        """Value and ends for a table."""
        return (self.value, self.lower, self.upper)


def average_ranks(values: ArrayLike) -> Floats:
    """Ranks from 1; ties get their mean rank, shape ``(n,)``."""
    data = np.asarray(values, dtype=np.float64)
    _, where, counts = np.unique(data, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[where.reshape(-1)])


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation, with average ranks for ties.

    NaN if one side is constant.
    """
    return _pearson(average_ranks(x), average_ranks(y))


def spearman_of_sweep(
    values: ArrayLike, outcomes: Floats, *, rng: np.random.Generator, resamples: int = 300
) -> RankCorrelation:
    """Rank correlation of a swept value with an outcome over all replicates.

    ``values`` ``(S,)``, ``outcomes`` ``(S, R)``. The interval is a percentile bootstrap of replicates within settings.
    Copies made by the bootstrap have the same swept value, so breaking their ties by position changes nothing but the
    spread of the ranks, by less than 1 in S R.
    """
    settings, replicates = outcomes.shape
    ranks = average_ranks(np.repeat(np.asarray(values, dtype=np.float64), replicates))
    ranks -= ranks.mean()
    value = spearman(np.repeat(np.asarray(values, dtype=np.float64), replicates), outcomes.ravel())
    positions = np.arange(settings * replicates, dtype=np.float64) - (settings * replicates - 1) / 2
    scale = math.sqrt(float(np.sum(ranks**2) * np.sum(positions**2)))
    drawn = np.empty(resamples)
    rows = np.arange(settings)[:, None]
    for b in range(resamples):
        picks = rng.integers(0, replicates, size=(settings, replicates))
        order = np.argsort(outcomes[rows, picks].ravel(), kind="stable")
        drawn[b] = np.sum(ranks[order] * positions) / scale
    low, high = np.quantile(drawn, [0.025, 0.975])
    return RankCorrelation(value, float(low), float(high))


def spearman_of_groups(
    x: Floats, y: Floats, groups: Ints, *, rng: np.random.Generator, resamples: int = 300
) -> RankCorrelation:
    """Rank correlation of paired values ``(n,)``, bootstrapped by group.

    A percentile bootstrap over whole groups, one per simulation.
    """
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    drawn = np.empty(resamples)
    for b in range(resamples):
        rows = np.concatenate([members[g] for g in rng.integers(0, len(members), size=len(members))])
        drawn[b] = spearman(x[rows], y[rows])
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return RankCorrelation(spearman(x, y), float(low), float(high))


def partial_spearman(x: ArrayLike, y: ArrayLike, given: ArrayLike) -> float:
    """Spearman's correlation of two quantities at equal ranks of a third [kendall1942].

    ``(r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2))``; NaN if one side is constant, or decided by the third.
    """
    xy, xz, yz = spearman(x, y), spearman(x, given), spearman(y, given)
    scale = (1 - xz**2) * (1 - yz**2)
    return (xy - xz * yz) / math.sqrt(scale) if scale > EXPLAINED else math.nan


def spearman_of_cells(
    x: Floats,
    y: Floats,
    given: Floats | None = None,
    *,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> RankCorrelation:
    """Rank correlation over cells ``(C,)``, averaged over draws, of tables ``(draws, C)``; partial with ``given``.

    The interval resamples cells and, independently, draws [owen2007]; with one draw it is over cells alone. A cell
    that is not finite in a draw is left out of it.
    """
    draws, cells = x.shape
    drawn = np.empty(resamples)
    for b in range(resamples):
        chosen = np.asarray(rng.integers(0, cells, size=cells))
        picked = np.asarray(rng.integers(0, draws, size=draws)).tolist()
        drawn[b] = np.mean([_of_draw(x, y, given, draw, chosen) for draw in picked])
    value = float(np.mean([_of_draw(x, y, given, d, np.arange(cells)) for d in range(draws)]))
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn.size else (math.nan, math.nan)
    return RankCorrelation(value, float(low), float(high))


def _of_draw(x: Floats, y: Floats, given: Floats | None, draw: int, cells: Ints) -> float:
    """The correlation over these cells in one draw."""
    columns = [table[draw, cells] for table in (x, y, given) if table is not None]
    known = np.all(np.isfinite(columns), axis=0)
    if known.sum() < 2:
        return math.nan
    own = [column[known] for column in columns]
    return spearman(own[0], own[1]) if given is None else partial_spearman(*own)


def _pearson(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b) / scale) if scale > 0 else math.nan
