"""Equivalent real rows without further real rows: extrapolated learning curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.gain.curves.learning_curve import PowerLaw, learning_curve
from syngain.inference.clusters import shared_training
from syngain.inference.intervals import LEVELS

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.gain.curves.real_rows import RealCurve

FURTHEST = 1_000  # times the real rows; the interval is open beyond
STEPS = 400
REFUSED = "not estimated: the learning curve of the real rows does not fall beyond its noise"


def extrapolated_worth(real: RealCurve, rng: np.random.Generator, *, folds: int) -> Estimate:
    """Equivalent real rows where the extrapolated real curve meets real + synthetic.

    The power law is fitted to the curve of each evaluated row minus the variant's loss on that row, so that common
    parts cancel, with the covariance over clusters of rows, inflated for training rows common to folds. r solves L(n_A
    + r) = 0 in every draw of its posterior; open where the curve never reaches 0.
    """
    relative = (real.curve - real.arm[None]).mean(axis=1) * (real.size.size / real.size.sum())  # (k, t)
    covariance = _covariance(relative, real.cluster) * shared_training(folds)
    found = learning_curve(
        real.amounts.astype(float), relative.mean(axis=1), rng=rng, errors=covariance, method=PowerLaw(n0=0)
    )
    totals = np.unique(np.geomspace(real.amounts.min(), FURTHEST * real.anchors, STEPS))
    worth = _meetings(found.draws.losses(totals), totals) - real.anchors
    refused = found.verdict == "refused"
    value = math.nan if refused else float(np.median(worth))
    intervals = {}
    for level in LEVELS:
        low, high = np.quantile(worth, [(1 - level) / 2, (1 + level) / 2], method="nearest")
        intervals[level] = (-math.inf, math.inf) if refused else (_open(low, totals, real), _open(high, totals, real))
    return Estimate(
        value=math.inf if _open(value, totals, real) == math.inf else value,
        intervals=intervals,
        n=real.size.size,
        clusters=int(np.unique(real.cluster).size),
        unit="rows",
        method="power law fitted to the learning curve of the real rows minus the loss with synthetic rows; its zero",
        estimand=f"further real rows, added to {real.anchors:,}, with the same gain as the synthetic rows",
        direction="forecast",
        marks=("extrapolated", *((REFUSED,) if refused else ())),
    )


def _covariance(rows: Floats, cluster: Ints) -> Floats:
    """Covariance (k, k) of the means over rows (k, t), clusters independent."""
    names, codes = np.unique(cluster, return_inverse=True)
    centered = rows - rows.mean(axis=1, keepdims=True)
    sums = np.array([np.bincount(codes, weights=row, minlength=names.size) for row in centered])
    return np.asarray(sums @ sums.T / rows.shape[1] ** 2 * names.size / max(names.size - 1, 1))


def _meetings(losses: Floats, totals: Floats) -> Floats:
    """Total rows at which each curve (draws, m) first is at or below 0, else infinite."""
    below = losses <= 0
    first = below.argmax(axis=1)
    return np.where(below.any(axis=1), totals[first], math.inf)


def _open(worth: float, totals: Floats, real: RealCurve) -> float:
    """Open ends: below the smallest measured amount, beyond the extrapolation limit."""
    if worth <= totals[0] - real.anchors:
        return -math.inf
    return float(worth)
