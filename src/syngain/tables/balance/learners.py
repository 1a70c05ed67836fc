"""Proxy models of a table: rows as features, boosted trees and logistic regression with fixed settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from syngain.learners.boosting import Boosting
from syngain.learners.logistic import Examples, Logistic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.tables.balance.coded import CodedRows

CATEGORIES = 30  # frequent words of a column; others are none of them
ROUNDS = 64  # of boosting
PENALTY = 1.0  # of logistic regression, on the sum of the losses of the rows
LARGEST = 10.0  # standard deviations from the mean beyond which a number is no farther


@dataclass(frozen=True, slots=True)
class RowFeatures:
    """How coded rows become features: standardized numbers, and whether a cell holds a frequent word.

    Attributes:
        center, scale: of the numbers of each part (p,). words: part and word of each further feature.
    """

    center: Floats
    scale: Floats
    numeric: Ints
    words: Sequence[tuple[int, int]]

    @classmethod
    def of(cls, rows: CodedRows) -> RowFeatures:
        """The features with the location and spread of some real rows."""
        numbers = rows.numbers
        center, scale = np.zeros(len(rows.names)), np.ones(len(rows.names))
        words: list[tuple[int, int]] = []
        for at, column in enumerate(numbers.T):
            known = column[np.isfinite(column)]
            if known.size:
                center[at], scale[at] = float(known.mean()), float(known.std()) or 1.0
            own = rows.word[:, at]
            counts = np.bincount(own[own >= 0], minlength=len(rows.words[at]))
            order = np.argsort(-counts, kind="stable")
            words += [(at, int(word)) for word in order[:CATEGORIES] if 0 < counts[word] < len(rows)]
        return cls(center, scale, np.flatnonzero(np.isfinite(numbers).any(axis=0)), words)

    def __call__(self, rows: CodedRows) -> Floats:
        """Features of rows (n, d); numbers that are missing are at the mean."""
        numbers = (rows.numbers - self.center) / self.scale
        dense = np.clip(np.where(np.isfinite(numbers), numbers, 0.0)[:, self.numeric], -LARGEST, LARGEST)
        hot = [rows.word[:, at] == word for at, word in self.words]
        return np.column_stack([dense, *hot]).astype(np.float64)


def fitted_log_probabilities(learner: str, train: tuple[Floats, Ints, Floats], X: Floats, classes: int) -> Floats:
    """Fit a proxy model and predict.

    Args:
        learner: ``boosted`` or ``logistic``.
        train: features (n, d), classes (n,), weights (n,).
        X: features of other rows (m, d).
        classes: their number.

    Returns:
        Log-probabilities of the classes in nats (m, classes).
    """
    features, y, weight = train
    rows = np.full(y.size, -1)
    examples = Examples(features, y, classes, weight, rows, np.zeros(y.size, dtype=bool))
    if learner == "boosted":
        return Boosting(rounds=(ROUNDS,)).fit(examples).log_probabilities(X)
    return Logistic(penalties=(PENALTY,)).fit(examples).log_probabilities(X)


def with_prior(logp: Floats, trained: Floats, real: Floats) -> Floats:
    """Log-probabilities (n, classes) of classes as frequent as real rows have them.

    Args:
        logp: of a model in nats.
        trained: class fractions that it was trained with (classes,); 0 where a class had no rows.
        real: class fractions of the real rows it was trained on (classes,).
    """
    shift = np.where(trained > 0, np.log(np.maximum(real, 1e-300)) - np.log(np.maximum(trained, 1e-300)), 0.0)
    moved = logp + shift
    return np.asarray(moved - logsumexp(moved, axis=1, keepdims=True))
