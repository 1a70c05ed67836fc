"""Kinds of columns: how the cells of a file become numbers and words, and how drawn ones are written again."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.data.columns.values import is_missing
from syngain.tables.cells import dates, keys
from syngain.tables.cells.state import CodedColumn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
PADDED = re.compile(r"[+-]?0\d+")  # a code such as 007, not a number
PROSE = 40  # mean characters from which strings are text
FEW = 0.5  # fraction of distinct values from which strings are not categories
NUMBERS = 0.9  # fraction of the cells of a column of numbers
OTHER_WORDS = 20  # different words next to numbers
LARGEST = 2.0**52  # of a number in units


class ModeledColumn(Protocol):
    """One column of a file whose cells are drawn."""

    @property
    def kind(self) -> str:
        """What the column was taken for."""
        ...

    @property
    def parts(self) -> tuple[CodedColumn, ...]:
        """What is modeled of its cells."""
        ...

    def coded(self, cells: Sequence[object]) -> tuple[CodedColumn, ...]:
        """The parts of other cells; words that the real rows lack are -2."""
        ...

    def written(self, parts: Sequence[CodedColumn]) -> Sequence[object]:
        """Cells for drawn parts."""
        ...


def codec_of(name: str, cells: Sequence[object]) -> Codec:
    """The codec of a column with these cells (None where a row has none)."""
    texts = [written_form(cell) for cell in cells]
    present = [text for text in texts if not is_missing(text)]
    dated = dates.format_of(present)
    if dated is not None:
        return DateColumn.of(name, texts, dated)
    key = keys.key_of(texts)
    if key is not None:
        return KeyColumn(key)
    distinct = len(set(present))
    numbers = [text for text in present if is_number(text)]
    others = len({text for text in present if not is_number(text)})
    if present and len(numbers) >= NUMBERS * len(present) and others <= OTHER_WORDS:
        return NumberColumn.of(name, cells, texts)
    long = sum(map(len, present)) > PROSE * max(len(present), 1)
    spaced = sum(any(letter.isspace() for letter in text.strip()) for text in present) > FEW * len(present)
    if distinct > FEW * len(texts) and distinct > OTHER_WORDS and (long or spaced):
        return TextColumn()
    return WordColumn.of(name, cells, texts)


def class_codec(name: str, cells: Sequence[object]) -> Codec:
    """The codec of a label: a few numbers are classes."""
    found = codec_of(name, cells)
    texts = [written_form(cell) for cell in cells]
    if isinstance(found, NumberColumn) and len(set(texts)) <= OTHER_WORDS:
        return WordColumn.of(name, cells, texts)
    return found


def written_form(cell: object) -> str:
    """A cell as a CSV file has it."""
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else repr(cell) if isinstance(cell, float) else str(cell)


def is_number(text: str) -> bool:
    """Whether a text is a finite number, not a code of digits."""
    plain = text.strip()
    return NUMBER.fullmatch(plain) is not None and PADDED.fullmatch(plain) is None and np.isfinite(float(plain))


def words_of(texts: Sequence[str], known: Sequence[str] | None = None) -> tuple[tuple[str, ...], Ints]:
    """Different texts, the most frequent first, and which of them each row is (-2: not among the known ones)."""
    order = known or [text for text, _ in sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))]
    place = {text: at for at, text in enumerate(order)}
    return tuple(order), np.array([place.get(text, -2) for text in texts], dtype=np.int64)


@dataclass(frozen=True)
class WordColumn:
    """Categories and codes; ``originals``: the cell of each word."""

    column: CodedColumn
    originals: tuple[object, ...]

    @classmethod
    def of(cls, name: str, cells: Sequence[object], texts: Sequence[str]) -> WordColumn:
        """The column of these cells."""
        words, word = words_of(texts)
        first = dict(zip(reversed(texts), reversed(cells), strict=True))
        column = CodedColumn(name, words, word, np.zeros_like(word), 1.0)
        return cls(column, tuple(first[text] for text in words))

    @property
    def kind(self) -> str:
        """What the column was taken for."""
        words = self.column.words
        if len(words) == 1:
            return "empty" if is_missing(words[0]) else "constant"
        return f"{len(words):,} categories"

    @property
    def parts(self) -> tuple[CodedColumn, ...]:
        """The words."""
        return (self.column,)

    def coded(self, cells: Sequence[object]) -> tuple[CodedColumn, ...]:
        """The words of other cells."""
        words, word = words_of([written_form(cell) for cell in cells], self.column.words)
        return (CodedColumn(self.column.name, words, word, np.zeros_like(word), 1.0),)

    def written(self, parts: Sequence[CodedColumn]) -> Sequence[object]:
        """The cells."""
        return [self.originals[word] for word in parts[0].word.tolist()]


@dataclass(frozen=True)
class NumberColumn:
    """Numbers, with words such as empty cells and ``NA`` between them.

    Attributes:
        decimals: of the grid. fixed: whether every number is written with all of them. least: decimals that a number
            has at least, -1 where numbers have exponents. typed: the type of the cells. originals: the cell of each
            word.
    """

    column: CodedColumn
    decimals: int
    fixed: bool
    least: int
    typed: type
    originals: tuple[object, ...]

    @classmethod
    def of(cls, name: str, cells: Sequence[object], texts: Sequence[str]) -> NumberColumn:
        """The column of these cells."""
        plain = [text.strip() for text in texts if is_number(text)]
        kinds = {type(cell) for cell, text in zip(cells, texts, strict=True) if is_number(text)}
        shown = [_decimals(text) for text in plain]
        written = [len(text.partition(".")[2]) if "e" not in text.lower() else -1 for text in plain]
        largest = max(1e-300, *(abs(float(text)) for text in plain))
        decimals = min(max(shown), math.floor(math.log10(LARGEST) - math.log10(largest)))
        words, _ = words_of([text for text in texts if not is_number(text)])
        first = dict(zip(reversed(texts), reversed(cells), strict=True))
        column = _number_part(name, words, texts, decimals)
        fixed = min(written) == max(written) == decimals
        typed = int if kinds == {int} else float if kinds <= {int, float} else str
        return cls(column, decimals, fixed, min(written), typed, tuple(first[word] for word in words))

    @property
    def kind(self) -> str:
        """What the column was taken for."""
        step = "whole numbers" if self.decimals <= 0 else f"numbers with {self.decimals} decimals"
        return step + (f" and {len(self.column.words)} other values" if self.column.words else "")

    @property
    def parts(self) -> tuple[CodedColumn, ...]:
        """The numbers and words."""
        return (self.column,)

    def coded(self, cells: Sequence[object]) -> tuple[CodedColumn, ...]:
        """The numbers and words of other cells."""
        return (_number_part(self.column.name, self.column.words, list(map(written_form, cells)), self.decimals),)

    def written(self, parts: Sequence[CodedColumn]) -> Sequence[object]:
        """The cells."""
        part = parts[0]
        values, place = np.unique(np.where(part.word < 0, part.grid, 0), return_inverse=True)
        texts = [self._number(grid) for grid in values.tolist()]
        rows = zip(part.word.tolist(), place.tolist(), strict=True)
        return [self.originals[word] if word >= 0 else texts[at] for word, at in rows]

    def _number(self, grid: int) -> object:
        if self.decimals <= 0:
            whole = grid * 10**-self.decimals
            return whole if self.typed is int else float(whole) if self.typed is float else self._whole(whole)
        if self.typed is float or self.least < 0:
            value = float(f"{grid}e-{self.decimals}")
            return value if self.typed is float else repr(value)
        digits = str(abs(grid)).rjust(self.decimals + 1, "0")
        text = f"{'-' * (grid < 0)}{digits[: -self.decimals]}.{digits[-self.decimals :]}"
        if self.fixed:
            return text
        whole_part, _, digits = text.partition(".")
        digits = digits.rstrip("0").ljust(self.least, "0")
        return f"{whole_part}.{digits}" if digits else whole_part

    def _whole(self, value: int) -> str:
        return repr(float(value)) if self.least < 0 else f"{value}.{'0' * self.least}" if self.least else str(value)


def _number_part(name: str, words: tuple[str, ...], texts: Sequence[str], decimals: int) -> CodedColumn:
    place = {word: at for at, word in enumerate(words)}
    word = np.full(len(texts), -1, dtype=np.int64)
    grid = np.zeros(len(texts), dtype=np.int64)
    most = int(LARGEST) * 8
    for row, text in enumerate(texts):
        if is_number(text):
            grid[row] = min(max(int(Decimal(text.strip()).scaleb(decimals).to_integral_value()), -most), most)
        else:
            word[row] = place.get(text, -2)
    return CodedColumn(name, words, word, grid, 10.0**-decimals)


def _decimals(text: str) -> int:
    """Decimals of a number without trailing zeros."""
    mantissa, _, exponent = text.lower().partition("e")
    digits = len(mantissa.partition(".")[2].rstrip("0"))
    return max(0, digits - int(exponent or 0))


@dataclass(frozen=True)
class DateColumn:
    """Dates and times in one format, as days and times of day, or as parts where weekdays or days of a month matter."""

    layout: dates.DateParts
    columns: tuple[CodedColumn, ...]

    @classmethod
    def of(cls, name: str, texts: Sequence[str], layout: str) -> DateColumn:
        """The column of these cells."""
        words, word = (
            words_of([text for text in texts if is_missing(text)]) if any(map(is_missing, texts)) else ((), None)
        )
        missing = np.array([is_missing(text) for text in texts])
        at = np.full(len(texts), -1, dtype=np.int64)
        if word is not None:
            at[missing] = word
        found = dates.DateParts.of(layout, [text for text in texts if not is_missing(text)])
        return cls(found, _date_columns(name, found, texts, (words, at)))

    @property
    def kind(self) -> str:
        """What the column was taken for."""
        return self.layout.sentence

    @property
    def parts(self) -> tuple[CodedColumn, ...]:
        """The parts of the dates; a missing date is a word of the first one."""
        return self.columns

    def coded(self, cells: Sequence[object]) -> tuple[CodedColumn, ...]:
        """The parts of other cells; a text that is no date is -2."""
        texts, words = list(map(written_form, cells)), self.columns[0].words
        place = {word: at for at, word in enumerate(words)}
        at = np.array([-1 if self.layout.reads(text) else place.get(text, -2) for text in texts], dtype=np.int64)
        return _date_columns(self.columns[0].name, self.layout, texts, (words, at))

    def written(self, parts: Sequence[CodedColumn]) -> Sequence[object]:
        """The cells."""
        dated = self.layout.written([part.grid for part in parts])
        word = parts[0].word.tolist()
        return [parts[0].words[at] if at >= 0 else text for at, text in zip(word, dated, strict=True)]


def _date_columns(
    name: str, layout: dates.DateParts, texts: Sequence[str], words: tuple[tuple[str, ...], Ints]
) -> tuple[CodedColumn, ...]:
    missing = words[1] != -1
    grids = layout.grids([text for text, gap in zip(texts, missing.tolist(), strict=True) if not gap])
    out = []
    for place, (title, grid) in enumerate(zip(layout.titles, grids, strict=True)):
        whole = np.zeros(len(texts), dtype=np.int64)
        whole[~missing] = grid
        own = words if place == 0 else (("",) if missing.any() or words[0] else (), np.where(missing, 0, -1))
        out.append(CodedColumn(f"{name}{title}", own[0], own[1], whole, layout.units[place]))
    return tuple(out)


@dataclass(frozen=True)
class KeyColumn:
    """Different in every row: new ids are made, not drawn."""

    key: keys.Key
    kind: str = "keys"


@dataclass(frozen=True)
class TextColumn:
    """Free text, which is left out."""

    kind: str = "text, left out"


Codec = ModeledColumn | KeyColumn | TextColumn
