"""The decision and the findings of a gain, by equivalence testing: "no gain" is a finding of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Finding, Verdict
from syngain.gain.outcome import narrative
from syngain.gain.outcome.effects import effect
from syngain.gain.proxies.metrics import FROZEN_METRICS, TEXT_METRICS

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.core.result import Severity
    from syngain.gain.outcome.estimates import GainEstimates

STATISTICS = frozenset(TEXT_METRICS)  # metrics of n-gram models, which say nothing of a pre-trained model
UNCALIBRATED = frozenset(FROZEN_METRICS)  # metrics whose gains are not mapped to those of fine-tuned models yet


def of_statistic(verdict: Verdict, metric: str) -> Verdict:
    """The verdict; one that recommends rows by a gain that says nothing of a fine-tuned model becomes inconclusive."""
    if verdict.decision not in {"use", "use_subset"} or metric not in STATISTICS | UNCALIBRATED:
        return verdict
    if metric in UNCALIBRATED:
        return narrative.promising(verdict.sentence, verdict.estimate)
    return narrative.unmeasured(f"By an n-gram model, which judges wording: {verdict.sentence}", verdict.estimate)


def decide(answer: GainEstimates) -> Verdict:
    """Use, use a subset, do not use, or inconclusive: by the test set where there is one, else by the forecast."""
    if answer.forecaster.unsettled:
        return narrative.not_converged(answer)
    whole = answer.test or answer.expected
    if answer.metric in STATISTICS:
        return narrative.text_statistic(answer, whole)
    for rows, estimate in _candidates(answer):
        if effect(estimate, answer.min_gain) == "gain":
            return narrative.as_repeated(answer, whole) if _repetition_does(answer) else _gains(answer, rows, estimate)
    if _is_repetition(answer):
        return narrative.as_repeated(answer, whole)
    found = effect(whole, answer.min_gain)
    if found in {"harm", "no_gain"}:
        refuse = narrative.harmful if found == "harm" else narrative.without_gain
        return refuse(answer, whole)
    return narrative.unsure(answer, whole)


def _gains(answer: GainEstimates, rows: int, estimate: Estimate) -> Verdict:
    """The verdict on rows that gain: to use them where the gain is that of the model in question."""
    say = narrative.uncalibrated if answer.metric in UNCALIBRATED else narrative.use
    return say(answer, rows, estimate)


def _repetition_does(answer: GainEstimates) -> bool:
    """Whether oversampled real rows reach the same gain, within the smallest gain that matters."""
    over = answer.controls.get("duplication")
    return over is not None and effect(over, answer.min_gain) in {"no_gain", "harm"}


def _is_repetition(answer: GainEstimates) -> bool:
    """Whether oversampled real rows give exactly the same outcome."""
    over = answer.controls.get("duplication")
    return over is not None and over.value == 0 and over.interval(0.9) == (0.0, 0.0)


def _candidates(answer: GainEstimates) -> list[tuple[int, Estimate]]:
    """Numbers of rows that may be recommended, with their gain: the chosen subset first, then all rows."""
    whole = (answer.rows, answer.test or answer.expected)
    part = answer.test_chosen if answer.test is not None else answer.chosen
    if part is None or answer.choice.rows in {0, answer.rows}:
        return [whole]
    if answer.test is not None and answer.test.value - part.value > answer.min_gain:
        return [whole, (answer.choice.rows, part)]  # the test contradicts the choice made on the real rows
    return [(answer.choice.rows, part), whole]


def findings(answer: GainEstimates) -> tuple[Finding, ...]:
    """``harm`` or ``no_gain`` of adding all rows, as findings."""
    whole = answer.test or answer.expected
    found = effect(whole, answer.min_gain) if not answer.forecaster.unsettled else "cannot_tell"
    name = f"gain.{answer.metric}" + (".test" if answer.test is not None else "@expected")
    strange = _unknown_labels(answer)
    statistic = answer.metric in STATISTICS
    if found not in {"harm", "no_gain"} or (statistic and found == "no_gain"):
        return strange
    severity: Severity = "high" if found == "harm" and not statistic else "medium"
    message = narrative.finding_message(answer, whole, found)
    return (_finding(found, severity, message, rows=answer.rows, estimates=(name,)), *strange)


def _unknown_labels(answer: GainEstimates) -> tuple[Finding, ...]:
    if not answer.foreign:
        return ()
    return (_finding("unknown_labels", "medium", narrative.unknown_labels(answer), rows=answer.foreign_rows),)


def _finding(name: str, severity: Severity, message: str, *, rows: int, estimates: tuple[str, ...] = ()) -> Finding:
    return Finding(
        id=name,
        severity=severity,
        message=message,
        estimates=estimates,
        rows=rows,
    )
