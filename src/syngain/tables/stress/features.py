"""Typed columns as a matrix for boosted trees, with one coding for real and drawn rows, and the trees themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from syngain.data.columns.dates import parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.typed import Column, Table

CATEGORIES = 60  # frequent values of a column; others are one
ROUNDS, FEWER_ROUNDS, MANY = 100, 40, 6  # of boosting; with more classes than MANY, fewer rounds
LEAVES = 15


@dataclass(frozen=True, slots=True)
class FeatureCoder:
    """How columns become features: numbers and dates as they are, words by the rank of their frequency.

    Attributes:
        names: the columns. frequent: codes of the frequent values of each column of words.
        dated: parts of dates that differ. categorical: features that are categories (d,).
    """

    names: tuple[str, ...]
    frequent: Mapping[str, Ints]
    dated: Mapping[str, Sequence[str]]
    categorical: Flags

    @classmethod
    def of(cls, table: Table, names: Sequence[str] | None = None) -> FeatureCoder:
        """The coding of the values of these rows; ``names``: some of the columns."""
        frequent, dated, categorical = {}, {}, []
        chosen = tuple(table.columns if names is None else names)
        for name in chosen:
            column = table.columns[name]
            if column.kind == "word":
                counts = np.bincount(column.codes[column.filled], minlength=len(column.values))
                order = np.argsort(-counts, kind="stable")
                frequent[name] = order[counts[order] > 0][:CATEGORIES]
            elif column.kind == "date":
                dated[name] = [part for part, values in parts(column.numbers).items() if _differ(values)]
            categorical += [column.kind == "word", *(False for _ in dated.get(name, ()))]
        return cls(chosen, frequent, dated, np.array(categorical, dtype=bool))

    def matrix(self, table: Table) -> Floats:
        """The features of rows (n, d); NaN where a cell is missing."""
        return np.column_stack([part for name in self.names for part in self._features(table.columns[name])])

    def fitted(self, X: Floats, y: Ints, seed: int) -> HistGradientBoostingClassifier:
        """Boosted trees [friedman2001] of these rows; ``y``: the class of each (n,)."""
        return HistGradientBoostingClassifier(
            max_iter=ROUNDS if np.unique(y).size <= MANY else FEWER_ROUNDS,
            learning_rate=0.1,
            max_leaf_nodes=LEAVES,
            l2_regularization=1.0,
            max_bins=64,
            early_stopping=False,
            categorical_features=self.categorical if self.categorical.any() else None,
            random_state=seed,
        ).fit(X, y)

    def _features(self, column: Column) -> list[Floats]:
        if column.kind == "number":
            return [column.numbers]
        if column.kind == "date":
            found = parts(column.numbers)
            return [column.numbers, *(found[part] for part in self.dated[column.name])]
        frequent = self.frequent[column.name]
        place = np.full(len(column.values) + 1, float(frequent.size))
        place[frequent] = np.arange(frequent.size)
        place[-1] = np.nan  # code -1: missing
        return [place[column.codes]]


def _differ(values: Floats) -> bool:
    return np.unique(values[np.isfinite(values)]).size > 1
