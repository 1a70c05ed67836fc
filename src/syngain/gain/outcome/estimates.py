"""Estimates, curves and decision of ``gain`` for one synthetic dataset."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from syngain.core.progress import Progress, silent
from syngain.core.result import Series
from syngain.gain.design.cross_validation import Arm, Design, experiment
from syngain.gain.forecast import Forecaster
from syngain.gain.on_test import Measured, measured
from syngain.gain.proxies.metrics import prior_weights
from syngain.gain.rows_to_use import RecommendedRows, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.forecast import Contrast
    from syngain.gain.proxies.task import Task

FEW = 4  # a class with fewer real rows cannot be evaluated: folds leave one to three of them
OPTIMISTIC = 0.9  # fraction of rows whose source must be known
FAR = 2.0  # times the rows of the variants: beyond this, marked as extrapolated


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Settings of the decision.

    Attributes:
        metric: the pre-declared metric of the verdict; None is log-loss, or nats per byte without labels.
        min_gain: the smallest gain that matters, in the unit of the metric.
        test_rows: rows of the fresh test of the prediction intervals; None: that of the given test, or 500.
        prior: class to its fraction at test time, where it differs from the real rows'.
        design: how much of an experiment to run. rows: synthetic rows in all, where the layout has a sample of them.
    """

    metric: str | None = None
    min_gain: float = 0.01
    test_rows: int | None = None
    prior: Mapping[str, float] | None = None
    design: Design = field(default_factory=Design)
    rows: int | None = None


@dataclass(frozen=True)
class GainEstimates:
    """The gains of one dataset.

    Attributes:
        metric: the primary one. estimates, series: as in ``report.json``. choice: how many rows to use.
        forecast: expected gain of all rows. controls: the same over oversampling and class weights.
        test: what the test set measured, None without one; ``test_choice``: of the chosen amount.
        budget: metric to fractions of its variance. rare: classes with too few real rows to be evaluated.
        needed: further real rows to detect a gain of the estimated size; of ``min_gain``.
        foreign: labels of synthetic rows that no real row has, on ``foreign_rows`` rows.
        blind: whether the proxy does no better than class distribution, with and without the synthetic rows.
    """

    metric: str
    min_gain: float
    rows: int
    estimates: Mapping[str, Estimate]
    series: Mapping[str, Series]
    choice: RecommendedRows
    forecaster: Forecaster
    expected: Estimate
    chosen: Estimate
    controls: Mapping[str, Estimate]
    test: Estimate | None
    test_chosen: Estimate | None
    budget: Mapping[str, Mapping[str, float]]
    rare: tuple[str, ...]
    needed: tuple[int, int]
    foreign: tuple[str, ...] = ()
    foreign_rows: int = 0
    blind: bool = False


def estimate_gain(
    task: Task,
    ground: GainLayout,
    streams: Streams,
    *,
    setup: Setup,
    marks: tuple[str, ...] = (),
    progress: Progress = silent,
) -> GainEstimates:
    """Forecast from the real rows and, where there is a test set, measure on it."""
    labeled = ground.labeled
    metrics, total = ground.metrics, setup.rows or len(ground.synthetic)
    primary = setup.metric or metrics[0]
    design = setup.design if labeled else replace(setup.design, balanced=False)
    label = ground.anchor_labels
    found = experiment(task, ground.lineage, streams, design=design, progress=progress)
    weight = prior_weights(label, _prior(setup, ground))
    test_rows = setup.test_rows or ground.test.size or 500
    forecaster = Forecaster(found, label, weight, total, (), test_rows)
    forecaster = replace(forecaster, marks=(*marks, *_marks(ground, forecaster)))
    choice = choose(forecaster, primary, setup.min_gain)
    estimates = _forecasts(forecaster, metrics, design)
    estimates |= _rare_classes(forecaster, ground) if labeled else {}
    expected = forecaster.all_rows(primary)
    estimates[f"gain.{primary}@expected"] = forecaster.estimate(expected, primary, _EXPECTED, fresh=False)
    chosen = forecaster.estimate(choice.gain, primary, _CHOSEN, fresh=False)
    estimates[f"gain.{primary}@chosen"] = chosen
    seen = _measure(task, ground, streams, choice, setup) if ground.test.size else None
    tested = _on_test(seen, metrics, primary, choice) if seen is not None else {}
    controls = _controls(forecaster, primary, design) if seen is None else _controls_on_test(seen, primary)
    return GainEstimates(
        metric=primary,
        min_gain=setup.min_gain,
        rows=total,
        estimates=estimates | tested,
        series=_curves(forecaster, metrics),
        choice=choice,
        forecaster=forecaster,
        expected=estimates[f"gain.{primary}@expected"],
        chosen=chosen,
        controls=controls,
        test=tested.get(f"gain.{primary}.test"),
        test_chosen=tested.get(f"gain.{primary}.test@chosen"),
        budget={metric: forecaster.budget(forecaster.all_rows(metric)) for metric in metrics},
        rare=rare_classes(ground) if labeled else (),
        needed=_needed(forecaster, expected, setup.min_gain),
        **_strangers(ground),
        blind=_is_blind(forecaster)
        if labeled
        else (ground.preferences and _guesses(forecaster)) or _no_skill(forecaster),
    )


