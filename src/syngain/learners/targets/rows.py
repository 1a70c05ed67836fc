"""Rows with targets of any kind: items with features, one or several for each row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class TargetRows:
    """Rows of items: one item for numbers and label sets, tokens of a text, candidates of a query.

    Attributes:
        X: features or codes of the items (items, d). y: their targets (items, k). start: first item of each row, and
            the number of items (n + 1,).
    """

    X: Floats
    y: Floats
    start: Ints

    @classmethod
    def single(cls, X: Floats, y: Floats) -> TargetRows:
        """Rows of one item each."""
        return cls(X, y.reshape(len(X), -1), np.arange(len(X) + 1))

    @classmethod
    def joined(cls, parts: Sequence[TargetRows]) -> TargetRows:
        """The rows of several sets, in order."""
        sizes = np.concatenate([part.sizes for part in parts])
        stacked = (np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts]))
        return cls(*stacked, np.concatenate([[0], np.cumsum(sizes)]))

    def __len__(self) -> int:
        return self.start.size - 1

    def __getitem__(self, rows: Ints) -> TargetRows:
        """Some of the rows, in this order; rows may repeat."""
        sizes = self.sizes[rows]
        ends = np.cumsum(sizes)
        items = np.arange(int(ends[-1]) if rows.size else 0) + np.repeat(self.start[:-1][rows] - ends + sizes, sizes)
        return TargetRows(self.X[items], self.y[items], np.concatenate([[0], ends]))

    @property
    def sizes(self) -> Ints:
        """Items of each row (n,)."""
        return np.diff(self.start)

    @property
    def row(self) -> Ints:
        """The row of each item (items,)."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def summed(self, values: Floats) -> Floats:
        """Sums by row (n, ...) of one value for each item."""
        total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
        return np.asarray(total[self.start[1:]] - total[self.start[:-1]])

    def with_targets(self, y: Floats) -> TargetRows:
        """The same items with other targets."""
        return replace(self, y=y)


@dataclass(frozen=True, slots=True)
class Judgment:
    """Losses of n rows under a fitted learner.

    Attributes:
        loss: surprisal of the targets of each row in nats (n,), always finite. size: what a row counts for (n,).
        chance: surprisal without any feature (n,). parts: further numbers by row (n, ...), which metrics are made of.
    """

    loss: Floats
    size: Floats
    chance: Floats
    parts: Mapping[str, Floats] = field(default_factory=dict)


class FittedTarget(Protocol):
    """A fitted learner."""

    def judge(self, rows: TargetRows) -> Judgment:
        """The losses of rows, with what their metrics need."""


class TargetLearner(Protocol):
    """Learns targets; penalty and scale are chosen on inner folds."""

    def fit(self, rows: TargetRows, fold: Ints, judged: Flags) -> FittedTarget:
        """Fit; deterministic.

        Args:
            rows: those that train.
            fold: inner fold of each row (n,), -1 always trains.
            judged: rows whose loss chooses (n,).
        """
