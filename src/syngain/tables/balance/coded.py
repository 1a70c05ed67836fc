"""Rows of a table as integers: which word a cell holds, or which number in units of its column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.tables.cells.kinds import KeyColumn, TextColumn, codec_of
from syngain.tables.cells.state import CodedColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.cells.kinds import Codec, ModeledColumn

    Cells = Mapping[str, Sequence[object]]

DIFFERENT = 2.0  # squared distance of two different words: that of two random numbers in standard deviations
BLOCK = 500  # rows whose distances are held together


@dataclass(frozen=True, slots=True)
class CodedRows:
    """Rows of coded parts of columns.

    Attributes:
        names, words, units: of each part (p).
        word: which word a cell holds (n, p), -1 where it is a number. grid: numbers in units (n, p), else 0.
    """

    names: tuple[str, ...]
    words: tuple[tuple[str, ...], ...]
    units: Floats
    word: Ints
    grid: Ints

    @classmethod
    def of(cls, parts: Sequence[CodedColumn]) -> CodedRows:
        """The rows of coded columns."""
        return cls(
            tuple(part.name for part in parts),
            tuple(part.words for part in parts),
            np.array([part.unit for part in parts]),
            np.column_stack([part.word for part in parts]),
            np.column_stack([np.where(part.word < 0, part.grid, 0) for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.word)

    def take(self, rows: Ints | Flags) -> CodedRows:
        """Some of the rows."""
        return replace(self, word=self.word[rows], grid=self.grid[rows])

    def and_(self, other: CodedRows) -> CodedRows:
        """These rows, then others of the same columns."""
        return replace(self, word=np.concatenate([self.word, other.word]), grid=np.concatenate([self.grid, other.grid]))

    def part(self, at: int) -> CodedColumn:
        """One part as a column."""
        return CodedColumn(self.names[at], self.words[at], self.word[:, at], self.grid[:, at], float(self.units[at]))

    @property
    def parts(self) -> list[CodedColumn]:
        """All parts as columns."""
        return [self.part(at) for at in range(len(self.names))]

    @property
    def numbers(self) -> Floats:
        """Numbers (n, p), NaN where a cell is a word."""
        return np.where(self.word < 0, self.grid * self.units, np.nan)

    def lines(self) -> list[bytes]:
        """Each row as bytes: equal ones for equal rows."""
        both = np.ascontiguousarray(np.hstack([self.word, self.grid]))
        return [line.tobytes() for line in both]


@dataclass(frozen=True, slots=True)
class RowDistance:
    """Squared distances: numbers in standard deviations of these rows, and 2 for every different word.

    ``scale``: of each part (p,), 1 where it is constant or has no numbers.
    """

    scale: Floats

    @classmethod
    def of(cls, rows: CodedRows) -> RowDistance:
        """The distance with the spread of some rows."""
        scale = np.ones(len(rows.names))
        for at, column in enumerate(rows.numbers.T):
            known = column[np.isfinite(column)]
            if known.size:
                scale[at] = float(known.std()) or 1.0
        return cls(scale)

    def __call__(self, rows: CodedRows, others: CodedRows) -> Floats:
        """Squared distances (n, m)."""
        left, right = (np.where(one.word < 0, one.grid * one.units, 0.0) / self.scale for one in (rows, others))
        center = right.mean(axis=0)
        left, right = left - center, right - center
        out = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None] - 2 * left @ right.T
        for at in np.flatnonzero((rows.word >= 0).any(axis=0) | (others.word >= 0).any(axis=0)):
            out += DIFFERENT * (rows.word[:, at][:, None] != others.word[:, at][None])
        return np.asarray(np.maximum(out, 0.0))

    def nearest(self, rows: CodedRows, others: CodedRows) -> Floats:
        """The squared distance of each row to the nearest of the others (n,)."""
        starts = range(0, len(rows), BLOCK)
        return np.concatenate(
            [np.zeros(0), *(self(rows.take(np.arange(s, min(s + BLOCK, len(rows)))), others).min(1) for s in starts)]
        )


@dataclass(frozen=True)
class TableCodes:
    """How cells of columns become coded rows and are written again.

    Attributes:
        codecs: of each column, in the order of the file. rows: the coded rows of the table; keys and texts are none.
    """

    codecs: Mapping[str, Codec]
    rows: CodedRows

    @classmethod
    def of(cls, cells: Cells) -> TableCodes:
        """The codes of these columns, one of which at least is no key and no text."""
        codecs = {name: codec_of(name, column) for name, column in cells.items()}
        parts = [part for codec in _modeled(codecs).values() for part in codec.parts]
        return cls(codecs, CodedRows.of(parts))

    def written(self, rows: CodedRows) -> dict[str, Sequence[object]]:
        """The cells of rows, without keys and texts."""
        out: dict[str, Sequence[object]] = {}
        at = 0
        for name, codec in _modeled(self.codecs).items():
            width = len(codec.parts)
            out[name] = codec.written([rows.part(place) for place in range(at, at + width)])
            at += width
        return out


def _modeled(codecs: Mapping[str, Codec]) -> dict[str, ModeledColumn]:
    return {name: codec for name, codec in codecs.items() if not isinstance(codec, (KeyColumn, TextColumn))}
