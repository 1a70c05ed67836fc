"""Typed columns: numbers, dates as days and words, with one coding of the values of several tables."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.data.columns.dates import DateFormat, date_format, written
from syngain.data.columns.values import is_missing, written_number
from syngain.data.rows import Lazy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints

Kind = Literal["number", "date", "word"]
DECIMALS = 6  # more are no rounding
ROUNDED = 0.995  # of the values, from which a column is rounded
CLOSE = 1e-9  # relative error of a rounded number in binary


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        numbers: values, dates as days since 1970 (n,); NaN where missing, or no number.
        codes: which value each row has (n,), -1 where missing; equal values of several tables have one code.
        values: the value of each code, as text. filled: rows with a value (n,).
        decimals: of rounded numbers of the first table; None where they are not rounded.
        format: of dates.
    """

    name: str
    kind: Kind
    numbers: Floats
    codes: Ints
    values: Sequence[str]
    decimals: int | None = None
    format: DateFormat | None = None

    @property
    def filled(self) -> Flags:
        """Rows with a value (n,)."""
        return self.codes >= 0

    @property
    def step(self) -> float:
        """The distance of neighboring rounded numbers; 0 where numbers are not rounded."""
        return 0.0 if self.decimals is None else 10.0**-self.decimals

    def take(self, rows: Ints) -> Column:
        """The column of some rows."""
        return replace(self, numbers=self.numbers[rows], codes=self.codes[rows])

    def shown(self, number: float) -> str:
        """A number of this column as text: dates as dates, whole numbers without a point."""
        return written(number) if self.kind == "date" else shown(number)


@dataclass(frozen=True, slots=True)
class Table:
    """Typed columns of ``size`` rows."""

    columns: Mapping[str, Column]
    size: int

    def take(self, rows: Ints) -> Table:
        """The table of some rows."""
        return Table({name: column.take(rows) for name, column in self.columns.items()}, int(rows.size))

    def only(self, names: Sequence[str]) -> Table:
        """The table of some columns."""
        return Table({name: self.columns[name] for name in names}, self.size)

    def of_kind(self, *kinds: Kind) -> list[Column]:
        """The columns of these kinds."""
        return [column for column in self.columns.values() if column.kind in kinds]


def typed_tables(*tables: Mapping[str, Sequence[object]]) -> list[Table]:
    """Type the columns of the first table, in all of them; every table has these columns."""
    sizes = [len(next(iter(table.values()), ())) for table in tables]
    columns = {name: _typed(name, [table[name] for table in tables]) for name in tables[0]}
    return [Table({name: found[at] for name, found in columns.items()}, size) for at, size in enumerate(sizes)]


def shown(number: float) -> str:
    """A number as text, at most six significant digits; whole numbers without a point."""
    if not math.isfinite(number):
        return str(number)
    return f"{number:.0f}" if number == round(number) and abs(number) < 1e15 else f"{number:.6g}"


def _typed(name: str, sides: Sequence[Sequence[object]]) -> list[Column]:
    """One column of all tables."""
    first = _numbers(sides[0])
    if first is not None:
        numbers = [first, *(_loose_numbers(side) for side in sides[1:])]
        return _coded(name, "number", numbers, sides, decimals=_decimals(first))
    form = date_format(sides[0])
    if form is None:
        return _coded(name, "word", [np.full(len(side), np.nan) for side in sides], sides)
    return _coded(name, "date", [form.days(side) for side in sides], sides, form=form)


def _coded(
    name: str,
    kind: Kind,
    numbers: Sequence[Floats],
    sides: Sequence[Sequence[object]],
    *,
    decimals: int | None = None,
    form: DateFormat | None = None,
) -> list[Column]:
    """The columns with one coding of the values of all sides."""
    if kind == "number" and all(isinstance(side, array) for side in sides):
        pooled = np.concatenate(numbers)
        known = np.isfinite(pooled)
        different, places = np.unique(pooled[known], return_inverse=True)
        codes = np.full(pooled.size, -1, dtype=np.int64)
        codes[known] = places
        values: Sequence[str] = Lazy(different.size, lambda place: shown(float(different[place])))
    else:
        index: dict[str, int] = {}
        codes = np.array(
            [-1 if is_missing(cell) else index.setdefault(_word(cell), len(index)) for side in sides for cell in side],
            dtype=np.int64,
        )
        values = tuple(index)
    ends = np.cumsum([side.size for side in numbers])[:-1]
    parts = zip(numbers, np.split(codes, ends), strict=True)
    return [Column(name, kind, own, code, values, decimals, form) for own, code in parts]


def _word(cell: object) -> str:
    return shown(cell) if isinstance(cell, float) else str(cell).strip()


def _numbers(values: Sequence[object]) -> Floats | None:
    """The column as numbers, NaN where missing; None when a cell is none, or all are missing."""
    if isinstance(values, array):
        return np.array(values, dtype=np.float64)
    found = _loose_numbers(values)
    missing = np.array([is_missing(value) for value in values], dtype=bool)
    return found if bool((np.isfinite(found) | missing).all()) and not missing.all() else None


def _loose_numbers(values: Sequence[object]) -> Floats:
    """Numbers, NaN where a cell is none."""
    if isinstance(values, array):
        return np.array(values, dtype=np.float64)
    known: dict[object, float] = {}
    for value in set(values):
        number = None if isinstance(value, bool) else written_number(value)
        known[value] = math.nan if number is None else number
    return np.array([known[value] for value in values], dtype=np.float64)


def _decimals(numbers: Floats) -> int | None:
    """The fewest decimals that all but a few numbers have."""
    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return None
    for count in range(DECIMALS + 1):
        if float(rounded(known, count).mean()) >= ROUNDED:
            return count
    return None


def rounded(numbers: Floats, decimals: int) -> Flags:
    """Which numbers have at most so many decimals (n,)."""
    return np.abs(numbers - np.round(numbers, decimals)) <= CLOSE * np.maximum(np.abs(numbers), 1.0)
