"""Variances and degrees of freedom of means of clustered rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints


def clustered_variance(values: Floats, units: Ints | None) -> float:
    """Variance of the mean of ``values`` (n,) with independent units.

    It includes the factor G / (G - 1).
    """
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


def clustered_freedom(values: Floats, units: Ints) -> float:
    """Degrees of freedom of :func:`clustered_variance`.

    By Satterthwaite from the kurtosis of the units' sums. G - 1 for normal sums; fewer where a few large or
    heavy-tailed units dominate the variance.
    """
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=values - values.mean())
    count, squares = sums.size, float(np.sum(sums**2))
    if count < 4 or squares == 0:
        return max(count - 1.0, 1.0)
    kurtosis = float(np.sum(sums**4)) * count / squares**2
    return max(2 * count / max(kurtosis - (count - 3) / (count - 1), 2 / count), 1.0)


def satterthwaite(*parts: tuple[float, float]) -> float:
    """Degrees of freedom of a sum of variances [satterthwaite1946]."""
    total = sum(variance for variance, _ in parts)
    below = sum(variance**2 / freedom for variance, freedom in parts if variance > 0)
    return total**2 / below if below > 0 else math.inf


def shared_training(folds: int) -> float:
    """Variance factor of a cross-validated mean: 1 + J / (J - 1) [nadeau2003].

    Each of J folds tests 1 / J of the rows with models that have common training rows: (1 / J + 1 / (J - 1)) J.
    """
    return 1 + folds / (folds - 1)


def summing(codes: Ints) -> sparse.csr_matrix[np.float64]:
    """Matrix (codes, n) that sums rows by code, codes ascending."""
    names, inverse = np.unique(codes, return_inverse=True)
    return sparse.csr_matrix((np.ones(codes.size), (inverse, np.arange(codes.size))), shape=(names.size, codes.size))