_LIKE = ", on rows like those of the test set"
_EXPECTED = "expected gain of adding all rows to all real rows"
_CHOSEN = "expected gain at the recommended size, chosen on other folds of real rows"


def rare_classes(ground: GainLayout) -> tuple[str, ...]:
    """Classes that have real rows, but fewer than can be evaluated."""
    counts = np.bincount(ground.anchor_labels, minlength=len(ground.names))
    return tuple(ground.names[code] for code in np.flatnonzero((counts > 0) & (counts < FEW)))


def _strangers(ground: GainLayout) -> dict[str, Any]:
    """Labels that only synthetic rows have, and their number of rows."""
    if not ground.labeled:
        return {}
    codes = np.setdiff1d(ground.synthetic_label, ground.anchor_labels)
    rows = int(np.isin(ground.synthetic_label, codes).sum())
    return {"foreign": tuple(ground.names[code] for code in codes), "foreign_rows": rows}


def _is_blind(forecaster: Forecaster) -> bool:
    """Whether the proxy learns no more than the class distribution, in both variants."""
    trial, label = forecaster.experiment.trials[0], forecaster.label
    shares = np.zeros(label.size)
    for fold in np.unique(trial.fold):
        held = trial.fold == fold
        counts = np.bincount(label[~held], minlength=int(label.max()) + 1) + 1.0
        shares[held] = -np.log(counts / counts.sum())[label[held]]
    return _loses(forecaster, float(shares.mean()))


def _guesses(forecaster: Forecaster) -> bool:
    """Whether the proxy of preferences is no better than a guess, in both variants."""
    return _loses(forecaster, math.log(2))


def _no_skill(forecaster: Forecaster) -> bool:
    """Whether the proxy of other targets is no better than their distribution, in both variants."""
    trial = forecaster.experiment.trials[0]
    chance = trial.outcomes[Arm("anchors")].parts.get("chance")
    return chance is not None and _loses(forecaster, float(np.mean(chance)))


def _loses(forecaster: Forecaster, chance: float) -> bool:
    """Whether both variants have at least this loss."""
    trial = forecaster.experiment.trials[0]
    arms = (Arm("anchors"), Arm("both", 1.0, trial.most))
    return all(float(np.mean(trial.outcomes[arm].loss)) >= chance for arm in arms)


def _marks(ground: GainLayout, forecaster: Forecaster) -> tuple[str, ...]:
    """Warnings on every number of a forecast."""
    marks = []
    if ground.lineage.known < OPTIMISTIC:
        marks.append("optimistic")
    if forecaster.rows > FAR * min(trial.most for trial in forecaster.experiment.trials):
        marks.append("extrapolated")
    if forecaster.unsettled:
        marks.append("not converged")
    return tuple(marks)


def _prior(setup: Setup, ground: GainLayout) -> Floats | None:
    if setup.prior is None:
        return None
    return np.array([setup.prior.get(name, 0.0) for name in ground.names])


def _forecasts(forecaster: Forecaster, metrics: tuple[str, ...], design: Design) -> dict[str, Estimate]:
    out: dict[str, Estimate] = {}
    for metric in metrics:
        say = forecaster.estimate
        name = f"gain.{metric}"
        out[name] = say(forecaster.all_rows(metric), metric, "gain of adding all rows to all real rows")
        out[f"{name}@raw"] = say(forecaster.raw(metric), metric, "the same on the folds, without correction")
        if design.controls:
            only = "real rows replaced by the synthetic rows"
            repeated = "oversampling control (real rows repeated in place of synthetic rows), over the real rows"
            over = "gain over the oversampling control of the same size"
            out[f"{name}.synthetic_only"] = say(forecaster.synthetic_only(metric), metric, only)
            out[f"{name}.duplication"] = say(forecaster.duplication(metric), metric, repeated)
            out[f"{name}@over_duplication"] = say(forecaster.over_duplication(metric), metric, over)
        if design.balanced:
            weights = "real rows with class weights, over real rows without"
            equal = "gain of all rows with equal class weights in both variants"
            out[f"{name}.class_weights"] = say(forecaster.class_weights(metric), metric, weights)
            out[f"{name}@balanced"] = say(forecaster.balanced(metric), metric, equal)
    return out


