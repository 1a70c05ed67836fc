"""Raw rows of a file: bytes, in memory up to a size and in an unnamed temporary file beyond it."""

from __future__ import annotations

import os
import sys
import tempfile
from array import array
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.data.rows import Cells, Codec, Record

HELD = 128 << 20  # bytes of rows that stay in memory
PIECE = 4 << 20  # bytes that are written at once beyond them
AHEAD = 1 << 18  # bytes that are read at once where rows are read in their order


class Spilled:
    """Bytes in a temporary file that has no name, so that nothing is left behind however the process ends."""

    __slots__ = ("_file", "_window", "size")

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="syngain-", buffering=0)  # noqa: SIM115  (closed with this object)
        self._window = (0, b"")
        self.size = 0

    def write(self, raw: bytearray) -> None:
        """Append bytes.

        Raises:
            OSError: there is no room for them; the file is as it was before.
        """
        with memoryview(raw) as rest:
            done = 0
            while done < len(rest):
                done += os.pwrite(self._file.fileno(), rest[done:], self.size + done)
        self.size += done

    def read(self, start: int, end: int) -> bytes:
        """The bytes between two positions; those behind them are read ahead where the last reading ended here.

        Processes that are forked share the file: each reads at its own positions.
        """
        at, window = self._window
        if not at <= start <= end <= at + len(window):
            in_order = at <= start <= at + len(window)
            window = os.pread(self._file.fileno(), max(end - start, AHEAD if in_order else 0), start)
            if len(window) < end - start:
                raise OSError(f"the temporary file of rows ends at byte {start + len(window)}, not {end}")
            at = start
            self._window = at, window
        return window[start - at : end - at]

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


@dataclass(slots=True)
class RawRows:
    """Raw rows one after the other, and their parser.

    Attributes:
        codec: the parser. ends: where each row ends. numbers: of their lines.
        held: the rows in memory. spilled: the rows before them, in a temporary file; None where there are none.
    """

    codec: Codec
    ends: array[int] = field(default_factory=lambda: array("q", [0]))
    numbers: array[int] = field(default_factory=lambda: array("q"))
    held: bytearray = field(default_factory=bytearray)
    spilled: Spilled | None = None
    _room: int = HELD if hasattr(os, "pread") else sys.maxsize
    _before: int = 0  # bytes in the file

    def append(self, raw: bytes, number: int) -> None:
        """Append a row from line ``number``."""
        self.held += raw
        self.ends.append(self._before + len(self.held))
        self.numbers.append(number)
        if len(self.held) > self._room:
            self._spill()

    def record(self, index: int) -> Record:
        """Parse row ``index``."""
        return self.codec.record(self._raw(self.ends[index], self.ends[index + 1]))

    def values(self, names: Sequence[str], rows: slice | None = None) -> Iterator[Cells]:
        """The values of some fields, row after row."""
        return self.codec.values(self._raws(rows or slice(0, len(self.numbers))), names)

    def _raw(self, start: int, end: int) -> bytes:
        if start < self._before and self.spilled is not None:
            return self.spilled.read(start, end)
        return bytes(self.held[start - self._before : end - self._before])

    def _raws(self, rows: slice) -> Iterator[bytes]:
        places = pairwise(self.ends[rows.start : rows.stop + 1])
        if self.spilled is not None:
            for start, end in places:
                yield self._raw(start, end)
            return
        buffer = memoryview(self.held)
        for start, end in places:
            yield bytes(buffer[start:end])

    def _spill(self) -> None:
        try:
            self.spilled = self.spilled or Spilled()
            self.spilled.write(self.held)
        except OSError:  # no room on the disk either: the rows stay in memory, as far as it reaches
            self._room = sys.maxsize
            return
        self._before, self.held, self._room = self.spilled.size, bytearray(), PIECE

    def __reduce__(self) -> tuple[object, ...]:
        """Pickled with all bytes in it: another process has no part in the file."""
        before = b"" if self.spilled is None else self.spilled.read(0, self._before)
        return RawRows, (self.codec, self.ends, self.numbers, bytearray(before) + self.held, None, sys.maxsize)
