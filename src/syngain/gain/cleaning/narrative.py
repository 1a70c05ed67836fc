"""Sentences of ``clean``: the verdict, the reason of each row, and the paragraphs on methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.phrases import capital
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import gain_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.gain.cleaning.nested_cleaning import CleaningGains, CleaningLayout, CleaningTrial

NAMES = {
    "profile": "rows whose label is more probably wrong than right",
    "confident": "rows off the diagonal of the confident joint",
}
_NONE = "no row's label is more probably wrong than right"
_NONE_CONFIDENT = "no row is off the diagonal of the confident joint"


def verdict(
    method: str, sizes: tuple[int, int], estimates: Mapping[str, Estimate], *, side: str, next_command: str
) -> Verdict:
    """Drop rows where that gains over keeping all and over random rows; else keep all.

    Args:
        method: the method that decides.
        sizes: rows that it names, and all rows.
        estimates: gains by id.
        side: ``real`` or ``synthetic``.
        next_command: what to run on the rows that are kept.
    """
    named, count = sizes
    key = f"cleaning.log_loss.over_none@{method}"
    over, random = estimates[key], estimates[f"cleaning.log_loss.over_random@{method}"]
    if not named:
        why = _NONE if method == "profile" else _NONE_CONFIDENT
        return Verdict(
            decision="cannot_tell",
            sentence=f"Keep all {count:,} {side} rows: {why}.",
            action=f"Keep all {count:,} {side} rows: {why}.",
            rows_to_use=None,
            estimate=key,
            next_command=next_command,
        )
    gained = f"Dropping {named:,} of {count:,} {side} rows (method {method}): {gain_words(over)}"
    versus = f"Over random rows: {gain_words(random)}."
    if over.interval(0.9)[0] > 0 and random.interval(0.9)[0] > 0:
        return Verdict(
            decision="use_subset",
            sentence=f"Drop {named:,} of {count:,} {side} rows. {gained}, on held-out real rows. {versus}",
            action=f"Drop {named:,} of {count:,} {side} rows.",
            rows_to_use=count - named,
            estimate=key,
            next_command=next_command,
        )
    found = "it lowers the score" if over.interval(0.9)[1] < 0 else "no gain was measured"
    return Verdict(
        decision="cannot_tell",
        sentence=f"Keep all {count:,} {side} rows: {found}. {gained}, on held-out real rows. {versus}",
        action=f"Keep all {count:,} {side} rows: {found} from dropping {named:,}.",
        estimate=key,
        needs="" if over.interval(0.9)[1] < 0 else "more held-out real rows, or a test set",
        next_command=next_command,
    )


def reason(method: str, record: Mapping[str, object]) -> str:
    """Why a row of ``profile.jsonl`` is dropped."""
    confidence, wrong = float(str(record["confidence"])), float(str(record["wrong"]))
    if method == "confident":
        return f"off the diagonal of the confident joint; its label has probability {confidence:.2f}"
    return f"its label has probability {confidence:.2f}, and is wrong with probability {wrong:.2f}"


def methods(layout: CleaningLayout, trial: CleaningTrial, found: CleaningGains) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: profiles, methods, gain, files."""
    model, method = layout.model, layout.methods[0]
    kind = "logistic regressions" if model.linear else f"forests of {model.trees} extremely randomized trees"
    fitted = "real and synthetic rows" if layout.synthetic else "real rows"
    profiles = (
        f"{model.members} repeats of {model.folds} folds of {kind}, fitted on {fitted} of the other folds, at one "
        "temperature that fits the labels. Confidence: mean probability of the given label. Easy from 75%, hard up to "
        "25%. Variability: mean of p (1 - p)."
    )
    which = (
        f"The method {method} decides: {NAMES[method]}. The rate of wrong labels comes from the surest quarter of "
        "each predicted class. At most half of the rows of a class are dropped."
    )
    weights = ", ".join(f"{name} {found.hedge[name]:.2f}" for name in ("all", method))
    measured = (
        f"{capital(found.gains.where)}. The same proxy model, trained on all rows, without the named rows, and without "
        f"as many random rows as {method} names ({trial.randoms} draws). Labels of held-out rows may be wrong: each "
        f"model is mixed with the uniform distribution, at a weight that fits other held-out rows ({weights})."
    )
    files = (
        "profile.jsonl holds all rows with confidence, variability, margin and group. kept.jsonl and dropped.jsonl "
        "follow the verdict: dropped.jsonl is empty where all rows are kept."
    )
    return (("Profiles", profiles), ("Rows to drop", which), ("Measured", measured), ("Files", files))
