"""What a stress test shows, in words: findings, verdict, methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.core.phrases import interval_words, percent, shortened, signed
from syngain.core.result import Finding, Verdict
from syngain.data.rows import show_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.tables.stress.regimes import Regime
    from syngain.tables.stress.settings import StressSettings
    from syngain.tables.stress.stress import StressFound

ID = "weak_regime"
EXAMPLES = 3
CELLS = 6  # of an example


def regime_sentence(one: Regime) -> str:
    """Where the model errs how often, on rows that the search did not see."""
    low, high = one.interval(0.95)
    where = "Of the other rows, where" if one.later else "Where"
    return (
        f"{where} {one.words} the model errs in {percent(one.error)} ({percent(low)}, {percent(high)}) of real rows, "
        f"{percent(one.elsewhere)} elsewhere"
    )


def regime_findings(found: StressFound) -> Iterator[Finding]:
    """A finding for each regime that other real rows confirm."""
    for place, one in enumerate(found.regimes):
        if not one.confirmed:
            continue
        rows = np.flatnonzero(one.holds(found.draws.tails.table)) if found.draws.tails.rows else np.zeros(0, int)
        yield Finding(
            id=ID,
            severity="medium",
            message=f"{regime_sentence(one)} ({one.inside[1]:,} and {one.outside[1]:,} rows; none seen by the search).",
            examples=tuple(_example(found, int(row)) for row in rows[:EXAMPLES]),
            estimates=(f"stress.regime@{place + 1}",),
            rows=int(rows.size),
            where=one.words,
        )


def stress_verdict(found: StressFound) -> Verdict:
    """The regimes and the change by rows of the tails, whatever its sign."""
    confirmed = [one for one in found.regimes if one.confirmed]
    error = float(found.wrong.mean())
    if confirmed:
        first = f"{regime_sentence(confirmed[0])}."
        count = f"{len(confirmed)} regime{'s' * (len(confirmed) != 1)} confirmed"
    else:
        first = f"No rule was confirmed for where the model errs ({percent(error)} of real rows)."
        count = "No regime confirmed"
    rows = f"{found.draws.tails.rows:,} rows of the tails drawn"
    return Verdict(
        decision="cannot_tell",
        sentence=" ".join([first, *_gain(found)]),
        action=f"{count}; {rows}.",
        estimate="stress.gain" if found.scores is not None else "stress.error",
        next_command="syngain gain REAL rows.csv",
    )


def _gain(found: StressFound) -> Iterator[str]:
    scores = found.scores
    if scores is None:
        return
    parts = []
    for name, side in (("rows of the tails", scores.tails), ("as many typical rows", scores.typical)):
        value, intervals = scores.difference(side, scores.real)
        bounds = f", {interval_words(intervals[0.9], 'pp')}" if 0.9 in intervals else ""
        parts.append(f"{name} {signed(value, 'pp')}{bounds}")
    yield f"Change of macro-F1 on held-out real rows: {'; '.join(parts)}."


def stress_methods(found: StressFound, settings: StressSettings) -> Iterator[tuple[str, str]]:
    """How it was computed, as headed paragraphs."""
    task, draws = found.task, found.draws
    yield (
        "Errors",
        (
            f"Boosted trees predict {task.label} from {len(task.features)} columns, 5 folds of {task.rows:,} "
            "real rows; equal rows stay in one fold."
        ),
    )
    yield (
        "Regimes",
        (
            f"Rules of at most {settings.conditions} conditions were searched in one half of the real rows for where "
            "errors exceed the expected number by the most standard errors, three times, each without the rows of the "
            "rules before. They were checked on the other half in the same way: exact test of Fisher, adjusted by Holm."
        ),
    )
    for place, one in enumerate(found.regimes):
        state = "confirmed" if one.confirmed else "not confirmed"
        yield f"Rule {place + 1}", f"{regime_sentence(one)}: {state} (adjusted p {one.adjusted_p:.2g})."
    yield (
        "Rows of the tails",
        (
            f"A cell model of the real rows drew {draws.drawn:,} rows. Those with a log-probability below "
            f"{draws.threshold:.1f} nats, the least likely {percent(settings.tail)}, are of the tails; "
            f"{percent(draws.broken)} of the candidates broke a rule of the real rows and were left out. Labels are "
            "those of boosted trees trained on all real rows."
        ),
    )
    scores = found.scores
    if scores is not None:
        yield (
            "Change of macro-F1",
            (
                f"{scores.real.size} splits: {scores.trained:,} real rows to train on, {scores.tested:,} to test on, "
                f"{scores.added:,} drawn rows added, from models that saw the training rows only. Intervals are those "
                "of Student's t with the variance widened for overlapping splits. Values are not clipped."
            ),
        )


def stress_warnings(found: StressFound, settings: StressSettings) -> Iterator[str]:
    """What a reader of the rows must know."""
    task, draws = found.task, found.draws
    if task.left_out:
        yield f"{task.left_out:,} of {task.total:,} real rows left out: no class, or a class of fewer than 5 rows"
    if task.rows < task.total - task.left_out:
        yield f"{task.rows:,} of {task.total - task.left_out:,} real rows used, chosen at random"
    if draws.left_out:
        yield f"{show_names(list(draws.left_out))} left out: free text is not modeled"
    if draws.tails.rows < settings.rows:
        yield f"{draws.tails.rows:,} rows of {settings.rows:,}: other rows of the tails break rules of the real rows"


def _example(found: StressFound, row: int) -> str:
    cells = [f"{name} {column[row]}" for name, column in list(found.draws.tails.cells.items())[:CELLS]]
    label = found.task.classes[int(found.labels[row])]
    return shortened(f"[{found.task.label} {label}] {', '.join(cells)}")
