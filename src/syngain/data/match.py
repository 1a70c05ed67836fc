"""Match synthetic rows to the real rows in their prompts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.columns.values import NotPlainError, plain
from syngain.data.rows import show
from syngain.data.text.normal_forms import normal_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from syngain.core.arrays import Ints
    from syngain.data.dataset import Dataset

KEY = "id"  # a column of that name identifies rows when its values do, also without --id


def match_sources(synthetic: Dataset, real: Dataset) -> tuple[Ints | None, float]:
    """The real row of each synthetic row (-1: none), and the fraction matched.

    A source is looked up among the ids of the real rows, then among their normalized texts (of a pair: the prompt, or
    prompt and response), then in their column ``id`` and the column with the source's name, if unique. The first of
    equal real rows is used. ``None`` when the synthetic rows have no source.
    """
    if synthetic.sources is None:
        return None, 0.0
    by_id = _first((str(key).strip(), row) for row, key in enumerate(real.ids))
    by_text = _first(_texts(real))
    by_key = _keys(real, synthetic.roles.source)
    known: dict[str, int] = {}  # sources repeat: one lookup for each
    rows = np.full(len(synthetic), -1, dtype=np.int64)
    for index, source in enumerate(synthetic.sources):
        if source is None:
            continue
        row = known.get(source)
        if row is None:
            row = by_id.get(source.strip(), by_text.get(normal_text(source), by_key.get(source.strip(), -1)))
            known[source] = row
        rows[index] = row
    return rows, float(np.mean(rows >= 0)) if len(rows) else 0.0


def with_lineage(synthetic: Dataset, real: Dataset) -> Dataset:
    """The synthetic rows; a source that names no real row in most rows is not used, which a note says."""
    found, _ = match_sources(synthetic, real)
    if found is None or synthetic.sources is None:
        return synthetic
    given = sum(source is not None for source in synthetic.sources)
    matched = int(np.sum(found >= 0))
    if 2 * matched > given:
        return synthetic
    name = show(str(synthetic.roles.source))
    note = (
        f"`{name}` is not used as the source column: {matched:,} of {given:,} values are ids or texts of real rows "
        f"(to use it: --source-id {name})"
    )
    roles = replace(synthetic.roles, source=None)
    return replace(synthetic, sources=None, roles=roles, notes=(*synthetic.notes, note))


def _texts(real: Dataset) -> Iterable[tuple[str, int]]:
    sides = list(real.sides.values())
    for row in range(len(real) if sides else 0):
        parts = [side[row] for side in sides]
        yield normal_text(parts[0]), row
        if len(parts) > 1:
            yield normal_text(" ".join(parts)), row


def _keys(real: Dataset, source: str | None) -> Mapping[str, int]:
    """Columns of the real rows with a unique value in every row."""
    keys: dict[str, int] = {}
    for name in dict.fromkeys((KEY, source or KEY)):
        words = [_word(record.get(name)) for record in real.records]
        found = {word: row for row, word in enumerate(words) if word is not None}
        if len(found) == len(real):
            keys |= found
    return keys


def _word(value: object) -> str | None:
    try:
        return plain(value)
    except NotPlainError:
        return None


def _first(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, row in pairs:
        if key:
            found.setdefault(key, row)
    return found
