"""Numbers and ordinal scores: ridge regression with a Gaussian of learned scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.learners.targets.ridge import FittedRidge, Ridge
from syngain.learners.targets.rows import Judgment, TargetRows

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints

LEAST = 1e-6  # of the scale of the targets: no smaller scale is learned
WIDER = (0.5, 0.65, 0.8, 0.9, 1.0, 1.15, 1.35)  # scales of an ordinal score, times its root mean squared error


@dataclass(frozen=True, slots=True)
class GaussianRegression:
    """A Gaussian around a ridge regression; its scale is the error on rows that did not train."""

    ridge: Ridge = field(default_factory=Ridge)

    def fit(self, rows: TargetRows, fold: Ints, judged: Flags) -> FittedGaussian:
        """Fit to rows of one number each."""
        fitted = self.ridge.fit(rows.X, rows.y, fold, judged)
        own = rows.y[judged, 0] if judged.any() else rows.y[:, 0]
        spread = max(float(own.std()), LEAST * max(float(np.abs(own).max(initial=0.0)), 1e-300), 1e-150)
        miss = rows.y[fitted.rows, 0] - fitted.held[:, 0]
        scale = math.sqrt(float(np.mean(miss**2))) if miss.size else spread
        return FittedGaussian(fitted, max(scale, LEAST * spread), float(own.mean()), spread)


@dataclass(frozen=True, slots=True)
class FittedGaussian:
    """A fitted Gaussian: its regression and scale; ``mean`` and ``spread`` are those of the targets."""

    ridge: FittedRidge
    scale: float
    mean: float
    spread: float

    def judge(self, rows: TargetRows) -> Judgment:
        """Minus the log density of each number in nats, and its squared error."""
        y = rows.y[:, 0]
        miss = y - self.ridge.predict(rows.X)[:, 0]
        return Judgment(
            _surprisal(miss, self.scale),
            np.ones(len(rows)),
            _surprisal(y - self.mean, self.spread),
            {"error": miss**2, "target": y},
        )


@dataclass(frozen=True, slots=True)
class OrdinalRegression:
    """A Gaussian around a ridge regression, cut midway between the scores: an ordered probit with these cuts.

    Attributes:
        levels: the scores, ascending (k,).
    """

    levels: tuple[float, ...]
    ridge: Ridge = field(default_factory=Ridge)

    def fit(self, rows: TargetRows, fold: Ints, judged: Flags) -> FittedOrdinal:
        """Fit to rows of one score each."""
        fitted = self.ridge.fit(rows.X, rows.y, fold, judged)
        y = rows.y[fitted.rows, 0]
        base = max(math.sqrt(float(np.mean((y - fitted.held[:, 0]) ** 2))), 1e-3 * float(np.ptp(self.levels)))
        found = [FittedOrdinal(fitted, base * wider, self.levels, self._prior(y)) for wider in WIDER]
        losses = [float(one.surprisal(fitted.held[:, 0], y).sum()) for one in found]
        return found[int(np.argmin(losses))]

    def _prior(self, y: Floats) -> tuple[float, ...]:
        counts = np.array([float((y == level).sum()) + 1 for level in self.levels])
        return tuple((counts / counts.sum()).tolist())


@dataclass(frozen=True, slots=True)
class FittedOrdinal:
    """A fitted ordinal regression; ``prior`` is the distribution of the scores without features."""

    ridge: FittedRidge
    scale: float
    levels: tuple[float, ...]
    prior: tuple[float, ...]

    def judge(self, rows: TargetRows) -> Judgment:
        """Surprisal of each score in nats, the absolute error of the expected score, and whether the guess is right."""
        y, levels = rows.y[:, 0], np.array(self.levels)
        mean = self.ridge.predict(rows.X)[:, 0]
        probability = self._probabilities(mean)
        guess = levels[probability.argmax(axis=1)]
        chance = -np.log(np.array(self.prior))[np.searchsorted(levels, y)]
        parts = {"error": np.abs(y - probability @ levels), "hit": (guess == y).astype(float)}
        return Judgment(self.surprisal(mean, y), np.ones(len(rows)), chance, parts)

    def surprisal(self, mean: Floats, y: Floats) -> Floats:
        """Surprisal of scores (n,) where the regression predicts ``mean``."""
        own = np.searchsorted(np.array(self.levels), y)
        return np.asarray(-np.log(self._probabilities(mean)[np.arange(y.size), own]))

    def _probabilities(self, mean: Floats) -> Floats:
        levels = np.array(self.levels)
        cuts = np.concatenate([[-np.inf], (levels[1:] + levels[:-1]) / 2, [np.inf]])
        below = stats.norm.cdf((cuts[None, :] - mean[:, None]) / self.scale)
        mixing = 1 / (self.ridge.size + 2)
        return np.asarray((1 - mixing) * np.diff(below, axis=1) + mixing / levels.size)


def _surprisal(miss: Floats, scale: float) -> Floats:
    return np.asarray(0.5 * np.log(2 * np.pi) + np.log(scale) + 0.5 * (miss / scale) ** 2)
