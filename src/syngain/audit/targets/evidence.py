"""Fractions of wrong targets: losses under a model of the real rows, cross-fitted, against those of spoiled real rows.

A logistic curve of the loss separates held-out real rows from the same rows with wrong targets. With its means over
real, spoiled and synthetic rows, the fraction of wrong rows is ``(synthetic - real) / (spoiled - real)`` [rogan1978].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import expit

from syngain.core.estimate import Estimate
from syngain.inference.clusters import clustered_variance
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints

SEPARATED = 0.15  # of the curve's means over spoiled and sound rows, below which nothing is measured
SURE = 0.8  # probability of being wrong from which a row is named
USUAL = 0.98  # of the real rows have a smaller loss than a row that is named
STEPS = 30


@dataclass(frozen=True, slots=True)
class Compared:
    """Losses of held-out real rows, of the same rows spoiled, and of synthetic rows; and which rows can show it."""

    real: Floats
    spoiled: Floats
    synthetic: Floats
    real_shows: Flags
    spoiled_shows: Flags
    shows: Flags


@dataclass(frozen=True, slots=True)
class WrongTargets:
    """The fraction of wrong targets, and which rows probably are (m,)."""

    fraction: Estimate
    flags: Flags


def wrong_targets(losses: Compared, group: Ints, unit: Ints, words: str) -> WrongTargets | None:
    """The fraction of wrong targets; None where spoiled rows cannot be distinguished from sound ones.

    Args:
        losses: of all rows.
        group: independent units of the real rows (n,).
        unit: independent units of the synthetic rows (m,).
        words: what wrong rows do.
    """
    if losses.spoiled_shows.sum() < 10:
        return None
    curve = _Curve.of(losses)
    sound = curve(losses.real) * losses.real_shows
    spoiled = curve(losses.spoiled) * losses.spoiled_shows
    found = curve(losses.synthetic) * losses.shows
    apart = float(spoiled.mean() - sound.mean())
    if apart < SEPARATED:
        return None
    value = float(found.mean() - sound.mean()) / apart
    part = min(max(value, 0.0), 1.0)
    base = float(clustered_variance(sound, group))
    other = float(spoiled.var()) / spoiled.size
    own = max(float(clustered_variance(found, unit)), 1e-4 / found.size)
    error = math.sqrt(own + (1 - part) ** 2 * base + part**2 * other) / apart
    estimate = Estimate(
        value=value,
        unit="share",
        method="loss under a model of the real rows, cross-fitted; corrected by real rows with wrong targets",
        estimand=f"fraction of synthetic rows: {words}",
        intervals=normal_intervals(value, error),
        null=(0.0, float(stats.norm.ppf(0.975)) * error),
        p=float(stats.norm.sf(value / error)),
        n=found.size,
        clusters=int(np.unique(unit).size),
        references={"real": 0.0},
    )
    posterior = part * found / np.maximum(part * found + (1 - part) * (1 - found), 1e-12)
    usual = float(np.quantile(losses.real[losses.real_shows], USUAL)) if losses.real_shows.any() else -math.inf
    return WrongTargets(estimate, (posterior >= SURE) & (losses.synthetic > usual) & losses.shows)


@dataclass(frozen=True, slots=True)
class _Curve:
    """Probability that a loss is that of a wrong row, both kinds being equally many."""

    offset: float
    slope: float
    low: float
    high: float

    @classmethod
    def of(cls, losses: Compared) -> _Curve:
        sound, wrong = losses.real[losses.real_shows], losses.spoiled[losses.spoiled_shows]
        low = float(np.quantile(np.concatenate([sound, wrong]), 0.01))
        high = float(np.quantile(wrong, 0.95))
        if high <= low:
            return cls(0.0, 0.0, low, low + 1)
        both = np.clip(np.concatenate([sound, wrong]), low, high)
        x = (both - low) / (high - low)
        y = np.repeat([0.0, 1.0], [sound.size, wrong.size])
        weight = np.where(y > 0, 1 / wrong.size, 1 / max(sound.size, 1)) * both.size / 2
        design = np.column_stack([np.ones(x.size), x])
        at = np.array([-1.0, 2.0])
        for _ in range(STEPS):
            p = expit(design @ at)
            gradient = design.T @ (weight * (p - y)) + 0.5 * np.array([0.1, 1.0]) * at
            curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + 0.5 * np.diag([0.1, 1.0])
            at = at - np.clip(np.linalg.solve(curvature, gradient), -2, 2)
        return cls(float(at[0]), max(float(at[1]), 0.0), low, high)

    def __call__(self, loss: Floats) -> Floats:
        x = (np.clip(loss, self.low, self.high) - self.low) / (self.high - self.low)
        return np.asarray(expit(self.offset + self.slope * x))
