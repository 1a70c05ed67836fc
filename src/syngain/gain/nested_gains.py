"""Gains of variants on the same held-out real rows: paired differences with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.gain.forecast import UNITS
from syngain.gain.proxies.metrics import METRICS
from syngain.inference.clusters import clustered_freedom, clustered_variance, satterthwaite
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats, Ints
    from syngain.gain.proxies.task import Outcome


@dataclass(frozen=True)
class NestedGains:
    """Outcomes on the same real rows.

    Attributes:
        ``arms``: name of a variant to its outcome; ``random 0``, ``random 1`` ... are draws of one variant.
        label, cluster: of the evaluated rows (t,).
        inflation: of the variance of a mean over the rows, above 1 where models have training rows in common.
        rows: how many were chosen, on average over folds. where: how it was evaluated, in words.
    """

    arms: Mapping[str, Outcome]
    label: Ints
    cluster: Ints
    inflation: float
    rows: float
    where: str

    def over(self, metric: str, treated: str, control: str, estimand: str) -> Estimate:
        """The treated variant over the control; ``random``: mean of random selections."""
        a, b = self._scores(metric, treated), self._scores(metric, control)
        paired = a.mean(axis=0) - b.mean(axis=0)
        rows = clustered_variance(paired, self.cluster) * self.inflation
        draws = sum(float(side.mean(axis=1).var(ddof=1)) / len(side) for side in (a, b) if len(side) > 1)
        freedom = satterthwaite(
            (rows, max(clustered_freedom(paired, self.cluster), 2.0)), (draws, max(len(b) - 1.0, 1.0))
        )
        value = float(paired.mean())
        return Estimate(
            value=value,
            intervals=normal_intervals(value, math.sqrt(rows + draws), freedom),
            n=self.label.size,
            clusters=int(np.unique(self.cluster).size),
            unit=UNITS[metric],
            method=self.where,
            estimand=estimand,
        )

    def _scores(self, metric: str, arm: str) -> Floats:
        """Score of each evaluated row in each outcome of a variant, shape (outcomes, t)."""
        names = [name for name in self.arms if name == arm or name.partition(" ")[0] == arm]
        ones = np.ones(self.label.size)
        return np.array([METRICS[metric](self.arms[name], self.label, ones) for name in names])
