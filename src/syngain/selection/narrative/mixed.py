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
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate
    from syngain.selection.mixtures import Fitted, Optimum
    from syngain.selection.response_surface import ResponseSurface

BASELINES = {
    "mix.gain@best_part": "the best single part",
    "mix.gain@anchors_alone": "real rows alone",
    "mix.gain@equal_shares": "equal proportions",
}

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


def surface_verdict(
    found: ResponseSurface, best: Floats, estimates: Mapping[str, Estimate], left_out: Mapping[str, Sequence[str]]
) -> tuple[Verdict, bool]:
    """The verdict on a mixture, and whether it names one: only where it is better than its best part.

    ``left_out``: datasets without weight, and the names of their findings.
    """
    said = "; ".join(f"over {words} {_gain(estimates[key])}" for key, words in BASELINES.items())
    out = _left_out(left_out)
    action = _not_better(found, estimates)
    if action:
        sentence = f"Inconclusive: {action[:1].lower()}{action[1:]} Gain of the best mixture {said}.{out}"
        return Verdict(
            decision="cannot_tell",
            sentence=sentence,
            action=action,
            estimate="mix.gain@best_part",
            needs="datasets without these findings" if left_out else "more real rows, or other datasets",
            next_command="syngain audit REAL SYNTHETIC" if left_out else "syngain compare REAL A B --test TEST",
        ), False
    shares = ", ".join(
        f"{_shown(name)} {best[i]:.2f} [{estimates[f'mix.share@{name}'].interval(0.9)[0]:.2f}, "
        f"{estimates[f'mix.share@{name}'].interval(0.9)[1]:.2f}]"
        for i, name in enumerate(found.names)
        if name not in left_out
    )
    return Verdict(
        decision="use",
        sentence=f"Use {shares}: gain {said}.{out}",
        action=f"Use {shares}.",
        estimate="mix.gain@best_part",
        next_command="run mixture.yaml with your trainer",
    ), True


def _not_better(found: ResponseSurface, estimates: Mapping[str, Estimate]) -> str:
    """Why no mixture is recommended; empty where the best one is better than each single part."""
    if found.allowed is not None and found.allowed.sum() < 2:
        return "No mixture: every dataset has a finding of high severity."
    if estimates["mix.gain@anchors_alone"].interval(0.9)[0] <= 0:
        return "No mixture is better than the real rows alone."
    if estimates["mix.gain@best_part"].interval(0.9)[0] > 0:
        return ""
    part = found.names[int(np.argmax(found.best_part()))]
    if part == "anchors":
        return "No mixture is better than the real rows alone."
    alone = estimates[f"mix.alone@{part}"]
    gains = f", which gains {_gain(alone)} over real rows alone" if alone.interval(0.9)[0] > 0 else ""
    return f"No mixture is better than {part} alone{gains}."


def _left_out(left_out: Mapping[str, Sequence[str]]) -> str:
    if not left_out:
        return ""
    names = "; ".join(f"{name} ({', '.join(why)})" for name, why in left_out.items())
    return f" Without weight, for findings of high severity: {names}; --with-defects includes it."


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
