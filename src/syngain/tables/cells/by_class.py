"""Rows of the classes that a table lacks: as many as make all classes as large as the largest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.rng import Streams
from syngain.data.columns.values import is_missing
from syngain.data.rows import show
from syngain.tables.cells.kinds import KeyColumn, written_form
from syngain.tables.cells.table import GeneratedTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.tables.cells.table import Cells, TableModel

MOST_CLASSES = 1_000
MOST_ROWS = 10_000_000


def lacking_rows(cells: Cells, label: str) -> dict[str, int]:
    """How many rows each class lacks to the largest one; missing labels are no class.

    Raises:
        InputError: there is nothing to balance, or too much.
    """
    counts = Counter(text for cell in cells[label] if not is_missing(text := written_form(cell)))
    largest = max(counts.values(), default=0)
    need = {name: largest - count for name, count in sorted(counts.items()) if count < largest}
    if not need or len(counts) > MOST_CLASSES or sum(need.values()) > MOST_ROWS:
        raise InputError(
            f"the column {show(label)} holds {len(counts):,} classes that lack {sum(need.values()):,} rows",
            expected=f"2 to {MOST_CLASSES:,} classes of different sizes, which lack at most {MOST_ROWS:,} rows",
            todo="name another column with --label",
        )
    return need


def sample_classes(
    model: TableModel, label: str, need: Mapping[str, int], seed: int, *, temperature: float = 1.0
) -> GeneratedTable:
    """Draw rows given their classes.

    Args:
        model: whose first column is the label.
        label: its name.
        need: rows of each class.
        seed: of the draws.
        temperature: of the symbols.
    """
    draws = Streams(seed).child("tables", "classes")
    parts = [
        model.sample(count, int(draws.stream(name).integers(2**31 - 1)), temperature=temperature, given={label: name})
        for name, count in need.items()
    ]
    rows = sum(part.rows for part in parts)
    columns: dict[str, Sequence[object]] = {}
    for name in parts[0].columns:
        codec = model.codecs[name]
        if isinstance(codec, KeyColumn):
            columns[name] = codec.key.new(rows, draws.stream("keys", name))
        else:
            columns[name] = [cell for part in parts for cell in part.columns[name]]
    return GeneratedTable(columns, parts[0].modeled, np.concatenate([part.logprob for part in parts]))
