"""Rows that are kept as they came and parsed on demand.

A million parsed rows take gigabytes as Python objects and much less as bytes. So every format keeps its raw rows, lists
their fields, and parses them again for the fields with a role.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Literal, Protocol, TypeVar, overload

from syngain.core.errors import InputError

Record = dict[str, object]
Cells = Sequence[object]
Unit = Literal["line", "row"]
Item = TypeVar("Item")

BLOCK = 64  # rows of an Arrow table that are converted together
SHOWN = 80  # characters of a foreign value in a message
LISTED = 20  # names in a message


class Lazy(Sequence[Item]):
    """A sequence whose items are computed on demand."""

    __slots__ = ("_get", "_size")

    def __init__(self, size: int, get: Callable[[int], Item]) -> None:
        self._size = size
        self._get = get

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self._get(i) for i in range(*index.indices(self._size))]
        position = index + self._size if index < 0 else index
        if not 0 <= position < self._size:
            raise IndexError(index)
        return self._get(position)

    def __iter__(self) -> Iterator[Item]:
        return map(self._get, range(self._size))

    def take(self, rows: Sequence[int]) -> Lazy[Item]:
        """The items at ``rows``, still computed on demand."""
        return Lazy(len(rows), _Picked(self._get, array("q", rows)))


@dataclass(frozen=True, slots=True)
class _Picked(Generic[Item]):
    """Item ``i`` of a selection; a class, so that datasets can be pickled."""

    source: Callable[[int], Item]
    rows: Sequence[int]

    def __call__(self, index: int) -> Item:
        return self.source(self.rows[index])


@dataclass(frozen=True, slots=True)
class Unread:
    """A cell that holds nothing to read; ``reason`` completes "`field` is ..."."""

    reason: str


@dataclass(slots=True)
class OddRows:
    """Rows that cannot be used: how many by reason, and the error of the first."""

    reasons: dict[str, int] = field(default_factory=dict)
    content: InputError | None = None  # of a row without content: the more specific cause
    other: InputError | None = None  # of a row without a label or an id

    @property
    def first(self) -> InputError | None:
        """The error of the first row."""
        return self.content or self.other

    def add(self, reason: str, error: InputError, *, content: bool = True) -> None:
        """Count a row."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1
        if content:
            self.content = self.content or error
        else:
            self.other = self.other or error

    def join(self, other: OddRows) -> None:
        """Count those of another block as well."""
        for reason, count in other.reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        self.content = self.content or other.content
        self.other = self.other or other.other

    def __len__(self) -> int:
        return sum(self.reasons.values())

    def check(self, total: int) -> None:
        """Refuse rows of which half or more cannot be used.

        Raises:
            InputError: that of the first row, with their number.
        """
        first = self.first
        if first is None or 2 * len(self) < total:
            return
        more = f"; {len(self):,} of {total:,} rows cannot be read" if total > 2 else ""
        raise InputError(first.came.rstrip(".") + more, expected=first.expected, todo=first.todo)

    def note(self, total: int) -> str:
        """How many rows were left out, and why."""
        listed = sorted(self.reasons.items(), key=lambda item: -item[1])
        why = ", ".join(f"{reason} ({count:,})" for reason, count in listed[:4])
        more = f" and {len(listed) - 4} other reasons" if len(listed) > 4 else ""
        where = "" if self.first is None else f"; the first: {self.first.came}"
        return f"{len(self):,} of {total:,} rows left out: {why}{more}{where}"


@dataclass(frozen=True, slots=True)
class FieldCount:
    """A field: number of rows with a value, and the first of these (-1: none)."""

    count: int
    first: int


class Values(Protocol):
    """Returns values of some fields, row after row; ``None`` where a field is absent."""

    def __call__(self, names: Sequence[str], rows: slice | None = None, /) -> Iterator[Cells]:
        """One sequence of values per row, in the order of ``names``.

        For the rows of a block, or for all.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The rows of a file, without roles.

    Attributes:
        file: the base name, as in row ids. name: with its filter, as in messages.
        unit: the unit of ``numbers``: physical lines, or rows in formats without lines. Both from 1.
        rows: complete records. values: single fields of all rows, parsed faster.
        fields: the fields of the rows. written: numbers are written as text (CSV).
        filtered: the columns of the filter. odd: rows of the file that are no rows. notes: on how the file was read.
    """

    file: str
    name: str
    unit: Unit
    numbers: Sequence[int]
    rows: Lazy[Record]
    values: Values
    fields: Mapping[str, FieldCount]
    written: bool = False
    filtered: frozenset[str] = frozenset()
    odd: OddRows = field(default_factory=OddRows)
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def place(self, index: int) -> str:
        """The position of row ``index``, for messages."""
        return f"{self.name}, {self.unit} {self.numbers[index]}"

    def take(self, rows: Sequence[int]) -> Loaded:
        """Some of the rows, in ascending order."""
        numbers = array("q", [self.numbers[row] for row in rows])
        picked = _PickedValues(self.values, array("q", rows))
        fields = dict(self._first_values(rows, picked))
        return replace(self, numbers=numbers, rows=self.rows.take(rows), values=picked, fields=fields)

    def _first_values(self, rows: Sequence[int], values: Values) -> Iterator[tuple[str, FieldCount]]:
        """The fields, each with the first of these rows that has a value; a later pair replaces an earlier one."""
        waiting = {}
        for name, found in self.fields.items():
            place = bisect_left(rows, found.first)
            kept = found.first >= 0 and place < len(rows) and rows[place] == found.first
            yield name, replace(found, first=place if kept else -1)
            if found.first >= 0 and not kept:
                waiting[name] = found
        names = list(waiting)
        for place, cells in enumerate(values(names) if names else ()):
            for name, cell in zip(names, cells, strict=True):
                if cell is not None and name in waiting:
                    yield name, replace(waiting.pop(name), first=place)
            if not waiting:
                return


