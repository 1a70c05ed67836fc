"""``syngain compare --balance``: variants of balancing a table, and the rows of the one that held-out rows choose."""

from __future__ import annotations

import json
import math
from dataclasses import replace
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
from syngain.inference.intervals import normal_intervals
from syngain.tables.balance.balance import BalanceFound, balance_table
from syngain.tables.balance.narrative import FORMULAS, balance_methods, balance_verdict, balance_warnings
from syngain.tables.balance.settings import BalanceSettings
from syngain.tables.balance.variants import DUPLICATION, VARIANTS, WEIGHTS, weights_of
from syngain.tables.cells.kinds import KeyColumn, codec_of
from syngain.tables.stress.task import ClassTask
from syngain.workflows.inputs import of_kind, settings_json
from syngain.workflows.labeled_tables import labeled_table, table_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Interval
    from syngain.core.result import RunFile
    from syngain.tables.balance.copies import CopyDraws
    from syngain.tables.balance.scores import Score
    from syngain.tables.cells.source import TableInput, TableSource

MOST = 200_000  # real rows of rows.csv
REAL = "real"


@carried
def balance(
    real: TableInput,
    label: str | None = None,
    *,
    seed: int = 0,
    settings: BalanceSettings | None = None,
    progress: Progress = silent,
) -> Result:
    """Compare variants of balancing the classes of a table, and make the rows of the best one.

    Variants: real rows alone, class weights, duplication, SMOTE, a kernel within classes, cells by class. Each is made
    from training rows and measured on held-out real rows; inner folds choose, outer folds measure the choice.

    Args:
        real: the real rows, as a table, a dataset or a path.
        label: the column of classes, 2 to 50 of them; default: the label of a dataset.
        seed: of every random choice.
        settings: folds, repeats, proxy models, the cell model.
        progress: called with stage and fraction done.

    Returns:
        The result, with ``rows.csv``, ``origins.csv`` and ``provenance.json`` among its files; the variants are its
        ``sets``.

    Raises:
        InputError: a file cannot be read, the label holds no classes, all have equally many rows, or there are too few.
        UsageError: no label, or no such column.
    """
    progress("reading", 0.0)
    chosen = of_kind(settings, BalanceSettings)
    source, name = labeled_table(real, label, of="the column of classes")
    with threadpool_limits(1):
        task = ClassTask.of(source.cells, name, Streams(seed).child("balance").stream("rows"), MOST)
        found = balance_table(task, chosen, seed=seed, progress=progress)
    progress("writing", 0.97)
    return Result(
        command="compare",
        version=__version__,
        seed=seed,
        inputs={"real": table_summary(source, task, name)},
        estimates=_estimates(found),
        findings=(),
        verdict=balance_verdict(found),
        sets={variant: _variant(found, variant, chosen) for variant in VARIANTS},
        views=Views(computed=tuple(balance_methods(found, chosen))),
        files=_files(found, source, seed),
        settings=settings_json(chosen, label=name),
        warnings=tuple(balance_warnings(found)),
    )


def _estimates(found: BalanceFound) -> dict[str, Estimate]:
    tested = "macro-F1 on held-out real rows"
    method = "variant chosen by inner folds, measured on outer folds; mean of the proxy models"
    over = "of the variant that inner folds choose, minus that of"
    return {
        "balance.over_plain": _score(found, found.over_plain, method, f"{tested} {over} real rows alone"),
        "balance.over_duplication": _score(found, found.over_duplication, method, f"{tested} {over} duplication"),
        "balance.macro_f1": _score(
            found, found.nested, method, f"{tested} of the variant that inner folds choose"
        ).within(0, 1),
    }


def _score(found: BalanceFound, score: Score, method: str, estimand: str, unit: str = "share") -> Estimate:
    return Estimate(
        value=score.value,
        unit=unit,
        method=f"{method}; rows resampled within classes, Student's t",
        estimand=estimand,
        intervals=score.intervals,
        n=found.compared.size,
        clusters=int(np.unique(found.task.group[found.compared]).size),
    )


def _variant(found: BalanceFound, variant: str, settings: BalanceSettings) -> dict[str, object]:
    """The estimates of one variant for ``report.json``."""
    method = FORMULAS[variant]
    macro = _score(found, found.f1[variant], method, "macro-F1 on held-out real rows").within(0, 1)
    by_learner = dict(zip(settings.learners, found.of_learner[variant], strict=True))
    log_loss = "log-loss of the class of held-out real rows, with the class fractions of the real rows"
    out = {
        "balance.macro_f1": replace(macro, references=by_learner),
        "balance.log_loss": _score(found, found.loss[variant], method, log_loss, "nats").within(0, math.inf),
        "balance.best": Estimate(
            value=found.best_share[variant],
            unit="share",
            method=f"{len(found.draws.times)} resamplings of the rows within classes",
            estimand="fraction of resamplings in which this variant has the highest macro-F1",
            n=found.compared.size,
            clusters=found.draws.rarest,
            references={"chosen in outer folds": found.picked[variant] / sum(found.picked.values())},
        ),
    }
    if variant in found.copies:
        out |= _copies(found.copies[variant])
    return {"estimates": {name: item.as_json() for name, item in out.items()}}


