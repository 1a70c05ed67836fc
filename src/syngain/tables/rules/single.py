"""Rules of one column: range, values, form, rounding, missing values, calendar, keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.data.columns.dates import parts
from syngain.tables.rules.composite import repeats
from syngain.tables.rules.rule import quoted, some
from syngain.tables.typed import rounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from syngain.core.arrays import Flags, Floats
    from syngain.tables.typed import Column, Table

FEW_NUMBERS = 30  # different numbers that may be codes
REPEATED = 3  # rows of each of them
LONG = 40.0  # mean characters of words that have no form
COLLISIONS = 7.0  # equal pairs expected by chance, from which none at all is a rule: e^-7 is one in a thousand
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST = {"weekday": 6, "day": 5, "hour": 16}  # different parts of dates that are a rule
CalendarPart = Literal["weekday", "day", "hour"]


@dataclass(frozen=True, slots=True)
class _OneColumn:
    """A rule of one column; most hold nothing that other rows could change."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def refit(self, table: Table) -> Self:
        """The same rule."""
        del table
        return self


@dataclass(frozen=True, slots=True)
class Range(_OneColumn):
    """Numbers or dates lie between the least and the largest of the real rows."""

    low: float
    high: float
    written: tuple[str, str]
    kind: Literal["range"] = "range"

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.column)} is between {self.written[0]} and {self.written[1]}"

    def refit(self, table: Table) -> Range:
        """The range of these rows."""
        return _range(table.columns[self.column]) or self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a number, and rows out of the range."""
        numbers = table.columns[self.column].numbers
        known = np.isfinite(numbers)
        return known, known & ((numbers < self.low) | (numbers > self.high))


@dataclass(frozen=True, slots=True)
class OneOf(_OneColumn):
    """A column has no value but those of the real rows."""

    codes: frozenset[int]
    examples: tuple[str, ...]
    kind: Literal["values"] = "values"

    @property
    def words(self) -> str:
        """The rule in words."""
        count = len(self.codes)
        which = f"one of {count} known values ({some(self.examples, 2)})" if count > 1 else f"always {self.examples[0]}"
        return f"{quoted(self.column)} is {which}"

    def refit(self, table: Table) -> OneOf:
        """The values of these rows."""
        return _one_of(table.columns[self.column])

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a value, and rows with an unseen one."""
        column = table.columns[self.column]
        seen = np.zeros(len(column.values) + 1, dtype=bool)
        seen[list(self.codes)] = True
        return column.filled, column.filled & ~seen[column.codes]


@dataclass(frozen=True, slots=True)
class WordForm(_OneColumn):
    """Words are written in one of a few forms: capital and small letters, digits, signs."""

    forms: frozenset[str]
    kind: Literal["format"] = "format"

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.column)} is written like {some(sorted(self.forms))} (A, a: letters, 9: digits)"

    def refit(self, table: Table) -> WordForm:
        """The forms of these rows."""
        column = table.columns[self.column]
        return replace(
            self, forms=frozenset(form_of(column.values[code]) for code in np.unique(column.codes) if code >= 0)
        )

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a value, and rows with a value of another form."""
        column = table.columns[self.column]
        other = np.array([form_of(value) not in self.forms for value in column.values] + [False])
        return column.filled, column.filled & other[column.codes]


@dataclass(frozen=True, slots=True)
class Rounding(_OneColumn):
    """Numbers have at most so many decimals; dates are written in one format."""

    decimals: int
    format: str = ""
    kind: Literal["format"] = "format"

    @property
    def words(self) -> str:
        """The rule in words."""
        if self.format:
            return f"{quoted(self.column)} is a date written {self.format}"
        if self.decimals == 0:
            return f"{quoted(self.column)} is a whole number"
        return f"{quoted(self.column)} has at most {self.decimals} decimal{'s' if self.decimals > 1 else ''}"

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a value, and rows with more decimals, or without a date."""
        column = table.columns[self.column]
        known = np.isfinite(column.numbers)
        if self.format:
            return column.filled, column.filled & ~known
        return known, known & ~rounded(np.where(known, column.numbers, 0.0), self.decimals)


@dataclass(frozen=True, slots=True)
class Filled(_OneColumn):
    """A column is never missing."""

    kind: Literal["missing"] = "missing"

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.column)} is never missing"

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """All rows, and rows without a value."""
        return np.ones(table.size, dtype=bool), ~table.columns[self.column].filled


