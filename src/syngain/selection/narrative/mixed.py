"""Sentences of ``mix``: verdicts and the paragraphs on methods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.phrases import signed
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import gain_words
from syngain.selection.mixtures import LEAST, PER_PART

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate
    from syngain.selection.mixtures import Fitted, Optimum
    from syngain.selection.response_surface import ResponseSurface

_RUNS = "syngain mix --runs MIXTURES --losses LOSSES --loss COLUMN"


def runs_verdict(fitted: Fitted, rank: Estimate, best: Optimum | None, names: tuple[str, ...]) -> Verdict:
    """The verdict of a regression: its optimum, and the gain over the best run."""
    runs, parts = fitted.losses.size, len(names)
    low, high = rank.interval(0.9)
    said = f"Rank correlation of held-out runs: {rank.value:.3f}, 90% CI [{low:.3f}, {high:.3f}]."
    if best is None:
        why = (
            f"{runs} runs are too few for {parts} parts; an optimum needs {PER_PART * parts}"
            if not fitted.enough
            else f"the regression does not reliably rank mixtures (at least {LEAST:g} needed)"
        )
        action = f"No mixture is recommended: {why}."
        return Verdict(
            decision="cannot_tell",
            sentence=f"Inconclusive: {why}. {said} Add runs.",
            action=action,
            estimate="mix.rank_correlation",
            needs="more runs",
            next_command=_RUNS,
        )
    order = np.argsort(-best.mixture)
    shares = ", ".join(
        f"{names[i]} {best.mixture[i]:.2f} [{best.low[i]:.2f}, {best.high[i]:.2f}]"
        for i in order
        if best.mixture[i] >= 0.02
    )
    low, high = best.gain.interval(0.9)
    gain = f"{best.gain.value:+.3g}, 90% CI [{low:+.3g}, {high:+.3g}]"
    if low <= 0:
        sentence = (
            f"Inconclusive: the optimum is not distinguishable from the best run, predicted gain {gain}. "
            f"Optimum: {shares}. {said} Add runs."
        )
        return Verdict(
            decision="cannot_tell",
            sentence=sentence,
            action="The best mixture is not distinguishable from the best run.",
            estimate="mix.gain",
            needs="more runs",
            next_command=_RUNS,
        )
    return Verdict(
        decision="use",
        sentence=f"Use {shares}: predicted gain over the best run {gain}. {said}",
        action=f"Use {shares}.",
        estimate="mix.gain",
        next_command="run mixture.yaml with your trainer",
    )


def runs_methods(fitted: Fitted) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: regression, optimum."""
    errors = ", ".join(f"{name} {error:.4g}" for name, error in sorted(fitted.errors.items(), key=lambda one: one[1]))
    named = (
        "The best of 20,000 mixtures between those that were run. It is chosen on half of the runs and evaluated on "
        f"the other half, 20 times. It needs at least {PER_PART} runs per part."
    )
    chosen = f"Chosen by 5-fold cross-validation on {fitted.losses.size} runs. Root mean squared errors: {errors}."
    return (("Regression", chosen), ("Optimum", named))


def surface_verdict(found: ResponseSurface, best: Floats, estimates: Mapping[str, Estimate]) -> tuple[Verdict, bool]:
    """The verdict on a mixture, versus real rows alone and equal proportions."""
    shares = ", ".join(
        f"{_shown(name)} {best[i]:.2f} [{estimates[f'mix.share@{name}'].interval(0.9)[0]:.2f}, "
        f"{estimates[f'mix.share@{name}'].interval(0.9)[1]:.2f}]"
        for i, name in enumerate(found.names)
    )
    baselines = {"real rows alone": "mix.gain@anchors_alone", "equal proportions": "mix.gain@equal_shares"}
    said = "; ".join(f"over {name} {_gain(estimates[key])}" for name, key in baselines.items())
    tied = [name for name, key in baselines.items() if estimates[key].interval(0.9)[0] <= 0]
    if tied:
        sentence = (
            f"Inconclusive: the best mixture is not distinguishable from {' and '.join(tied)}. "
            f"Gain {said}. Lowest fitted loss: {shares}. Add real rows."
        )
        action = f"The best mixture is not distinguishable from {' and '.join(tied)}."
        return Verdict(
            decision="cannot_tell",
            sentence=sentence,
            action=action,
            estimate=baselines[tied[0]],
            needs="more real rows",
            next_command="syngain compare REAL A B --test TEST",
        ), False
    return Verdict(
        decision="use",
        sentence=f"Use {shares}: gain {said}.",
        action=f"Use {shares}.",
        estimate="mix.gain@anchors_alone",
        next_command="run mixture.yaml with your trainer",
    ), True


def _gain(estimate: Estimate) -> str:
    if math.isinf(estimate.interval(0.9)[0]):
        return signed(estimate.value, estimate.unit)
    return gain_words(estimate)


def _shown(name: str) -> str:
    """The name of a part in a sentence: ``anchors`` are the real rows."""
    return "real rows" if name == "anchors" else name


def surface_methods(found: ResponseSurface) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: proxy runs, surface."""
    folds = int(found.fold.max()) + 1
    runs = (
        f"{len(found.points)} mixtures of {found.size:,} rows on {folds} folds of the real rows: each part alone, each "
        "pair in halves, all in equal proportions. Real rows are repeated in turn to fill their proportion."
    )
    fit = (
        "Scheffe's quadratic polynomial, fitted by least squares. The best mixture is chosen on other folds than those "
        "it is evaluated on. Units: real rows, variance inflated for shared training rows."
    )
    return (("Proxy runs", runs), ("Surface", fit))
