"""Intervals and p-values: the sampling unit is a row or an anchor with all its rows, never a token.

Three devices serve all measures:

* shares and means of independent units: Wilson with a design effect, or Student's t;
* statistics of whole samples (duplicates, entropy, neighbors, Vendi): subsampling without replacement,
  :func:`subsampled_error`;
* comparisons with a null: permutations of whole units, :func:`permutation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse, stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Interval

LEVELS = (0.90, 0.95)
GOLDEN = (math.sqrt(5) - 1) / 2
Tail = Literal["upper", "lower", "both"]


@dataclass(frozen=True, slots=True)
class Null:
    """A permutation null: its 95 % range, and the p-value of what was observed."""

    p: float
    range: Interval
    mean: float


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
    z = _quantile(level, freedom)
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (min(center - half, share), max(center + half, share))


def error_intervals(share: float, error: float, n: int) -> dict[float, Interval]:
    """Wilson's interval of a share with the number of trials that its standard error corresponds to; ``n`` if none."""
    trials = share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else float(n)
    return {level: wilson(share, trials, level) for level in LEVELS}


def clustered_variance(values: Floats, units: Ints | None) -> float:
    """Variance of the mean of ``values`` (n,) when whole units are independent; with G / (G - 1)."""
    deviations = values - values.mean()
    if units is None:
        sums = deviations
    else:
        _, inverse = np.unique(units, return_inverse=True)
        sums = np.bincount(inverse, weights=deviations)
    count = sums.size
    if count < 2:
        return math.inf
    return float(np.sum(sums**2) / values.size**2 * count / (count - 1))


def summing(codes: Ints) -> sparse.csr_matrix[np.float64]:
    """The matrix (codes, n) that sums rows with the same code, codes in ascending order."""
    names, inverse = np.unique(codes, return_inverse=True)
    return sparse.csr_matrix((np.ones(codes.size), (inverse, np.arange(codes.size))), shape=(names.size, codes.size))


def clustered_freedom(values: Floats, units: Ints) -> float:
    """Degrees of freedom of :func:`clustered_variance`, by Satterthwaite from the kurtosis of the units' sums.

    G - 1 for normal sums; fewer where a few large or heavy-tailed units carry the variance.
    """
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=values - values.mean())
    count, squares = sums.size, float(np.sum(sums**2))
    if count < 4 or squares == 0:
        return max(count - 1.0, 1.0)
    kurtosis = float(np.sum(sums**4)) * count / squares**2
    return max(2 * count / max(kurtosis - (count - 3) / (count - 1), 2 / count), 1.0)


def satterthwaite(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of variances, each given with its own [satterthwaite1946]."""
    total = sum(variance for variance, _ in parts)
    below = sum(variance**2 / freedom for variance, freedom in parts if variance > 0)
    return total**2 / below if below > 0 else math.inf


def shared_training(folds: int) -> float:
    """Variance of a cross-validated mean over that of independent rows: 1 + J / (J - 1) [nadeau2003].

    Each of J folds tests 1 / J of the rows with models that share their training rows: (1 / J + 1 / (J - 1)) J.
    """
    return 1 + folds / (folds - 1)


def _quantile(level: float, freedom: float) -> float:
    tail = (1 - level) / 2
    return float(stats.norm.isf(tail) if math.isinf(freedom) else stats.t.isf(tail, freedom))


def normal_intervals(value: float, error: float, freedom: float = math.inf) -> dict[float, Interval]:
    """Symmetric intervals ``value -+ t error`` with Student's t of ``freedom`` degrees (normal when infinite)."""
    quantiles = {level: _quantile(level, freedom) for level in LEVELS}
    return {level: (value - q * error, value + q * error) for level, q in quantiles.items()}


def subsampled_error(
    statistic: Callable[[Ints], float], units: Ints, rng: np.random.Generator, *, draws: int = 100
) -> float:
    """Standard error of one statistic; see :func:`subsampled_errors`."""
    return subsampled_errors(lambda rows: np.array([statistic(rows)]), units, rng, draws=draws)[0]


def subsampled_errors(
    statistics: Callable[[Ints], Floats], units: Ints, rng: np.random.Generator, *, draws: int = 100
) -> list[float]:
    """Standard errors by subsampling units without replacement [politis1994].

    ``statistics`` gets the positions of the rows that are kept. The variance over draws, times keep / (1 - keep),
    estimates the variance of the statistic. The kept share is the golden ratio because two cases are then exact:
    linear statistics (at any share), and statistics whose noise is pairs (duplicates in a diverse set), where the
    scaled variance is keep * (1 + keep) = 1 times the truth. The ordinary jackknife reads 2 in that case.
    Infinite with fewer than four units, or where a draw leaves a statistic undefined (NaN).
    """
    names, inverse = np.unique(units, return_inverse=True)
    if names.size < 4:
        return [math.inf] * int(statistics(np.arange(units.size)).size)
    size = max(2, min(names.size - 1, round(GOLDEN * names.size)))
    values = []
    for _ in range(draws):
        chosen = np.zeros(names.size, dtype=bool)
        chosen[rng.choice(names.size, size=size, replace=False)] = True
        values.append(statistics(np.flatnonzero(chosen[inverse])))
    share = size / names.size
    spread = np.array(values).std(axis=0, ddof=1) * math.sqrt(share / (1 - share))
    return [math.inf if math.isnan(error) else float(error) for error in spread]


def permuted_sides(units: Ints, first_rows: int, rng: np.random.Generator) -> Flags:
    """Which pooled rows play the first side after permuting whole units; as many rows as fit ``first_rows``.

    With units of one row this is an ordinary permutation with exactly ``first_rows`` rows on the first side.
    """
    _, inverse, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(sizes.size)
    fits = np.cumsum(sizes[order]) <= first_rows
    chosen = np.zeros(sizes.size, dtype=bool)
    chosen[order[fits]] = True
    return chosen[inverse]


def permutation(observed: float, draws: Floats, tail: Tail) -> Null:
    """The p-value of an observed statistic among its permuted values.

    Counted exactly, (1 + at least as extreme) / (1 + draws). Beyond all draws the count says no more than
    1 / (1 + draws), too coarse for an adjustment over many measures; there a Student tail fitted to the draws
    continues it, and the smaller of the two is taken.
    """
    low, high = (float(q) for q in np.quantile(draws, (0.025, 0.975)))
    mean = float(draws.mean())
    if tail == "both":
        upper, lower = (permutation(observed, draws, side) for side in ("upper", "lower"))
        return Null(min(1.0, 2 * min(upper.p, lower.p)), (low, high), mean)
    extreme = int(np.sum(draws >= observed) if tail == "upper" else np.sum(draws <= observed))
    p = (1 + extreme) / (1 + draws.size)
    spread = float(draws.std(ddof=1)) * math.sqrt(1 + 1 / draws.size) if draws.size > 1 else 0.0
    if extreme == 0 and spread > 0:
        distance = (observed - mean) / spread * (1 if tail == "upper" else -1)
        p = min(p, float(stats.t.sf(distance, draws.size - 1)))
    return Null(p, (low, high), mean)


def difference_p(difference: float, error: float, tail: Tail) -> float:
    """Normal p-value of a difference with a standard error; 1 when the error is not finite or both are zero."""
    if not math.isfinite(error) or (error == 0 and difference == 0):
        return 1.0
    z = difference / error if error > 0 else math.copysign(math.inf, difference)
    if tail == "both":
        return float(2 * stats.norm.sf(abs(z)))
    return float(stats.norm.sf(z if tail == "upper" else -z))
