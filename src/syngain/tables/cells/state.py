"""Rows as a cell model sees them, column after column: pieces, grid values, grouped codes, features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.tables.cells.gaussian import Block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.tables.cells.alphabet import Alphabet

GROUPS = 8  # of a column of numbers as context
CLASSES = 12  # words of the first column that are groups of their own
CLASS_ROWS = 20  # rows of such a word
PLACES = 0.1  # of the range of the numbers, between words that are features next to numbers


@dataclass(frozen=True)
class CodedColumn:
    """Parsed cells of one column.

    Attributes:
        words: texts that are values. word: which of them a row is (n,), -1 for a number. grid: numbers in units (n,).
        unit: distance of neighboring numbers; 1 where there are none.
    """

    name: str
    words: tuple[str, ...]
    word: Ints
    grid: Ints
    unit: float

    def take(self, rows: Ints) -> CodedColumn:
        """Some of the rows."""
        return CodedColumn(self.name, self.words, self.word[rows], self.grid[rows], self.unit)

    @property
    def step(self) -> float:
        """The unit; NaN in a column of words."""
        return self.unit if not self.words or (self.word < 0).any() else np.nan

    def raw(self) -> Floats:
        """Numbers, NaN where a word is; codes in a column of words."""
        if self.words and not (self.word < 0).any():
            return self.word.astype(np.float64)
        return np.where(self.word < 0, self.grid * self.unit, np.nan)


@dataclass(frozen=True)
class Lead:
    """The first column as groups of rows: its frequent words, all others together as group 0.

    Attributes:
        symbol: of each row. group: of each row. of_piece: the group of each piece. groups: how many there are.
    """

    symbol: Ints
    group: Ints
    of_piece: Ints
    groups: int

    @classmethod
    def of(cls, alphabet: Alphabet, piece: Ints) -> Lead:
        """The groups of a first column."""
        counts = np.bincount(piece, minlength=alphabet.counts.size)
        large = (counts >= CLASS_ROWS) & (np.arange(counts.size) < alphabet.first_number)
        if large.sum() > CLASSES:
            large[:] = False
        rest = int(counts[~large].sum() > 0 or not large.any())
        of_piece = np.where(large, np.cumsum(large) - 1 + rest, 0)
        return cls(alphabet.symbol[piece], of_piece[piece], of_piece, int(of_piece.max()) + 1)


@dataclass(frozen=True)
class View:
    """How one column enters the prediction of later ones.

    Attributes:
        group: code of each symbol as context. radix: the number of codes. word_value: feature of each word.
        block: features of the regression. start: the first of them.
        lines: quantile levels between the pieces of numbers in each group of the first column.
    """

    alphabet: Alphabet
    group: Ints
    radix: int
    word_value: Floats
    block: Block
    start: int
    lines: Floats

    @classmethod
    def of(cls, alphabet: Alphabet, piece: Ints, grid: Ints, start: int, lead: Lead) -> View:
        """The view of a column; the symbols of the first column order its words."""
        group = alphabet.groups(GROUPS)
        words = alphabet.first_number
        if alphabet.numeric:
            numbers = grid[piece >= words] * alphabet.unit
            step = PLACES * float(np.ptp(numbers)) + alphabet.unit
            value = float(numbers.min()) - step * np.arange(1.0, words + 1)
        else:
            total = np.bincount(piece, lead.symbol, alphabet.counts.size)[:words]
            mean = total / np.maximum(alphabet.counts[:words], 1)
            order = np.lexsort((-alphabet.counts[:words], mean))
            value = np.empty(words)
            value[order] = np.arange(words) - float(words)
        lines = alphabet.lines(piece, lead.group, lead.groups)
        return cls(
            alphabet,
            group,
            int(group.max()) + 1,
            np.asarray(value),
            Block.of(alphabet, piece, lead.groups),
            start,
            lines,
        )

    def level(self, piece: Ints, grid: Ints, group: Ints) -> Floats:
        """The quantile level of each number within its group."""
        return self.alphabet.level(piece, grid, self.lines, group)

    @property
    def end(self) -> int:
        """The first feature after those of this column."""
        return self.start + self.block.width


class RowState:
    """Rows whose columns are filled from the first to the last."""

    def __init__(self, rows: int, columns: int, features: int, lead: Lead) -> None:
        self.rows = rows
        self.piece = np.zeros((rows, columns), dtype=np.int64)
        self.grid = np.zeros((rows, columns), dtype=np.int64)
        self.code = np.zeros((rows, columns), dtype=np.int64)
        self.value = np.zeros((rows, columns), dtype=np.float32)
        self.lead = lead
        self.group = np.zeros(rows, dtype=np.int64)
        self.design = np.ones((rows, features))
        self.raw: list[Floats] = []

    def fill(self, view: View, word: Ints, grid: Ints) -> None:
        """The next column, by its words and numbers."""
        column = len(self.raw)
        alphabet = view.alphabet
        piece = alphabet.nearest(word, grid)
        self.piece[:, column], self.grid[:, column] = piece, grid
        self.code[:, column] = view.group[alphabet.symbol[piece]]
        if not column:
            self.group = self.lead.of_piece[piece]
        value = grid * alphabet.unit
        raw = value
        if alphabet.words:
            is_word = word >= 0
            value = np.where(is_word, view.word_value[np.maximum(word, 0)], value)
            raw = np.where(is_word, np.nan, value) if alphabet.low.size else word.astype(np.float64)
        self.value[:, column] = value
        self.raw.append(np.asarray(raw))
        if view.block.width and view.end <= self.design.shape[1]:
            level = view.level(piece, grid, self.group)
            self.design[:, view.start : view.end] = view.block.features(alphabet, piece, level, self.group)


def filled(views: Sequence[View], columns: Sequence[CodedColumn], features: int, lead: Lead) -> RowState:
    """The state of complete rows."""
    state = RowState(len(columns[0].word), len(columns), features, lead)
    for view, column in zip(views, columns, strict=True):
        state.fill(view, column.word, column.grid)
    return state
