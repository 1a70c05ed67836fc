"""Resampling of whole units: subsampling errors and permutation tests.

Subsampling without replacement (:func:`subsampled_errors`) is for statistics of whole samples: duplicates, entropy,
neighbors, Vendi. Permutations of whole units (:func:`permutation`) are for comparisons with a null.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Interval

GOLDEN = (math.sqrt(5) - 1) / 2
Tail = Literal["upper", "lower", "both"]


@dataclass(frozen=True, slots=True)
class Null:
    """A permutation null: its 95% range and the p-value of the observed value."""

    p: float
    range: Interval
    mean: float


def subsampled_error(
    statistic: Callable[[Ints], float], units: Ints, rng: np.random.Generator, *, draws: int = 100
) -> float:
    """Standard error of one statistic; see :func:`subsampled_errors`."""
    return subsampled_errors(lambda rows: np.array([statistic(rows)]), units, rng, draws=draws)[0]


def subsampled_errors(
    statistics: Callable[[Ints], Floats], units: Ints, rng: np.random.Generator, *, draws: int = 100
) -> list[float]:
    """Standard errors by subsampling units without replacement [politis1994].

    ``statistics`` receives the positions of the kept rows. The variance over draws, times keep / (1 - keep),
    estimates the variance of the statistic. The kept fraction is the golden ratio because two cases are then exact:
    linear statistics (at any fraction), and statistics of pairs (duplicates in a diverse dataset), where the
    scaled variance is keep * (1 + keep) = 1 times the truth. The ordinary jackknife gives 2 in that case.
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
    """Rows of the first side after permuting whole units.

    As many rows as fit ``first_rows``. With units of one row this is an ordinary permutation with exactly
    ``first_rows`` rows on the first side.
    """
    _, inverse, sizes = np.unique(units, return_inverse=True, return_counts=True)
    order = rng.permutation(sizes.size)
    fits = np.cumsum(sizes[order]) <= first_rows
    chosen = np.zeros(sizes.size, dtype=bool)
    chosen[order[fits]] = True
    return chosen[inverse]


def permutation(observed: float, draws: Floats, tail: Tail) -> Null:
    """P-value of an observed statistic among its permuted values.

    Counted exactly, (1 + at least as extreme) / (1 + draws). Beyond all draws the count gives only 1 / (1 + draws), too
    coarse for an adjustment over many measures. There a Student tail is fitted to the draws, and the smaller value is
    used.
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
    """Normal p-value of a difference with a standard error.

    1 when the error is not finite or both are zero.
    """
    if not math.isfinite(error) or (error == 0 and difference == 0):
        return 1.0
    z = difference / error if error > 0 else math.copysign(math.inf, difference)
    if tail == "both":
        return float(2 * stats.norm.sf(abs(z)))
    return float(stats.norm.sf(z if tail == "upper" else -z))
