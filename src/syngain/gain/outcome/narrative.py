"""Sentences of ``gain``: the verdict with its number and next command, the findings, the caveats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.phrases import interval_words, listed, signed, two_digits
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import effect
from syngain.gain.proxies.metrics import TRAINED

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.gain.outcome.estimates import GainEstimates

# metric to its name and the unit of a gain; a gain is signed so that + is better
METRICS = {
    "log_loss": ("log-loss", "nats"),
    "nats_per_byte": ("loss", "nats per byte"),
    "nats_per_token": ("loss", "nats per token"),
    "pair_log_loss": ("log-loss of pairs", "nats"),
    "accuracy": ("accuracy", "pp"),
    "pair_accuracy": ("accuracy of pairs", "pp"),
    "macro_f1": ("macro-F1", "pp"),
    "gaussian_log_loss": ("log-loss of numbers", "nats"),
    "rmse": ("RMSE", "units of the target"),
    "r2": ("R2", "pp"),
    "ordinal_log_loss": ("log-loss of scores", "nats"),
    "ordinal_error": ("mean absolute error", "units of the target"),
    "ordinal_accuracy": ("accuracy of scores", "pp"),
    "label_set_log_loss": ("log-loss of label sets", "nats"),
    "label_set_f1": ("macro-F1 of labels", "pp"),
    "token_log_loss": ("log-loss of token tags", "nats per token"),
    "entity_f1": ("entity F1", "pp"),
    "retrieval_log_loss": ("log-loss of retrieval", "nats"),
    "retrieval_accuracy": ("accuracy of retrieval", "pp"),
}

HOPELESS = 20  # times the real rows there are: so many more are no advice

VARIANTS = {
    "anchors": "the real rows",
    "both": "real plus synthetic rows",
    "synthetic": "the synthetic rows alone",
    "duplicated": "the oversampling control",
}
MEASURE = "syngain gain REAL SYNTHETIC --test TEST"
INSTALL = "syngain models add smollm2"
FINE_TUNE = "syngain gain REAL SYNTHETIC --proxy lm"
FORECAST_ONLY = f" Forecast only; to measure: `{MEASURE}`."


def not_converged(answer: GainEstimates) -> Verdict:
    """The verdict where a proxy model did not converge."""
    variants = " and ".join(VARIANTS[kind] for kind in answer.forecaster.unsettled)
    return Verdict(
        decision="cannot_tell",
        sentence=f"Inconclusive: the proxy model did not converge on {variants}; its numbers are not reliable.",
        action="Inconclusive: the proxy model did not converge.",
        needs="features on one scale, or more real rows",
        next_command="syngain audit REAL SYNTHETIC",
    )


def harmful(answer: GainEstimates, whole: Estimate) -> Verdict:
    """The verdict where the rows do harm."""
    return _refused(answer, whole, f"they worsen the {METRICS[answer.metric][0]} on real rows")


def text_statistic(answer: GainEstimates, whole: Estimate) -> Verdict:
    """The verdict where no language model was measured: an n-gram model's gain decides nothing."""
    return unmeasured(
        f"Text statistic of an n-gram model, which judges wording: {_lower(gain_of_rows(answer, whole, answer.rows))}."
        f"{caveats(answer)}",
        deciding(answer),
    )


def unmeasured(said: str, estimate: str) -> Verdict:
    """The gain for a language model was not measured; what else is known of the rows is said."""
    return Verdict(
        decision="cannot_tell",
        sentence=f"Inconclusive: gain for a language model: not measured; `{INSTALL}`, then `--proxy lm`. {said}",
        action="The gain for a language model was not measured.",
        needs=f"a language model (`{INSTALL}`)",
        estimate=estimate,
        next_command=INSTALL,
    )