def _controls(forecaster: Forecaster, metric: str, design: Design) -> dict[str, Estimate]:
    """The controls as expected, for the verdict."""
    out = {}
    if design.controls:
        over = forecaster.over_duplication(metric)
        out["duplication"] = forecaster.estimate(over, metric, "gain over the oversampling control", fresh=False)
    if design.balanced:
        equal = forecaster.balanced(metric)
        out["class_weights"] = forecaster.estimate(equal, metric, "gain with equal class weights", fresh=False)
    return out


def _controls_on_test(seen: Measured, metric: str) -> dict[str, Estimate]:
    """The same, as the test set measured them."""
    out = {}
    for arm in seen.outcomes:
        if arm.kind == "duplicated":
            out["duplication"] = seen.gain(metric, seen.both, arm)
        elif arm.balanced and arm.kind == "both":
            out["class_weights"] = seen.gain(metric, arm, Arm("anchors", balanced=True))
    return out


def _rare_classes(forecaster: Forecaster, ground: GainLayout) -> dict[str, Estimate]:
    """Macro-F1 of the classes with enough real rows; empty without rare classes."""
    rare = rare_classes(ground)
    codes = [ground.names.index(name) for name in rare]
    counted = ~np.isin(forecaster.label, codes)
    if not rare or np.unique(forecaster.label[counted]).size < 2:
        return {}
    trimmed = replace(forecaster, weight=np.where(counted, forecaster.weight, 0.0))
    estimand = f"gain of all rows on real rows of the other classes, without {', '.join(rare)}"
    return {"gain.macro_f1@frequent": trimmed.estimate(trimmed.all_rows("macro_f1"), "macro_f1", estimand)}


def _curves(forecaster: Forecaster, metrics: tuple[str, ...]) -> dict[str, Series]:
    out = {}
    for metric in metrics:
        amounts, gains = forecaster.curve(metric)
        intervals = [forecaster.estimate(gain, metric, "", fresh=False).interval(0.9) for gain in gains]
        out[f"gain.{metric}"] = Series(
            x_name="rows",
            x=(0.0, *map(float, amounts)),
            value=(0.0, *(gain.value for gain in gains)),
            lower=(0.0, *(low for low, _ in intervals)),
            upper=(0.0, *(high for _, high in intervals)),
        )
    return out


def _measure(task: Task, ground: GainLayout, streams: Streams, choice: RecommendedRows, setup: Setup) -> Measured:
    arms = [Arm("both", 1.0, choice.rows)] if 0 < choice.rows < len(ground.synthetic) else []
    if setup.design.controls:
        size = min(len(ground.synthetic), setup.design.most)
        arms += [Arm("synthetic", 1.0, size), Arm("duplicated", 1.0, size)]
        if setup.design.balanced and ground.labeled:
            arms += [Arm("anchors", balanced=True), Arm("both", 1.0, size, balanced=True)]
    weight = prior_weights(ground.label[ground.test], _prior(setup, ground))
    return measured(task, ground, streams, arms=arms, weight=weight, most=setup.design.most)


def _on_test(seen: Measured, metrics: tuple[str, ...], primary: str, choice: RecommendedRows) -> dict[str, Estimate]:
    out = {}
    for metric in metrics:
        out[f"gain.{metric}.test"] = seen.gain(metric)
        for arm in seen.outcomes:
            if arm.kind == "synthetic":
                only = "the synthetic rows in place of the real rows"
                out[f"gain.{metric}.synthetic_only@test"] = seen.gain(metric, arm, estimand=f"{only}{_LIKE}")
            elif arm.kind == "both" and arm.balanced:
                control = Arm("anchors", balanced=True)
                equal = f"gain of all rows with equal class weights in both variants{_LIKE}"
                out[f"gain.{metric}@balanced_test"] = seen.gain(metric, arm, control, equal)
            elif arm.kind == "duplicated":
                repeated = f"oversampling control (real rows repeated), over the real rows{_LIKE}"
                out[f"gain.{metric}.duplication@test"] = seen.gain(metric, arm, estimand=repeated)
                over = f"gain over the oversampling control{_LIKE}"
                out[f"gain.{metric}@over_duplication_test"] = seen.gain(metric, seen.both, arm, over)
    small = Arm("both", 1.0, choice.rows)
    if small in seen.outcomes:
        out[f"gain.{primary}.test@chosen"] = seen.gain(primary, small)
    return out


def _needed(forecaster: Forecaster, contrast: Contrast, min_gain: float) -> tuple[int, int]:
    looks = max(abs(contrast.value), min_gain)
    return forecaster.anchors_needed(contrast, looks), forecaster.anchors_needed(contrast, min_gain)
