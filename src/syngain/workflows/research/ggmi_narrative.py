"""Sentences on GGMI: what the panel means, and how it was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from syngain.core.estimate import Estimate
    from syngain.data.dataset import Dataset
    from syngain.information.estimators.supersample import Supersamples
    from syngain.learners.causal import CausalProxy
    from syngain.workflows.evaluate.gain import GainPart


def verdict(estimates: Mapping[str, Estimate], part: GainPart | None) -> Verdict:
    """What it means, and that it is no verdict on real rows."""
    panel = estimates["ggmi.difference"]
    low, high = panel.interval(0.9)
    gap = estimates["ggmi.gap@synthetic"].value
    said = (
        f"GGMI is {panel.value:+.3f} nats per row (90 % interval {low:+.3f} to {high:+.3f}): a learner of the "
        f"synthetic rows {_than(low, high)} of its own rows than one of the anchors"
    )
    far = f"It errs {100 * gap:.1f} points more often on fresh synthetic rows than on those it learned"
    parts = [f"{said}.", f"{far}; of real rows this says nothing."]
    parts.extend(_nothing_given(estimates))
    if part is None:
        return Verdict(decision="cannot_tell", sentence=" ".join(parts))
    alone = part.estimates.get(f"gain.{part.found.metric}.synthetic_only")
    if alone is not None and alone.interval(0.9)[1] < 0:
        parts.append(f"Alone it is harm: {_loss(alone)} against the anchors.")
    return Verdict(
        decision=part.verdict.decision,
        sentence=" ".join([*parts, f"Measured gain: {part.verdict.sentence}"]),
        rows_to_use=part.verdict.rows_to_use,
    )


def paragraphs(
    found: Mapping[str, Supersamples], synthetic: Dataset, student: CausalProxy | None, steps: int
) -> tuple[tuple[str, str], ...]:
    """How it was measured; ``steps`` are those of a fit of the student."""
    drawn = ", ".join(
        f"{name}: {item.second.shape[0]} supersamples of {item.second.shape[2]} pairs, {item.second.shape[1]} masks"
        for name, item in found.items()
    )
    loss = (
        "a wrong label"
        if synthetic.labels is not None and student is None
        else "more nats per byte than the middle one of the rows held out"
    )
    learner = (
        ()
        if student is None
        else (("Learner", f"{student.model}, a fresh adapter of rank {student.rank}, {steps} steps a fit."),)
    )
    return (
        *learner,
        ("Supersamples", f"{drawn}. Of every pair a fair coin takes one row for training; both are judged."),
        ("Loss", f"0 or 1: {loss}. Bounds hold for this loss and for rows drawn alike, not for real rows."),
        (
            "Intervals",
            "over supersamples of the rows that are there; rows that share an anchor count as drawn independently.",
        ),
    )


def _nothing_given(estimates: Mapping[str, Estimate]) -> Iterator[str]:
    """What it means when a learner gives nothing away: an easy set, one without content, or nothing learned."""
    sides = (estimates[f"ggmi.ld_cmi@{side}"] for side in ("anchors", "synthetic"))
    anchors, synthetic = (side.null is not None and side.value <= side.null[1] for side in sides)
    if synthetic:
        yield "GGMI is as large as it can be, as for any set that leaves nothing to learn, even a constant one."
    if anchors and synthetic:
        errors = [100 * estimates[f"ggmi.error@{side}"].value for side in ("anchors", "synthetic")]
        yield (
            "Neither learner gives away more than chance does, as with rows that are easy or a learner that learned "
            f"nothing (errors on fresh rows: {errors[0]:.0f} % of the anchors, {errors[1]:.0f} % of the synthetic)."
        )


def _loss(estimate: Estimate) -> str:
    low, high = estimate.interval(0.9)
    return f"{estimate.value:+.3g} {estimate.unit} (90 % interval {low:+.3g} to {high:+.3g})"


def _than(low: float, high: float) -> str:
    if low > 0:
        return "gives away less"
    return "gives away more" if high < 0 else "cannot be told to give away less"
