"""``syngain stress``: where a classifier of a table errs, labeled rows of the tails, and what they add."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from syngain._version import __version__
from syngain.core.documents.warned import carried
from syngain.core.estimate import Estimate
from syngain.core.progress import Progress, silent
from syngain.core.result import Result, Views
from syngain.core.rng import Streams
from syngain.data.files.write import RecordFile, TextFile
from syngain.data.rows import Lazy
from syngain.inference.intervals import share_intervals, wilson
from syngain.tables.stress.narrative import regime_findings, stress_methods, stress_verdict, stress_warnings
from syngain.tables.stress.settings import StressSettings
from syngain.tables.stress.stress import StressFound, stress_table
from syngain.tables.stress.task import ClassTask
from syngain.workflows.inputs import of_kind, settings_json
from syngain.workflows.labeled_tables import labeled_table, table_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.core.result import RunFile
    from syngain.tables.cells.source import TableInput, TableSource
    from syngain.tables.stress.gains import SplitScores


@carried
def stress(
    real: TableInput,
    label: str | None = None,
    *,
    seed: int = 0,
    settings: StressSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Find where a classifier of a table errs, and draw labeled rows of the tails.

    Boosted trees predict the label out of fold. Rules for where they err are searched in half of the real rows and
    checked on the other half. Rows of the tails are the least likely ones of a cell model, within the real rules.

    Args:
        real: the real rows, as a table, a dataset or a path.
        label: the column to predict, with 2 to 50 classes; default: the label of a dataset.
        seed: of every random choice.
        settings: rows to draw, what the tails are, conditions of a rule, splits.
        progress: called with stage and fraction done.

    Returns:
        The result, with ``rows.csv``, ``origins.csv``, ``regimes.jsonl`` and ``provenance.json`` among its files.

    Raises:
        InputError: a file cannot be read, the label holds no classes, or there are too few rows.
        UsageError: no label, or no such column.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, StressSettings)
    source, name = labeled_table(real, label, of="the column that a classifier predicts")
    with threadpool_limits(1):
        task = ClassTask.of(source.cells, name, Streams(seed).child("stress").stream("rows"))
        found = stress_table(task, chosen, seed=seed, progress=progress)
    progress("writing", 0.97)
    return Result(
        command="stress",
        version=__version__,
        seed=seed,
        inputs={"real": table_summary(source, task, name)},
        estimates=_estimates(found),
        findings=tuple(regime_findings(found)),
        verdict=stress_verdict(found),
        views=Views(computed=tuple(stress_methods(found, chosen))),
        files=_files(found, chosen, source, seed),
        settings=settings_json(chosen, label=name),
        warnings=tuple(stress_warnings(found, chosen)),
    )


def _estimates(found: StressFound) -> dict[str, Estimate]:
    out = {
        "stress.error": Estimate(
            value=float(found.wrong.mean()),
            unit="share",
            method="boosted trees over all columns, 5 folds; equal rows in one fold",
            estimand="fraction of real rows whose class the model misses",
            intervals=share_intervals(found.wrong, found.task.group),
            n=found.wrong.size,
            clusters=int(np.unique(found.task.group).size),
        )
    }
    for place, one in enumerate(found.regimes):
        out[f"stress.regime@{place + 1}"] = Estimate(
            value=one.error,
            unit="share",
            method="rule searched in one half of the real rows, checked on the other; exact test of Fisher against the "
            "rows outside, adjusted by Holm",
            estimand=f"fraction of real rows whose class the model misses where {one.words}",
            intervals={level: one.interval(level) for level in (0.9, 0.95)},
            p=one.p,
            adjusted_p=one.adjusted_p,
            n=one.inside[1],
            clusters=one.inside[1],
            marks=(one.words,),
            references={"elsewhere": one.elsewhere},
        )
    if found.draws.tails.rows:
        out["stress.agreement"] = _agreement(*found.agree)
    return out | (_changes(found.scores) if found.scores is not None else {})


def _agreement(tails: Flags, typical: Flags) -> Estimate:
    value = float(tails.mean())
    return Estimate(
        value=value,
        unit="share",
        method="two classifiers, each trained on one half of the real rows, label the drawn rows of the tails",
        estimand="fraction of rows of the tails that both label equally",
        intervals={level: wilson(value, tails.size, level) for level in (0.9, 0.95)},
        n=tails.size,
        clusters=tails.size,
        references={"typical rows": float(typical.mean())} if typical.size else {},
    )


def _changes(scores: SplitScores) -> dict[str, Estimate]:
    """Macro-F1 of real rows alone, and its changes; unclipped."""
    more = f"{scores.real.size} splits, {scores.trained:,} real rows and {scores.added:,} drawn ones"

    def change(one: Floats, other: Floats, estimand: str) -> Estimate:
        value, intervals = scores.difference(one, other)
        return Estimate(
            value=value,
            unit="share",
            method=f"{more}; Student's t, variance widened for overlapping splits",
            estimand=estimand,
            intervals=intervals,
            n=scores.tested,
            clusters=scores.real.size,
        )

    tested = "macro-F1 on held-out real rows"
    return {
        "stress.macro_f1": Estimate(
            value=float(scores.real.mean()),
            unit="share",
            method=f"{scores.real.size} splits, boosted trees trained on {scores.trained:,} real rows",
            estimand=tested,
            n=scores.tested,
            clusters=scores.real.size,
        ),
        "stress.gain": change(scores.tails, scores.real, f"change of {tested} by rows of the tails"),
        "stress.typical_gain": change(scores.typical, scores.real, f"change of {tested} by as many typical rows"),
        "stress.over_typical": change(
            scores.tails, scores.typical, f"{tested}: with rows of the tails minus with as many typical rows"
        ),
    }


def _files(found: StressFound, settings: StressSettings, source: TableSource, seed: int) -> dict[str, RunFile]:
    task, tails = found.task, found.draws.tails
    labels = [task.written[code] for code in found.labels.tolist()]
    columns = {name: labels if name == task.label else tails.cells[name] for name in _written(found, source)}
    inside = [one.holds(tails.table) if tails.rows else np.zeros(0, bool) for one in found.regimes]
    regimes = [", ".join(str(at + 1) for at, flags in enumerate(inside) if flags[row]) for row in range(tails.rows)]
    origins: dict[str, Sequence[object]] = {
        "logprob": tails.logprob.tolist(),
        "rank": tails.rank.tolist(),
        "label_probability": found.sure.tolist(),
        "halves_agree": [str(bool(flag)).lower() for flag in found.agree[0].tolist()],
        "regime": regimes,
    }
    return {
        "rows.csv": RecordFile(_records(columns, tails.rows)),
        "origins.csv": RecordFile(_records(origins, tails.rows)),
        "regimes.jsonl": RecordFile([one.record() for one in found.regimes]),
        "provenance.json": TextFile(json.dumps(_provenance(found, settings, source, seed), indent=2) + "\n"),
    }


def _written(found: StressFound, source: TableSource) -> list[str]:
    """The columns of the written rows, in the order of the file."""
    return [name for name in source.cells if name == found.task.label or name in found.draws.tails.cells]


def _records(columns: Mapping[str, Sequence[object]], rows: int) -> Lazy[dict[str, object]]:
    return Lazy(rows, lambda row: {name: column[row] for name, column in columns.items()})


def _provenance(found: StressFound, settings: StressSettings, source: TableSource, seed: int) -> dict[str, object]:
    """How the rows came about."""
    return {
        "syngain": __version__,
        "generator": "cells, the least likely draws",
        "seed": seed,
        "real": {"name": source.name, "rows": source.rows, "fingerprint": source.fingerprint},
        "tail": settings.tail,
        "threshold": found.draws.threshold,
        "drawn": found.draws.drawn,
        "label": f"{found.task.label}, predicted by boosted trees trained on {found.task.rows} real rows",
        "logprob": "natural logarithm of the probability of the row without its label, under the model",
        "rank": "fraction of the draws of the model that are less likely",
        "columns": list(_written(found, source)),
    }
