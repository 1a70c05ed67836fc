"""What a classifier of a table predicts from what: rows with a class, their columns, groups of equal rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.data.columns.values import is_missing, plain
from syngain.data.rows import show, show_names
from syngain.tables.cells.kinds import KeyColumn, NumberColumn, TextColumn, class_codec, codec_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Ints

    Cells = Mapping[str, Sequence[object]]

FEWEST, PER_CLASS = 100, 5  # real rows, and of each class
MOST_CLASSES = 50
MOST = 10_000  # real rows that are used


@dataclass(frozen=True)
class ClassTask:
    """Rows with a class.

    Attributes:
        cells: all columns but the label. features: those that a classifier sees: no keys, no free text.
        classes: as text. written: their first cells. y: the class of each row (n,). group: equal rows have one (n,).
        label: its column. left_out: rows without a class, or of a class with too few rows. total: rows of the file.
    """

    cells: Cells
    features: tuple[str, ...]
    classes: tuple[str, ...]
    written: tuple[object, ...]
    y: Ints
    group: Ints
    label: str
    left_out: int
    total: int

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.y.size

    @property
    def seen(self) -> Cells:
        """The columns that a classifier sees."""
        return {name: self.cells[name] for name in self.features}

    @classmethod
    def of(cls, cells: Cells, label: str, rng: np.random.Generator, most: int = MOST) -> ClassTask:
        """The task of predicting a column; at most ``most`` rows, chosen by ``rng``.

        Raises:
            UsageError: there is no such column. InputError: it holds no classes, or too few rows.
        """
        if label not in cells:
            raise UsageError(
                f"there is no column {show(label)}",
                expected=f"one of {show_names(list(cells))}",
                todo="correct --label",
            )
        own = cells[label]
        total = len(own)
        if isinstance(class_codec(label, own), (NumberColumn, KeyColumn, TextColumn)):
            raise InputError(
                f"the column {show(label)} holds no classes",
                expected=f"at most {MOST_CLASSES} different values",
                todo="name a column of classes with --label",
            )
        names = ["" if is_missing(cell) else plain(cell) or "" for cell in own]
        counts = dict(zip(*np.unique(names, return_counts=True), strict=True))
        classes = tuple(sorted(name for name, count in counts.items() if name and count >= PER_CLASS))
        rows = np.array([row for row, name in enumerate(names) if name in set(classes)], dtype=np.int64)
        _check(label, len(classes), rows.size)
        rows = np.sort(rng.permutation(rows)[:most])
        at = rows.tolist()
        chosen = {name: [column[row] for row in at] for name, column in cells.items() if name != label}
        features = tuple(
            name for name, column in chosen.items() if not isinstance(codec_of(name, column), (KeyColumn, TextColumn))
        )
        if not features:
            raise InputError(
                "no column to predict from",
                expected="columns of numbers, categories or dates",
                todo="keys and texts alone are not a table",
            )
        index = {name: place for place, name in enumerate(classes)}
        first = dict(zip(reversed(names), reversed(own), strict=True))
        lines = list(zip(*(chosen[name] for name in features), strict=True))
        equal: dict[tuple[object, ...], int] = {}
        return cls(
            cells=chosen,
            features=features,
            classes=tuple(str(name) for name in classes),
            written=tuple(first[name] for name in classes),
            y=np.array([index[names[row]] for row in at], dtype=np.int64),
            group=np.array([equal.setdefault(line, len(equal)) for line in lines], dtype=np.int64),
            label=label,
            left_out=total - sum(int(counts[name]) for name in classes),
            total=total,
        )


def _check(label: str, classes: int, rows: int) -> None:
    if not 2 <= classes <= MOST_CLASSES:
        raise InputError(
            f"the column {show(label)} holds {classes} classes of at least {PER_CLASS} rows",
            expected=f"2 to {MOST_CLASSES}",
            todo="name a column of classes with --label",
        )
    if rows < FEWEST:
        raise InputError(f"{rows} real rows", expected=f"at least {FEWEST} rows", todo="give more real rows")
