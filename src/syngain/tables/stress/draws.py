"""Rows of the tails: the least likely rows that a cell model of the real rows draws, within the real rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.rng import Streams
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel
from syngain.tables.rules.learned import learn_rules
from syngain.tables.typed import typed_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.typed import Table

    Cells = Mapping[str, Sequence[object]]

SPARE = 2  # drawn rows over those that are needed
MOST = 200_000  # rows that are drawn
TREES = 6  # per column
FITTED = 4_000  # real rows that the model is fitted to
RULED = 1_000  # real rows that rules are learned from
KEPT = 0.999  # of held-out real rows that keep a rule, from which drawn rows must
UNIQUE = {"key", "key pair"}  # rules of whole tables, not of single rows


@dataclass(frozen=True, slots=True)
class DrawnRows:
    """Drawn rows.

    Attributes:
        cells: all columns but the label. table: their typed columns, coded as those of the real rows.
        logprob: log-probability of each row in nats (n,). rank: the fraction of usual draws that are less likely (n,).
    """

    cells: Cells
    table: Table
    logprob: Floats
    rank: Floats

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.logprob.size


@dataclass(frozen=True, slots=True)
class TailDraws:
    """Rows of the tails next to typical rows of the same model.

    Attributes:
        real: the real rows, typed. tails, typical: the drawn rows. threshold: log-probability below which a row is of
            the tails, in nats. drawn: rows that were drawn. broken: fraction of the candidates that break a real rule.
        left_out: columns of free text, which are not drawn. more: other real rows, typed.
    """

    real: Table
    tails: DrawnRows
    typical: DrawnRows
    threshold: float
    drawn: int
    broken: float
    left_out: tuple[str, ...]
    more: Table | None = None


def draw_tails(
    cells: Cells,
    rows: int,
    *,
    tail: float = 0.05,
    settings: CellSettings | None = None,
    seed: int = 0,
    more: Cells | None = None,
) -> TailDraws:
    """Draw rows of the tails and typical rows.

    A row is of the tails if it is among the least likely ``tail`` of the rows that the model draws, and breaks no rule
    of the real rows. Typical rows are any rows of the model that break none.

    Args:
        cells: real columns without the label.
        rows: how many of each; fewer where rules leave fewer.
        tail: fraction of the draws that is the tails.
        settings: of the cell model; default: that of ``generate`` with fewer trees.
        seed: of model and draws.
        more: other real rows, which are only typed.

    Raises:
        InputError: the real rows cannot be modeled.
    """
    streams = Streams(seed).child("stress")
    size = len(next(iter(cells.values()), ()))
    some = np.sort(streams.stream("fitted").permutation(size)[:FITTED]).tolist()
    known = cells if len(some) == size else {name: [column[row] for row in some] for name, column in cells.items()}
    model = TableModel.fit(known, settings=settings or CellSettings(trees=TREES), seed=seed)
    count = min(math.ceil(SPARE * rows / tail), MOST)
    drawn = model.sample(count, seed)
    logprob = drawn.row_logprob
    rank = _ranks(logprob)
    order = streams.stream("typical").permutation(count)
    pools = np.flatnonzero(rank < tail)[: SPARE * rows], order[: SPARE * rows]
    names = [name for name in cells if name in drawn.columns]
    parts = [{name: [drawn.columns[name][row] for row in pool.tolist()] for name in names} for pool in pools]
    others = [] if more is None else [{name: more[name] for name in names}]
    real, *typed = typed_tables({name: cells[name] for name in names}, *parts, *others)
    good = _within_rules(real, typed[:2], seed)
    made = [
        _rows(parts[side], typed[side], np.flatnonzero(good[side])[:rows], logprob[pools[side]], rank[pools[side]])
        for side in (0, 1)
    ]
    threshold = float(np.quantile(logprob, tail))
    broken = 1 - float(good[0].mean()) if good[0].size else 0.0
    return TailDraws(
        real, made[0], made[1], threshold, count, broken, model.left_out, typed[2] if more is not None else None
    )


def _rows(cells: Cells, table: Table, rows: Ints, logprob: Floats, rank: Floats) -> DrawnRows:
    at = rows.tolist()
    chosen = {name: [column[row] for row in at] for name, column in cells.items()}
    return DrawnRows(chosen, table.take(rows), logprob[rows], rank[rows])


def _within_rules(real: Table, drawn: Sequence[Table], seed: int) -> list[Flags]:
    """Drawn rows that break no rule which nearly all held-out real rows keep; rules of keys do not count."""
    rng = Streams(seed).child("stress").stream("rules")
    some = real.take(np.sort(rng.permutation(real.size)[:RULED]))
    rules = [one.rule for one in learn_rules(some, rng).rules if one.confidence >= KEPT and one.rule.kind not in UNIQUE]
    out = []
    for table in drawn:
        broken = [rule.check(table)[1] for rule in rules]
        out.append(~np.any(broken, axis=0) if broken else np.ones(table.size, dtype=bool))
    return out


def _ranks(logprob: Floats) -> Floats:
    """The fraction of rows that are less likely than each (n,)."""
    ordered = np.sort(logprob)
    return np.asarray(np.searchsorted(ordered, logprob) / logprob.size)
