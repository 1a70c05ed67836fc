"""What a repair removes: shares of a loss increase, as ratios of paired sums with Fieller's interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate
from syngain.inference.intervals import LEVELS, clustered_freedom, normal_intervals, satterthwaite
from syngain.training.repair.pattern_metrics import SEEDS_ADDED
from syngain.training.student.estimates import paired_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.training.repair.pattern_metrics import State

REPAIRS, PREVENTIONS = ("replay", "forget", "both"), ("mix", "jitter")


def removals(states: Mapping[str, Sequence[State]], clusters: Sequence[Ints]) -> dict[str, Estimate]:
    """Every contrast of the arms, by id.

    ``repair.increase``: loss of the overfitted model minus the untrained one's, nats per token. ``repair.removed@arm``:
    the share of it that a repair removes, or a prevention avoids; above 1 the model is better than untrained.
    ``repair.added@forget``: what the forgetting loss removes on top of replay. ``repair.left@arm``: loss of a repaired
    model minus that of one that learned from the same real rows alone, which never saw the set.

    Args:
        states: by arm, one per seed, of the same rows in every arm.
        clusters: of the rows of each seed.
    """
    over, untrained = states["overfitted"], states["untrained"]
    increase = _gaps(over, untrained)
    found = {"repair.increase": _difference(over, untrained, clusters, "overfitted minus untrained")}
    for arm in (*REPAIRS, *PREVENTIONS):
        if arm in states:
            did = "avoids" if arm in PREVENTIONS else "removes"
            words = f"share of the loss increase that {arm} {did}"
            found[f"repair.removed@{arm}"] = _share(_gaps(over, states[arm]), increase, clusters, words)
        if arm in states and arm in REPAIRS and "anchors" in states:
            words = f"{arm} minus the same real rows alone"
            found[f"repair.left@{arm}"] = _difference(states[arm], states["anchors"], clusters, words)
    if "replay" in states and "both" in states:
        words = "share of the loss increase that the forgetting loss removes on top of replay"
        found["repair.added@forget"] = _share(_gaps(states["replay"], states["both"]), increase, clusters, words)
    return found


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of two sums and, by level, the values its test does not reject.

    All numbers where these are no interval, which is when the sum below cannot be told from zero.
    """

    value: float
    intervals: Mapping[float, tuple[float, float]]


def fieller(above: Sequence[Floats], below: Sequence[Floats], clusters: Sequence[Ints]) -> Ratio:
    """Fieller's interval [fieller1954] of sum of ``above`` over sum of ``below``, one array of each per seed.

    With D, S the two sums, all theta with (D - theta S)^2 <= t^2 (V_DD - 2 theta V_DS + theta^2 V_SS). V adds two
    covariances: of the sums over clusters, a cluster's rows taken together over all seeds, G / (G - 1) sum of products;
    and of the sums over seeds, K times their sample covariance, as seeds are a sample of runs. As these hold row noise
    too, V errs on the wide side. Degrees of freedom by Satterthwaite at the estimate.
    """
    units = np.unique(np.concatenate(list(clusters)), return_inverse=True)[1]
    pairs = np.array([np.concatenate(list(above)), np.concatenate(list(below))])
    sums = pairs.sum(axis=1)
    value = float(sums[0] / sums[1]) if sums[1] else math.nan
    grouped = np.array([np.bincount(units, weights=row) for row in pairs])
    if grouped.shape[1] < 2 or not math.isfinite(value):
        return Ratio(value, dict.fromkeys(LEVELS, (-math.inf, math.inf)))
    by_rows = np.cov(grouped) * grouped.shape[1]
    by_seeds = np.zeros((2, 2))
    if len(above) > 1:
        by_seeds = np.cov([[row.sum() for row in above], [row.sum() for row in below]]) * len(above)
    direction = np.array([1.0, -value])
    freedom = satterthwaite(
        (float(direction @ by_rows @ direction), clustered_freedom(pairs[0] - value * pairs[1], units)),
        (float(direction @ by_seeds @ direction), max(len(above) - 1.0, 1.0)),
    )
    return Ratio(value, {level: _roots(sums, by_rows + by_seeds, level, freedom) for level in LEVELS})


def _roots(sums: Floats, covariance: Floats, level: float, freedom: float) -> tuple[float, float]:
    """The solutions of a theta^2 - 2 b theta + c <= 0."""
    tail = (1 - level) / 2
    square = float(stats.norm.isf(tail) if math.isinf(freedom) else stats.t.isf(tail, freedom)) ** 2
    (c, b), (_, a) = np.outer(sums, sums) - square * covariance
    inside = b * b - a * c
    if a <= 0 or inside < 0:
        return (-math.inf, math.inf)
    value = float(sums[0] / sums[1])
    return (min(float(b - math.sqrt(inside)) / float(a), value), max(float(b + math.sqrt(inside)) / float(a), value))


def _gaps(before: Sequence[State], after: Sequence[State]) -> list[Floats]:
    return [first.loss - second.loss for first, second in zip(before, after, strict=True)]


def _difference(before: Sequence[State], after: Sequence[State], clusters: Sequence[Ints], words: str) -> Estimate:
    tokens = [state.tokens.astype(np.float64) for state in before]
    value, error, freedom = paired_ratio(_gaps(before, after), tokens, clusters)
    return Estimate(
        value=value,
        unit="nats per token",
        method=f"paired ratio of sums over rows and {len(before)} seeds, {SEEDS_ADDED}",
        estimand=f"surprisal of the responses of held-out real rows, {words}",
        intervals=normal_intervals(value, error, freedom) if math.isfinite(error) else {},
        n=int(sum(own.size for own in tokens)),
        clusters=int(np.unique(np.concatenate(list(clusters))).size),
        marks=_marks(before),
    )


def _share(above: Sequence[Floats], below: Sequence[Floats], clusters: Sequence[Ints], words: str) -> Estimate:
    found = fieller(above, below, clusters)
    return Estimate(
        value=found.value,
        unit="share",
        method=f"ratio of paired sums over rows and {len(above)} seeds; Fieller's interval, {SEEDS_ADDED}",
        estimand=f"{words}, on held-out real rows",
        intervals=found.intervals,
        n=int(sum(own.size for own in above)),
        clusters=int(np.unique(np.concatenate(list(clusters))).size),
        marks=_marks(above),
    )


def _marks(seeds: Sequence[object]) -> tuple[str, ...]:
    return ("one seed",) if len(seeds) == 1 else ()
