"""Sentences of ``select``: the verdict and the paragraphs on methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Verdict
from syngain.gain.outcome.effects import gain_words
from syngain.gain.proxies.metrics import TRAINED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.gain.nested_gains import NestedGains
    from syngain.selection.nested_choice import SelectionTrial

_OTHER = "syngain select REAL SYNTHETIC --method confidence --test TEST"
_TRAIN = "syngain train REAL kept.jsonl --test TEST"
_MEASURE = "syngain gain REAL kept.jsonl --test TEST"


def verdict(name: str, rows: int, count: int, estimates: Mapping[str, Estimate], *, metric: str, part: str) -> Verdict:
    """The verdict on a selection, by the test set if there is one."""
    random = estimates[f"selection.{metric}.over_random{part}"]
    own_id = f"selection.{metric}.over_random{part}"
    every = estimates[f"selection.{metric}.over_all{part}"]
    alone = estimates[f"gain.{metric}@kept{part.replace('@', '_')}"]
    kept = f"{rows:,} of {count:,} rows (method {name})"
    own = f"Gain over your rows alone: {gain_words(alone, metric)}."
    more = f"Gain over all rows: {gain_words(every, metric)}."
    drawn = f"Gain over random selection of the same size: {gain_words(random, metric)}."
    if random.interval(0.9)[1] < 0:
        sentence = f"Do not use it: {kept}. {drawn} {more}"
        action = f"Do not use these {rows:,} rows: random selection is better."
        return Verdict(decision="do_not_use", sentence=sentence, action=action, estimate=own_id, next_command=_OTHER)
    if random.interval(0.9)[0] <= 0:
        next_step = "Use all rows." if every.interval(0.9)[1] < 0 else "Add test rows, or use all rows."
        sentence = f"Inconclusive: {kept} do not beat random selection. {drawn} {more} {next_step}"
        return Verdict(
            decision="cannot_tell",
            sentence=sentence,
            action=f"{rows:,} selected rows do not beat random selection. {next_step}",
            estimate=own_id,
            needs="more test rows",
            next_command=_OTHER,
        )
    if every.interval(0.9)[1] < 0:
        sentence = f"Use all {count:,} rows, not {kept}. {more} {drawn}"
        action = f"Use all {count:,} rows: the selection lowers the gain."
        return Verdict(
            decision="use",
            sentence=sentence,
            rows_to_use=count,
            action=action,
            estimate=f"selection.{metric}.over_all{part}",
            next_command=_TRAIN if metric in TRAINED else _MEASURE,
        )
    if alone.interval(0.9)[1] < 0:
        sentence = f"Do not use it: {kept} lower the score of your rows alone. {own} {drawn} {more}"
        action = "Do not use the selected rows: they lower the score of your rows alone."
        return Verdict(
            decision="do_not_use", sentence=sentence, rows_to_use=0, action=action, estimate=own_id, next_command=_OTHER
        )
    sentence = f"Use a subset: {kept}. {own} {drawn} {more}"
    return Verdict(
        decision="use_subset",
        sentence=sentence,
        rows_to_use=rows,
        action=f"Use {rows:,} of {count:,} rows (method {name}).",
        estimate=f"selection.{metric}.over_random{part}",
        next_command=_TRAIN if metric in TRAINED else _MEASURE,
    )


def methods(
    name: str, judged: NestedGains, *, trial: SelectionTrial, repeats_last: bool
) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: the method, how it was measured, the files."""
    repeats = "ranked last, all but the best of each cluster" if repeats_last else "kept in place"
    measured = (
        f"The method selected again without each of {trial.folds} folds of the real rows and the rows made from them "
        f"({judged.rows:,.0f} rows on average). Baselines: {trial.randoms} random selections of the same size, and all "
        "rows, added to the same real rows. Evaluated on the held-out real rows."
    )
    files = (
        "kept.jsonl and dropped.jsonl hold all rows with score, rank and reason, best first. For another size, cut "
        "them by rank. If a method selects rows jointly, ranks beyond the kept ones are bounds."
    )
    return (("Method", f"{name}; near-duplicates: {repeats}."), ("Measured", measured), ("Files", files))


def cut_verdict(rows: int, count: int, run: str, *, measured: int) -> Verdict:
    """The verdict on a finished selection cut at another size."""
    sentence = (
        f"Inconclusive: cut at {rows:,} of {count:,} rows by the ranks of {run}. The gain was measured at {measured:,} "
        "rows only. Run `syngain select` at this size to measure it."
    )
    return Verdict(
        decision="cannot_tell",
        sentence=sentence,
        action=f"Cut at {rows:,} of {count:,} rows; the gain at this size was not measured.",
        needs="a selection at this size",
        next_command=f"syngain select REAL SYNTHETIC --rows {rows}",
    )