def uncalibrated(answer: GainEstimates, rows: int, estimate: Estimate) -> Verdict:
    """The verdict where a frozen model gains, but what a fine-tuned one gains is not known."""
    limit = "" if rows == answer.rows else f" More rows add no gain above {least(answer)}."
    return promising(
        f"{gain_of_rows(answer, estimate, rows)}.{limit}{caveats(answer)}", deciding(answer, part=rows != answer.rows)
    )


def promising(said: str, estimate: str) -> Verdict:
    """A gain on a frozen model: fine-tuning decides."""
    return Verdict(
        decision="cannot_tell",
        sentence=f"Inconclusive: a frozen language model gains; fine-tuning decides (`{FINE_TUNE}`). {said}",
        action="A frozen language model gains; fine-tuning decides.",
        needs="a fine-tuned model (`--proxy lm`)",
        estimate=estimate,
        next_command=FINE_TUNE,
    )


def without_gain(answer: GainEstimates, whole: Estimate) -> Verdict:
    """The verdict where the gain is below the smallest gain that matters."""
    return _refused(answer, whole, f"the gain is below --min-gain ({least(answer)})")


def as_repeated(answer: GainEstimates, whole: Estimate) -> Verdict:
    """The verdict where oversampled real rows reach the same gain."""
    over = answer.controls["duplication"]
    unit = METRICS[answer.metric][1]
    more = f"{signed(over.value, unit)} over oversampling your real rows, below --min-gain ({least(answer)})"
    exact = over.value == 0 and over.interval(0.9) == (0.0, 0.0)
    return _refused(answer, whole, "oversampling your real rows gives the same gain" if exact else f"they add {more}")


def _refused(answer: GainEstimates, whole: Estimate, why: str) -> Verdict:
    return Verdict(
        decision="do_not_use",
        sentence=f"Do not use {_all(answer.rows)}: {why}. {gain_of_rows(answer, whole, answer.rows)}.{caveats(answer)}",
        rows_to_use=0,
        action=f"Do not use {_all(answer.rows)}: {why}.",
        estimate=deciding(answer),
        next_command="syngain compare REAL SYNTHETIC OTHER --test TEST",
    )


def use(answer: GainEstimates, rows: int, estimate: Estimate) -> Verdict:
    """The verdict to use these rows."""
    everything = rows == answer.rows
    action = f"Use {_all(rows)}." if everything else f"Use {rows:,} of {answer.rows:,} rows."
    whole = answer.test or answer.expected
    limit = f" More rows add no gain above {least(answer)}."
    if everything or whole.value - estimate.value > answer.min_gain:
        limit = ""
    return Verdict(
        decision="use" if everything else "use_subset",
        sentence=f"{action} {gain_of_rows(answer, estimate, rows)}.{limit}{caveats(answer)}",
        rows_to_use=rows,
        action=action + _oversampling(answer),
        estimate=deciding(answer, part=not everything),
        next_command=MEASURE if answer.test is None else f"syngain {_next(answer)} REAL SYNTHETIC --test TEST",
    )


def _next(answer: GainEstimates) -> str:
    """The command after a measured gain: language models train on texts and labels only."""
    return "train" if answer.metric in TRAINED else "audit"


def unsure(answer: GainEstimates, whole: Estimate) -> Verdict:
    """The verdict where the interval holds both a gain and none."""
    needs = "more test rows" if answer.test is not None else _more_rows(answer)
    detail = f" Detecting it needs {needs}." if needs else ""
    return Verdict(
        decision="cannot_tell",
        sentence=f"Inconclusive: {_lower(gain_of_rows(answer, whole, answer.rows))}.{detail}{caveats(answer)}",
        action=f"The gain of {_all(answer.rows)} is unclear.",
        needs=needs,
        estimate=deciding(answer),
        next_command=MEASURE if answer.test is None else "syngain select REAL SYNTHETIC --test TEST",
    )


def _more_rows(answer: GainEstimates) -> str:
    """How many more real rows would decide; a lower bound where the effect is far below them."""
    looks, smallest = answer.needed
    needed = f"about {two_digits(looks):,} more real rows"
    if looks <= HOPELESS * answer.forecaster.label.size and smallest > looks:
        needed += f" (about {two_digits(smallest):,} for a gain of {least(answer)})"
    return needed