def _copies(found: CopyDraws) -> dict[str, Estimate]:
    """Nearest rows and copies, over the draws."""
    draws = found.nearer.size

    def over(values: Floats) -> tuple[float, Mapping[float, Interval]]:
        value, error = float(values.mean()), float(values.std(ddof=1) / np.sqrt(draws)) if draws > 1 else 0.0
        return value, normal_intervals(value, error, draws - 1) if draws > 1 else {}

    nearer, seen = over(found.nearer), over(found.seen)
    return {
        "balance.nearer": Estimate(
            value=nearer[0],
            unit="share",
            method="nearest real row by mixed-type distance, ties half; rows made from one half, against both halves",
            estimand="fraction of added rows nearer to a row they were made from than to an unseen one",
            intervals=nearer[1],
            n=found.rows,
            clusters=draws,
        ).within(0, 1),
        "balance.copies": Estimate(
            value=seen[0],
            unit="share",
            method="rows made from one half of the real rows, equal to one of that half",
            estimand="fraction of added rows that equal a real row they were made from",
            intervals=seen[1],
            n=found.rows,
            clusters=draws,
            references={"unseen real rows": float(found.unseen.mean())},
        ).within(0, 1),
    }


def _files(found: BalanceFound, source: TableSource, seed: int) -> dict[str, RunFile]:
    columns, made = _columns(found, source, seed), found.made
    real, added = found.task.rows, 0 if made is None else len(made.rows)
    weight = np.ones(real)
    if found.choice == WEIGHTS:
        weight = weights_of(found.task.y, len(found.task.classes))
    none: list[object] = [None] * real
    origins: dict[str, Sequence[object]] = {
        "made": [REAL] * real + [found.choice] * added,
        "row": none + ([] if made is None else _rows(made.origin)),
        "neighbor": none + ([] if made is None else _rows(made.other)),
        "weight": weight.tolist() + [1.0] * added,
    }
    return {
        "rows.csv": RecordFile(_records(columns, real + added)),
        "origins.csv": RecordFile(_records(origins, real + added)),
        "provenance.json": TextFile(json.dumps(_provenance(found, source, seed), indent=2, ensure_ascii=False) + "\n"),
    }


def _rows(places: Ints) -> list[object]:
    """Rows of ``rows.csv``, counted from 1; None where there is none."""
    return [None if place < 0 else place + 1 for place in places.tolist()]


def _columns(found: BalanceFound, source: TableSource, seed: int) -> dict[str, Sequence[object]]:
    """The cells of the real rows, then of the added ones, in the columns of the file."""
    task, made = found.task, found.made
    written = {} if made is None else found.codes.written(made.rows)
    out: dict[str, Sequence[object]] = {}
    for name in source.cells:
        if name == task.label:
            y = task.y.tolist() + ([] if made is None else made.y.tolist())
            out[name] = [task.written[c] for c in y]
        elif made is None:
            out[name] = task.cells[name]
        else:
            more = written[name] if name in written else _unmodeled(found, name, seed)
            out[name] = [*task.cells[name], *more]
    return out


def _unmodeled(found: BalanceFound, name: str, seed: int) -> Sequence[object]:
    """Cells of a column of keys or of free text for the added rows: new keys; texts of duplicated rows."""
    task, made = found.task, found.made
    assert made is not None  # noqa: S101  (there are added rows)
    codec = codec_of(name, task.cells[name])
    if isinstance(codec, KeyColumn):
        return codec.key.new(len(made.rows), Streams(seed).child("balance", "keys").stream(name))
    if found.choice == DUPLICATION:
        return [task.cells[name][row] for row in made.origin.tolist()]
    return [None] * len(made.rows)


def _records(columns: Mapping[str, Sequence[object]], rows: int) -> Lazy[dict[str, object]]:
    return Lazy(rows, lambda row: {name: column[row] for name, column in columns.items()})


def _provenance(found: BalanceFound, source: TableSource, seed: int) -> dict[str, object]:
    """How the rows came about."""
    task, classes = found.task, len(found.task.classes)
    added = np.zeros(classes, int) if found.made is None else np.bincount(found.made.y, minlength=classes)
    counts = np.bincount(task.y, minlength=classes)
    return {
        "syngain": __version__,
        "variant": found.choice,
        "made": FORMULAS[found.choice],
        "seed": seed,
        "real": {"name": source.name, "rows": source.rows, "fingerprint": source.fingerprint},
        "label": task.label,
        "classes": {name: {"real": int(counts[c]), "added": int(added[c])} for c, name in enumerate(task.classes)},
        "origins": "row, neighbor: rows of rows.csv, counted from 1, that an added row was made from; empty where it "
        "was made from all",
    }
