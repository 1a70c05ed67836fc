"""Functional dependencies: one column determines another, or whether another is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.tables.rules.rule import CONFIDENCE, SUPPORT, quoted, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.core.arrays import Flags, Ints
    from syngain.tables.typed import Column, Table

REPEATED = 3  # rows per different value of the column that determines
CHANCE = 0.05  # of the rows that the most frequent value alone gets wrong, at least
REMAINING = 0.2  # of these mistakes may be left
SCREEN = 500  # rows that are looked at first
CELLS = 2_000_000  # counts of pairs of values
FEW = 30  # values that a column has which tells whether another is missing


@dataclass(frozen=True, slots=True)
class Determines:
    """The value of one column determines that of another; rows with unseen or missing values do not count."""

    first: str
    second: str
    expected: Ints  # code of the second column by that of the first, -1 unseen
    kind: Literal["dependency"] = "dependency"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that determines, and the other one."""
        return (self.first, self.second)

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.first)} determines {quoted(self.second)}"

    def refit(self, table: Table) -> Determines:
        """The most frequent value for each value of the first column, in these rows."""
        first, second = (table.columns[name] for name in self.columns)
        known = first.filled & second.filled
        return replace(self, expected=_modes(first.codes[known], second.codes[known], len(first.values)))

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with both values, the first one seen; and rows with another second value."""
        first, second = (table.columns[name] for name in self.columns)
        expected = _looked_up(self.expected, first.codes)
        applies = first.filled & second.filled & (expected >= 0)
        return applies, applies & (expected != second.codes)


@dataclass(frozen=True, slots=True)
class MissingIf:
    """Whether one column is missing depends on the value of another, or on whether that is missing."""

    first: str
    second: str
    when: Flags  # by code of the first column, the last is that of missing values
    seen: Flags
    examples: tuple[str, ...]
    kind: Literal["missing"] = "missing"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that tells, and the one that is missing."""
        return (self.first, self.second)

    @property
    def words(self) -> str:
        """The rule in words."""
        which = " or ".join(self.examples) if len(self.examples) <= 3 else f"one of {some(self.examples)}"
        return f"{quoted(self.second)} is missing exactly where {quoted(self.first)} is {which}"

    def refit(self, table: Table) -> MissingIf:
        """The values at which the second column is missing, in these rows."""
        return _missing_if(table.columns[self.first], table.columns[self.second])

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a seen first value, and rows where the second one is missing or present against the rule."""
        codes = table.columns[self.first].codes  # -1 is the last
        applies = self.seen[codes]
        return applies, applies & (self.when[codes] == table.columns[self.second].filled)


def dependencies(table: Table, keys: frozenset[str], rng: np.random.Generator) -> Iterator[Determines | MissingIf]:
    """The dependencies between columns that hold in nearly all of these rows and would not by chance."""
    rows = np.sort(rng.permutation(table.size)[:SCREEN])
    columns = [column for column in table.columns.values() if column.name not in keys]
    narrow = [column for column in columns if 2 <= _different(column) <= table.size / REPEATED]
    for second in columns:
        gaps = float((~second.filled).mean())
        for first in narrow:
            if first is second:
                continue
            if _may_determine(first, second, rows):
                found = Determines(first.name, second.name, np.empty(0, np.int64)).refit(table)
                if _holds(found, table, _mistakes(second)):
                    yield found
            if 0 < gaps < 1 and _different(first) <= FEW:
                told = _missing_if(first, second)
                if _holds(told, table, min(gaps, 1 - gaps)):
                    yield told
        yield from _missing_together(table, second, gaps)


def _missing_together(table: Table, second: Column, gaps: float) -> Iterator[MissingIf]:
    """Columns that are missing in the same rows: each pair once."""
    if not 0 < gaps < 1:
        return
    for first in table.columns.values():
        if first.name < second.name and bool((first.filled == second.filled).all()):
            yield _missing_if(first, second)


def _missing_if(first: Column, second: Column) -> MissingIf:
    size = len(first.values)
    places = np.where(first.codes < 0, size, first.codes)
    rows = np.bincount(places, minlength=size + 1)
    when = 2 * np.bincount(places, weights=~second.filled, minlength=size + 1) > rows
    names = [first.values[code] if code < size else "missing" for code in np.flatnonzero(when).tolist()]
    return MissingIf(first.name, second.name, when, rows > 0, tuple(names))


def _holds(rule: Determines | MissingIf, table: Table, mistakes: float) -> bool:
    """Whether enough rows follow the rule, many of which would not by the most frequent value alone."""
    applies, broken = rule.check(table)
    wrong = broken.sum() / max(applies.sum(), 1)
    enough = applies.sum() >= SUPPORT and wrong <= 1 - CONFIDENCE
    return bool(enough and mistakes >= CHANCE and wrong <= REMAINING * mistakes)


def _may_determine(first: Column, second: Column, rows: Ints) -> bool:
    """Whether the most frequent values of a sample fit it; in a sample of few rows they always nearly do."""
    some_first, some_second = first.codes[rows], second.codes[rows]
    known = (some_first >= 0) & (some_second >= 0)
    if known.sum() < SUPPORT or len(first.values) * len(second.values) > CELLS:
        return False
    expected = _modes(some_first[known], some_second[known], len(first.values))
    return float((expected[some_first[known]] != some_second[known]).mean()) <= 1 - CONFIDENCE


def _modes(first: Ints, second: Ints, size: int) -> Ints:
    """The most frequent second code for each first one (size,), -1 without rows."""
    out = np.full(size, -1, dtype=np.int64)
    if not first.size:
        return out
    width = int(second.max()) + 1
    pairs, counts = np.unique(first * width + second, return_counts=True)
    order = np.argsort(counts, kind="stable")  # the most frequent is written last
    out[pairs[order] // width] = pairs[order] % width
    return out


def _looked_up(expected: Ints, codes: Ints) -> Ints:
    if not expected.size:
        return np.full(codes.size, -1, dtype=np.int64)
    return np.where(codes >= 0, expected[codes], -1)


def _different(column: Column) -> int:
    return int(np.unique(column.codes[column.filled]).size)


def _mistakes(column: Column) -> float:
    """The fraction of rows without the most frequent value."""
    counts = np.bincount(column.codes[column.filled], minlength=1)
    return 1 - float(counts.max()) / max(int(counts.sum()), 1)
