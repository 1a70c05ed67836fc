"""Sentences of ``gain``: what the rows do, and what stands next to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.phrases import capital, listed, number, two_digits
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import effect

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.gain.outcome.effects import Effect
    from syngain.gain.outcome.estimates import GainEstimates

RAISES = {
    "log_loss": ("lower", "raise", "the log-loss", " nats"),
    "nats_per_byte": ("lower", "raise", "the loss per byte", " nats"),
    "accuracy": ("raise", "lower", "accuracy", ""),
    "macro_f1": ("raise", "lower", "macro-F1", ""),
}

HOPELESS = 20  # times the anchors there are: more of them are no advice

WITH = {
    "anchors": "the anchors",
    "both": "anchors with synthetic rows",
    "synthetic": "the synthetic rows alone",
    "duplicated": "repeated anchors",
}


def not_converged(answer: GainEstimates) -> str:
    """Why there is no measurement."""
    arms = " and ".join(WITH[kind] for kind in answer.forecaster.unsettled)
    return f"Cannot tell: the proxy did not converge on {arms}; its numbers are no measurement."


def harmful(answer: GainEstimates, whole: Estimate) -> str:
    """That the rows do harm."""
    return f"Do not add it as it is: {effect_words(answer, whole)}.{caveats(answer)}"


def without_gain(answer: GainEstimates, whole: Estimate) -> str:
    """That the rows add less than the smallest gain that matters."""
    least = f"less than the {answer.min_gain:g}{unit_of(answer)} that matter"
    return f"It adds nothing that matters: {effect_words(answer, whole)}, {least}.{caveats(answer)}"


def as_repeated(answer: GainEstimates, whole: Estimate) -> str:
    """That repeating the real rows does as much."""
    words = f"{effect_words(answer, whole)}, and so do your anchors, each repeated as often"
    return f"It adds nothing over repeating your anchors: {words}.{caveats(answer)}"


def effect_message(answer: GainEstimates, whole: Estimate, found: Effect) -> str:
    """The message of the finding ``harm`` or ``no_gain``."""
    words = capital(effect_words(answer, whole))
    if found == "harm":
        return f"{words}."
    return f"{words}: less than {answer.min_gain:g}{unit_of(answer)}, the smallest gain that matters."


def unknown_labels(answer: GainEstimates) -> str:
    """The message of the finding ``unknown_labels``."""
    return (
        f"{answer.foreign_rows:,} rows have labels that no anchor has ({listed(answer.foreign)}): no anchor can show "
        "what they are good for, and they take probability from the others."
    )


def use(answer: GainEstimates, rows: int, estimate: Estimate) -> Verdict:
    """The verdict to use these rows."""
    everything = rows == answer.rows
    amount = _all(rows) if everything else f"{rows:,} of {answer.rows:,} rows"
    up, _, what, unit = RAISES[answer.metric]
    low, high = estimate.interval(0.9)
    amounts = f"{what} by {number(estimate.value)}{unit} ({number(low)} to {number(high)})"
    did = f"{up}ed" if up == "lower" else f"{up}d"
    tested = f"{did} {amounts} on the test set" if answer.test is not None else f"is expected to {up} {amounts}"
    whole = answer.test or answer.expected
    done = "" if everything or whole.value - estimate.value > answer.min_gain else "; beyond that, no gain that matters"
    sentence = f"Using {amount} {tested}{done}.{caveats(answer)}"
    return Verdict(decision="use" if everything else "use_subset", sentence=sentence, rows_to_use=rows)


def unsure(answer: GainEstimates, whole: Estimate) -> str:
    """That the interval decides nothing, and how many more real rows would."""
    looks, least = answer.needed
    words = effect_words(answer, whole, sure=False)
    if answer.test is not None:
        return f"Cannot tell: on the test set {words}.{caveats(answer)}"
    if looks > HOPELESS * answer.forecaster.label.size:
        needed = f"an effect so small would take about {two_digits(looks):,} more anchors to tell"
        return f"Cannot tell: {words}; {needed}.{caveats(answer)}"
    needed = f"about {two_digits(looks):,} more anchors would tell"
    if least > looks:
        needed += f" an effect of this size (about {two_digits(least):,} one of {answer.min_gain:g})"
    return f"Cannot tell: {words}; {needed}.{caveats(answer)}"


def caveats(answer: GainEstimates) -> str:
    """What stands beside the verdict: controls that do the same, what the stand-in cannot judge."""
    out = ""
    duplication, weights = answer.controls.get("duplication"), answer.controls.get("class_weights")
    gains = effect(answer.test or answer.expected, answer.min_gain) == "gain"
    if gains and duplication is not None and effect(duplication, answer.min_gain) == "cannot_tell":
        out += " Repeating your anchors may do as much."
    if gains and weights is not None and effect(weights, answer.min_gain) != "gain":
        out += " With classes weighed equally in both arms no gain is sure: it may be a matter of class shares."
    if weights is not None and not gains and effect(weights, answer.min_gain) == "gain":
        _, _, what, unit = RAISES[answer.metric]
        better = f"{what} improves by {number(weights.value)}{unit}"
        out += f" With classes weighed equally {better}: mend its class shares."
    return out + _limits(answer)


def _limits(answer: GainEstimates) -> str:
    """What the anchors or the stand-in cannot show."""
    out = ""
    if answer.rare:
        out += f" Too few anchors to judge {'class' if len(answer.rare) == 1 else 'classes'} {listed(answer.rare)}."
    if answer.foreign:
        out += f" No anchor has the label{'s' if len(answer.foreign) > 1 else ''} {listed(answer.foreign)}."
    if answer.blind:
        out += " The stand-in learns no more from your anchors than their class shares."
    if answer.metric == "nats_per_byte":
        out += (
            " An n-gram model stands in: it knows no language beforehand and judges wording, not answers; `--proxy lm` "
            "asks a model that does."
        )
    if answer.test is None and "optimistic" in answer.forecaster.marks:
        out += " Optimistic: which anchors the rows were made from is not known."
    return out


def _all(rows: int) -> str:
    return f"all {rows:,} rows" if rows > 1 else "the one row"


def effect_words(answer: GainEstimates, estimate: Estimate, *, sure: bool = True) -> str:
    """For example: all 2,610 rows raise the log-loss by 0.17 nats (0.12 to 0.22)."""
    up, down, what, unit = RAISES[answer.metric]
    low, high = estimate.interval(0.9)
    verb = (up if estimate.value >= 0 else down) + ("s" if sure and answer.rows == 1 else "")
    if not sure:
        verb = f"{'seem' if answer.rows > 1 else 'seems'} to {verb}"
    value, ends = abs(estimate.value), sorted((low, high)) if estimate.value >= 0 else sorted((-low, -high))
    return (
        f"{_all(answer.rows)} {verb} {what} by {number(value)}{unit} "
        f"(90 % interval {number(ends[0])} to {number(ends[1])})"
    )


def unit_of(answer: GainEstimates) -> str:
    """The unit of the metric, with a space before it."""
    return RAISES[answer.metric][3]
