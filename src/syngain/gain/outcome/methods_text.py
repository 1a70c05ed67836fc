"""How a gain was computed, in paragraphs for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.gain.design.layout import GainLayout
    from syngain.gain.outcome.estimates import GainEstimates

CONTROLS = (
    "Every arm chooses its own penalty on anchors it did not learn from. Duplication repeats, in place of every "
    "synthetic row, the anchor it was made from; class weights make classes equal in both arms."
)


def explained(found: GainEstimates, ground: GainLayout, thinned: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of a heading and a paragraph; ``thinned`` names what was measured on a part only."""
    less = f"To stay quick this was measured on {' and '.join(thinned)}; `syngain gain` takes more."
    paragraphs = {
        "Proxy": _proxy(found, ground),
        "Subsample": less if thinned else "",
        "Labels": _one_sided(ground) if ground.labeled else "",
        "Lineage": _lineage(ground),
        "Forecast": _forecast(found, ground),
        "Intervals": _intervals(found),
        "Controls": CONTROLS,
        "Verdict": (
            f"By equivalence on {found.metric}, decided before looking: a gain when the 90 % interval lies above 0, "
            f"harm when below, nothing that matters when below {found.min_gain:g}, else cannot tell. The amount is "
            "chosen on other anchors than it is reported on."
        ),
    }
    return tuple((heading, text) for heading, text in paragraphs.items() if text)


def _proxy(found: GainEstimates, ground: GainLayout) -> str:
    linear = "a multinomial logistic regression on the audit's vectors"
    labeled = linear if ground.synthetic.sides else "gradient boosting"
    learner = labeled if ground.labeled else "an interpolated n-gram language model over bytes"
    unsettled = found.forecaster.unsettled
    tail = f" It did not converge in the arms: {', '.join(unsettled)}." if unsettled else ""
    return f"The learner is {learner}: a stand-in, not your model.{tail}"


def _one_sided(ground: GainLayout) -> str:
    """Labels that stand in the anchors only, or in the synthetic rows only; empty when there are none."""
    ours, theirs = set(ground.anchor_labels.tolist()), set(ground.synthetic_label.tolist())
    out = []
    if extra := sorted(theirs - ours):
        rows = int(np.isin(ground.synthetic_label, extra).sum())
        out.append(
            f"{rows:,} synthetic rows have labels that no anchor has ({_listed(ground, extra)}): no anchor can show "
            "what they are good for, and they take probability from the others."
        )
    if absent := sorted(ours - theirs):
        out.append(f"No synthetic row has the labels {_listed(ground, absent)} of the anchors.")
    return " ".join(out)


def _listed(ground: GainLayout, codes: Sequence[int]) -> str:
    names = [ground.names[code] for code in codes[:5]]
    return ", ".join(names) + (" ..." if len(codes) > len(names) else "")


def _lineage(ground: GainLayout) -> str:
    known = ground.lineage.known
    if not known:
        return "No row says which anchor it was made from, so held-out anchors may have shaped the rows: optimistic."
    return f"The anchor of {known:.0%} of the rows is known; a held-out anchor takes the rows made from it along."


def _forecast(found: GainEstimates, ground: GainLayout) -> str:
    trial = found.forecaster.experiment.trials[0]
    sizes = ", ".join(f"{size:.0f}" for size in trial.sizes)
    return (
        f"{int(trial.fold.max()) + 1} folds over groups of anchors; shares of {sizes} anchors; at most {trial.most:,} "
        f"synthetic rows in an arm. The gain is extrapolated to all {ground.anchors.size:,} anchors (a + b / m) and "
        f"all {found.rows:,} rows (in the logarithm). @raw is without extrapolation."
    )


def _intervals(found: GainEstimates) -> str:
    trial = found.forecaster.experiment.trials[0]
    factor = found.forecaster.inflation(found.metric)
    how = "Nadeau and Bengio's constant" if trial.pairs is None else "measured by leaving out pairs of folds"
    return (
        f"Prediction intervals speak of the gain measured on a fresh test of {found.forecaster.test_rows:,} rows; "
        "@expected and the curves of its expectation. Anchors are the unit. Folds share training rows, which makes the "
        f"variance {factor:.2f} times that of independent anchors ({how}); Student's t."
    )
