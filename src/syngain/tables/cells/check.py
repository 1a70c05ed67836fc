"""What rows of a cell model are worth, and what they copy: a model of one half of the real rows against the other."""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from syngain.core.rng import Streams
from syngain.data.encoders.mixed import mixed_rows
from syngain.tables.cells.table import TableModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.cells.model import CellSettings
    from syngain.tables.cells.state import CodedColumn

MOST = 1_000  # rows of a half
FEWEST = 40  # real rows
FOLDS = 3


@dataclass(frozen=True)
class TableCheck:
    """Synthetic rows of a model of one half of the real rows, against that half and the other.

    Attributes:
        auc: of boosted trees that separate synthetic rows from real rows that the model has not seen.
        nearer: per synthetic row 1 where a row of the model's half is the nearest real row, 0 where one of the other
            half is, .5 for both. copies: synthetic rows equal to a row of the model's half, and to one of the other.
        held_out: log-probability of each unseen real row in nats.
    """

    auc: float
    nearer: Floats
    copies: tuple[Flags, Flags]
    held_out: Floats

    @property
    def auc_error(self) -> float:
        """The standard error of the area (Hanley and McNeil)."""
        a, n = self.auc, len(self.nearer)
        first, second = a / (2 - a), 2 * a * a / (1 + a)
        return float(np.sqrt((a * (1 - a) + (n - 1) * (first + second - 2 * a * a)) / n**2))


def check_table(
    cells: Mapping[str, Sequence[object]],
    *,
    label: str | None = None,
    settings: CellSettings | None = None,
    temperature: float = 1.0,
    seed: int = 0,
) -> TableCheck | None:
    """Check a model of these real rows; None where they are too few."""
    rows = len(next(iter(cells.values())))
    if rows < FEWEST:
        return None
    order = Streams(seed).child("tables").stream("check").permutation(rows)
    half = min(rows // 2, MOST)
    seen, unseen = (
        {name: [column[row] for row in part.tolist()] for name, column in cells.items()}
        for part in (order[:half], order[half : 2 * half])
    )
    model = TableModel.fit(seen, label=label, settings=settings, seed=seed)
    drawn = model.sample(half, seed, temperature=temperature)
    known, other = model.coded(seen), model.coded(unseen)
    made = model.coded(drawn.columns)
    synthetic = row_codes(made)
    copies = [np.array([row in rows for row in synthetic]) for rows in (set(row_codes(known)), set(row_codes(other)))]
    nearer = _nearer(known, other, made)
    held_out = model.score(unseen, temperature=temperature, unseen=True).sum(axis=1)
    return TableCheck(separability(other, made, seed), nearer, (copies[0], copies[1]), held_out)


def row_codes(columns: Sequence[CodedColumn]) -> list[tuple[int, ...]]:
    """Rows as tuples of integers: equal rows have equal ones."""
    return [tuple(row) for row in np.stack([_one(column) for column in columns], axis=1).tolist()]


def _one(column: CodedColumn) -> Ints:
    """One integer per value: numbers from 0 to both sides, words below all of them."""
    return np.where(column.word >= -1, np.where(column.word >= 0, -(2**60) - column.word, column.grid), -(2**61))


def _nearer(known: Sequence[CodedColumn], other: Sequence[CodedColumn], made: Sequence[CodedColumn]) -> Floats:
    own, held, synthetic = mixed_rows([_mixed(part) for part in (known, other, made)])
    first = synthetic.squared_distances(own).min(axis=1)
    second = synthetic.squared_distances(held).min(axis=1)
    return np.where(np.abs(first - second) <= 1e-6, 0.5, (first < second).astype(np.float64))


def _mixed(columns: Sequence[CodedColumn]) -> dict[str, Sequence[object]]:
    """Columns for distances: numbers as numbers, words as words."""
    out: dict[str, Sequence[object]] = {}
    for column in columns:
        if column.step == column.step:
            out[column.name] = array("d", np.where(column.word == -1, column.grid * column.unit, np.nan))
        else:
            out[column.name] = [str(word) for word in column.word.tolist()]
    return out


def separability(other: Sequence[CodedColumn], made: Sequence[CodedColumn], seed: int) -> float:
    """The area under the curve of boosted trees that separate the rows of two tables; .5 where they cannot."""
    features = np.concatenate(numeric_features(other, made))
    synthetic = np.repeat([0, 1], [len(other[0].word), len(made[0].word)])
    areas = []
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(features, synthetic):
        model = HistGradientBoostingClassifier(max_iter=60, early_stopping=False, random_state=0)
        model.fit(features[train], synthetic[train])
        areas.append(roc_auc_score(synthetic[test], model.predict_proba(features[test])[:, 1]))
    return float(np.mean(areas))


def numeric_features(*tables: Sequence[CodedColumn]) -> list[Floats]:
    """Features of each table (n, columns): numbers, and words as numbers below all numbers of all tables."""
    out: list[list[Floats]] = [[] for _ in tables]
    for columns in zip(*tables, strict=True):
        numbers = [column.grid * column.unit for column in columns]
        low = min(float(number.min()) for number in numbers) - 1.0
        for side, column, number in zip(out, columns, numbers, strict=True):
            side.append(np.where(column.word == -1, number, low - 1.0 - column.word))
    return [np.stack(side, axis=1) for side in out]
