"""What made rows copy: rows from one half of the real rows, against that half and the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.splits import folds
from syngain.tables.balance.coded import RowDistance
from syngain.tables.balance.variants import lacking

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.tables.balance.coded import CodedRows
    from syngain.tables.balance.variants import Variant

SPLITS = 2  # in halves, each half once the seen one
MADE = 1_000  # rows that are compared
EQUAL = 1e-9  # squared distance


@dataclass(frozen=True, slots=True)
class CopyDraws:
    """Made rows against the half of the real rows they were made from, and the other, one number per draw (draws,).

    Attributes:
        nearer: fraction of made rows whose nearest real row is one of the seen half, ties half.
        seen, unseen: fraction of made rows equal to a row of either half.
        rows: made rows that were compared, over all draws.
    """

    nearer: Floats
    seen: Floats
    unseen: Floats
    rows: int


def copies(
    rows: CodedRows, y: Ints, group: Ints, makers: Mapping[str, Variant], streams: Streams
) -> dict[str, CopyDraws]:
    """Compare the rows that each variant makes from one half with both halves, of equal size in each class.

    Args:
        rows: real rows.
        y: their classes (n,).
        group: of equal rows (n,), which stay in one half.
        makers: the variants that make rows.
        streams: of halves and rows.
    """
    found: dict[str, list[tuple[float, float, float, int]]] = {name: [] for name in makers}
    classes = int(y.max()) + 1
    for split in range(SPLITS):
        own = streams.child("halves", str(split))
        half = folds(group, 2, own.stream("halves"), strata=y)
        for side in (0, 1):
            seen, unseen = _even(y, half, side, own.stream("even"))
            need = lacking(y[seen], classes)
            if not need.sum():
                continue
            known, other = rows.take(seen), rows.take(unseen)
            for name, maker in makers.items():
                made = maker.more(known, y[seen], need, own.stream(name, str(side)))
                some = np.sort(own.stream("some").permutation(len(made.rows))[:MADE])
                found[name].append(_against(made.rows.take(some), known, other))
    out = {}
    for name, lines in found.items():
        if lines:
            nearer, own_copies, coincidences = (np.array([one[at] for one in lines]) for at in range(3))
            out[name] = CopyDraws(nearer, own_copies, coincidences, sum(one[3] for one in lines))
    return out


def _even(y: Ints, half: Ints, side: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Rows of one half, and as many of the other in each class."""
    out: tuple[list[Ints], list[Ints]] = ([], [])
    for c in np.unique(y):
        both = [rng.permutation(np.flatnonzero((y == c) & (half == one))) for one in (0, 1)]
        size = min(part.size for part in both)
        out[0].append(both[side][:size])
        out[1].append(both[1 - side][:size])
    return np.sort(np.concatenate(out[0])), np.sort(np.concatenate(out[1]))


def _against(made: CodedRows, known: CodedRows, other: CodedRows) -> tuple[float, float, float, int]:
    distance = RowDistance.of(known.and_(other))
    first, second = distance.nearest(made, known), distance.nearest(made, other)
    tie = np.abs(first - second) <= EQUAL
    nearer = float(np.mean(np.where(tie, 0.5, first < second)))
    lines = made.lines()
    equal = [float(np.mean([line in rows for line in lines])) for rows in (set(known.lines()), set(other.lines()))]
    return nearer, equal[0], equal[1], len(lines)
