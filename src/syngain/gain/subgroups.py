"""Gains per class, slice and generator; agreement of learners."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from syngain.core.estimate import Estimate, holm
from syngain.gain.design.cross_validation import Arm, pooled
from syngain.gain.design.lineage import drawn
from syngain.gain.forecast import UNITS
from syngain.gain.proxies.metrics import METRICS
from syngain.gain.proxies.task import Training
from syngain.inference.clusters import clustered_freedom, clustered_variance, satterthwaite, shared_training
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.cross_validation import Experiment
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.forecast import Contrast, Forecaster
    from syngain.gain.proxies.task import Outcome, Task

FEW = 4  # a part with fewer real rows is named, not measured
FOLDS = 5
DRAWS = 200
MOST_LABELS = 30


def part_gains(
    forecaster: Forecaster, contrast: Contrast, metric: str, parts: Mapping[str, Flags], *, kind: str
) -> dict[str, Estimate]:
    """Gain on each part of the real rows, p-values adjusted by Holm.

    Args:
        forecaster: of the whole.
        contrast: the gain per real row.
        metric: a mean of rows, not macro-F1.
        parts: name to flags of the real rows (n,).
        kind: ``class`` or the name of the slice.
    """
    group = forecaster.experiment.lineage.group
    out: dict[str, Estimate] = {}
    for name, rows in parts.items():
        if np.unique(group[rows]).size < FEW:
            continue
        values = contrast.influence[rows]
        error = math.sqrt(clustered_variance(values, group[rows]) * contrast.inflation)
        freedom = max(clustered_freedom(values, group[rows]), 1.0)
        value = float(values.mean())
        out[f"gain.{metric}@{kind}={name}"] = Estimate(
            value=value,
            intervals=normal_intervals(value, error, freedom),
            null=None,
            p=float(2 * stats.t.sf(abs(value) / error, freedom)) if error > 0 else None,
            n=int(rows.sum()),
            clusters=int(np.unique(group[rows]).size),
            unit=UNITS[metric],
            method=f"forecast on the real rows of one {kind}; p by Student's t, Holm over the {kind} parts",
            estimand=f"expected gain on rows of this {kind}",
            direction="forecast",
            marks=forecaster.marks,
        )
    adjusted = holm({name: item.p for name, item in out.items() if item.p is not None})
    return {name: item.adjusted(adjusted[name]) if name in adjusted else item for name, item in out.items()}


def label_gains(forecaster: Forecaster, names: Sequence[str], metrics: Sequence[str]) -> dict[str, Estimate]:
    """Gains on each of the most frequent labels of label sets: its own log-loss and F1."""
    anchors = forecaster.experiment.trials[0].outcomes[Arm("anchors")]
    counts = anchors.parts["true"].sum(axis=0)
    out = {}
    for code in np.argsort(-counts, kind="stable")[:MOST_LABELS].tolist():
        if counts[code] < FEW:
            continue
        trials = [
            replace(trial, outcomes={arm: _of_label(item, code) for arm, item in trial.outcomes.items()}, pairs=None)
            for trial in forecaster.experiment.trials
        ]
        one = replace(forecaster, experiment=replace(forecaster.experiment, trials=trials))
        for metric in metrics:
            estimand = f"expected gain on the label {names[code]} alone"
            found = one.estimate(one.all_rows(metric), metric, estimand, fresh=False)
            out[f"gain.{metric}@label={names[code]}"] = found
    return out


def _of_label(outcome: Outcome, code: int) -> Outcome:
    """The outcome on one label of label sets."""
    parts = {name: values[:, [code]] for name, values in outcome.parts.items() if values.ndim > 1}
    return replace(outcome, loss=outcome.parts["losses"][:, code], parts=parts)


def rank_agreement(experiments: Mapping[str, Experiment], label: Ints, metric: str, streams: Streams) -> Estimate:
    """Mean Spearman correlation of learners' orders of the variants.

    Interval by a bootstrap of the real rows' groups (percentiles of 200 draws).
    """
    trials = {name: found.trials[0] for name, found in experiments.items()}
    arms = [arm for arm in next(iter(trials.values())).outcomes if all(arm in t.outcomes for t in trials.values())]
    ones = np.ones(label.size)
    scores = np.array([[METRICS[metric](t.outcomes[arm], label, ones) for arm in arms] for t in trials.values()])
    group = np.unique(next(iter(experiments.values())).lineage.group, return_inverse=True)[1]
    rng = streams.stream("ranks")
    draws = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(0, group.max() + 1, group.max() + 1), minlength=group.max() + 1)[group]
        draws.append(_agreement(scores @ times / times.sum()))
    value = _agreement(scores.mean(axis=2))
    quantiles = {level: np.quantile(draws, [(1 - level) / 2, (1 + level) / 2]) for level in (0.90, 0.95)}
    return Estimate(
        value=value,
        intervals={level: (float(low), float(high)) for level, (low, high) in quantiles.items()},
        n=label.size,
        clusters=int(group.max()) + 1,
        unit="rank correlation",
        method=f"Spearman over {len(arms)} variants, mean over pairs of {', '.join(experiments)}; bootstrap of rows",
        estimand=f"agreement of proxy models on the order of the variants by {metric}",
        references={"same order": 1.0},
    )


def _agreement(means: Floats) -> float:
    ranks = np.array([stats.rankdata(row) for row in means])
    correlation = np.corrcoef(ranks)
    return float(correlation[np.triu_indices(len(means), 1)].mean())


def generator_gains(
    task: Task, ground: GainLayout, names: Sequence[str], *, metric: str, streams: Streams
) -> tuple[dict[str, Estimate], Estimate]:
    """Gain of each generator's rows at equal size, that of a new generator and of averaged models, and the spread.

    The spread is the standard deviation between generators with the mean variance of their estimates taken off
    (a method of moments); where that leaves a negative variance the spread is minus its root, never clipped.
    """
    lineage, label = ground.lineage, ground.anchor_labels
    scores, averaged = _by_generator(task, ground, metric, streams)
    values = scores.mean(axis=1)
    group = np.unique(lineage.group, return_inverse=True)[1]
    rng = streams.stream("generators")
    draws = []
    for _ in range(DRAWS):
        times = np.bincount(rng.integers(0, group.max() + 1, group.max() + 1), minlength=group.max() + 1)[group]
        draws.append(scores @ times / times.sum())
    centered = np.array(draws) - np.array(draws).mean(axis=1, keepdims=True)
    noise = float(centered.var(axis=0).sum() / (values.size - 1))
    between = float(values.var(ddof=1))
    spreads = [_signed_root(float(draw.var(ddof=1)) - 2 * noise) for draw in np.array(draws)]
    inflation = shared_training(FOLDS)
    estimates = {}
    for name, row in zip(names, scores, strict=True):
        error = math.sqrt(clustered_variance(row, lineage.group) * inflation)
        estimates[f"gain.{metric}@generator={name}"] = Estimate(
            value=float(row.mean()),
            intervals=normal_intervals(float(row.mean()), error, max(clustered_freedom(row, lineage.group), 1.0)),
            n=label.size,
            unit=UNITS[metric],
            method="rows of one generator, as many from each, cross-validated over the real rows",
            estimand="gain of this generator's rows",
            direction="forecast",
        )
    estimates |= _of_recipe(scores, averaged, lineage.group, max(between - noise, 0.0), metric)
    levels = {level: np.quantile(spreads, [(1 - level) / 2, (1 + level) / 2]) for level in (0.90, 0.95)}
    spread = Estimate(
        value=_signed_root(between - noise),
        intervals={level: (float(low), float(high)) for level, (low, high) in levels.items()},
        n=values.size,
        clusters=values.size,
        unit=UNITS[metric],
        method=f"standard deviation of the gains of {values.size} generators, noise of the real rows subtracted",
        estimand="standard deviation of the gain between generators of this kind",
        references={"without taking noise off": math.sqrt(between)},
    )
    return estimates, spread


def _of_recipe(
    scores: Floats, averaged: Floats | None, group: Ints, between: float, metric: str
) -> dict[str, Estimate]:
    """The gain of a new generator of this kind, and that of averaged predictions of one model per generator."""
    values, count = scores.mean(axis=1), len(scores)
    inflation = shared_training(FOLDS)

    def of(rows: Floats, more: float, method: str, estimand: str, references: Mapping[str, float]) -> Estimate:
        within = clustered_variance(rows, group) * inflation
        freedom = satterthwaite((within, max(clustered_freedom(rows, group), 1.0)), (more, count - 1.0))
        return Estimate(
            value=float(rows.mean()),
            intervals=normal_intervals(float(rows.mean()), math.sqrt(within + more), freedom),
            n=rows.size,
            clusters=count,
            unit=UNITS[metric],
            method=method,
            estimand=estimand,
            direction="forecast",
            references=references,
        )

    references = {} if count < FEW else {"left out generators inside": left_out_inside(values)}
    out = {
        f"gain.{metric}@generator=new": of(
            scores.mean(axis=0),
            between * (1 + 1 / count),
            "mean of the generators' gains; variance of real rows, and between generators for their mean and a new one",
            "gain of the rows of a new generator of this kind",
            references,
        )
    }
    if averaged is not None:
        out[f"gain.{metric}@generator=averaged"] = of(
            averaged,
            0.0,
            f"probabilities averaged over {count} models, each trained on the real rows and those of one generator",
            "gain of averaged models",
            {"mean of single models": float(values.mean())},
        )
    return out


def left_out_inside(values: Floats) -> float:
    """The fraction of generators whose gain lies in the 90% prediction interval of the others' (generators,)."""
    held = []
    for at, value in enumerate(values.tolist()):
        others = np.delete(values, at)
        half = stats.t.ppf(0.95, others.size - 1) * others.std(ddof=1) * math.sqrt(1 + 1 / others.size)
        held.append(abs(value - others.mean()) <= half)
    return float(np.mean(held))


