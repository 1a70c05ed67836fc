"""Sentences on retention: the recommended repair, the finding, methods."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.core.phrases import capital, interval_words, signed
from syngain.core.result import Finding
from syngain.training.repair.retention import LEVEL
from syngain.training.repair.treatment import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.core.result import Verdict
    from syngain.training.repair.retention import Retention
    from syngain.training.repair.treatment import Treatment


def recommended(found: Retention, alone: Verdict) -> Verdict:
    """The verdict with the recommended variant, its gain on real rows and its cost on other rows."""
    if found.chosen == "untrained":
        words = "No variant gains more on real rows than it costs on other rows: do not train on these rows."
        return replace(alone, sentence=f"{alone.sentence} {words}", action="Do not train on these rows.")
    own, name = found.arms[found.chosen], NAMES[found.chosen]
    removed = {True: " It removes the template.", False: " It leaves the template.", None: ""}[found.removed]
    words = (
        f"Recommended: {name}.{removed} {capital(_weights(own))}. "
        f"Replayed rows alone: {_weights(found.arms['anchors'])}."
    )
    action = alone.action
    if alone.decision == "do_not_use" and found.chosen != "overfitted":
        action = f"Do not train on these rows alone. Recommended: {name}."
    return replace(alone, sentence=f"{alone.sentence} {words}", action=action)


def forgetting(found: Retention) -> tuple[Finding, ...]:
    """``forgetting``: the dataset alone raises the loss on real rows of other kinds significantly."""
    if not found.forgets:
        return ()
    change, after = found.arms["overfitted"]["retain.change"], found.arms[found.chosen].get("retain.change")
    rest = "" if after is None else f" After {NAMES[found.chosen]}: {_number(after)}."
    return (
        Finding(
            id="forgetting",
            severity="medium",
            message=f"Trained on this dataset alone, the loss on other real rows rises by {_number(change)}.{rest}",
            estimates=("retain.change@arm=overfitted", "retain.loss@arm=overfitted"),
        ),
    )


def retention_paragraphs(plan: Treatment) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: the further variants, and how one of them is recommended."""
    variants = (
        f"Replay with other rows: {100 * plan.rehearsed:.0f}% rows of --retain in every batch. Averaged: "
        f"{100 * plan.kept:.0f}% of the change of the weights is kept. Early stop: the step with the lowest loss on "
        f"held-out real rows, of {plan.checks} and step 0. Lower rate: {plan.slower:g} of the rate, from the start."
    )
    choice = (
        "A third of the rows of --retain is trained on by one variant only, a third chooses, a third is reported. Half "
        "of the held-out real rows chooses, the other half is reported. Chosen is the variant with the largest gain on "
        f"real rows minus {plan.price:g} times the loss increase on other rows, in nats per token. Replayed rows alone "
        "are a control and never chosen."
    )
    return ("Further variants", variants), ("Recommendation", choice)


def _weights(own: Mapping[str, Estimate]) -> str:
    return f"gain on real rows {_number(own['retain.gain'])}; cost on other real rows {_number(own['retain.change'])}"


def _number(item: Estimate) -> str:
    return f"{signed(item.value)} nats per token, {interval_words(item.interval(LEVEL))}"
