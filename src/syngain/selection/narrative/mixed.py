"""Sentences of ``mix``: verdicts and the paragraphs on methods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.result import Verdict
from syngain.selection.mixtures import LEAST, PER_PART

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate
    from syngain.selection.mixtures import Fitted, Optimum
    from syngain.selection.response_surface import ResponseSurface


def runs_verdict(fitted: Fitted, rank: Estimate, best: Optimum | None, names: tuple[str, ...]) -> Verdict:
    """Whether an optimum of the regression is named, and what it gains over the best run."""
    runs, parts = fitted.losses.size, len(names)
    low, high = rank.interval(0.9)
    said = f"rank correlation of runs out of fold {rank.value:.3f} (90 % interval {low:.3f} to {high:.3f})"
    if best is None:
        why = (
            f"{runs} runs are too few for {parts} parts: {PER_PART * parts} are needed before an optimum is named"
            if not fitted.enough
            else f"the regression does not surely order mixtures (at least {LEAST:g} needed)"
        )
        return Verdict(decision="cannot_tell", sentence=f"No optimum is named: {why}; {said}.")
    order = np.argsort(-best.mixture)
    shares = ", ".join(
        f"{names[i]} {best.mixture[i]:.2f} ({best.low[i]:.2f} to {best.high[i]:.2f})"
        for i in order
        if best.mixture[i] >= 0.02
    )
    low, high = best.gain.interval(0.9)
    gain = f"{best.gain.value:+.3g} below the best run (90 % interval {low:+.3g} to {high:+.3g})"
    if low <= 0:
        sentence = f"Cannot tell the optimum from the best run: {gain}. It is {shares}; {said}."
        return Verdict(decision="cannot_tell", sentence=sentence)
    return Verdict(decision="use", sentence=f"Use {shares}: predicted loss {gain}; {said}.")


def runs_methods(fitted: Fitted) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: regression, optimum."""
    errors = ", ".join(f"{name} {error:.4g}" for name, error in sorted(fitted.errors.items(), key=lambda one: one[1]))
    named = (
        "The best of 20,000 mixtures between those that were run. Half of the runs chooses, the other half judges, 20 "
        f"times. It is named from {PER_PART} runs per part on."
    )
    chosen = f"Chosen by 5 folds of {fitted.losses.size} runs; root mean squared errors: {errors}."
    return (("Regression", chosen), ("Optimum", named))


def surface_verdict(found: ResponseSurface, best: Floats, estimates: Mapping[str, Estimate]) -> tuple[Verdict, bool]:
    """A mixture is recommended only where it is told from the anchors alone and from equal shares."""
    shares = ", ".join(
        f"{name} {best[i]:.2f} ({estimates[f'mix.share@{name}'].interval(0.9)[0]:.2f} to "
        f"{estimates[f'mix.share@{name}'].interval(0.9)[1]:.2f})"
        for i, name in enumerate(found.names)
    )
    rivals = {"anchors alone": "mix.gain@anchors_alone", "equal shares": "mix.gain@equal_shares"}
    said = "; ".join(f"over {name} {_gain(estimates[key])}" for name, key in rivals.items())
    tied = [name for name, key in rivals.items() if estimates[key].interval(0.9)[0] <= 0]
    if tied:
        sentence = f"Cannot tell the best mixture from {' and '.join(tied)}: {said}. The surface is lowest at {shares}."
        return Verdict(decision="cannot_tell", sentence=sentence), False
    return Verdict(decision="use", sentence=f"Use {shares}: gain {said}."), True


def _gain(estimate: Estimate) -> str:
    low, high = estimate.interval(0.9)
    if math.isinf(low):
        return f"{estimate.value:+.3g}"
    return f"{estimate.value:+.3g} {estimate.unit} (90 % interval {low:+.3g} to {high:+.3g})"


def surface_methods(found: ResponseSurface) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: proxy runs, surface."""
    folds = int(found.fold.max()) + 1
    runs = (
        f"{len(found.points)} mixtures of {found.size:,} rows on {folds} folds of the anchors: each part alone, each "
        "pair in halves, all in equal shares. Anchors are repeated in turn to fill their share."
    )
    fit = (
        "Scheffe's quadratic polynomial, least squares. Gains of the best mixture are of one chosen on other folds "
        "than it is judged on; anchors are the unit, variance inflated for shared training rows."
    )
    return (("Proxy runs", runs), ("Surface", fit))
