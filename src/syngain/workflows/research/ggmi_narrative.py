"""Sentences on GGMI (generalization gain via mutual information)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.core.phrases import capital
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import gain_words
from syngain.learners.completions import loss_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.information.estimators.supersample import Supersamples
    from syngain.learners.causal import CausalProxy
    from syngain.workflows.evaluate.gain import GainPart


def verdict(estimates: Mapping[str, Estimate], part: GainPart | None) -> Verdict:
    """The verdict: the measured gain if there is one, then what GGMI shows."""
    panel = estimates["ggmi.difference"]
    low, high = panel.interval(0.9)
    gap = estimates["ggmi.gap@synthetic"].value
    said = (
        f"GGMI (generalization gain via mutual information) is {gain_words(panel)}. "
        f"A learner of the synthetic rows {_than(low, high)} about its training rows than a learner of the real rows"
    )
    far = f"Its error differs by {100 * gap:+.1f} pp between fresh synthetic rows and its training rows"
    parts = [f"{said}.", f"{far}. GGMI does not measure the gain on real rows."]
    parts.extend(_nothing_given(estimates))
    if part is None:
        return Verdict(
            decision="cannot_tell",
            sentence=f"Inconclusive: {' '.join(parts)} Run `syngain gain`.",
            action="Memorization was measured; the gain was not.",
            estimate="ggmi.difference",
            next_command="syngain gain REAL SYNTHETIC --test TEST",
        )
    alone = part.estimates.get(f"gain.{part.found.metric}.synthetic_only")
    if alone is not None and alone.interval(0.9)[1] < 0:
        parts.append(f"Training on the synthetic rows alone: {gain_words(alone)}, versus the real rows.")
    return replace(part.verdict, sentence=" ".join([capital(part.verdict.sentence), *parts]))


def paragraphs(
    found: Mapping[str, Supersamples], synthetic: Dataset, student: CausalProxy | None, steps: int
) -> tuple[tuple[str, str], ...]:
    """Paragraphs on methods; ``steps`` are those of one fit of the student."""
    drawn = ", ".join(
        f"{name}: {item.second.shape[0]} supersamples of {item.second.shape[2]} pairs, {item.second.shape[1]} masks"
        for name, item in found.items()
    )
    loss = (
        "a wrong label"
        if synthetic.labels is not None and student is None
        else "more nats per byte than the median held-out row"
    )
    learner = (
        ()
        if student is None
        else (
            (
                "Learner",
                (
                    f"{student.model}, a fresh adapter of rank {student.rank}, {steps} steps per fit. "
                    f"{loss_sentence(student.loss)}"
                ),
            ),
        )
    )
    return (
        *learner,
        ("Supersamples", f"{drawn}. One row of every pair, drawn at random, is trained on; both are evaluated."),
        (
            "Loss",
            f"0 or 1: {loss}. Bounds hold for this loss and for rows of the same distribution, not for real rows.",
        ),
        (
            "Intervals",
            "over supersamples of the given rows; rows made from the same real row count as independent.",
        ),
    )


def _nothing_given(estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """Notes on learners that leak nothing: easy rows, or nothing learned."""
    sides = (estimates[f"ggmi.ld_cmi@{side}"] for side in ("anchors", "synthetic"))
    anchors, synthetic = (side.null is not None and side.value <= side.null[1] for side in sides)
    if synthetic:
        yield "GGMI is at its maximum, as for any dataset that leaves nothing to learn, even a constant one."
    if anchors and synthetic:
        errors = [100 * estimates[f"ggmi.error@{side}"].value for side in ("anchors", "synthetic")]
        yield (
            "Neither learner leaks more than chance: the rows are easy, or the learner learned nothing. "
            f"Errors on fresh rows: {errors[0]:.0f}% of the real rows, {errors[1]:.0f}% of the synthetic rows."
        )


def _than(low: float, high: float) -> str:
    if low > 0:
        return "leaks less"
    return "leaks more" if high < 0 else "does not leak significantly less"
