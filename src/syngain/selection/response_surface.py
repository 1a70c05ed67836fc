"""Mixture weights from a few proxy runs, by a quadratic response surface.

Proxy models train on mixtures of real rows and datasets of equal size, evaluated on held-out real rows. The loss
is fitted by Scheffe's polynomial ``sum b_i p_i + sum b_ij p_i p_j`` [scheffe1958]. As least squares is linear in the
losses, the difference of any two mixtures is a fixed combination of losses of the same real row, hence its interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.estimate import Estimate
from syngain.core.folders.finished_units import Arrays, FinishedUnits
from syngain.core.progress import Progress, silent
from syngain.gain.forecast import UNITS
from syngain.gain.proxies.task import Training
from syngain.inference.clusters import clustered_freedom, clustered_variance, shared_training
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.gain.proxies.task import Task
    from syngain.selection.matched_sets import MatchedSets

STEPS = 20  # of the grid of mixtures along an edge
FEWEST = 20  # rows of every dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class SurfaceDesign:
    """How proxies are run: ``folds`` of the real rows, ``most`` rows of a mixture."""

    folds: int = 5
    most: int = 2_000


@dataclass(frozen=True)
class ResponseSurface:
    """Losses of mixtures by real row.

    Attributes:
        names: of the parts, the real rows first. points: mixtures that were run (r, k). losses: of each real row (r,
            n), so that their mean is the metric. fold, cluster: of each real row (n,). size: rows of a mixture. unit:
            of a loss.
        allowed: parts that may get weight (k,); None for all.
    """

    names: Sequence[str]
    points: Floats
    losses: Floats
    fold: Ints
    cluster: Ints
    size: int
    unit: str
    allowed: Flags | None = None

    @property
    def tried(self) -> Floats:
        """The mixtures among which the best one is sought: those of allowed parts only, shape (q, k)."""
        every = grid(len(self.names))
        return every if self.allowed is None else every[(every[:, ~self.allowed] == 0).all(axis=1)]

    def weights(self, at: Floats) -> Floats:
        """Weights of the runs (q, r) whose combination is the surface at mixtures (q, k)."""
        return np.asarray(_terms(at) @ np.linalg.pinv(_terms(self.points)))

    def best(self, rows: Ints | None = None) -> Floats:
        """The grid mixture with the smallest loss on these real rows (default: all)."""
        tried = self.tried
        mean = (self.losses if rows is None else self.losses[:, rows]).mean(axis=1)
        return np.asarray(tried[int(np.argmin(self.weights(tried) @ mean))])

    def over(self, baseline: Floats, estimand: str) -> Estimate:
        """Gain of the best mixture over a baseline, chosen on other folds."""
        return self._over(lambda _: baseline, estimand)

    def over_best_part(self, estimand: str) -> Estimate:
        """Gain of the best mixture over the best single part, both chosen on other folds."""
        return self._over(self.best_part, estimand)

    def best_part(self, rows: Ints | None = None) -> Floats:
        """The allowed part with the smallest loss alone on these real rows (default: all), as a mixture (k,)."""
        alone = np.eye(len(self.names))
        mean = (self.losses if rows is None else self.losses[:, rows]).mean(axis=1)
        loss = self.weights(alone) @ mean
        worst = np.zeros(loss.size, dtype=bool) if self.allowed is None else ~self.allowed
        return np.asarray(alone[int(np.argmin(np.where(worst, np.inf, loss)))])

    def _over(self, baseline: Callable[[Ints], Floats], estimand: str) -> Estimate:
        paired = np.empty(self.fold.size)
        for f in np.unique(self.fold):
            held = self.fold == f
            others = np.flatnonzero(~held)
            weights = self.weights(np.vstack([baseline(others), self.best(others)]))
            paired[held] = (weights[0] - weights[1]) @ self.losses[:, held]
        return self._estimate(paired, estimand)

    def gain(self, mixture: Floats, baseline: Floats, estimand: str) -> Estimate:
        """The gain of a fixed mixture over a baseline."""
        weights = self.weights(np.vstack([baseline, mixture]))
        return self._estimate((weights[0] - weights[1]) @ self.losses, estimand)

    def moved(self, rng: np.random.Generator, draws: int = 200) -> tuple[Floats, Floats]:
        """90% range of the best mixture over resampled real rows: low, high (k,)."""
        tried = self.tried
        weights = self.weights(tried)
        code = np.unique(self.cluster, return_inverse=True)[1]
        found = []
        for _ in range(draws):
            times = np.bincount(rng.integers(0, code.max() + 1, code.max() + 1), minlength=code.max() + 1)[code]
            found.append(tried[int(np.argmin(weights @ (self.losses @ times)))])
        low, high = np.quantile(found, [0.05, 0.95], axis=0)
        return low, high

    def _estimate(self, paired: Floats, estimand: str) -> Estimate:
        folds = int(self.fold.max()) + 1
        error = math.sqrt(clustered_variance(paired, self.cluster) * shared_training(folds))
        value = float(paired.mean())
        return Estimate(
            value=value,
            intervals=normal_intervals(value, error, max(clustered_freedom(paired, self.cluster), 2.0)),
            n=paired.size,
            clusters=int(np.unique(self.cluster).size),
            unit=self.unit,
            method=f"quadratic surface over {len(self.points)} mixtures of {self.size:,} rows; held-out real rows",
            estimand=estimand,
            direction="forecast",
        )


def design(parts: int) -> Floats:
    """Mixtures to run (r, k): each part alone, each pair in halves, equal proportions."""
    alone = np.eye(parts)
    pairs = [(alone[i] + alone[j]) / 2 for i, j in combinations(range(parts), 2)]
    middle = [np.full(parts, 1 / parts)] if parts > 2 else []
    return np.vstack([alone, *pairs, *middle])


def grid(parts: int) -> Floats:
    """All mixtures in steps of 1/20 (coarser for more than four parts), shape (q, k)."""
    steps = STEPS if parts <= 4 else 10 if parts <= 6 else 5
    cuts = list(combinations(range(steps + parts - 1), parts - 1))
    inner = np.array(cuts, dtype=np.int64).reshape(len(cuts), parts - 1)
    edges = np.hstack([np.full((len(cuts), 1), -1), inner, np.full((len(cuts), 1), steps + parts - 1)])
    return (np.diff(edges, axis=1) - 1) / steps


def surface(
    rivals: MatchedSets,
    plan: SurfaceDesign,
    *,
    units: FinishedUnits | None = None,
    progress: Progress = silent,
) -> ResponseSurface:
    """Run proxy models on mixtures of the real rows and all datasets.

    ``units`` keeps the finished runs.

    Real rows are repeated in turn until they fill their proportion.

    Raises:
        InputError: a dataset has too few rows that could have been made without the held-out real rows.
    """
    ground, sets, kept = rivals.ground, len(rivals.names), units or FinishedUnits()
    fold = ground.lineage.folds(plan.folds, rivals.streams.stream("mix folds"))
    count = int(fold.max()) + 1
    allowed = [np.flatnonzero(ground.lineage.made_from(fold != f)) for f in range(count)]
    have = np.min([np.bincount(rivals.member[rows], minlength=sets) for rows in allowed], axis=0)
    if have.min() < FEWEST:
        poor = int(np.argmin(have))
        raise InputError(
            f"{rivals.names[poor]} has {have[poor]} rows that were not made from a held-out fold of real rows",
            expected=f"at least {FEWEST} such rows of every dataset",
            todo=f"add rows to {rivals.names[poor]}, or omit it",
        )
    size = int(min(have.min(), plan.most))
    points = design(sets + 1)
    losses, sizes = np.zeros((len(points), fold.size)), np.ones(fold.size)
    order = rivals.streams.stream("mix rows").permutation(rivals.member.size)
    for f in range(count):
        held, anchors = np.flatnonzero(fold == f), np.flatnonzero(fold != f)
        bench = rivals.task.within(anchors, allowed[f])
        rows = order[np.isin(order, allowed[f])]
        for index, point in enumerate(points):
            progress(f"mixtures on fold {f + 1} of {count}", (f * len(points) + index) / (count * len(points)))
            training = _training(point, size, anchors, [rows[rivals.member[rows] == code] for code in range(sets)])

            def measured(training: Training = training, held: Ints = held, f: int = f, bench: Task = bench) -> Arrays:
                outcome = bench.judge(training, held, rivals.streams.stream("inner", str(f)))
                return {"loss": outcome.loss, "size": outcome.size}

            found = kept.unit(f"fold {f}, mixture {index}", measured)
            losses[index, held], sizes[held] = found["loss"], found["size"]
    unit = UNITS[ground.metrics[0]]
    return ResponseSurface(
        ("anchors", *rivals.names), points, losses / sizes.mean(), fold, ground.lineage.group, size, unit
    )


def _training(point: Floats, size: int, anchors: Ints, sets: Sequence[Ints]) -> Training:
    counts = np.round(point * size).astype(int)
    real = anchors[np.arange(counts[0]) % anchors.size] if counts[0] else np.empty(0, dtype=np.int64)
    drawn = [rows[:number] for rows, number in zip(sets, counts[1:], strict=True)]
    return Training(real, np.sort(np.concatenate(drawn)).astype(np.int64))


def _terms(at: Floats) -> Floats:
    pairs = [at[:, i] * at[:, j] for i, j in combinations(range(at.shape[1]), 2)]
    return np.column_stack([at, *pairs])
