"""Nearest neighbors with smoothed votes: a nonlinear proxy to check rankings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.logistic import Examples


@dataclass(frozen=True, slots=True)
class Voting:
    """k nearest neighbors [fix1951], k chosen by inner folds.

    Each class starts with a vote of ``prior / classes``.

    Attributes:
        counts: numbers of neighbors to choose from, ascending. prior: weight of the uniform distribution, in votes.
    """

    counts: tuple[int, ...] = (3, 7, 15, 31, 63)
    prior: float = 1.0

    def fit(self, examples: Examples) -> FittedVoting:
        """Choose the number of neighbors on held-out rows, then use all rows."""
        total = np.zeros(len(self.counts))
        for fold in np.unique(examples.fold[examples.judged]):
            away = examples.fold == fold
            rows = np.flatnonzero(away & examples.judged)
            if fold < 0 or away.all():
                continue
            near = FittedVoting.of(self, examples, ~away, self.counts[-1]).neighbors(examples.X[rows])
            weight, own = examples.weight[rows], examples.y[rows]
            inside = np.flatnonzero(~away)
            for index, count in enumerate(self.counts):
                found = _log_votes(examples, inside[near[:, :count]], self.prior)
                total[index] -= weight @ found[np.arange(rows.size), own]
        best = self.counts[int(np.argmin(total))]
        return FittedVoting.of(self, examples, np.ones(examples.y.size, dtype=bool), best)


@dataclass(frozen=True, slots=True)
class FittedVoting:
    """The voting rows, and the number of neighbors."""

    method: Voting
    examples: Examples
    rows: Ints
    count: int

    @property
    def converged(self) -> bool:
        """Always true: there is no iteration to a tolerance."""
        return True

    @classmethod
    def of(cls, method: Voting, examples: Examples, chosen: Flags, count: int) -> FittedVoting:
        """Build from the voting rows."""
        rows = np.flatnonzero(chosen)
        return cls(method, examples, rows, min(count, rows.size))

    def neighbors(self, X: Floats) -> Ints:
        """Positions of the nearest ``rows``, nearest first, shape (n, count)."""
        reference = self.examples.X[self.rows]
        distance = np.sum(reference**2, axis=1) - 2 * X @ reference.T
        return _smallest(distance, self.count)

    def log_probabilities(self, X: Floats) -> Floats:
        """Log fractions of the votes, shape (n, classes), always finite."""
        return _log_votes(self.examples, self.rows[self.neighbors(X)], self.method.prior)


def _smallest(values: Floats, count: int) -> Ints:
    """Columns of the smallest values of each row, ascending, equal ones in their order: (n, count)."""
    limit = np.partition(values, count - 1, axis=1)[:, count - 1 : count]
    near = values <= limit
    out = np.empty((len(values), count), dtype=np.int64)
    exact = near.sum(axis=1) == count
    columns = np.nonzero(near[exact])[1].reshape(-1, count)
    found = np.take_along_axis(values[exact], columns, axis=1)
    out[exact] = np.take_along_axis(columns, np.argsort(found, axis=1, kind="stable"), axis=1)
    out[~exact] = np.argsort(values[~exact], axis=1, kind="stable")[:, :count]  # more values at the limit
    return out


def _log_votes(examples: Examples, near: Ints, prior: float) -> Floats:
    votes = np.full((near.shape[0], examples.classes), prior / examples.classes)
    rows = np.repeat(np.arange(near.shape[0]), near.shape[1])
    np.add.at(votes, (rows, examples.y[near].ravel()), examples.weight[near].ravel())
    return np.asarray(np.log(votes / votes.sum(axis=1, keepdims=True)))
