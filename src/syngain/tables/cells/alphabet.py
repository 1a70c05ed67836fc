"""The alphabet of a column: symbols that a model predicts, and the values inside a symbol.

A symbol is a word, a frequent number (an atom), a quantile bin of the other numbers, or all rare words together. A
symbol consists of pieces; inside a piece every value of the decimal grid is equally probable. So the probability of a
value is that of its piece over the values of the piece, and the probabilities of a column sum to one exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints

BINS = 12
FEW_VALUES = 20  # different numbers that are symbols each
ATOM = 0.02  # fraction of the rows from which a number is a symbol of its own
REPEATED = 3  # rows from which a number of a bin is a piece of its own
FINEST = 3  # rows of a piece
MOST_PIECES = 400  # of a column, about
SMOOTHING = 2.0  # rows that all rows count as in the distribution of a group
NEVER_SEEN = 0.02  # rows that a piece without a row counts as
PER_BIN = 5  # rows of a bin, at least
WORDS = 64  # words beyond which rare ones are one symbol
RARE = 4  # rows up to which a word is rare


@dataclass(frozen=True)
class Alphabet:
    """Symbols and pieces of a column.

    Pieces are the words, then the numbers in ascending order.

    Attributes:
        words: texts that are values. unit: distance of neighboring values on the grid.
        low, high: first and last grid value of each piece of numbers. symbol: of each piece.
        within: probability of each piece given its symbol. counts: rows of each piece.
        points: values of each piece. size: number of symbols. unseen: probability of a value outside the alphabet.
    """

    words: tuple[str, ...]
    unit: float
    low: Ints
    high: Ints
    symbol: Ints
    within: Floats
    counts: Ints
    points: Floats
    size: int
    unseen: float

    @classmethod
    def of(cls, words: Sequence[str], word: Ints, grid: Ints, unit: float, bins: int = BINS) -> Alphabet:
        """The alphabet of a column.

        Args:
            words: the texts.
            word: which of them a row is (n,), -1 for a number.
            grid: numbers in units (n,).
            unit: of the grid.
            bins: the most quantile bins.
        """
        n = max(len(word), 1)
        counts = np.bincount(word[word >= 0], minlength=len(words)).astype(np.int64)
        rare = (counts <= RARE) & (len(words) > WORDS)
        symbol_of_word = np.cumsum(~rare) - 1
        kept = int((~rare).sum())
        symbol_of_word[rare] = kept
        size = kept + int(rare.any())
        low, high, symbol, held = _pieces(grid[word < 0], n, bins)
        symbols = np.concatenate([symbol_of_word, symbol + size]).astype(np.int64)
        size += int(symbol.max()) + 1 if symbol.size else 0
        counts = np.concatenate([counts, held])
        points = np.concatenate([np.ones(len(words)), (high - low + 1).astype(np.float64)])
        smoothed = counts + _pseudo(counts, points)
        within = smoothed / np.bincount(symbols, smoothed, size)[symbols]
        once = int((counts[: len(words)] == 1).sum())
        return cls(tuple(words), unit, low, high, symbols, within, counts, points, size, (once + 0.5) / (n + 1 + once))

    @property
    def first_number(self) -> int:
        """The first piece of numbers."""
        return len(self.words)

    @property
    def numeric(self) -> bool:
        """Whether most rows are numbers."""
        return bool(self.counts[self.first_number :].sum() > self.counts.sum() / 2)

    def pieces(self, word: Ints, grid: Ints) -> Ints:
        """The piece of each value, -1 where it is outside the alphabet."""
        if not self.low.size:
            return word
        at = np.searchsorted(self.low, grid, side="right") - 1
        inside = (at >= 0) & (grid <= self.high[np.maximum(at, 0)])
        return np.where(word >= 0, word, np.where(inside, at + self.first_number, -1))

    def nearest(self, word: Ints, grid: Ints) -> Ints:
        """The piece of each value, the nearest one of the numbers for a number outside."""
        if not self.low.size:
            return np.maximum(word, 0)
        at = np.clip(np.searchsorted(self.low, grid, side="right") - 1, 0, None) + self.first_number
        return np.where(word >= 0, word, at)

    def values(self, piece: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """A value of each piece: which word (-1 for numbers), and the number in units."""
        at = piece - self.first_number
        word = np.where(at < 0, piece, -1)
        if not self.low.size:
            return word, np.zeros_like(piece)
        at = np.maximum(at, 0)
        steps = np.floor(rng.random(piece.size) * (self.high[at] - self.low[at] + 1)).astype(np.int64)
        return word, np.where(word < 0, self.low[at] + steps, 0)

    @cached_property
    def _chain(self) -> tuple[Ints, Floats]:
        """Pieces ordered by symbol, and the running sum of symbol number plus probability within."""
        order = np.argsort(self.symbol, kind="stable")
        ends = np.cumsum(self.within[order])
        return order, ends

    def pick(self, symbol: Ints, rng: np.random.Generator) -> Ints:
        """A piece of each symbol, by its probability within."""
        order, ends = self._chain
        if ends.size == self.size:
            return np.asarray(order[symbol])
        at = np.searchsorted(ends, symbol + rng.random(symbol.size), side="right")
        return np.asarray(order[np.minimum(at, ends.size - 1)])

    def lines(self, piece: Ints, lead: Ints, groups: int) -> Floats:
        """Running sums of the probabilities of the number pieces among numbers (groups, pieces + 1), from 0 to 1.

        ``lead`` is the group of each row (n,); a group with few rows is smoothed by all rows.
        """
        first = self.first_number
        mass = self.counts[first:] + _pseudo(self.counts[first:], self.points[first:])
        mass = mass / max(mass.sum(), 1e-300)
        number = piece >= first
        table = np.bincount(lead[number] * mass.size + piece[number] - first, minlength=groups * mass.size)
        table = table.reshape(groups, -1) + SMOOTHING * mass if groups > 1 else mass[None, :]
        ends = np.concatenate([np.zeros((groups, 1)), np.cumsum(table, axis=1)], axis=1)
        return np.asarray(ends / np.maximum(ends[:, -1:], 1e-300))

    def level(self, piece: Ints, grid: Ints, lines: Floats, lead: Ints) -> Floats:
        """The quantile level of each number within its group, in (0, 1); .5 for words."""
        at = piece - self.first_number
        inside = np.maximum(at, 0)
        if not self.low.size:
            return np.full(piece.size, 0.5)
        share = np.clip((grid - self.low[inside] + 0.5) / (self.high[inside] - self.low[inside] + 1), 0.0, 1.0)
        below = lines[lead, inside]
        level = below + share * (lines[lead, inside + 1] - below)
        return np.where(at < 0, 0.5, np.clip(level, 1e-4, 1 - 1e-4))

    def groups(self, most: int) -> Ints:
        """A coarser code of each symbol: neighboring bins together, at most ``most`` groups of numbers."""
        code = np.arange(self.size)
        numbers = self.symbol[self.first_number :]
        if np.unique(numbers).size <= most:
            return code
        first = np.unique(numbers)
        place = np.zeros(self.size)
        np.add.at(place, numbers, np.arange(numbers.size))
        place = place[first] / np.bincount(numbers, minlength=self.size)[first]
        mass = np.bincount(self.symbol, self.counts, self.size)[first]
        order = np.argsort(place, kind="stable")
        running = np.cumsum(mass[order])
        level = (running - mass[order] / 2) / max(running[-1], 1.0)
        code[first[order]] = self.size + np.minimum((level * most).astype(np.int64), most - 1)
        return np.asarray(np.unique(code, return_inverse=True)[1].astype(np.int64))


def _pieces(grid: Ints, rows: int, bins: int) -> tuple[Ints, Ints, Ints, Ints]:
    """First value, last value, symbol and rows of each piece of numbers, in ascending order."""
    values, counts = np.unique(grid, return_counts=True)
    few = values.size <= FEW_VALUES
    frequent = np.ones(values.size, dtype=bool) if few else counts >= max(ATOM * rows, REPEATED)
    atoms = values[frequent]
    rest, times = values[~frequent], counts[~frequent]
    edges, symbols = _cuts(rest, times, bins)
    starts = np.unique(np.concatenate([edges, atoms, atoms + 1]))
    if not starts.size:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty, empty
    last = int(values[-1])
    low = starts[starts <= last]
    high = np.append(low[1:] - 1, last)
    is_atom = np.isin(low, atoms)
    held = _held(low, high, values, counts)
    bin_of = np.searchsorted(symbols, low, side="right") - 1
    keep = is_atom | (rest.size > 0) & (bin_of >= 0) & (low <= (rest[-1] if rest.size else -1))
    keep &= (held > 0) | ~is_atom
    low, high, held, is_atom, bin_of = low[keep], high[keep], held[keep], is_atom[keep], bin_of[keep]
    high = np.where(is_atom, low, np.minimum(high, rest[-1]) if rest.size else high)
    code = np.where(is_atom, np.searchsorted(atoms, low), atoms.size + bin_of)
    return low, high, np.unique(code, return_inverse=True)[1].astype(np.int64), held


def _pseudo(counts: Ints, points: Floats) -> Floats:
    """What is added to the rows of each piece: nearly nothing where no row is, nothing where one value is."""
    return np.where(counts == 0, NEVER_SEEN, np.where(points > 1, 0.5, 0.0))


def _held(low: Ints, high: Ints, values: Ints, counts: Ints) -> Ints:
    """Rows between two values, both included."""
    running = np.concatenate([[0], np.cumsum(counts)])
    return np.asarray(running[np.searchsorted(values, high, side="right")] - running[np.searchsorted(values, low)])


def _cuts(rest: Ints, times: Ints, bins: int) -> tuple[Ints, Ints]:
    """Where pieces start, and where bins start."""
    if not rest.size:
        return rest, rest
    running = np.cumsum(times)
    total = int(running[-1])
    most = int(max(1, min(bins, total // PER_BIN)))
    before = running - times
    starts = rest[_changes(before * most // total)]
    repeated = rest[times >= REPEATED]
    pieces = rest[_changes(before // max(FINEST, total // MOST_PIECES))]
    cuts = np.unique(np.concatenate([starts, pieces, repeated, repeated + 1]))
    return cuts[cuts <= rest[-1]], starts


def _changes(code: Ints) -> Flags:
    """Where a code differs from the one before."""
    return np.concatenate([[True], code[1:] != code[:-1]])
