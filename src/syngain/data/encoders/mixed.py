"""Encode rows of numbers and categories for distances between single rows.

A number counts by its standard deviations, a category by being the same or not: all values of a category have their
own coordinate, so that two rare ones are as far apart as two frequent ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from syngain.data.columns.dates import dated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints, Singles

MOST_COLUMNS = 1_000  # columns that distances are taken from; of more, every second, third, ... one


@dataclass(frozen=True, slots=True)
class MixedRows:
    """Encoded rows: standardized numbers (n, p), and one-hot categories (n, K) of ``columns`` columns."""

    numbers: Singles
    categories: sparse.csr_matrix[np.float32]
    columns: int

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, rows: Ints) -> MixedRows:
        """Some of the rows."""
        return MixedRows(self.numbers[rows], self.categories[rows], self.columns)

    @property
    def squares(self) -> Singles:
        """Squared norms (n,)."""
        return np.asarray((self.numbers**2).sum(axis=1))

    def squared_distances(self, other: MixedRows) -> Singles:
        """Squared distances (n, m); a different category adds 2, as two numbers drawn at random do on average."""
        product = self.numbers @ other.numbers.T
        out = self.squares[:, None] + other.squares[None, :] - 2 * product
        if self.columns:
            same = (self.categories @ other.categories.T).toarray()
            out += 2 * (self.columns - same)
        return np.asarray(np.maximum(out, 0.0))

    def joined_squares(self, rows: Ints, other: MixedRows, others: Ints) -> Floats:
        """Squared distances of pairs of rows, in double precision: zero for equal rows."""
        gaps = self.numbers[rows].astype(np.float64) - other.numbers[others]
        if not self.columns:
            return np.asarray((gaps**2).sum(axis=1))
        same = np.asarray(self.categories[rows].multiply(other.categories[others]).sum(axis=1)).ravel()
        return np.asarray((gaps**2).sum(axis=1) + 2 * (self.columns - same))


def mixed_rows(sets: Sequence[Mapping[str, Sequence[object]]]) -> list[MixedRows]:
    """Encode the rows of several tables with the columns of the first one, whose numbers set location and scale."""
    names = list(sets[0])
    names = names[:: max(1, -(-len(names) // MOST_COLUMNS))]
    sizes = [len(table[names[0]]) for table in sets]
    bounds = np.cumsum([0, *sizes])
    numbers: list[Floats] = []
    codes: list[Ints] = []
    width = 0
    for name in names:
        cells = [cell for table in sets for cell in table[name]]
        found = _numbers(cells)
        if found is not None:
            scaled, missing = _standardized(found, sizes[0])
            numbers.append(scaled)
            if not missing.any():
                continue
            own = missing.astype(np.int64)
        else:
            own = np.unique(np.array([str(cell) for cell in cells], dtype=object), return_inverse=True)[1]
        codes.append(own + width)
        width += int(own.max(initial=0)) + 1
    dense = np.column_stack(numbers) if numbers else np.zeros((int(bounds[-1]), 0))
    onehot = _one_hot(codes, int(bounds[-1]), width)
    return [
        MixedRows(dense[start:end].astype(np.float32), onehot[start:end], len(codes))
        for start, end in itertools.pairwise(bounds)
    ]


def _numbers(cells: Sequence[object]) -> Floats | None:
    """The column as float64, dates as days, NaN where missing; None when a cell is neither."""
    if not all(cell is None or isinstance(cell, (int, float)) for cell in cells):
        return dated(cells)
    return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)


def _standardized(numbers: Floats, first: int) -> tuple[Floats, Flags]:
    """Numbers in standard deviations of the first ones, zero where missing; which ones are missing."""
    missing = ~np.isfinite(numbers)
    known = numbers[:first][~missing[:first]]
    if known.size == 0:
        return np.zeros(numbers.size), missing
    largest = float(np.abs(known).max()) or 1.0  # squares of the largest numbers overflow
    center = float(np.median(known / largest))
    scale = float((known / largest).std()) or 1.0
    return np.where(missing, 0.0, (np.where(missing, 0.0, numbers) / largest - center) / scale), missing


def _one_hot(codes: Sequence[Ints], rows: int, width: int) -> sparse.csr_matrix[np.float32]:
    if not codes:
        return sparse.csr_matrix(np.zeros((rows, 0), dtype=np.float32))
    at = np.column_stack(codes).ravel()
    start = np.arange(rows + 1) * len(codes)
    return sparse.csr_matrix((np.ones(at.size, np.float32), at, start), shape=(rows, width))
