"""Rows of tables for equality: every column that a row carries counts, its label included, ids do not."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.text import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Ints

    Columns = Mapping[str, Sequence[object]]

FEWEST = 20  # rows from which different values in every row are an id
BETWEEN = "\x00"  # not white space, which normalization would remove: empty cells keep their place
LABEL = "\x00label"  # no column has this name


def id_columns(columns: Columns) -> frozenset[str]:
    """Columns that name or number the rows: text that is different in every row, or consecutive integers in any order.

    None where all columns would be ids.
    """
    found = frozenset(name for name, values in columns.items() if _is_id(values))
    return frozenset() if len(found) == len(columns) else found


def compared(columns: Columns, labels: Sequence[str] | None, ids: frozenset[str]) -> dict[str, Sequence[object]]:
    """The columns of a table without its ids, with its labels as one more column."""
    kept = {name: values for name, values in columns.items() if name not in ids}
    return kept if labels is None else {**kept, LABEL: labels}


def shared_codes(*tables: Columns) -> list[Ints]:
    """An integer per row, equal for equal rows of all tables; the columns are those of the first one."""
    names = list(tables[0])
    written = (
        [BETWEEN.join(map(str, row)) for row in zip(*map(table.__getitem__, names), strict=True)] for table in tables
    )
    return near_duplicates.shared_codes(*written)


def _is_id(values: Sequence[object]) -> bool:
    if len(values) < FEWEST:
        return False
    if not isinstance(values, array):
        return len(set(values)) == len(values)
    numbers = np.sort(np.frombuffer(values, dtype=np.float64))
    steps = np.diff(numbers)
    return bool(steps[0] > 0 and (steps == steps[0]).all() and (numbers == np.floor(numbers)).all())
