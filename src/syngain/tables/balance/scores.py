"""Scores of variants with their uncertainty: rows are resampled within their classes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.inference.intervals import normal_intervals
from syngain.tables.balance.prior import MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Interval
    from syngain.tables.balance.prior import VariantPrior

DRAWS = 400  # resamplings
EQUAL = 9  # decimals to which expected changes are compared


def macro_f1(y: Ints, predicted: Ints, weight: Floats) -> float:
    """The mean over the classes of ``y`` of the F1 score of weighted rows; a class that is never right has 0."""
    size = int(max(y.max(), predicted.max())) + 1
    right = y == predicted
    real, found, both = (
        np.bincount(one, weights, size)
        for one, weights in ((y, weight), (predicted, weight), (y[right], weight[right]))
    )
    return float(np.mean((2 * both / np.maximum(real + found, 1e-300))[np.bincount(y, minlength=size) > 0]))


def prior_weights(y: Ints, fractions: Floats) -> Floats:
    """Weights of rows with which the classes have these fractions (n,); their mean is 1.

    Args:
        y: classes of the rows (n,).
        fractions: of the classes (classes,), above 0.
    """
    shares = np.bincount(y, minlength=fractions.size) / y.size
    weight = (fractions / np.where(shares > 0, shares, 1.0))[y]
    return np.asarray(weight / weight.mean())


@dataclass(frozen=True, slots=True)
class RowDraws:
    """Weights of rows in each resampling: groups of equal rows together, within their classes.

    Attributes:
        y: classes of the rows (n,). weight: of the rows (n,). times: weight of each row in each resampling (draws, n).
        folds: of a partition of the rows. rarest: groups of the class with the fewest.
    """

    y: Ints
    weight: Floats
    times: Floats
    folds: int
    rarest: int

    @classmethod
    def of(cls, y: Ints, group: Ints, weight: Floats, folds: int, rng: np.random.Generator) -> RowDraws:
        """Resample groups with replacement."""
        names, first, inverse = np.unique(group, return_index=True, return_inverse=True)
        layer = y[first]
        times = np.zeros((DRAWS, names.size))
        sizes = []
        for c in np.unique(layer):
            own = np.flatnonzero(layer == c)
            sizes.append(own.size)
            times[:, own] = rng.multinomial(own.size, np.full(own.size, 1 / own.size), size=DRAWS)
        return cls(y, weight, times[:, inverse] * weight, folds, min(sizes))

    @property
    def shift(self) -> float:
        """How much larger the log-odds of the rarest class are by weight than by the number of rows."""
        counts = np.bincount(self.y)
        rarest = int(np.argmin(np.where(counts > 0, counts, self.y.size + 1)))
        own = self.y == rarest
        odds = [float(part[own].sum() / part[~own].sum()) for part in (self.weight, np.ones(self.y.size))]
        return math.log(odds[0] / odds[1])

    def without(self, away: Flags) -> RowDraws:
        """The same resamplings without some rows; the rarest class has as many rows as before, less its part."""
        kept = ~away
        smallest = int(np.bincount(np.unique(self.y[kept], return_inverse=True)[1]).min())
        return RowDraws(self.y[kept], self.weight[kept], self.times[:, kept], self.folds, min(self.rarest, smallest))

    def f1(self, predicted: Ints) -> Floats:
        """Macro-F1 of predictions (n,) in each resampling (draws,)."""
        classes = np.unique(self.y)
        total = np.zeros(len(self.times))
        for c in classes:
            real, found = self.y == c, predicted == c
            both = self.times @ (real & found)
            sums = self.times @ real + self.times @ found
            total += np.where(sums > 0, 2 * both / np.where(sums > 0, sums, 1.0), 0.0)
        return total / classes.size

    def mean(self, values: Floats) -> Floats:
        """The mean of values of the rows (n,) in each resampling (draws,)."""
        return np.asarray(self.times @ values / self.times.sum(axis=1))

    def score(self, predictions: Sequence[Ints]) -> Score:
        """Macro-F1 of predictions (learners, n) of each partition, mean of the learners."""
        parts = [np.mean([macro_f1(self.y, one, self.weight) for one in lines]) for lines in predictions]
        draws = np.mean([self.f1(one) for lines in predictions for one in lines], axis=0)
        return Score(np.array(parts), draws, self.folds, self.rarest)


@dataclass(frozen=True, slots=True)
class Score:
    """A score: its value in each partition into folds (repeats,), and in each resampling of the rows (draws,).

    ``folds``: of a partition. ``rarest``: groups of equal rows in the rarest class.
    """

    repeats: Floats
    draws: Floats
    folds: int
    rarest: int

    def minus(self, other: Score) -> Score:
        """The difference to another score of the same rows."""
        return Score(self.repeats - other.repeats, self.draws - other.draws, self.folds, self.rarest)

    @property
    def value(self) -> float:
        """The mean over the partitions."""
        return float(self.repeats.mean())

    @property
    def error(self) -> float:
        """The standard error: that of the rows, widened since training rows vary as well, and that of the folds.

        The variance over resamplings is multiplied by 1 + 1 / (folds - 1) [nadeau2003]; the variance of the mean over
        partitions is added.
        """
        wide = float(self.draws.var()) * (1 + 1 / (self.folds - 1))
        n = self.repeats.size
        return math.sqrt(wide + (float(self.repeats.var(ddof=1)) / n if n > 1 else 0.0))

    @property
    def intervals(self) -> Mapping[float, Interval]:
        """Intervals of Student's t with the rarest class's rows, less one, as degrees of freedom."""
        return normal_intervals(self.value, self.error, max(self.rarest - 1, 1))


def chosen(scores: Sequence[Score], shift: float, prior: VariantPrior = MEASURED) -> int:
    """The score to choose; the first one is that of doing nothing.

    That with the largest expected change over the first one, given the estimates of this table and what variants gain
    on other tables; of equal ones the earliest. Estimates without an error decide alone.

    Args:
        scores: of all variants, in their order.
        shift: of the class fractions; see :attr:`RowDraws.shift`.
        prior: of the changes.
    """
    changes = [score.minus(scores[0]) for score in scores[1:]]
    value, error = np.array([[change.value, change.error] for change in changes]).T
    return int(np.argmax([0.0, *np.round(prior.posterior(value, error, shift), EQUAL)]))
