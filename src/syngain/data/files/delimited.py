"""Read CSV and TSV.

All cells are text; the line of a row is the physical line where it starts.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.files import headers
from syngain.data.files.streams import BOM, LINE_LIMIT, Source, decoded, split_lines
from syngain.data.rows import Cells, Record, show, show_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class DelimitedCodec:
    """Parses rows whose number of fields was checked."""

    header: tuple[str, ...]
    delimiter: str

    def record(self, raw: bytes) -> Record:
        """The record of one row."""
        return dict(zip(self.header, next(self._cells(iter([raw]))), strict=True))

    def values(self, raws: Iterator[bytes], names: Sequence[str]) -> Iterator[Cells]:
        """The values of some columns of many rows."""
        place_of = {name: place for place, name in enumerate(self.header)}
        places = [place_of.get(name, -1) for name in names]
        if len(places) > 1 and min(places) >= 0:
            yield from map(list, map(itemgetter(*places), self._cells(raws)))
            return
        for cells in self._cells(raws):
            yield [cells[place] if place >= 0 else None for place in places]

    def _cells(self, raws: Iterator[bytes]) -> Iterator[list[str]]:
        _allow_wide_fields()
        # line breaks are inside quotes here, so each raw row is one row for the reader too
        return csv.reader(map(bytes.decode, raws), delimiter=self.delimiter, strict=True)


@dataclass(slots=True)
class DelimitedReader:
    """The rows below a header line.

    Attributes:
        codec: how to parse rows again.
    """

    source: Source
    codec: DelimitedCodec
    _feed: _Feed
    notes: tuple[str, ...] = ()

    @classmethod
    def open(cls, source: Source, delimiter: str | None) -> DelimitedReader:
        """Read the header, if there is one; without ``delimiter``, detect it from the first lines.

        Raises:
            InputError: when the file is empty or a name appears twice in the header.
        """
        head = source.look()[: headers.LOOKED_AT].removeprefix(BOM).decode(errors="replace")
        feed = _Feed(source, split_lines(source))
        first = feed.first()
        told = headers.named_separator(first)
        usual = told or delimiter or next((mark for mark in ",;\t" if mark in first), ",")
        chosen = told or headers.separator(head, usual)
        sample = headers.sampled(head, chosen)[bool(told) :]
        lead = headers.titles(sample)
        notes = (headers.title_note(lead, "row"),) if lead else ()
        for _ in range(lead + bool(told)):
            next(_cells(feed, source.name, chosen), None)
        names = headers.names_of_columns(sample[lead:])
        if names is not None:
            note = f"no header line: the columns are called {show_names(names)}, the first row is a row"
            return cls(source, DelimitedCodec(names, chosen), feed, (*notes, note))
        header = tuple(name.strip() for name in next(_cells(feed, source.name, chosen), []))
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise InputError(
                f"{source.name}, line {feed.start}: the header names {show_names(twice)} more than once",
                expected="one name per column",
                todo="rename one of the columns",
            )
        return cls(source, DelimitedCodec(header, chosen), feed, notes)

    def __iter__(self) -> Iterator[tuple[int, bytes, Record]]:
        header, feed = self.codec.header, self._feed
        for cells in _cells(feed, self.source.name, self.codec.delimiter):
            if len(cells) != len(header):
                raise InputError(
                    f"{self.source.name}, line {feed.start}: {_fields(len(cells))}, the header has {len(header)}",
                    expected=f"the columns {show_names(header)}",
                    todo="quote fields with a delimiter or quote, and double the quotes inside",
                )
            yield feed.start, feed.taken(), dict(zip(header, cells, strict=True))


class _Feed:
    """Passes lines to the CSV reader and records those of the current row."""

    def __init__(self, source: Source, lines: Iterator[bytes]) -> None:
        self._name = source.name
        self._lines = enumerate(lines, 1)
        self._waiting: list[tuple[int, bytes]] = []
        self._row: list[bytes] = []
        self.start = 1

    def first(self) -> str:
        """The first line that is not blank, without consuming it."""
        for number, line in self._lines:
            if line.strip():
                self._waiting.append((number, line))
                return decoded(line, self._name, number)
        return ""

    def begin(self) -> None:
        """Forget the lines of the last row."""
        self._row.clear()

    def taken(self) -> bytes:
        """The lines of the current row, as in the file."""
        return b"\n".join(self._row)

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        number, line = self._waiting.pop() if self._waiting else next(self._lines)
        if b"\0" in line:
            raise InputError(f"{self._name}, line {number}: a NUL byte", expected="text", todo="correct this line")
        if not self._row:
            self.start = number
        self._row.append(line)
        try:
            return line.decode() + "\n"
        except UnicodeDecodeError:
            return decoded(line, self._name, number)  # its error says where and what to do


def _cells(feed: _Feed, name: str, delimiter: str) -> Iterator[list[str]]:
    """The cells of row after row; blank lines are skipped."""
    _allow_wide_fields()
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    while True:
        feed.begin()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(
                f"{name}, line {feed.start}: malformed ({show(str(error))})",
                expected="fields with a quote, a delimiter or a line break in double quotes",
                todo="correct the quotes of this row",
            ) from error
        if cells is None:
            return
        if cells:
            yield cells


def _allow_wide_fields() -> None:
    # The limit of the csv module is one per process and too small for long texts. It is raised and stays so: putting
    # it back while another thread reads would break that reader.
    if csv.field_size_limit() < LINE_LIMIT:
        csv.field_size_limit(LINE_LIMIT)


def _fields(count: int) -> str:
    return "1 field" if count == 1 else f"{count} fields"
