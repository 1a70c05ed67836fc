"""Ratios of paired sums over clustered rows and seeds, with Fieller's interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.inference.clusters import clustered_freedom, satterthwaite
from syngain.inference.intervals import LEVELS, quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints


def paired_ratio(
    differences: Sequence[Floats], sizes: Sequence[Floats], clusters: Sequence[Ints], replicates: Sequence[float] = ()
) -> tuple[float, float, float]:
    """Ratio of summed differences to summed sizes, with error and degrees of freedom.

    One array per seed. With ``theta`` the ratio, rows contribute by ``e = difference - theta size`` summed over each
    cluster and all seeds: ``G / (G - 1) sum_c e_c^2 / (sum of sizes)^2`` [cochran1977]. Seeds add ``s^2 / K``, where
    ``s^2`` pools the K seeds' own ratios (K - 1 degrees of freedom) with ``replicates``, differences of two variants
    with equal expectation (one degree each, around zero). Both contain row noise, so the error is conservative. Degrees
    of freedom by Satterthwaite [satterthwaite1946].
    """
    total = float(sum(size.sum() for size in sizes))
    value = float(sum(d.sum() for d in differences)) / total
    residual = np.concatenate([d - value * s for d, s in zip(differences, sizes, strict=True)])
    units = np.concatenate(list(clusters))
    sums = np.bincount(np.unique(units, return_inverse=True)[1], weights=residual)
    if sums.size < 2:
        return value, math.inf, 1.0
    by_rows = float(np.sum(sums**2)) * sums.size / (sums.size - 1) / total**2
    parts = [(by_rows, clustered_freedom(residual, units))]
    own = np.array([d.sum() / s.sum() for d, s in zip(differences, sizes, strict=True)])
    degrees = own.size - 1 + len(replicates)
    if degrees > 0:
        squares = float(np.sum((own - own.mean()) ** 2)) + sum(replicate**2 for replicate in replicates)
        parts.append((squares / degrees / own.size, float(degrees)))
    variance = sum(part for part, _ in parts)
    spread = sum(part**2 / freedom for part, freedom in parts)
    return value, math.sqrt(variance), variance**2 / spread if spread > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two sums and, by level, the values its test does not reject.

    All real numbers where these form no interval: the denominator is then not significantly different from zero.
    """

    value: float
    intervals: Mapping[float, tuple[float, float]]


def fieller(above: Sequence[Floats], below: Sequence[Floats], clusters: Sequence[Ints]) -> Ratio:
    """Fieller's interval [fieller1954] of sum of ``above`` over sum of ``below``.

    One array of each per seed. With D, S the two sums, all theta with (D - theta S)^2 <= t^2 (V_DD - 2 theta V_DS +
    theta^2 V_SS). V adds two covariances: of the sums over clusters, a cluster's rows taken together over all seeds, G
    / (G - 1) sum of products; and of the sums over seeds, K times their sample covariance, as seeds are a sample of
    runs. Both contain row noise, so V is conservative. Degrees of freedom by Satterthwaite at the estimate.
    """
    units = np.unique(np.concatenate(list(clusters)), return_inverse=True)[1]
    pairs = np.array([np.concatenate(list(above)), np.concatenate(list(below))])
    sums = pairs.sum(axis=1)
    value = float(sums[0] / sums[1]) if sums[1] else math.nan
    grouped = np.array([np.bincount(units, weights=row) for row in pairs])
    if grouped.shape[1] < 2 or not math.isfinite(value):
        return Ratio(value, dict.fromkeys(LEVELS, (-math.inf, math.inf)))
    by_rows = np.cov(grouped) * grouped.shape[1]
    by_seeds = np.zeros((2, 2))
    if len(above) > 1:
        by_seeds = np.cov([[row.sum() for row in above], [row.sum() for row in below]]) * len(above)
    direction = np.array([1.0, -value])
    freedom = satterthwaite(
        (float(direction @ by_rows @ direction), clustered_freedom(pairs[0] - value * pairs[1], units)),
        (float(direction @ by_seeds @ direction), max(len(above) - 1.0, 1.0)),
    )
    return Ratio(value, {level: _roots(sums, by_rows + by_seeds, level, freedom) for level in LEVELS})


def _roots(sums: Floats, covariance: Floats, level: float, freedom: float) -> tuple[float, float]:
    """Solutions of a theta^2 - 2 b theta + c <= 0."""
    square = quantile(level, freedom) ** 2
    (c, b), (_, a) = np.outer(sums, sums) - square * covariance
    inside = b * b - a * c
    if a <= 0 or inside < 0:
        return (-math.inf, math.inf)
    value = float(sums[0] / sums[1])
    return (min(float(b - math.sqrt(inside)) / float(a), value), max(float(b + math.sqrt(inside)) / float(a), value))
