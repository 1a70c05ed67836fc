"""From gains to one decision and findings; by equivalence, so that "adds nothing" is a finding of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Finding, Verdict
from syngain.gain.outcome import narrative
from syngain.gain.outcome.effects import effect

if TYPE_CHECKING:
    from syngain.core.estimate import Estimate
    from syngain.core.result import Severity
    from syngain.gain.outcome.estimates import GainEstimates


def decide(answer: GainEstimates) -> Verdict:
    """Use, use a part, do not use, or cannot tell: by the test set where there is one, else by the forecast."""
    if answer.forecaster.unsettled:
        return Verdict(decision="cannot_tell", sentence=narrative.not_converged(answer))
    whole = answer.test or answer.expected
    for rows, estimate in _candidates(answer):
        if effect(estimate, answer.min_gain) == "gain":
            return _as_repeated(answer, whole) if _repetition_does(answer) else narrative.use(answer, rows, estimate)
    if _is_repetition(answer):
        return _as_repeated(answer, whole)
    found = effect(whole, answer.min_gain)
    if found in {"harm", "no_gain"}:
        said = narrative.harmful if found == "harm" else narrative.without_gain
        return Verdict(decision="do_not_use", sentence=said(answer, whole), rows_to_use=0)
    return Verdict(decision="cannot_tell", sentence=narrative.unsure(answer, whole))


def _as_repeated(answer: GainEstimates, whole: Estimate) -> Verdict:
    return Verdict(decision="do_not_use", sentence=narrative.as_repeated(answer, whole), rows_to_use=0)


def _repetition_does(answer: GainEstimates) -> bool:
    """Whether anchors repeated in the place of the rows do as much, within the smallest gain that matters."""
    over = answer.controls.get("duplication")
    return over is not None and effect(over, answer.min_gain) in {"no_gain", "harm"}


def _is_repetition(answer: GainEstimates) -> bool:
    """Whether they do the same to the letter, whatever that is."""
    over = answer.controls.get("duplication")
    return over is not None and over.value == 0 and over.interval(0.9) == (0.0, 0.0)


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
    message = narrative.effect_message(answer, whole, found)
    severity: Severity = "high" if found == "harm" else "medium"
    return (Finding(id=found, severity=severity, message=message, estimates=(name,), rows=answer.rows), *strange)


def _unknown_labels(answer: GainEstimates) -> tuple[Finding, ...]:
    if not answer.foreign:
        return ()
    message = narrative.unknown_labels(answer)
    return (Finding(id="unknown_labels", severity="medium", message=message, rows=answer.foreign_rows),)
