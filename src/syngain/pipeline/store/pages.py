"""Read the rows of a damaged SQLite file from its pages, without the library: no header, schema or index is needed.

Every page that looks like a leaf of a table is read cell by cell, in the file and in its write-ahead log. A cell that
does not fit its page is left out and counted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Value = int | float | bytes | str | None
LEAF = 13  # first byte of a leaf page of a table
USUAL = 4096  # bytes of a page where the header does not say
WAL_HEADER, FRAME_HEADER = 32, 24
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}  # bytes by serial type


class _BrokenCellError(ValueError):
    """A cell that does not fit its page."""


@dataclass
class Pages:
    """The pages of a file and of its write-ahead log.

    Attributes:
        broken: cells that could not be read so far.
    """

    main: bytes
    log: bytes
    size: int
    newest: dict[int, int]
    broken: int = field(default=0)

    @classmethod
    def of(cls, path: Path) -> Pages:
        """The pages of a file; a file that is absent has none.

        Raises:
            OSError: it cannot be read.
        """
        beside = path.with_name(f"{path.name}-wal")
        main = path.read_bytes() if path.is_file() else b""
        log = beside.read_bytes() if beside.is_file() else b""
        size = _page_size(main, log)
        newest = {int.from_bytes(log[at : at + 4]): at + FRAME_HEADER for at in frames(log, size)[: current(log, size)]}
        return cls(main, log, size, newest)

    def records(self) -> Iterator[tuple[int, list[Value]]]:
        """Row number and values of every readable cell; older copies come before newer ones.

        Frames that an earlier log left behind are older than the file.
        """
        places = frames(self.log, self.size)
        own = current(self.log, self.size)
        yield from self._logged(places[own:])
        for number in range(1, len(self.main) // self.size + 2):
            yield from self._leaf(self.main[(number - 1) * self.size : number * self.size], 100 * (number == 1))
        yield from self._logged(places[:own])

    def _logged(self, places: range) -> Iterator[tuple[int, list[Value]]]:
        for at in places:
            first = int.from_bytes(self.log[at : at + 4]) == 1
            yield from self._leaf(self.log[at + FRAME_HEADER : at + FRAME_HEADER + self.size], 100 * first)

    def _leaf(self, page: bytes, start: int) -> Iterator[tuple[int, list[Value]]]:
        if len(page) < start + 8 or page[start] != LEAF:
            return
        count = int.from_bytes(page[start + 3 : start + 5])
        for index in range(min(count, self.size // 2)):
            pointer = page[start + 8 + 2 * index : start + 10 + 2 * index]
            try:
                yield self._cell(page, int.from_bytes(pointer))
            except (_BrokenCellError, IndexError, ValueError, struct.error):
                self.broken += 1

    def _cell(self, page: bytes, at: int) -> tuple[int, list[Value]]:
        length, at = _varint(page, at)
        row, at = _varint(page, at)
        most = self.size - 35
        if length <= most:
            return row, _values(_part(page, at, length))
        least = (self.size - 12) * 32 // 255 - 23
        local = least + (length - least) % (self.size - 4)
        local = local if local <= most else least
        content, following = _part(page, at, local), int.from_bytes(_part(page, at + local, 4))
        chain, seen = [content], set[int]()
        while following and (left := length - sum(map(len, chain))) > 0:
            if following in seen:
                raise _BrokenCellError
            seen.add(following)
            page = self._page(following)
            following = int.from_bytes(_part(page, 0, 4))
            chain.append(_part(page, 4, min(left, self.size - 4)))
        return row, _values(_part(b"".join(chain), 0, length))

    def _page(self, number: int) -> bytes:
        """The newest version of a page."""
        if number in self.newest:
            return self.log[self.newest[number] : self.newest[number] + self.size]
        return self.main[(number - 1) * self.size : number * self.size]


def frames(log: bytes, size: int) -> range:
    """Where the frames of a write-ahead log begin."""
    return range(WAL_HEADER, max(len(log) - FRAME_HEADER, WAL_HEADER), size + FRAME_HEADER)


def current(log: bytes, size: int) -> int:
    """The number of frames since the log began anew; all of them where its header is damaged."""
    places = frames(log, size)
    return sum(log[at + 8 : at + 16] == log[16:24] for at in places) or len(places)


def _page_size(main: bytes, log: bytes) -> int:
    said = int.from_bytes(main[16:18]), int.from_bytes(log[8:12])
    sizes = [65_536 if size == 1 else size for size in said]
    return next((size for size in sizes if 512 <= size <= 65_536 and not size & (size - 1)), USUAL)


def _part(content: bytes, at: int, length: int) -> bytes:
    if length < 0 or at + length > len(content):
        raise _BrokenCellError
    return content[at : at + length]


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for index in range(8):
        byte = content[at + index]
        value = value << 7 | byte & 127
        if byte < 128:
            return value, at + index + 1
    return value << 8 | content[at + 8], at + 9


def _values(record: bytes) -> list[Value]:
    end, at = _varint(record, 0)
    if end > len(record):
        raise _BrokenCellError
    kinds = []
    while at < end:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(record, at, kind)
        values.append(value)
    return values


def _value(record: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind in {0, 8, 9}:
        return (None, 0, 1)[max(kind - 7, 0)], at
    if kind == 7:
        return struct.unpack(">d", _part(record, at, 8))[0], at + 8
    if kind in _INTEGERS:
        return int.from_bytes(_part(record, at, _INTEGERS[kind]), signed=True), at + _INTEGERS[kind]
    if kind < 12:
        raise _BrokenCellError
    length = (kind - 12) // 2
    part = _part(record, at, length)
    return (part.decode() if kind % 2 else part), at + length