@dataclass(frozen=True, slots=True)
class Calendar(_OneColumn):
    """Dates fall on some weekdays, days of the month or hours only."""

    part: CalendarPart
    seen: tuple[int, ...]
    kind: Literal["calendar"] = "calendar"

    @property
    def words(self) -> str:
        """The rule in words."""
        name = quoted(self.column)
        if self.part == "weekday":
            return f"{name} falls on {_span([WEEK[day] for day in self.seen], self.seen)}"
        if self.part == "day":
            return f"{name} falls on day {_span([str(day) for day in self.seen], self.seen)} of the month"
        if self.seen == (0,):
            return f"{name} has no time of day"
        return f"the hour of {name} is {_span([str(hour) for hour in self.seen], self.seen)}"

    def refit(self, table: Table) -> Calendar:
        """The parts of the dates of these rows."""
        return replace(self, seen=_seen(parts(table.columns[self.column].numbers)[self.part]))

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a date, and rows whose date falls on another part."""
        found = parts(table.columns[self.column].numbers)[self.part]
        known = np.isfinite(found)
        return known, known & ~np.isin(found, self.seen)


@dataclass(frozen=True, slots=True)
class KeyRule(_OneColumn):
    """No value of a column is in two rows."""

    kind: Literal["key"] = "key"

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.column)} is different in every row"

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with a value, and rows whose value an earlier row has."""
        column = table.columns[self.column]
        return column.filled, repeats(column.codes)


SingleRule = Range | OneOf | WordForm | Rounding | Filled | Calendar | KeyRule


def single_rules(table: Table, keys: frozenset[str]) -> Iterator[SingleRule]:
    """The rules of single columns that these real rows suggest; ``keys`` have no range and no known values."""
    for column in table.columns.values():
        known = column.filled
        if not known.any():
            continue
        if known.all():
            yield Filled(column.name)
        if column.name in keys:
            yield KeyRule(column.name)
        else:
            yield from _bounds(column)
        yield from _formats(column, table)


def _bounds(column: Column) -> Iterator[SingleRule]:
    """What values a column has."""
    found = None if column.kind == "word" else _range(column)
    if found is not None:
        yield found
    if column.kind == "word" or _are_codes(column):
        yield _one_of(column)


def _formats(column: Column, table: Table) -> Iterator[SingleRule]:
    """How the values of a column are written."""
    if column.kind == "number" and column.decimals is not None:
        yield Rounding(column.name, column.decimals)
    if column.format is not None:
        yield Rounding(column.name, 0, column.format.name)
        yield from _calendar(column)
    if column.kind == "word" and np.mean([len(value) for value in column.values]) <= LONG:
        yield WordForm(column.name, frozenset()).refit(table)


def keys_of(table: Table) -> frozenset[str]:
    """Columns whose values are all different, where chance would make some equal: names and numbers of rows."""
    return frozenset(name for name, column in table.columns.items() if _is_key(column))


def form_of(value: str) -> str:
    """The form of a word: its letters as A and a, its digits as 9; runs of letters are one."""
    return _form(value)


@lru_cache(100_000)
def _form(value: str) -> str:
    plain = re.sub(r"[^\W\d_]", lambda found: "A" if found[0].isupper() else "a", value)
    plain = re.sub(r"\d", "9", plain)
    return re.sub(r"a{2,}", "aa", re.sub(r"A{2,}", "AA", plain))


def _range(column: Column) -> Range | None:
    known = column.numbers[np.isfinite(column.numbers)]
    if not known.size:
        return None
    low, high = float(known.min()), float(known.max())
    return Range(column.name, low, high, (column.shown(low), column.shown(high)))


def _one_of(column: Column) -> OneOf:
    codes, counts = np.unique(column.codes[column.filled], return_counts=True)
    frequent = codes[np.argsort(-counts, kind="stable")][:5].tolist()
    return OneOf(column.name, frozenset(codes.tolist()), tuple(column.values[code] for code in frequent))


def _are_codes(column: Column) -> bool:
    """Whether numbers are few and each of them repeats, as codes do."""
    counts = np.unique(column.codes[column.filled], return_counts=True)[1]
    return column.kind == "number" and counts.size <= FEW_NUMBERS and int(counts.min()) >= REPEATED


def _calendar(column: Column) -> Iterator[Calendar]:
    found = parts(column.numbers)
    for part in ("weekday", "day", "hour"):
        seen = _seen(found[part])
        if 0 < len(seen) <= MOST[part]:
            yield Calendar(column.name, part, seen)


def _seen(values: Floats) -> tuple[int, ...]:
    return tuple(np.unique(values[np.isfinite(values)]).astype(int).tolist())


def _span(names: Sequence[str], places: Sequence[int]) -> str:
    """Neighbors as ``first to last``, others in a list."""
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"{names[0]} to {names[-1]}"
    return " or ".join(names)


def _is_key(column: Column) -> bool:
    codes = column.codes[column.filled]
    if codes.size < 20 or codes.size < column.codes.size or np.unique(codes).size < codes.size:
        return False
    if column.kind == "word":
        return float(np.mean([len(column.values[code]) for code in codes[:200]])) <= LONG
    if column.kind == "date" or column.decimals is None:
        return False
    width = (float(column.numbers.max()) - float(column.numbers.min())) / column.step + 1
    return codes.size**2 / (2 * width) >= COLLISIONS
