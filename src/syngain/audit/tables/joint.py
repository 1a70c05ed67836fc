"""``tails.joint_*``: rows that are unlikely as a whole under a cell model of real rows, and real ones that lack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.errors import InputError
from syngain.core.estimate import Estimate
from syngain.inference.intervals import share_intervals
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.tables.typed_frame import TypedStudy
    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.tables.typed import Table

FEWEST = 100  # rows of each side
FITTED, TESTED, CHECKED = 500, 1_000, 1_000  # rows of the model, held-out real rows, synthetic rows
WIDEST, CELLS = 60, 10_000  # columns; cells that a model is fitted to
LOW, USUAL = 0.01, 0.1  # of the held-out rows: an invented tail lies below, a missing one is this part
LEAST = 5  # held-out rows below a limit
LEFT = 2  # tests: each p is doubled
LISTED, NAMED = 200, 3  # rows in a file, columns of a row
MODEL = CellSettings(orders=2, trees=4, formulas=False)


@dataclass(frozen=True, slots=True)
class JointTail:
    """Log-probabilities of whole rows under a cell model of other real rows.

    Attributes:
        rows: synthetic rows that were looked at (k,). logprob: theirs, in nats (k,). limit: below it a row is of the
            invented tail. least: the columns that make each row unlikely, the worst first.
        estimates: by id.
    """

    rows: Ints
    logprob: Floats
    limit: float
    least: Sequence[tuple[str, ...]]
    estimates: Mapping[str, Estimate]

    def records(self) -> list[dict[str, object]]:
        """Rows below the limit as lines of ``joint_tail.jsonl``, the least likely first; ``row`` counts from 0."""
        order = np.argsort(self.logprob, kind="stable")
        below = [place for place in order.tolist() if self.logprob[place] < self.limit][:LISTED]
        return [
            {
                "row": int(self.rows[place]),
                "logprob": round(float(self.logprob[place]), 6),
                "limit": round(self.limit, 6),
                "columns": list(self.least[place]),
            }
            for place in below
        ]


def joint_tail(tables: TypedStudy, keys: frozenset[str], units: Ints, streams: Streams) -> JointTail | None:
    """The joint tail of a table; None where rows are few, columns many, or no column can be modeled."""
    names = [name for name in tables.real.columns if name not in keys]
    if not 2 <= len(names) <= WIDEST or min(tables.real.size, tables.synthetic.size) < FEWEST:
        return None
    rng = streams.stream("joint")
    order = rng.permutation(tables.real.size)
    most = min(FITTED, CELLS // len(names), tables.real.size // 2)
    fitted, tested = order[:most], order[most : most + TESTED]
    held, some = (tables.real, tested) if tables.held_out is None else (tables.held_out, None)
    if some is None:
        some = rng.permutation(held.size)[:TESTED]
    rows = np.sort(rng.permutation(tables.synthetic.size)[:CHECKED])
    if some.size < FEWEST // 2:
        return None
    try:
        model = TableModel.fit(_cells(tables.real, names, fitted), settings=MODEL, seed=int(rng.integers(2**31 - 1)))
    except InputError:  # keys and texts alone
        return None
    real, synthetic = (
        model.score(_cells(table, names, part), unseen=True) for table, part in ((held, some), (tables.synthetic, rows))
    )
    return _found(model.modeled, real, synthetic, rows, units[rows])


def _found(names: Sequence[str], real: Floats, synthetic: Floats, rows: Ints, units: Ints) -> JointTail:
    own, ours = np.sort(real.sum(axis=1)), synthetic.sum(axis=1)
    low, usual = (max(round(part * own.size), LEAST) for part in (LOW, USUAL))
    worst = np.argsort(synthetic - np.median(real, axis=0), axis=1, kind="stable")[:, :NAMED]
    least = [tuple(names[place] for place in line) for line in worst.tolist()]
    estimates = {
        "tails.joint_invented": _invented(own, ours, low, units),
        "tails.joint_missing": _missing(own, ours, usual, units),
    }
    return JointTail(rows, ours, float(own[low - 1]), least, estimates)


def _invented(own: Floats, ours: Floats, count: int, units: Ints) -> Estimate:
    """Rows below the limit that ``count`` held-out real rows do not pass: beta-binomial beyond an order statistic."""
    below = ours < own[count - 1]
    law = stats.betabinom(ours.size, count, own.size + 1 - count)
    p = min(1.0, LEFT * float(law.sf(int(below.sum()) - 1)))
    return Estimate(
        value=float(below.mean()),
        unit="share",
        method=f"log-probability of whole rows under a cell model of other real rows; below that of {count} of "
        f"{own.size:,} held-out real rows; beta-binomial p",
        estimand="fraction of synthetic rows that are less likely than nearly all real rows",
        intervals=share_intervals(below, units),
        null=(float(law.ppf(0.025)) / ours.size, float(law.ppf(0.975)) / ours.size),
        p=p,
        adjusted_p=p,
        n=ours.size,
        clusters=int(np.unique(units).size),
        references={"real": count / own.size},
    )


def _missing(own: Floats, ours: Floats, count: int, units: Ints) -> Estimate:
    """How many of the expected rows the least likely tenth lacks."""
    hits = int((ours <= own[count - 1]).sum())
    law = stats.betabinom(ours.size, count, own.size + 1 - count)
    p = min(1.0, LEFT * float(law.cdf(hits)))
    expected = count / own.size
    return Estimate(
        value=max(0.0, 1 - hits / ours.size / expected),
        unit="share",
        method=f"synthetic rows no more likely than the least likely {count} of {own.size:,} held-out real rows, over "
        "what is expected; cell model of other real rows, beta-binomial p",
        estimand="fraction of the unlikely real rows that the synthetic rows lack",
        p=p,
        adjusted_p=p,
        n=ours.size,
        clusters=int(np.unique(units).size),
    )


def _cells(table: Table, names: Sequence[str], rows: Ints) -> dict[str, list[str | None]]:
    """Columns as text, None where a cell is missing."""
    out: dict[str, list[str | None]] = {}
    for name in names:
        column = table.columns[name]
        out[name] = [column.values[code] if code >= 0 else None for code in column.codes[rows].tolist()]
    return out
