"""Keys of two columns: neither is different in every row, both together are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.tables.rules.rule import SUPPORT, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Flags, Ints
    from syngain.tables.typed import Column, Table

EXPECTED = 15.0  # equal pairs among unrelated columns, from which none at all is a rule
SCREEN = 500  # rows that are looked at first
WIDEST = 60  # columns
FEW = 30  # different values that are no names


@dataclass(frozen=True, slots=True)
class KeyPair:
    """No two rows have the same values of two columns."""

    first: str
    second: str
    kind: Literal["key pair"] = "key pair"

    @property
    def columns(self) -> tuple[str, ...]:
        """Both columns."""
        return (self.first, self.second)

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{quoted(self.first)} and {quoted(self.second)} together are different in every row"

    def refit(self, table: Table) -> KeyPair:
        """The same rule."""
        del table
        return self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with both values, and rows whose pair of values an earlier row has."""
        pairs = _pairs(table.columns[self.first], table.columns[self.second])
        return pairs >= 0, repeats(pairs)


def key_pairs(table: Table, keys: frozenset[str], rng: np.random.Generator) -> Iterator[KeyPair]:
    """Pairs of columns that never repeat together although unrelated columns would."""
    rows = np.sort(rng.permutation(table.size)[:SCREEN])
    columns = pair_columns(table, keys)
    chance = {column.name: _equal(column) for column in columns}
    trials = table.size * (table.size - 1) / 2
    for first, second in combinations(columns, 2):
        if trials * chance[first.name] * chance[second.name] < EXPECTED:
            continue
        if repeats(_pairs(first.take(rows), second.take(rows))).any():
            continue
        pairs = _pairs(first, second)
        if (pairs >= 0).sum() >= SUPPORT and not repeats(pairs).any():
            yield KeyPair(first.name, second.name)


def pair_columns(table: Table, keys: frozenset[str]) -> list[Column]:
    """Columns that a pair may have: filled, not all different, not all equal."""
    return [
        column
        for column in table.columns.values()
        if column.name not in keys and column.filled.all() and 0 < _equal(column) < 1
    ][:WIDEST]


def numbering(table: Table, pairs: Sequence[KeyPair]) -> set[str]:
    """The columns of these keys that number or name things: those with many different values."""
    names = {name for pair in pairs for name in pair.columns}
    return {name for name in names if np.unique(table.columns[name].codes).size > FEW}


def repeats(codes: Ints) -> Flags:
    """Rows whose code an earlier row has (n,); -1 is no code."""
    _, first = np.unique(codes, return_index=True)
    out = np.ones(codes.size, dtype=bool)
    out[first] = False
    return out & (codes >= 0)


def _pairs(first: Column, second: Column) -> Ints:
    """One code for each pair of values (n,), -1 where one is missing."""
    joined = first.codes * len(second.values) + second.codes
    return np.asarray(np.where((first.codes >= 0) & (second.codes >= 0), joined, -1))


def _equal(column: Column) -> float:
    """The probability that two rows have the same value."""
    counts = np.unique(column.codes, return_counts=True)[1]
    return float((counts * (counts - 1)).sum()) / max(column.codes.size * (column.codes.size - 1), 1)
