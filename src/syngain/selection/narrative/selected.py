"""Sentences of ``select``: the verdict and the paragraphs on methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.selection.nested_choice import NestedGains, SelectionTrial


def verdict(name: str, rows: int, count: int, estimates: Mapping[str, Estimate], *, metric: str, part: str) -> Verdict:
    """By the test set where there is one; a method that does not beat random says so first."""
    random = estimates[f"selection.{metric}.over_random{part}"]
    every = estimates[f"selection.{metric}.over_all{part}"]
    alone = estimates[f"gain.{metric}@kept{part.replace('@', '_')}"]
    kept = f"{rows:,} of {count:,} rows by {name}"
    said = f"{_words(random, metric)} over a random choice of the same size, {_words(every, metric)} over all rows"
    if random.interval(0.9)[1] < 0:
        sentence = f"{name} is worse than a random choice of the same size: {kept} gain {said}."
        return Verdict(decision="do_not_use", sentence=sentence)
    if random.interval(0.9)[0] <= 0:
        more = " All rows are better." if every.interval(0.9)[1] < 0 else ""
        sentence = f"{name} does not beat a random choice of the same size: {kept} gain {said}.{more}"
        return Verdict(decision="cannot_tell", sentence=sentence)
    if every.interval(0.9)[1] < 0:
        sentence = f"Use all rows: {kept} beat random ones but not all rows ({said})."
        return Verdict(decision="use", sentence=sentence, rows_to_use=count)
    if alone.interval(0.9)[1] < 0:
        sentence = (
            f"Better than random, and still harm: {kept} gain {said}, but {_words(alone, metric)} over your rows."
        )
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    sentence = f"Keep {kept}: they gain {said}, and {_words(alone, metric)} over your rows alone."
    return Verdict(decision="use_subset", sentence=sentence, rows_to_use=rows)


def _words(estimate: Estimate, metric: str) -> str:
    low, high = estimate.interval(0.9)
    unit = {"nats": " nats of log-loss", "nats per byte": " nats per byte"}.get(estimate.unit, f" of {metric}")
    return f"{estimate.value:+.3g}{unit} (90 % interval {low:+.3g} to {high:+.3g})"


def methods(
    name: str, judged: NestedGains, *, trial: SelectionTrial, repeats_last: bool
) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: the method, how it was measured, the files."""
    repeats = "of near duplicates all but the best stand behind all other rows" if repeats_last else "none"
    measured = (
        f"The method chose anew without each of {trial.folds} folds of the anchors and the rows made from "
        f"them ({judged.rows:,.0f} rows on average), next to {trial.randoms} random choices of the same "
        "size and all rows; the held-out anchors judged. Rivals are trained on the same anchors."
    )
    files = (
        "kept.jsonl and dropped.jsonl hold the rows from best to worst with score, rank and reason: for another size "
        "read on in their order. Where a method chooses rows jointly, ranks beyond the kept ones are bounds."
    )
    return (("Method", f"{name}; repeats: {repeats}."), ("Measured", measured), ("Files", files))


def cut_verdict(rows: int, count: int, run: str, *, measured: int) -> Verdict:
    """The verdict on a finished selection cut at another size."""
    sentence = (
        f"Cut at {rows:,} of {count:,} rows by the ranks of {run}. Its gain was measured at {measured:,} "
        "rows and not at this size."
    )
    return Verdict(decision="cannot_tell", sentence=sentence)
