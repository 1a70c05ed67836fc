"""Gains from surprisals: paired ratios of sums, uncertainty of rows and seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.inference.intervals import normal_intervals
from syngain.inference.ratios import paired_ratio
from syngain.training.student.time_budget import NAMES, Arm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.training.student.arm_store import ScoredArm


@dataclass(frozen=True, slots=True)
class Metric:
    """A ratio of sums over rows: loss over weight."""

    unit: str
    lost: str
    loss: Callable[[ScoredArm], Floats]
    size: Callable[[ScoredArm], Floats]


def _nats(scored: ScoredArm) -> Floats:
    return scored.outcome.loss


def _wrong(scored: ScoredArm) -> Floats:
    if scored.wrong is None:
        raise ValueError("rows without answer or label have no error")
    return scored.wrong


def _one(scored: ScoredArm) -> Floats:
    return np.ones(scored.outcome.loss.size)


METRICS: Mapping[str, Metric] = {
    "kl_gap": Metric(
        "nats per token", "surprisal of responses", _nats, lambda scored: scored.tokens.astype(np.float64)
    ),
    "nats_per_byte": Metric("nats per byte", "surprisal of responses", _nats, lambda scored: scored.outcome.size),
    "exact_match": Metric("share of rows", "responses that greedy decoding does not reproduce exactly", _wrong, _one),
    "log_loss": Metric("nats per row", "surprisal of the label among all labels", _nats, _one),
    "accuracy": Metric("share of rows", "wrong labels", _wrong, _one),
}
COMPARISONS: Mapping[str, tuple[Arm, Arm]] = {
    "": ("anchors", "both"),
    ".selected": ("anchors", "selected"),
    ".duplication": ("anchors", "duplicated"),
    ".synthetic_only": ("anchors", "synthetic"),
    "@over_duplication": ("duplicated", "both"),
}
MEASURED = {"": ".test", "@over_duplication": "@over_duplication_test"}
"""What these are called when there is a test set."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Outcomes of all seeds.

    Attributes:
        scored: variant to seed to what it scored. judged: the rows of each seed, in the order they were scored.
        cluster: near-duplicate cluster of every row that may be scored. forecast: whether these are real rows.
        marks: warnings that travel with every number. steps: that a variant could take at most.
        metrics: names of :data:`METRICS`.
    """

    scored: Mapping[Arm, Mapping[int, ScoredArm]]
    judged: Sequence[Ints]
    cluster: Ints
    forecast: bool
    marks: tuple[str, ...]
    steps: int
    metrics: tuple[str, ...] = ("kl_gap", "nats_per_byte")


def gains(evidence: Evidence) -> dict[str, Estimate]:
    """All estimates by id; positive is better. A variant that is missing has none."""
    found = {}
    for metric in evidence.metrics:
        if metric == "exact_match" and not _any_met(evidence):
            continue  # the interval of 0 minus 0 would have no width
        for suffix, pair in COMPARISONS.items():
            if all(evidence.scored.get(arm) for arm in pair):
                name = suffix if evidence.forecast else MEASURED.get(suffix, suffix)
                found[f"gain.{metric}{name}"] = _gain(evidence, metric, pair)
    return found


def levels(evidence: Evidence) -> dict[str, Estimate]:
    """``student.loss@arm=`` in the deciding measure, ``student.error@arm=`` if any."""
    names = {"student.loss": evidence.metrics[0]}
    errors = [name for name in evidence.metrics if METRICS[name].loss is _wrong]
    if errors and (errors[0] != "exact_match" or _any_met(evidence)):
        names["student.error"] = errors[0]
    return {
        f"{name}@arm={arm}": _level(evidence, METRICS[metric], arm)
        for name, metric in names.items()
        for arm, seeds in evidence.scored.items()
        if seeds
    }


def _level(evidence: Evidence, measure: Metric, arm: Arm) -> Estimate:
    seeds = sorted(set(evidence.scored[arm]) & set(range(len(evidence.judged))))
    scored = [evidence.scored[arm][seed] for seed in seeds]
    clusters = [
        evidence.cluster[evidence.judged[seed][: one.outcome.loss.size]]
        for seed, one in zip(seeds, scored, strict=True)
    ]
    value, error, freedom = paired_ratio(
        [measure.loss(one) for one in scored], [measure.size(one) for one in scored], clusters
    )
    return Estimate(
        value=value,
        unit=measure.unit,
        method=f"ratio of sums over rows and {len(seeds)} seeds, clustered by near-duplicate rows, seed variance added",
        estimand=f"{measure.lost}, student: {NAMES[arm]}",
        intervals=normal_intervals(value, error, freedom) if math.isfinite(error) else {},
        n=sum(one.outcome.loss.size for one in scored),
        clusters=int(np.unique(np.concatenate(clusters)).size),
        marks=evidence.marks,
    )


def _any_met(evidence: Evidence) -> bool:
    """Whether any variant reproduced a response exactly."""
    return any(bool((_wrong(one) < 1).any()) for seeds in evidence.scored.values() for one in seeds.values())


def _gain(evidence: Evidence, metric: str, pair: tuple[Arm, Arm]) -> Estimate:
    before, after = pair
    measure = METRICS[metric]
    seeds = sorted(set(evidence.scored[before]) & set(evidence.scored[after]) & set(range(len(evidence.judged))))
    differences, sizes, rows = [], [], []
    for seed in seeds:
        first, second = evidence.scored[before][seed], evidence.scored[after][seed]
        count = min(first.outcome.loss.size, second.outcome.loss.size)
        differences.append(measure.loss(first)[:count] - measure.loss(second)[:count])
        sizes.append(measure.size(first)[:count])
        rows.append(evidence.judged[seed][:count])
    clusters = [evidence.cluster[chosen] for chosen in rows]
    replicates = _replicates(evidence, metric, seeds)
    value, error, freedom = paired_ratio(differences, sizes, clusters, replicates)
    where = "held-out real rows, trained on three quarters of them" if evidence.forecast else "test rows"
    marks = tuple(mark for mark in evidence.marks if mark != "one seed") + (("one seed",) if len(seeds) == 1 else ())
    return Estimate(
        value=value,
        unit=measure.unit,
        method=f"low-rank adapters of a causal language model, up to {evidence.steps} steps in every variant, "
        f"{len(seeds)} seeds; paired ratio of sums, clustered by near-duplicate rows"
        + (", seed variance added (Satterthwaite)" if len(seeds) + len(replicates) > 1 else ""),
        estimand=f"{measure.lost}, {NAMES[before]} minus {NAMES[after]}, on {where}",
        intervals=normal_intervals(value, error, freedom) if math.isfinite(error) else {},
        n=int(np.unique(np.concatenate(rows)).size),
        clusters=int(np.unique(np.concatenate(clusters)).size),
        direction="forecast" if evidence.forecast else "estimate",
        marks=marks,
    )


def _replicates(evidence: Evidence, metric: str, seeds: Sequence[int]) -> list[float]:
    """Seed noise: real rows minus the oversampling control at equal steps and rate.

    Then the two variants differ in the order of the rows and the adapter's start, as two seeds of one variant do. A
    single seed gives no estimate of its noise, which is as large as many gains.
    """
    out = []
    measure = METRICS[metric]
    for seed in seeds:
        first, second = (evidence.scored.get(arm, {}).get(seed) for arm in ("anchors", "duplicated"))
        if first and second and first.step == second.step > 0 and first.rate == second.rate:
            count = min(first.outcome.loss.size, second.outcome.loss.size)
            difference = float((measure.loss(first)[:count] - measure.loss(second)[:count]).sum())
            out.append(difference / float(measure.size(first)[:count].sum()))
    return out
