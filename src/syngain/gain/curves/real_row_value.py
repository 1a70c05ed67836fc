"""Equivalent real rows, gain of held-out rows, and effect of more rows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.core.progress import Progress, silent
from syngain.core.result import Series
from syngain.gain.curves.extrapolated import extrapolated_worth
from syngain.gain.curves.learning_curve import LearningCurve, PowerLaw, learning_curve
from syngain.gain.curves.real_rows import CurveDesign, RealCurve, real_curve
from syngain.gain.curves.rows_worth import rows_worth
from syngain.gain.design.cross_validation import Arm
from syngain.gain.forecast import UNITS
from syngain.gain.proxies.metrics import METRICS
from syngain.inference.clusters import clustered_freedom, clustered_variance
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from syngain.core.arrays import Floats
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.forecast import Forecaster
    from syngain.gain.proxies.task import Task

ALONE = CurveDesign(points=6, seeds=1, folds=10)
POOLED = CurveDesign()
FROZEN = CurveDesign(points=3, seeds=1, folds=5)  # a fit on a frozen model takes seconds


def worths(
    task: Task, ground: GainLayout, streams: Streams, *, metric: str, most: int, progress: Progress = silent
) -> tuple[dict[str, Estimate], dict[str, Series]]:
    """Equivalent real rows with the curve: on the pool, the test, or extrapolated.

    ``gain.rows_worth``, ``gain.rows_worth@test``, and ``gain.<metric>.pool``, the gain of as many pool rows.
    """
    estimates: dict[str, Estimate] = {}
    series: dict[str, Series] = {}
    if not ground.pool.size:
        design = replace(ALONE if ground.reader is None else FROZEN, most=most)
        curve = real_curve(task, ground, streams, judged="anchors", design=design, progress=progress)
        estimates["gain.rows_worth"] = extrapolated_worth(curve, streams.stream("law"), folds=design.folds)
        return estimates, {"learning.real": _series(curve)}
    design = replace(POOLED if ground.reader is None else FROZEN, most=most)
    for judged, name in (("pool", "gain.rows_worth"), ("test", "gain.rows_worth@test")):
        if judged == "test" and not ground.test.size:
            continue
        curve = real_curve(
            task, ground, streams.child(judged), judged="pool" if judged == "pool" else "test", design=design
        )
        worth = rows_worth(
            curve.amounts, _scaled(curve), arm=_arm(curve), anchors=curve.anchors, clusters=curve.cluster
        )
        estimates[name] = worth.estimate
        series["learning.real" + name.removeprefix("gain.rows_worth")] = _series(curve)
        if judged == "pool" and curve.pool is not None:
            estimates[f"gain.{metric}.pool"] = _pool_gain(curve, metric)
    return estimates, series


def more_of_it(forecaster: Forecaster, metric: str, streams: Streams, min_gain: float) -> LearningCurve | None:
    """Learning curve over amounts of synthetic rows; None with fewer than four."""
    trials = forecaster.experiment.trials
    levels = range(len(trials[0].levels))
    if len(levels) < 4:
        return None
    scores = np.array(
        [
            np.mean([METRICS[metric](t.outcomes[arm], forecaster.label, forecaster.weight) for t, arm in arms], axis=0)
            for arms in ([(t, Arm("both", 1.0, t.levels[level])) for t in trials] for level in levels)
        ]
    )
    group = np.unique(forecaster.experiment.lineage.group, return_inverse=True)[1]
    sums = np.array([np.bincount(group, weights=row - row.mean()) for row in scores])
    count = group.max() + 1
    covariance = sums @ sums.T / group.size**2 * count / max(count - 1, 1) * forecaster.inflation(metric)
    amounts = np.mean([t.levels for t in trials], axis=0)
    return learning_curve(
        amounts,
        -scores.mean(axis=1),
        rng=streams.stream("law"),
        errors=covariance,
        method=PowerLaw(n0=forecaster.label.size, min_gain=min_gain, unit=UNITS[metric]),
    )


def _scaled(curve: RealCurve) -> Floats:
    """Losses per unit of size, so that their mean is the ratio of sums."""
    return np.asarray(curve.curve * (curve.size.size / curve.size.sum()))


def _arm(curve: RealCurve) -> Floats:
    return np.asarray(curve.arm * (curve.size.size / curve.size.sum()))


def _series(curve: RealCurve) -> Series:
    """Loss against real rows, with the 90% band of its mean over evaluated rows."""
    losses = _scaled(curve).mean(axis=1)
    middle = losses.mean(axis=1)
    half = [1.645 * math.sqrt(clustered_variance(row, curve.cluster)) for row in losses]
    return Series(
        x_name="real rows",
        x=tuple(map(float, curve.amounts)),
        value=tuple(map(float, middle)),
        lower=tuple(float(a - b) for a, b in zip(middle, half, strict=True)),
        upper=tuple(float(a + b) for a, b in zip(middle, half, strict=True)),
    )


def _pool_gain(curve: RealCurve, metric: str) -> Estimate:
    """Real rows with pool rows over real rows alone, cross-validated on the pool."""
    assert curve.pool is not None  # noqa: S101  (checked by the caller)
    at = int(np.argmin(np.abs(curve.amounts - curve.anchors)))
    scale = curve.size.size / curve.size.sum()
    paired = (curve.curve[at] - curve.pool).mean(axis=0) * scale
    error = math.sqrt(clustered_variance(paired, curve.cluster))
    value = float(paired.mean())
    return Estimate(
        value=value,
        intervals=normal_intervals(value, error, max(clustered_freedom(paired, curve.cluster), 1.0)),
        n=paired.size,
        clusters=int(np.unique(curve.cluster).size),
        unit=UNITS[metric],
        method=f"{curve.pool_rows:,} held-out rows added to {int(curve.amounts[at]):,} real rows, cross-validated",
        estimand=f"gain of {curve.pool_rows:,} more real rows",
    )
