"""The preset ``tables`` as plots, tables and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.inference.intervals import split_intervals
from syngain.lab import narrative
from syngain.lab.presets.table_orders import MIXTURE, ORDERS, TablesProtocol, table_scores
from syngain.lab.result import LabCheck, LabCurve, LabResult, LabTable, Panel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.progress import Progress
    from syngain.core.rng import Streams
    from syngain.lab.presets.table_orders import TableScores

MARGINALS = "order 0"
LONGEST = f"order {ORDERS[-1]}"
CONTRASTS = ((LONGEST, MARGINALS), (MIXTURE, MARGINALS), (MIXTURE, LONGEST))


def tables_result(protocol: TablesProtocol, *, streams: Streams, progress: Progress) -> LabResult:
    """Run the preset."""
    found = table_scores(protocol, streams=streams, progress=progress)
    progress("done", 1.0)
    tables = [_likelihoods(found), _contrasts(found)]
    if protocol.classifiers:
        tables.append(_classifiers(found))
    return LabResult(
        preset="tables",
        seed=streams.seed,
        parameters={**protocol.sizes, "tables": [one.name for one in found]},
        panels=[_panel(one) for one in found],
        tables=tables,
        checks=_checks(found),
        data={"splits": {one.name: _splits(one) for one in found}},
        notes=narrative.TABLES,
    )


def _likelihoods(found: Sequence[TableScores]) -> LabTable:
    rows = [
        (
            one.name,
            one.rows,
            one.columns,
            *(float(one.logprob(name).mean()) for name in one.measures),
            float(np.mean(one.truth)) if one.truth else None,
        )
        for one in found
    ]
    return LabTable(
        title="Log-probability of a held-out row, nats",
        columns=("table", "rows", "columns", *found[0].measures, "truth"),
        rows=rows,
    )


def _contrasts(found: Sequence[TableScores]) -> LabTable:
    rows = []
    for one in found:
        for name, other in CONTRASTS:
            change = one.logprob(name) - one.logprob(other)
            low, high = split_intervals(change, one.ratio)[0.95]
            shown = "better" if low > 0 else "worse" if high < 0 else "inconclusive"
            rows.append((one.name, f"{name} over {other}", float(change.mean()), low, high, shown))
    return LabTable(
        title="Gains on held-out rows, nats per row (95% interval over splits)",
        columns=("table", "gain of", "gain", "low", "high", ""),
        rows=rows,
    )


def _classifiers(found: Sequence[TableScores]) -> LabTable:
    rows = [
        (
            one.name,
            name,
            float(np.mean([split.auc for split in splits])),
            _known([split.f1 for split in splits]),
            _known(one.real_f1),
        )
        for one in found
        for name, splits in one.measures.items()
    ]
    return LabTable(
        title="Separability from held-out rows (50%: none), and macro-F1 on them",
        columns=("table", "model", "separability", "F1", "F1 of real rows"),
        rows=rows,
    )


def _known(values: Sequence[float]) -> float | None:
    return None if np.isnan(values).any() else float(np.mean(values))


def _panel(one: TableScores) -> Panel:
    start = one.logprob(MARGINALS)
    means, lows, highs = [], [], []
    for order in ORDERS:
        change = one.logprob(f"order {order}") - start
        low, high = split_intervals(change, one.ratio)[0.95]
        means.append(float(change.mean()))
        lows.append(low)
        highs.append(high)
    orders = tuple(map(float, ORDERS))
    ends = (orders[0], orders[-1])
    curves = [LabCurve(name="orders", x=orders, y=means, lower=lows, upper=highs)]
    mixed = float((one.logprob(MIXTURE) - start).mean())
    curves.append(LabCurve(name=MIXTURE, x=ends, y=(mixed, mixed), style="dashed"))
    if one.truth:
        true = float((np.array(one.truth) - start).mean())
        curves.append(LabCurve(name="truth", x=ends, y=(true, true), style="dashed"))
    return Panel(title=one.name, x_name="order", y_name="gain over order 0, nats per row", curves=curves, zero=True)


def _checks(found: Sequence[TableScores]) -> tuple[LabCheck, ...]:
    drawn = sum(1 + len(one.checked.loss) for one in found)
    limit = float(stats.norm.isf(0.025 / drawn))
    out = []
    for one in found:
        checked = one.checked
        exact = (
            ("probabilities of a cell sum to 1", checked.totals, 1e-12),
            ("scored as drawn", checked.rescored, 1e-9),
        )
        out += [
            LabCheck(name=f"{one.name}: {name}", value=value, expected=0.0, error=0.0, limit=most, kind="below")
            for name, value, most in exact
        ]
        out.append(
            LabCheck(
                name=f"{one.name}: surprisal of drawn rows less their entropy",
                value=checked.surprisal[0],
                expected=0.0,
                error=checked.surprisal[1],
                limit=limit,
            )
        )
        out += [
            LabCheck(
                name=f"{one.name}: {name} less the truth",
                value=gap,
                expected=0.0,
                error=error,
                limit=limit,
                kind="below",
            )
            for name, (gap, error) in checked.loss.items()
        ]
    return tuple(out)


def _splits(one: TableScores) -> dict[str, object]:
    return {
        "held-out rows": one.held_out,
        "log-probability": {name: one.logprob(name).tolist() for name in one.measures},
        "separability": {name: [split.auc for split in splits] for name, splits in one.measures.items()},
        "macro-F1": {name: [split.f1 for split in splits] for name, splits in one.measures.items()},
        "truth": list(one.truth),
    }
