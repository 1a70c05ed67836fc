"""Label sets: one ridge regression for all labels, and a calibrated probability of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from syngain.learners.targets.ridge import FittedRidge, Ridge
from syngain.learners.targets.rows import Judgment, TargetRows

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints

STEPS = 12


@dataclass(frozen=True, slots=True)
class LabelRegression:
    """Independent labels: the score of a label is that of a ridge regression of its presence.

    The score becomes a probability by a logistic curve for each label [platt1999], fitted to rows that did not train.
    """

    ridge: Ridge = field(default_factory=Ridge)

    def fit(self, rows: TargetRows, fold: Ints, judged: Flags) -> FittedLabels:
        """Fit to rows of one vector of zeros and ones each."""
        fitted = self.ridge.fit(rows.X, rows.y, fold, judged)
        own = rows.y[judged] if judged.any() else rows.y
        rate = (own.sum(axis=0) + 0.5) / (len(own) + 1)
        center = rows.y.mean(axis=0)
        spread = np.maximum(center * (1 - center), 1e-6)
        z, y = (fitted.held - center) / spread, rows.y[fitted.rows]
        slope, offset = _calibrated(z, y, np.log(rate / (1 - rate)))
        return FittedLabels(fitted, center, spread, slope, offset, rate)


@dataclass(frozen=True, slots=True)
class FittedLabels:
    """A fitted regression of labels with the logistic curve of each (k,)."""

    ridge: FittedRidge
    center: Floats
    spread: Floats
    slope: Floats
    offset: Floats
    rate: Floats

    def probabilities(self, X: Floats) -> Floats:
        """The probability of each label (n, k), never 0 or 1."""
        z = (self.ridge.predict(X) - self.center) / self.spread
        mixing = 1 / (self.ridge.size + 2)
        return np.asarray((1 - mixing) * expit(self.offset + self.slope * z) + mixing / 2)

    def judge(self, rows: TargetRows) -> Judgment:
        """Surprisal of each label set in nats, summed over the labels, and which labels are hit."""
        probability, y = self.probabilities(rows.X), rows.y
        losses = -np.log(np.where(y > 0, probability, 1 - probability))
        guessed = (probability >= 0.5).astype(float)
        chance = -np.log(np.where(y > 0, self.rate, 1 - self.rate)).sum(axis=1)
        parts = {"losses": losses, "hits": guessed * y, "true": y, "guessed": guessed}
        return Judgment(losses.sum(axis=1), np.ones(len(rows)), chance, parts)


def _calibrated(z: Floats, y: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """Slope and offset of each label's logistic curve (k,), drawn to 1 and its log-odds as by one row."""
    slope, offset = np.ones(z.shape[1]), prior.copy()
    for _ in range(STEPS if len(z) else 0):
        p = expit(offset + slope * z)
        weight = p * (1 - p)
        down = [(p - y).sum(axis=0) + (offset - prior), ((p - y) * z).sum(axis=0) + (slope - 1)]
        a, b, c = weight.sum(axis=0) + 1, (weight * z).sum(axis=0), (weight * z**2).sum(axis=0) + 1
        whole = a * c - b**2
        offset = offset - np.clip((c * down[0] - b * down[1]) / whole, -2, 2)
        slope = slope - np.clip((a * down[1] - b * down[0]) / whole, -1, 1)
    return np.maximum(slope, 0.0), offset
