"""From gains to one decision and one sentence; by equivalence, so that "adds nothing" is a finding of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from syngain.core.result import Finding, Verdict

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.gain.outcome.estimates import GainEstimates

Effect = Literal["gain", "no_gain", "harm", "cannot_tell"]

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


def effect(estimate: Estimate, min_gain: float) -> Effect:
    """What the 90 % interval of a gain says, against the smallest gain that matters.

    ``gain``: all of it above 0 and some of it above ``min_gain``. ``harm``: all of it below 0 and some of it below
    minus ``min_gain``. ``no_gain``: none of it above ``min_gain``, which is two one-sided tests at 5 % [schuirmann1987]
    where it also stays above minus ``min_gain``.
    """
    low, high = estimate.interval(0.9)
    if high < 0 and low < -min_gain:
        return "harm"
    if high < min_gain:
        return "no_gain"
    return "gain" if low > 0 else "cannot_tell"


def decide(answer: GainEstimates) -> Verdict:
    """Use, use a part, do not use, or cannot tell: by the test set where there is one, else by the forecast."""
    if unsettled := answer.forecaster.unsettled:
        arms = " and ".join(WITH[kind] for kind in unsettled)
        sentence = f"Cannot tell: the proxy did not converge on {arms}; its numbers are no measurement."
        return Verdict(decision="cannot_tell", sentence=sentence)
    whole = answer.test or answer.expected
    for rows, estimate in _candidates(answer):
        if effect(estimate, answer.min_gain) == "gain":
            return _as_repeated(answer, whole) if _repetition_does(answer) else _use(answer, rows, estimate)
    if _is_repetition(answer):
        return _as_repeated(answer, whole)
    found = effect(whole, answer.min_gain)
    if found == "harm":
        sentence = f"Do not add it as it is: {_effect_words(answer, whole)}.{caveats(answer)}"
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    if found == "no_gain":
        least = f"less than the {answer.min_gain:g}{_unit(answer)} that matter"
        sentence = f"It adds nothing that matters: {_effect_words(answer, whole)}, {least}.{caveats(answer)}"
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    return Verdict(decision="cannot_tell", sentence=_unsure(answer, whole))


def _repetition_does(answer: GainEstimates) -> bool:
    """Whether anchors repeated in the place of the rows do as much, within the smallest gain that matters."""
    over = answer.controls.get("duplication")
    return over is not None and effect(over, answer.min_gain) in {"no_gain", "harm"}


def _is_repetition(answer: GainEstimates) -> bool:
    """Whether they do the same to the letter, whatever that is."""
    over = answer.controls.get("duplication")
    return over is not None and over.value == 0 and over.interval(0.9) == (0.0, 0.0)


def _as_repeated(answer: GainEstimates, whole: Estimate) -> Verdict:
    words = f"{_effect_words(answer, whole)}, and so do your anchors, each repeated as often"
    sentence = f"It adds nothing over repeating your anchors: {words}.{caveats(answer)}"
    return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)


def _candidates(answer: GainEstimates) -> list[tuple[int, Estimate]]:
    """Amounts that may be advised, with their gain: the chosen part first, then all rows."""
    whole = (answer.rows, answer.test or answer.expected)
    part = answer.test_chosen if answer.test is not None else answer.chosen
    if part is None or answer.choice.rows in {0, answer.rows}:
        return [whole]
    if answer.test is not None and answer.test.value - part.value > answer.min_gain:
        return [whole, (answer.choice.rows, part)]  # the test contradicts what the anchors chose
    return [(answer.choice.rows, part), whole]


def findings(answer: GainEstimates) -> tuple[Finding, ...]:
    """``harm`` or ``no_gain`` of adding all rows, as findings."""
    whole = answer.test or answer.expected
    found = effect(whole, answer.min_gain) if not answer.forecaster.unsettled else "cannot_tell"
    name = f"gain.{answer.metric}" + (".test" if answer.test is not None else "@expected")
    strange = _unknown_labels(answer)
    if found not in {"harm", "no_gain"}:
        return strange
    words = _effect_words(answer, whole)
    if found == "harm":
        harm = Finding(id="harm", severity="high", message=f"{_capital(words)}.", estimates=(name,), rows=answer.rows)
        return (harm, *strange)
    message = f"{_capital(words)}: less than {answer.min_gain:g}{_unit(answer)}, the smallest gain that matters."
    nothing = Finding(id="no_gain", severity="medium", message=message, estimates=(name,), rows=answer.rows)
    return (nothing, *strange)


def _unknown_labels(answer: GainEstimates) -> tuple[Finding, ...]:
    if not answer.foreign:
        return ()
    message = (
        f"{answer.foreign_rows:,} rows have labels that no anchor has ({_listed(answer.foreign)}): no anchor can show "
        "what they are good for, and they take probability from the others."
    )
    return (Finding(id="unknown_labels", severity="medium", message=message, rows=answer.foreign_rows),)


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
        better = f"{what} improves by {_number(weights.value)}{unit}"
        out += f" With classes weighed equally {better}: mend its class shares."
    return out + _limits(answer)


def _limits(answer: GainEstimates) -> str:
    """What the anchors or the stand-in cannot show."""
    out = ""
    if answer.rare:
        out += f" Too few anchors to judge {'class' if len(answer.rare) == 1 else 'classes'} {_listed(answer.rare)}."
    if answer.foreign:
        out += f" No anchor has the label{'s' if len(answer.foreign) > 1 else ''} {_listed(answer.foreign)}."
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


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def _use(answer: GainEstimates, rows: int, estimate: Estimate) -> Verdict:
    everything = rows == answer.rows
    amount = _all(rows) if everything else f"{rows:,} of {answer.rows:,} rows"
    up, _, what, unit = RAISES[answer.metric]
    low, high = estimate.interval(0.9)
    amounts = f"{what} by {_number(estimate.value)}{unit} ({_number(low)} to {_number(high)})"
    did = f"{up}ed" if up == "lower" else f"{up}d"
    tested = f"{did} {amounts} on the test set" if answer.test is not None else f"is expected to {up} {amounts}"
    whole = answer.test or answer.expected
    done = "" if everything or whole.value - estimate.value > answer.min_gain else "; beyond that, no gain that matters"
    sentence = f"Using {amount} {tested}{done}.{caveats(answer)}"
    return Verdict(decision="use" if everything else "use_subset", sentence=sentence, rows_to_use=rows)


def _unsure(answer: GainEstimates, whole: Estimate) -> str:
    looks, least = answer.needed
    words = _effect_words(answer, whole, sure=False)
    if answer.test is not None:
        return f"Cannot tell: on the test set {words}.{caveats(answer)}"
    if looks > HOPELESS * answer.forecaster.label.size:
        needed = f"an effect so small would take about {_round(looks):,} more anchors to tell"
        return f"Cannot tell: {words}; {needed}.{caveats(answer)}"
    needed = f"about {_round(looks):,} more anchors would tell"
    if least > looks:
        needed += f" an effect of this size (about {_round(least):,} one of {answer.min_gain:g})"
    return f"Cannot tell: {words}; {needed}.{caveats(answer)}"


def _all(rows: int) -> str:
    return f"all {rows:,} rows" if rows > 1 else "the one row"


def _effect_words(answer: GainEstimates, estimate: Estimate, *, sure: bool = True) -> str:
    """For example: all 2,610 rows raise the log-loss by 0.17 nats (0.12 to 0.22)."""
    up, down, what, unit = RAISES[answer.metric]
    low, high = estimate.interval(0.9)
    verb = (up if estimate.value >= 0 else down) + ("s" if sure and answer.rows == 1 else "")
    if not sure:
        verb = f"{'seem' if answer.rows > 1 else 'seems'} to {verb}"
    value, ends = abs(estimate.value), sorted((low, high)) if estimate.value >= 0 else sorted((-low, -high))
    return (
        f"{_all(answer.rows)} {verb} {what} by {_number(value)}{unit} "
        f"(90 % interval {_number(ends[0])} to {_number(ends[1])})"
    )


def _unit(answer: GainEstimates) -> str:
    return RAISES[answer.metric][3]


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 0.0995 else f"{value:.2f}"


def _round(count: int) -> int:
    """Two leading digits: the forecast is no better."""
    if count < 100:
        return max(10 * round(count / 10), 10)
    scale = 10 ** (len(str(count)) - 2)
    return int(round(count / scale) * scale)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
