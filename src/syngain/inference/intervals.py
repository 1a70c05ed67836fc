"""Intervals of shares and means. The sampling unit is a row or an anchor with all its rows, never a token."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from syngain.inference.clusters import clustered_freedom, clustered_variance

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Interval

LEVELS = (0.90, 0.95)


def share_intervals(hits: Flags, units: Ints | None = None) -> dict[float, Interval]:
    """Wilson intervals [wilson1927] of a share; with units, n is replaced by n over the design effect [kish1965]."""
    n, share = hits.size, float(np.mean(hits))
    if units is not None and 0 < share < 1:
        simple = share * (1 - share) / n
        n_effective = n / max(clustered_variance(hits.astype(float), units) / simple, 1 / n)
        freedom = clustered_freedom(hits.astype(float), units) if n_effective < 0.999 * n else math.inf
    else:
        n_effective, freedom = n if units is None else np.unique(units).size, math.inf
    return {level: wilson(share, min(n_effective, n), level, freedom) for level in LEVELS}


def wilson(share: float, n: float, level: float, freedom: float = math.inf) -> Interval:
    """The Wilson score interval of a share seen in n independent trials.

    Student's quantile takes the place of the normal one where n comes from a variance of ``freedom`` degrees. Without
    trials (one unit only) nothing is known: from 0 to 1.
    """
    if n <= 0:
        return (0.0, 1.0)
    z = quantile(level, freedom)
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (min(center - half, share), max(center + half, share))


def error_intervals(share: float, error: float, n: int) -> dict[float, Interval]:
    """Wilson's interval of a share with the number of trials that its standard error corresponds to; ``n`` if none."""
    trials = share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else float(n)
    return {level: wilson(share, trials, level) for level in LEVELS}


def normal_intervals(value: float, error: float, freedom: float = math.inf) -> dict[float, Interval]:
    """Symmetric intervals ``value -+ t error`` with Student's t of ``freedom`` degrees (normal when infinite)."""
    quantiles = {level: quantile(level, freedom) for level in LEVELS}
    return {level: (value - q * error, value + q * error) for level, q in quantiles.items()}


def quantile(level: float, freedom: float) -> float:
    """Half the width of a two-sided interval in standard errors: Student's t, the normal law for infinite freedom."""
    tail = (1 - level) / 2
    return float(-special.ndtri(tail) if math.isinf(freedom) else -special.stdtrit(freedom, tail))


def mean_interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean over the last axis and its 95 % normal interval."""
    mean = np.mean(values, axis=-1)
    half = 1.96 * np.std(values, axis=-1, ddof=1) / math.sqrt(values.shape[-1])
    return mean, mean - half, mean + half


def median_interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Median over the last axis and its 95 % interval by order statistics (normal approximation of the ranks)."""
    n = values.shape[-1]
    ordered = np.sort(values, axis=-1)
    reach = 1.96 * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - reach)), min(n - 1, math.ceil(n / 2 + reach) - 1)
    return np.median(values, axis=-1), ordered[..., low], ordered[..., max(low, high)]
