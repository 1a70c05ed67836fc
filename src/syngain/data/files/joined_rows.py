"""Rows of several files as those of one."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

from syngain.data.rows import FieldCount, Lazy, OddRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.data.rows import Cells, Loaded, Record


def joined(parts: Sequence[Loaded], file: str, name: str) -> Loaded:
    """The rows of several files, one after the other, numbered as rows of the whole."""
    starts = [0, *accumulate(map(len, parts))]
    counts: dict[str, FieldCount] = {}
    odd = OddRows()
    for start, part in zip(starts, parts, strict=False):
        odd.join(part.odd)
        for field_name, found in part.fields.items():
            known = counts.get(field_name, FieldCount(0, -1))
            first = known.first if known.first >= 0 or found.first < 0 else start + found.first
            counts[field_name] = FieldCount(known.count + found.count, first)
    return replace(
        parts[0],
        file=file,
        name=name,
        unit="row",
        numbers=range(1, starts[-1] + 1),
        rows=Lazy(starts[-1], _JoinedRows(parts, starts)),
        values=_JoinedValues(parts, starts),
        fields=counts,
        odd=odd,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


@dataclass(frozen=True, slots=True)
class _JoinedRows:
    """The records of several files."""

    parts: Sequence[Loaded]
    starts: Sequence[int]

    def __call__(self, index: int) -> Record:
        place = bisect_right(self.starts, index) - 1
        return self.parts[place].rows[index - self.starts[place]]


@dataclass(frozen=True, slots=True)
class _JoinedValues:
    """Values of the rows of several files."""

    parts: Sequence[Loaded]
    starts: Sequence[int]

    def __call__(self, names: Sequence[str], rows: slice | None = None, /) -> Iterator[Cells]:
        chosen = rows or slice(0, self.starts[-1])
        for start, part in zip(self.starts, self.parts, strict=False):
            inner = slice(max(chosen.start - start, 0), min(chosen.stop - start, len(part)))
            if inner.start < inner.stop:
                yield from part.values(names, inner)
