"""Rules across files: columns that point at the rows of another file, and how many rows point at one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.data.columns.values import plain, written_number
from syngain.tables.rules.rule import CONFIDENCE, SUPPORT, quoted
from syngain.tables.typed import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.rules.others import OtherTable
    from syngain.tables.typed import Column

CHANCE = 1e-3  # that numbers all are keys by chance
PARENTS = 50  # different keys, from which the rows per key have a limit
MOST = 100  # rows per key that are a limit
PLAIN_NAMES = frozenset({"id", "key", "no", "nr", "number", "name", "row", "index", "code", "uid", "uuid"})
STEM = 3  # letters of a name that another name holds


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Every value of a column is the key of a row of another file.

    Attributes:
        numbers: the keys in ascending order, where all are numbers. known: the keys as text.
    """

    column: str
    table: str
    key: str
    known: frozenset[str] = field(repr=False)
    numbers: Floats | None = field(default=None, repr=False, compare=False)
    kind: Literal["reference"] = "reference"

    @classmethod
    def of(cls, column: str, table: str, key: str, values: Sequence[str]) -> ForeignKey:
        """A column that points at these keys."""
        numbers = [written_number(value) for value in values]
        known = [number for number in numbers if number is not None]
        return cls(column, table, key, frozenset(values), np.sort(known) if len(known) == len(values) else None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.column)} is the {quoted(self.key)} of a row of {self.table}"

    def refit(self, table: Table) -> ForeignKey:
        """The same rule: what it holds is of the other file."""
        del table
        return self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a value, and rows whose value is no key of the other file."""
        column = table.columns[self.column]
        if column.kind == "number" and self.numbers is not None:
            there = _among(column.numbers, self.numbers)
        else:
            there = np.array([plain(value) in self.known for value in column.values] + [False])[column.codes]
        return column.filled, column.filled & ~there


@dataclass(frozen=True, slots=True)
class RowsPerKey:
    """At most so many rows point at one row of another file.

    Attributes:
        most: rows of one key. keys: real keys. rows: real rows; more synthetic rows may have more in proportion.
    """

    column: str
    table: str
    most: int
    keys: int
    rows: int
    kind: Literal["children"] = "children"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"at most {self.most} rows have one {quoted(self.column)} of {self.table}"

    def refit(self, table: Table) -> RowsPerKey:
        """The limit of these rows."""
        counts = _counts(table.columns[self.column])
        return replace(self, most=int(counts.max(initial=1)), keys=int(counts.size), rows=table.size)

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a value, and rows beyond the limit of their key, in the order of the file."""
        column = table.columns[self.column]
        limit = math.ceil(self.most * max(1.0, table.size / max(self.rows, 1)))
        return column.filled, column.filled & (_places(column.codes) >= limit)

    def crowded(self, table: Table) -> tuple[int, int]:
        """Keys with more rows than the limit, and all keys."""
        counts = _counts(table.columns[self.column])
        return int((counts > self.most).sum()), int(counts.size)


def reference_rules(table: Table, others: Sequence[OtherTable]) -> Iterator[ForeignKey | RowsPerKey]:
    """The columns of real rows that point at other files, and how many rows point at one key."""
    for other in others:
        for column in table.columns.values():
            found = _pointing(column, other)
            if found is None:
                continue
            yield found
            limit = RowsPerKey(column.name, other.name, 1, 0, 0).refit(table)
            if limit.keys >= PARENTS and 1 < limit.most <= MOST:
                yield limit


def references_tried(table: Table, others: Sequence[OtherTable]) -> Mapping[str, int]:
    """How many of these rules columns and files like these allow."""
    count = len(table.columns) * sum(len(other.keys) for other in others)
    return {"reference": count, "children": count}


def _pointing(column: Column, other: OtherTable) -> ForeignKey | None:
    """The key that a column points at: one of a fitting name before others."""
    values = np.unique(column.codes[column.filled])
    if column.filled.sum() < SUPPORT or values.size < 2:
        return None
    found = []
    for key, known in other.keys.items():
        rule = ForeignKey.of(column.name, other.name, key, known)
        broken = rule.check(Table({column.name: column}, column.codes.size))[1]
        if broken.sum() > (1 - CONFIDENCE) * column.filled.sum():
            continue
        if _named_alike(column.name, key, other.name):
            return rule
        if not _by_chance(column, rule):
            found.append(rule)
    return found[0] if found else None


def _by_chance(column: Column, rule: ForeignKey) -> bool:
    """Whether values would all be keys anyway: keys without gaps between the least and the largest value."""
    if column.kind == "date":
        return True
    if column.kind == "word" or rule.numbers is None:
        return False
    values = np.unique(column.numbers[np.isfinite(column.numbers)])
    low, high = float(values[0]), float(values[-1])
    inside = int(((rule.numbers >= low) & (rule.numbers <= high)).sum())
    return (inside / (high - low + 1)) ** values.size > CHANCE


def _named_alike(column: str, key: str, table: str) -> bool:
    """Whether a column is called like the key, or after the file: ``customer_id`` of ``customers``."""
    own, other, stem = (re.sub(r"[^\w]|_", "", name).casefold() for name in (column, key, Path(table).stem))
    stem = stem.rstrip("s")
    return (own == other and own not in PLAIN_NAMES) or (len(stem) >= STEM and stem in own)


def _among(numbers: Floats, known: Floats) -> Flags:
    places = np.minimum(np.searchsorted(known, numbers), known.size - 1)
    return np.asarray(known[places] == numbers)


def _counts(column: Column) -> Ints:
    """Rows of each value that there is."""
    return np.unique(column.codes[column.filled], return_counts=True)[1]


def _places(codes: Ints) -> Ints:
    """How many earlier rows have the code of each row (n,)."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if codes.size else codes
    first = np.repeat(starts, np.diff(np.append(starts, codes.size)))
    out = np.empty(codes.size, dtype=np.int64)
    out[order] = np.arange(codes.size) - first
    return out