def deciding(answer: GainEstimates, *, part: bool = False) -> str:
    """The id of the estimate that decides: on the test set where there is one, else the expected gain."""
    name = f"gain.{answer.metric}"
    if answer.test is not None:
        return f"{name}.test@chosen" if part else f"{name}.test"
    return f"{name}@chosen" if part else f"{name}@expected"


def gain_of_rows(answer: GainEstimates, estimate: Estimate, rows: int) -> str:
    """For example ``Log-loss gain of all 600 rows, on the test set: +0.17 nats, 90% CI [+0.12, +0.22]``."""
    name, unit = METRICS[answer.metric]
    where = "on the test set" if answer.test is not None else "forecast"
    amount = _all(rows) if rows == answer.rows else f"{rows:,} rows"
    value = f"{signed(estimate.value, unit)}, {interval_words(estimate.interval(0.9), unit)}"
    return f"{name[:1].upper()}{name[1:]} gain of {amount}, {where}: {value}"


def least(answer: GainEstimates) -> str:
    """The smallest gain that matters, with its unit."""
    unit = METRICS[answer.metric][1]
    return f"{100 * answer.min_gain:g} pp" if unit == "pp" else f"{answer.min_gain:g} {unit}"


def finding_message(answer: GainEstimates, whole: Estimate, found: str) -> str:
    """The message of the finding ``harm`` or ``no_gain``."""
    expected = "expected above 0" if found == "harm" else f"expected above --min-gain ({least(answer)})"
    return f"{gain_of_rows(answer, whole, answer.rows)}; {expected}."


def unknown_labels(answer: GainEstimates) -> str:
    """The message of the finding ``unknown_labels``."""
    return f"{answer.foreign_rows:,} rows have labels that no real row has: {listed(answer.foreign)}."


def caveats(answer: GainEstimates) -> str:
    """Limits of the verdict: controls with the same gain, what the real rows or the proxy model cannot show."""
    out = ""
    weights = answer.controls.get("class_weights")
    gains = effect(answer.test or answer.expected, answer.min_gain) == "gain"
    if gains:
        out += _oversampling(answer)
    if gains and weights is not None and effect(weights, answer.min_gain) != "gain":
        out += " With equal class weights the gain is not significant: class balance may explain it."
    if weights is not None and not gains and effect(weights, answer.min_gain) == "gain":
        better = signed(weights.value, METRICS[answer.metric][1])
        out += f" With equal class weights the gain is {better}: fix the class balance."
    return out + _limits(answer)


def _oversampling(answer: GainEstimates) -> str:
    """A caution where the gain over oversampled real rows is not significant; else empty."""
    over = answer.controls.get("duplication")
    tied = over is not None and effect(over, answer.min_gain) == "cannot_tell"
    return " Oversampling your real rows may give the same gain." if tied else ""


def _limits(answer: GainEstimates) -> str:
    """What the real rows or the proxy model cannot show."""
    out = ""
    if answer.rare:
        out += f" Too few real rows to judge {'class' if len(answer.rare) == 1 else 'classes'} {listed(answer.rare)}."
    if answer.foreign:
        out += f" No real row has the label{'s' if len(answer.foreign) > 1 else ''} {listed(answer.foreign)}."
    if answer.blind:
        known = "a guess" if answer.metric.startswith("pair_") else "class proportions"
        out += f" The proxy model learns no more from your real rows than {known}."
    if answer.metric == "nats_per_token":
        out += " Proxy: a frozen language model with a trained correction, not calibrated on fine-tuned models yet."
    if answer.test is None and "optimistic" in answer.forecaster.marks:
        out += " The gain may be overestimated: no column names the real row behind each synthetic row (--source-id)."
    return out


def _all(rows: int) -> str:
    return f"all {rows:,} rows" if rows > 1 else "the one row"


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