@dataclass(frozen=True, slots=True)
class _PickedValues:
    """Values of some of the rows."""

    of: Values
    kept: Sequence[int]

    def __call__(self, names: Sequence[str], rows: slice | None = None, /) -> Iterator[Cells]:
        kept = self.kept[rows or slice(None)]
        if not len(kept):
            return
        wanted = set(kept)
        for index, cells in enumerate(self.of(names, slice(kept[0], kept[-1] + 1)), kept[0]):
            if index in wanted:
                yield cells


class Codec(Protocol):
    """Parses raw rows that were checked before."""

    def record(self, raw: bytes) -> Record:
        """The record of one row."""
        ...

    def values(self, raws: Iterator[bytes], names: Sequence[str]) -> Iterator[Cells]:
        """The values of some fields of many rows."""
        ...


@dataclass(slots=True)
class ListRows:
    """Rows of a Python list."""

    records: Sequence[Mapping[str, object]]

    def record(self, index: int) -> Record:
        """Row ``index`` as a new dict."""
        return dict(self.records[index])

    def values(self, names: Sequence[str], rows: slice | None = None) -> Iterator[Cells]:
        """The values of some fields, row after row."""
        for record in self.records[rows or slice(None)]:
            yield [record.get(name) for name in names]


@dataclass(slots=True)
class Tally:
    """Counts the rows with a value, by field; an empty string is no value."""

    counts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, int] = field(default_factory=dict)

    def add(self, record: Mapping[str, object], index: int) -> None:
        """Count one row."""
        counts = self.counts
        for name, value in record.items():
            if name not in counts:
                counts[name] = 0
            if value is not None and value != "":
                if not counts[name]:
                    self.firsts[name] = index
                counts[name] += 1

    def fields(self) -> dict[str, FieldCount]:
        """The fields, in order of first appearance."""
        return {name: FieldCount(count, self.firsts.get(name, -1)) for name, count in self.counts.items()}


def in_memory(rows: Sequence[Mapping[str, object]], name: str) -> Loaded:
    """Rows of a Python list, as if from a file of this name.

    Raises:
        InputError: there are none, or one of them is not a dict with text keys.
    """
    records = list(rows)
    tally = Tally()
    for index, record in enumerate(records):
        wrong = _wrong_key(record) if isinstance(record, dict) else type_name(record)
        if wrong:
            raise InputError(
                f"{name}, row {index + 1}: {wrong}", expected="dicts with text keys", todo="correct this row"
            )
        tally.add(record, index)
    if not records:
        raise InputError(f"{name}: empty, no rows", expected="at least one row", todo="pass at least one row")
    held = ListRows(records)
    return Loaded(
        file=name,
        name=name,
        unit="row",
        numbers=range(1, len(records) + 1),
        rows=Lazy(len(records), held.record),
        values=held.values,
        fields=tally.fields(),
    )


def show(value: object, most: int = SHOWN) -> str:
    """Format any value for a message: short, one line, no control characters."""
    text = value if isinstance(value, str) else type_name(value) if isinstance(value, (dict, list)) else str(value)
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text[:most])
    return safe + ("..." if len(text) > most else "")


def show_names(names: Sequence[str]) -> str:
    """Field names for a message."""
    shown = ", ".join(f"`{show(name)}`" for name in names[:LISTED])
    return shown + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")


def type_name(value: object) -> str:
    """The JSON name of a value's type."""
    if value is None:
        return "null"
    if isinstance(value, Unread):
        return value.reason
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    names = {"str": "text", "list": "a list", "dict": "an object", "bytes": "binary"}
    name = type(value).__name__
    return names.get(name, f"of type {name}")


def _wrong_key(record: Mapping[object, object]) -> str:
    return next((f"{type_name(key)} as a key" for key in record if not isinstance(key, str)), "")
