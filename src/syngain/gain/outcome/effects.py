"""Effect of synthetic rows by the interval of a gain, and the gain in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from syngain.core.phrases import interval_words, signed

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate

NAMES = {
    "macro_f1": "macro-F1",
    "pair_accuracy": "accuracy of pairs",
    "r2": "R2",
    "ordinal_accuracy": "accuracy of scores",
    "label_set_f1": "macro-F1 of labels",
    "entity_f1": "entity F1",
    "retrieval_accuracy": "accuracy of retrieval",
}
Effect = Literal["gain", "no_gain", "harm", "cannot_tell"]


def effect(estimate: Estimate, min_gain: float) -> Effect:
    """Classify the 90% interval of a gain by the smallest gain that matters.

    ``gain``: all of it above 0 and some of it above ``min_gain``. ``harm``: all of it below 0 and some of it below
    minus ``min_gain``. ``no_gain``: none of it above ``min_gain``, which is two one-sided tests at 5% [schuirmann1987]
    where it also stays above minus ``min_gain``.
    """
    low, high = estimate.interval(0.9)
    if high < 0 and low < -min_gain:
        return "harm"
    if high < min_gain:
        return "no_gain"
    return "gain" if low > 0 else "cannot_tell"


def gain_words(estimate: Estimate, metric: str = "") -> str:
    """A gain with its 90% interval; ``metric`` names a score in pp."""
    if not estimate.unit.startswith("share"):
        return f"{signed(estimate.value, estimate.unit)}, {interval_words(estimate.interval(0.9), estimate.unit)}"
    name = f" {NAMES.get(metric, metric)}".rstrip()
    return f"{signed(estimate.value, 'pp')}{name}, {interval_words(estimate.interval(0.9), 'pp')}"
