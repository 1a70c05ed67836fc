"""The finding ``wrong_tails``: values far beyond the real ones, and extremes that synthetic rows do not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.findings.rules import EXAMPLES, Context
from syngain.core.phrases import percent, shortened
from syngain.core.result import Finding
from syngain.inference.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.audit.tables.tails import Tail

ID = "wrong_tails"
HIGH = 0.02  # lower limit of the fraction of rows in invented tails
SHOWN = 4


def wrong_tails(context: Context) -> Iterator[Finding]:
    """One finding for all invented and missing tails of the columns of a table."""
    if context.found.table is None:
        return
    tails = context.found.table.tails
    invented, missing = tails.found("invented"), tails.found("missing")
    if not invented and not missing:
        return
    flags = tails.invented
    rows = [] if flags is None else _farthest(invented)
    lower = wilson(len(rows) / context.frame.synthetic.size, context.frame.synthetic.size, 0.95)[0] if rows else 0.0
    fix = "" if rows else "generate more rows with such values"
    yield Finding(
        id=ID,
        severity="high" if lower > HIGH else "medium",
        message="; ".join(_parts(invented, missing)) + ".",
        evidence=context.evidence(rows),
        examples=tuple(_examples(context, invented)),
        estimates=(*(["tails.invented"] if invented else []), *(["tails.missing"] if missing else [])),
        rows=len(rows),
        flagged=context.positions(rows),
        consequence="" if rows else "A model sees too few extreme values.",
        fix=fix,
    )


def _parts(invented: Sequence[Tail], missing: Sequence[Tail]) -> Iterator[str]:
    for place, tail in enumerate(invented[:SHOWN]):
        beyond = "above" if tail.side == "upper" else "below"
        rows = (
            f"{int(tail.rows.sum()):,} rows ({percent(tail.rate)})" if place == 0 else f"{int(tail.rows.sum()):,} rows"
        )
        yield f"{rows} have `{tail.column.name}` {beyond} {tail.column.shown(tail.limit)}, far beyond every real row"
    for tail in missing[: max(SHOWN - len(invented), 1)]:
        beyond = "at least" if tail.side == "upper" else "at most"
        yield (
            f"{percent(tail.rate)} of rows have `{tail.column.name}` {beyond} {tail.column.shown(tail.limit)}, "
            f"real rows {percent(tail.expected)}"
        )
    more = len(invented) + len(missing) - SHOWN
    if more > 0:
        yield f"{more} more tails"


def _farthest(invented: Sequence[Tail]) -> list[int]:
    """Rows in invented tails, those in most of them first."""
    count = np.sum([tail.rows for tail in invented], axis=0)
    return [int(row) for row in np.argsort(-count, kind="stable")[: int((count > 0).sum())]]


def _examples(context: Context, invented: Sequence[Tail]) -> Iterator[str]:
    for tail in invented[:EXAMPLES]:
        row = int(np.flatnonzero(tail.rows)[0])
        yield shortened(f"[{tail.column.name}] {context.frame.synthetic.joined[row]}")
