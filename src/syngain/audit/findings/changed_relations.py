"""The finding ``changed_relations``: columns that are related otherwise than among the real rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.audit.tables.pairs import SURE
from syngain.core.phrases import percent
from syngain.core.result import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.audit.findings.rules import Context
    from syngain.audit.tables.pairs import PairOfColumns
    from syngain.core.estimate import Estimate
    from syngain.core.result import Severity

ID = "changed_relations"
STRENGTH, CHANGED = "relations.strength", "relations.changed"
HALF = 0.5  # upper limit of the strength below which no row is worth keeping
HIGH = 0.75  # upper limit of the strength, below which relations are mostly lost
LEAST = 0.05  # change of the strength, or of a correlation, that matters
SHOWN = 3  # pairs


def changed_relations(context: Context) -> Iterator[Finding]:
    """One finding for all pairs of columns of a table."""
    table = context.found.table
    if table is None or table.relations is None:
        return
    item = table.relations.estimates[STRENGTH]
    low, high = item.interval(0.95)
    overall = _sure(item) and max(low - 1, 1 - high) > 0 and abs(item.value - 1) >= LEAST
    pairs = [pair for pair in table.relations.found if abs(pair.real - pair.synthetic) >= LEAST]
    pairs = pairs if _sure(table.relations.estimates[CHANGED]) else []
    if not overall and not pairs:
        return
    severity: Severity = "high" if overall and high < HIGH else "medium"
    limits = f"({percent(max(low, 0.0))}, {percent(high)})"
    said = f"Relations between columns are {percent(item.value)} {limits} as strong as among real rows"
    shown = pairs or list(table.relations.pairs[:SHOWN])
    parts = [
        said if overall else f"{len(pairs):,} pairs of columns are related differently",
        *map(_pair, shown[:SHOWN]),
    ]
    size = context.frame.synthetic.size
    yield Finding(
        id=ID,
        severity=severity,
        message="; ".join(parts) + ".",
        estimates=(STRENGTH, CHANGED),
        rows=size if overall and high < HALF else 0,
    )


def _sure(item: Estimate) -> bool:
    return item.adjusted_p is not None and item.adjusted_p < SURE


def _pair(pair: PairOfColumns) -> str:
    one, other = pair.columns
    values = f"{pair.real:.2f} among real rows, {pair.synthetic:.2f} among synthetic rows"
    return f"correlation of `{one}` and `{other}`: {values}"
