"""Blocks of rows, and passes with one value per row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from syngain.core.errors import UsageError
from syngain.core.passes import Runner, in_process, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

ROWS = 8_192
"""Rows of a block; blocks of other sizes are multiples of it."""

Item = TypeVar("Item")
Kind = TypeVar("Kind", bound=np.generic)


def blocks(total: int, rows: int = ROWS) -> Iterator[slice]:
    """Consecutive slices that cover ``range(total)``, ``rows`` rows each.

    Raises:
        UsageError: ``rows`` is not a multiple of 8,192.
    """
    if rows < 1 or rows % ROWS:
        raise UsageError(f"blocks of {rows:,} rows", expected=f"a multiple of {ROWS:,}", todo=f"pass rows={ROWS}")
    return (slice(start, min(start + rows, total)) for start in range(0, total, rows))


@dataclass(frozen=True)
class RowValues(Generic[Kind]):
    """A pass with one value (or one vector) per row.

    Attributes:
        compute: the values of a block. kind: their element type.
    """

    compute: Callable[[slice], ArrayLike]
    kind: type[Kind]

    def map(self, block: slice) -> NDArray[Kind]:
        """The values of one block."""
        return np.asarray(self.compute(block), dtype=self.kind)

    def merge(self, parts: Iterator[NDArray[Kind]]) -> NDArray[Kind]:
        """The values of all rows, in row order."""
        found = list(parts)
        return np.concatenate(found) if found else np.empty(0, dtype=self.kind)


@dataclass(frozen=True)
class RowTexts:
    """A pass with one text per row, computed from the row's own text."""

    texts: Sequence[str]
    compute: Callable[[str], str]

    def map(self, block: slice) -> list[str]:
        """The texts of one block."""
        return [self.compute(text) for text in self.texts[block]]

    def merge(self, parts: Iterator[list[str]]) -> list[str]:
        """The texts of all rows, in row order."""
        return [text for part in parts for text in part]


def row_values(
    compute: Callable[[slice], ArrayLike], total: int, kind: type[Kind], *, runner: Runner = in_process
) -> NDArray[Kind]:
    """One value (or one vector) per row, block by block; shape (total, ...)."""
    return run(RowValues(compute, kind), blocks(total), runner=runner)


def row_texts(texts: Sequence[str], compute: Callable[[str], str], *, runner: Runner = in_process) -> list[str]:
    """One text per row, block by block."""
    return run(RowTexts(texts, compute), blocks(len(texts)), runner=runner)
