"""Exact and near duplicates inside a set, and how many different rows it holds. Rows are not information."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import gammaln

from syngain.core.estimate import Estimate
from syngain.inference.intervals import error_intervals

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints

UPPER = 1.645  # standard errors to the end of a one-sided 95% range
TOLERATED = 0.01  # a share of repeats below this is nobody's problem


def repeated_fraction(
    synthetic: Ints, real: Ints, *, kind: str, units: Ints | None = None, drawn: bool = False
) -> Estimate:
    """Fraction of synthetic rows that repeat an earlier one, from cluster codes of shape (n,) and (m,).

    The value describes this file; the interval is for a fresh set of as many rows from the same generator. The null
    is ``TOLERATED`` or, when the real rows repeat themselves too, what they repeat: both sets thinned to the size of
    the smaller one [hurlbert1971]. p is for the larger of the two. ``drawn``: rows are draws that may be equal, as in
    tables, so that the range has what chance adds to the real rows' repeats, and p is for its upper end.
    """
    sizes = np.bincount(np.unique(synthetic, return_inverse=True)[1])
    n = synthetic.size
    value = 1 - sizes.size / n
    error = math.sqrt(distinct_variance(synthetic, units)) / n
    background, spread, p = _against_real(sizes, np.bincount(np.unique(real, return_inverse=True)[1]), error)
    floor = _poisson_sf(value * n, TOLERATED * n, error * n)
    return Estimate(
        value=value,
        unit="share",
        method=f"{kind}; repeats = rows minus different rows; variance of the number of species seen",
        estimand="expected fraction of repeats among as many rows of the same generator",
        intervals=error_intervals(value, error, n),
        null=(0.0, max(TOLERATED, background + (UPPER * spread if drawn else 0.0))),
        p=max(p, floor),
        n=n,
        clusters=n if units is None else np.unique(units).size,
        references={"real_at_equal_size": background} if real.size else {},
    )


def effective_size(near: Ints, units: Ints | None = None) -> Estimate:
    """How many different rows the set holds: its near-duplicate clusters, shape (n,) codes."""
    n, different = near.size, np.unique(near).size
    error = math.sqrt(distinct_variance(near, units)) / n
    intervals = {k: (n * (1 - b), n * (1 - a)) for k, (a, b) in error_intervals(1 - different / n, error, n).items()}
    return Estimate(
        value=float(different),
        unit="rows",
        method="near-duplicate clusters",
        estimand="expected number of different rows among as many rows of the same generator",
        intervals=intervals,
        n=n,
        clusters=n if units is None else np.unique(units).size,
    )


def distinct_variance(codes: Ints, units: Ints | None = None) -> float:
    """Variance of the number of different values among n draws, from the draws themselves.

    Under Poisson sampling Var K_n = E K_2n - E K_n; for fixed n, minus (E f1)^2 / n, with f1 the values seen once
    [gnedin2007]. E K_2n - E K_n = f1 - f2 + f3 - ... is the extrapolation of Good and Toulmin [good1956], here
    with the binomial smoothing of [efron1976] that tames the high counts. With units, a delete-one-unit jackknife.
    """
    if units is not None and np.unique(units).size < units.size:
        return _jackknife_distinct(codes, units)
    frequencies = np.bincount(np.bincount(np.unique(codes, return_inverse=True)[1]))[1:]
    n = float(codes.size)
    fresh = float(np.sum(frequencies * smoothed_signs(frequencies.size)))
    once = float(frequencies[0]) if frequencies.size else 0.0
    return max(fresh - once * once / n, 0.0)


def smoothed_signs(count: int) -> Floats:
    """Coefficients of f1, f2, ... in the smoothed series at doubling: (-1)^(i + 1) P(Binomial(20, 1/2) >= i)."""
    orders = np.arange(1, count + 1)
    return np.asarray(np.where(orders % 2 == 1, 1.0, -1.0) * stats.binom.sf(orders - 1, 20, 0.5))


def _jackknife_distinct(codes: Ints, units: Ints) -> float:
    """Delete-one-unit jackknife: a unit removes the values that only it holds."""
    unit_names, unit = np.unique(units, return_inverse=True)
    _, code = np.unique(codes, return_inverse=True)
    pairs = np.unique(np.column_stack([code, unit]), axis=0)
    holders = np.bincount(pairs[:, 0])
    alone = pairs[holders[pairs[:, 0]] == 1]
    lost = np.bincount(alone[:, 1], minlength=unit_names.size).astype(float)
    kept_rows = np.bincount(unit).astype(float)
    influence = lost - kept_rows * (np.unique(codes).size / codes.size)  # deleting rows lowers n as well
    count = unit_names.size
    return float(np.sum((influence - influence.mean()) ** 2) * count / max(count - 1, 1))


def _against_real(synthetic: Ints, real: Ints, error: float) -> tuple[float, float, float]:
    """Repeated fraction of the real rows, error of the difference, one-sided p of more repeats, all at equal size."""
    n, m = int(synthetic.sum()), int(real.sum())
    if m < 2 or real.size == m:
        return 0.0, 0.0, 0.0  # the real rows repeat nothing: the tolerated share alone decides
    size = min(n, m)
    ours, theirs = _thinned(synthetic, size), _thinned(real, size)
    # repeats come in pairs of rows, rarely in crowds: Poisson errors on both sides, ours at least its own
    spread = math.hypot(max(math.sqrt(max(ours, 1.0)), error * size), math.sqrt(max(theirs, 1.0)))
    return theirs / size, spread / size, float(stats.norm.sf((ours - theirs) / spread))


def _thinned(sizes: Ints, rows: int) -> float:
    """Expected number of repeats among ``rows`` rows drawn without replacement [hurlbert1971]."""
    total = int(sizes.sum())
    if rows >= total:
        return float(total - sizes.size)
    left = (total - sizes).astype(float)
    log_absent = np.where(
        left >= rows,
        gammaln(left + 1) - gammaln(np.maximum(left - rows, 0) + 1) - gammaln(total + 1) + gammaln(total - rows + 1),
        -np.inf,
    )
    return float(rows - np.sum(1 - np.exp(log_absent)))


def _poisson_sf(count: float, mean: float, error: float) -> float:
    """P(at least ``count`` repeats) when ``mean`` are tolerated; overdispersed by the measured error."""
    if count <= mean:
        return 1.0
    spread = max(math.sqrt(mean), error)
    return float(min(stats.norm.sf((count - mean) / spread), 1.0))
