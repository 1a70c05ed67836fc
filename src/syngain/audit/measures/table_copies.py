"""Copies of real rows in tables: equal rows, and rows much nearer to one real row than to any other.

Real rows repeat, and lie near each other, by their own habit. What other real rows show is therefore the expected
range: held-out rows where there are some, else every real row against the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit import table_rows
from syngain.audit.measures import novelty
from syngain.data.encoders.mixed import MixedRows, mixed_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.frame import Frame
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.estimate import Estimate

NEAREST = 3  # rows that are compared again in double precision
HABIT = 0.01  # of real rows that are as near to another one as a copy is
NEAR = 0.5  # a copy lies at most at this fraction of the distance to the next other real row
QUERIES = 2_000  # rows that are looked at first, of either side; the others only where copies were found
EXCESS = 0.01  # of the rows looked at, beyond the real rows' own rate, from which all rows are looked at
REFERENCE = 50_000  # real rows that are compared with
PAIRS = 4_000_000  # distances at a time
FEW = 20  # different labels from which numeric ones are numbers
METHOD = (
    "equal in all columns but ids, or at most a fraction of the distance to the next other real row that "
    f"{HABIT:.0%} of real rows reach; mixed-type distance; null: real rows among other real rows"
)


@dataclass(frozen=True)
class TableCopies:
    """Synthetic rows of a table next to the real rows that they copy.

    Attributes:
        source: real row of a copy (m,), -1 none. found: copies (m,). looked: rows that near copies were looked for in.
        background: real rows that copy another one.
    """

    frame: Frame
    source: Ints
    found: Flags
    looked: Ints
    background: Flags

    @classmethod
    def of(cls, frame: Frame) -> TableCopies:
        """The copies of a frame."""
        real, synthetic, others = _tables(frame)
        codes, ours, theirs = table_rows.shared_codes(real, synthetic, others)
        _, first, place = np.unique(codes, return_index=True, return_inverse=True)
        known = dict(zip(codes[first].tolist(), first.tolist(), strict=True))
        source = np.array([known.get(code, -1) for code in ours.tolist()], dtype=np.int64)
        twins = np.isin(theirs, codes) if frame.held_out else (np.bincount(place) > 1)[place]
        equal = cls(frame, source, source >= 0, np.arange(source.size), twins)
        return equal._with_near((real, synthetic, others), first, place)

    def _with_near(
        self, tables: tuple[table_rows.Columns, table_rows.Columns, table_rows.Columns], first: Ints, place: Ints
    ) -> TableCopies:
        """The same with near copies; ``first`` and ``place`` are the different real rows and which one a row is."""
        own, synthetic, others = mixed_rows(_numeric_labels(tables))
        kept = first[:: max(1, -(-first.size // REFERENCE))]
        if kept.size <= NEAREST:
            return self
        reference = _Reference(own[kept])
        asked = _spread(len(others), QUERIES)
        alone = None if self.frame.held_out else _at(kept, first[place[asked]])
        ratio, _ = reference.ratios(others[asked], alone)
        background = self.background[asked]
        fresh = ratio[~background]
        limit = min(float(np.quantile(fresh, HABIT)), NEAR) if fresh.size else NEAR
        background = background | (ratio <= limit)
        looked = _spread(len(synthetic), QUERIES)
        ours, nearest = reference.ratios(synthetic[looked])
        near = (ours <= limit) | self.found[looked]
        if looked.size < len(synthetic) and near.mean() - background.mean() > EXCESS:
            looked = np.arange(len(synthetic))
            ours, nearest = reference.ratios(synthetic)
        found, source = self.found.copy(), self.source.copy()
        found[looked] |= ours <= limit
        source[looked] = np.where((ours <= limit) & (source[looked] < 0), kept[nearest], source[looked])
        return replace(self, source=source, found=found, looked=looked, background=background)

    def fraction(self) -> Estimate:
        """``novelty.copy_fraction`` of the rows that were looked at."""
        looked = self.looked
        estimate = novelty.copy_fraction(self.found[looked], self.background, self.frame.unit[looked])
        return replace(estimate, method=METHOD)

    def contamination(self) -> tuple[Estimate, Flags]:
        """The fraction of test rows among the synthetic rows, and which synthetic rows they are (m,)."""
        frame = self.frame
        assert frame.test_columns is not None  # noqa: S101  (asked for where there are test rows)
        tables = [
            table_rows.compared(columns, None, frame.row_ids)
            for columns in (frame.anchor_columns, frame.synthetic.columns, frame.test_columns)
        ]
        real, synthetic, tests = table_rows.shared_codes(*tables)
        hits = np.isin(synthetic, tests)
        return novelty.contamination(np.isin(tests, synthetic), hits, np.isin(real, tests)), hits


@dataclass(frozen=True, slots=True)
class _Reference:
    """Different real rows that others are compared with."""

    rows: MixedRows

    def ratios(self, asked: MixedRows, own: Ints | None = None) -> tuple[Floats, Ints]:
        """Distance to the nearest row over that to the next one, and which row is the nearest; without the ``own``."""
        ratio, nearest = np.ones(len(asked)), np.zeros(len(asked), dtype=np.int64)
        step = max(1, PAIRS // len(self.rows))
        for start in range(0, len(asked), step):
            at = np.arange(start, min(start + step, len(asked)))
            squares = asked[at].squared_distances(self.rows)
            if own is not None:
                inside = own[at] >= 0
                squares[np.flatnonzero(inside), own[at][inside]] = np.inf
            places = np.argpartition(squares, NEAREST - 1, axis=1)[:, :NEAREST]
            exact = asked.joined_squares(np.repeat(at, NEAREST), self.rows, places.ravel()).reshape(-1, NEAREST)
            if own is not None:
                exact[places == own[at][:, None]] = np.inf
            order = np.argsort(exact, axis=1, kind="stable")
            near, next_one = (np.take_along_axis(exact, order[:, k : k + 1], axis=1)[:, 0] for k in (0, 1))
            ratio[at] = np.sqrt(np.divide(near, next_one, out=np.ones(at.size), where=next_one > 0))
            nearest[at] = np.take_along_axis(places, order[:, :1], axis=1)[:, 0]
        return ratio, nearest


def _tables(frame: Frame) -> tuple[table_rows.Columns, table_rows.Columns, table_rows.Columns]:
    """Real, synthetic and compared rows without ids and with labels: held-out rows, or the real ones again."""
    real = table_rows.compared(frame.anchor_columns, frame.anchor_targets, frame.row_ids)
    synthetic = table_rows.compared(frame.synthetic.columns, frame.synthetic.written_labels, frame.row_ids)
    others = (
        table_rows.compared(frame.real.columns, frame.real.written_labels, frame.row_ids) if frame.held_out else real
    )
    return real, synthetic, others


def _numeric_labels(tables: Sequence[table_rows.Columns]) -> Sequence[table_rows.Columns]:
    """The tables with labels as numbers, where all are numbers and the real rows have many different ones."""
    labels = tables[0].get(table_rows.LABEL)
    if labels is None or len(set(labels)) <= FEW:
        return tables
    try:
        return [{**one, table_rows.LABEL: [float(str(label)) for label in one[table_rows.LABEL]]} for one in tables]
    except ValueError:
        return tables


def _spread(rows: int, most: int) -> Ints:
    """At most ``most`` row numbers, evenly spread."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64))


def _at(ordered: Ints, wanted: Ints) -> Ints:
    """Places of the wanted values, -1 where absent."""
    place = {value: index for index, value in enumerate(ordered.tolist())}
    return np.array([place.get(value, -1) for value in wanted.tolist()], dtype=np.int64)
