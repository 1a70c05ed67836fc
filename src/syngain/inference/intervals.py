"""Intervals of fractions and means.

The sampling unit is a row, or a real row with all rows generated from it, never a token.
"""

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
    """Wilson intervals [wilson1927] of a fraction.

    With units, n is divided by the design effect [kish1965].
    """
    n, share = hits.size, float(np.mean(hits))
    if units is not None and 0 < share < 1:
        simple = share * (1 - share) / n
        n_effective = n / max(clustered_variance(hits.astype(float), units) / simple, 1 / n)
        freedom = clustered_freedom(hits.astype(float), units) if n_effective < 0.999 * n else math.inf
    else:
        n_effective, freedom = n if units is None else np.unique(units).size, math.inf
    return {level: wilson(share, min(n_effective, n), level, freedom) for level in LEVELS}


def wilson(share: float, n: float, level: float, freedom: float = math.inf) -> Interval:
    """Wilson score interval of a fraction observed in n independent trials.

    Student's quantile replaces the normal one where n comes from a variance of ``freedom`` degrees. Without trials (one
    unit only) the interval is 0 to 1.
    """
    if n <= 0:
        return (0.0, 1.0)
    z = quantile(level, freedom)
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (min(center - half, share), max(center + half, share))


def error_intervals(share: float, error: float, n: int) -> dict[float, Interval]:
    """Wilson's interval of a fraction with a given standard error.

    The number of trials is that implied by the error. ``n`` trials where there is no error.
    """
    trials = share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else float(n)
    return {level: wilson(share, trials, level) for level in LEVELS}


def normal_intervals(value: float, error: float, freedom: float = math.inf) -> dict[float, Interval]:
    """Symmetric intervals ``value -+ t error`` with Student's t.

    ``freedom`` degrees; normal where infinite.
    """
    quantiles = {level: quantile(level, freedom) for level in LEVELS}
    return {level: (value - q * error, value + q * error) for level, q in quantiles.items()}


def quantile(level: float, freedom: float) -> float:
    """Half width of a two-sided interval in standard errors.

    Student's t; the normal distribution for infinite freedom.
    """
    tail = (1 - level) / 2
    return float(-special.ndtri(tail) if math.isinf(freedom) else -special.stdtrit(freedom, tail))


def split_intervals(change: Floats, ratio: float) -> dict[float, Interval]:
    """Intervals of the mean of a measure over random splits of the same rows [nadeau2003].

    Args:
        change: of each split (splits,).
        ratio: test rows over training rows; splits share training rows, so the variance is widened by it.
    """
    if change.size < 2:
        return {}
    error = float(np.std(change, ddof=1)) * math.sqrt(1 / change.size + ratio)
    return normal_intervals(float(change.mean()), error, change.size - 1)


def mean_interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean over the last axis and its 95% normal interval."""
    mean = np.mean(values, axis=-1)
    half = 1.96 * np.std(values, axis=-1, ddof=1) / math.sqrt(values.shape[-1])
    return mean, mean - half, mean + half


def median_interval(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Median over the last axis and its 95% interval by order statistics.

    The ranks are approximated as normal.
    """
    n = values.shape[-1]
    ordered = np.sort(values, axis=-1)
    reach = 1.96 * math.sqrt(n) / 2
    low, high = max(0, math.floor(n / 2 - reach)), min(n - 1, math.ceil(n / 2 + reach) - 1)
    return np.median(values, axis=-1), ordered[..., low], ordered[..., max(low, high)]