def _by_generator(task: Task, ground: GainLayout, metric: str, streams: Streams) -> tuple[Floats, Floats | None]:
    """Influence on the gain of every generator's rows (generators, n), equal numbers; of averaged models (n,).

    None where outcomes are more than a surprisal.
    """
    lineage, label = ground.lineage, ground.anchor_labels
    generator = np.zeros(0, dtype=np.int64) if ground.generators is None else ground.generators
    codes = np.unique(generator)
    fold = lineage.folds(FOLDS, streams.stream("folds"))
    order = streams.stream("rows").permutation(generator.size)
    masks = [lineage.made_from(fold != f) for f in range(int(fold.max()) + 1)]
    size = min(int((mask & (generator == code)).sum()) for mask in masks for code in codes)
    found: list[list[tuple[Ints, Outcome]]] = [[] for _ in range(codes.size + 1)]
    none = np.empty(0, dtype=np.int64)
    for f, mask in enumerate(masks):
        held, anchors = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        arms = [none, *(drawn(mask & (generator == code), size, order) for code in codes)]
        for index, rows in enumerate(arms):
            outcome = task.judge(Training(anchors, rows), held, streams.stream("inner", str(f)))
            found[index].append((held, outcome))
    ones = np.ones(label.size)
    outcomes = [pooled(parts, label.size) for parts in found]
    scored = [METRICS[metric](one, label, ones) for one in outcomes]
    averaged = None
    if not outcomes[0].parts:
        losses = np.array([one.loss for one in outcomes[1:]])
        mixed = replace(outcomes[1], loss=np.log(len(losses)) - logsumexp(-losses, axis=0))
        averaged = METRICS[metric](mixed, label, ones) - scored[0]
    return np.array(scored[1:]) - scored[0], averaged


def _signed_root(variance: float) -> float:
    return math.copysign(math.sqrt(abs(variance)), variance)
