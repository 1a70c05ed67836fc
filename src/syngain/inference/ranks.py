"""Rank correlations with bootstrap intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from syngain.core.arrays import Floats, Ints


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


def _pearson(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = math.sqrt(float(np.sum(a * a) * np.sum(b * b)))
    return float(np.sum(a * b) / scale) if scale > 0 else math.nan
