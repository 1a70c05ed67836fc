"""Simulations of labeled embeddings with known gain, to test ``gain``.

Classes are Gaussian. The true gain of a proxy trained on these real and synthetic rows is its gain on a fresh draw of
the simulation, large enough for negligible noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.rng import Streams
from syngain.gain.design.cross_validation import Arm, Design, experiment, training
from syngain.gain.design.lineage import Lineage
from syngain.gain.forecast import Forecaster
from syngain.gain.outcome.effects import Effect, effect
from syngain.gain.proxies.labels import LabelTask
from syngain.gain.proxies.metrics import LABEL_METRICS, METRICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats, Ints

Kind = Literal["more", "noisy", "shifted", "paraphrase", "random", "null"]
KINDS: tuple[Kind, ...] = ("more", "noisy", "shifted", "paraphrase", "random")
FRESH = 20_000


@dataclass(frozen=True, slots=True)
class GainWorld:
    """A simulation and its generator.

    Attributes:
        kind: ``more``, rows of the same distribution; ``noisy``, a third of the labels redrawn; ``shifted``, means
            moved; ``paraphrase``, rows near a real row with its label; ``random``, rows of the same distribution with
            any label; ``null``, rows in directions that no real row has, with shuffled real labels: true gain 0.
        ``anchors``: number of real rows. ratio: synthetic rows per real row. classes, dimensions: of the simulation.
            distance: scale of the means.
    """

    kind: Kind
    anchors: int
    ratio: int = 5
    classes: int = 3
    dimensions: int = 10
    distance: float = 0.6


@dataclass(frozen=True)
class Known:
    """A draw of a simulation: real rows, synthetic rows with sources, and fresh rows."""

    anchors: tuple[Floats, Ints]
    synthetic: tuple[Floats, Ints]
    source: Ints
    fresh: tuple[Floats, Ints]


@dataclass(frozen=True)
class GainTrial:
    """Forecast versus truth, by metric: values, true gains, 90% intervals.

    The intervals are of the expected gain.

    Attributes:
        effect: the decision of the equivalence rule on the log-loss. wrong: whether the truth contradicts it.
    """

    value: Mapping[str, float]
    truth: Mapping[str, float]
    interval: Mapping[str, tuple[float, float]]
    effect: Effect
    wrong: bool

    def covers(self, metric: str) -> bool:
        """Whether the interval contains the true value."""
        low, high = self.interval[metric]
        return low <= self.truth[metric] <= high


def draw(world: GainWorld, rng: np.random.Generator) -> Known:
    """Real, synthetic and fresh rows of a new simulation of this kind."""
    means = rng.normal(size=(world.classes, world.dimensions)) * world.distance

    def rows(count: int, at: Floats = means) -> tuple[Floats, Ints]:
        y = rng.integers(0, world.classes, count)
        return at[y] + rng.normal(size=(count, world.dimensions)), y

    anchors, fresh = rows(world.anchors), rows(FRESH)
    count = world.ratio * world.anchors
    source = np.full(count, -1)
    X, y = rows(count)
    if world.kind == "random":
        y = rng.integers(0, world.classes, count)
    elif world.kind == "noisy":
        y = np.where(rng.random(count) < 1 / 3, rng.integers(0, world.classes, count), y)
    elif world.kind == "shifted":
        X, y = rows(count, means + rng.normal(size=means.shape) * world.distance / 2)
    elif world.kind == "paraphrase":
        source = rng.integers(0, world.anchors, count)
        X, y = anchors[0][source] + rng.normal(size=X.shape) / 2, anchors[1][source]
    elif world.kind == "null":
        X, y = rng.normal(size=(count, 3)), rng.permutation(np.tile(anchors[1], world.ratio))
        return Known(
            _padded(anchors, 3), (np.hstack([np.zeros((count, world.dimensions)), X]), y), source, _padded(fresh, 3)
        )
    return Known(anchors, (X, y), source, fresh)


def _padded(rows: tuple[Floats, Ints], more: int) -> tuple[Floats, Ints]:
    """The same rows with additional constant directions."""
    return np.hstack([rows[0], np.zeros((rows[1].size, more))]), rows[1]


def trial(world: GainWorld, seed: int, *, design: Design | None = None, min_gain: float = 0.01) -> GainTrial:
    """Forecast the gain in a new draw of the simulation and compare it with the truth."""
    rng = np.random.default_rng([seed, world.anchors, *map(ord, world.kind)])
    known, streams = draw(world, rng), Streams(seed)
    task, lineage = _task(world, known), _lineage(known)
    chosen = design or Design(amounts=1, controls=False, balanced=False)
    found = experiment(task, lineage, streams, design=chosen)
    ones = np.ones(world.anchors)
    forecaster = Forecaster(found, known.anchors[1], ones, known.source.size)
    truth = _truth(task, lineage, known, streams)
    value, interval = {}, {}
    for metric in LABEL_METRICS:
        estimate = forecaster.estimate(forecaster.all_rows(metric), metric, "gain", fresh=False)
        value[metric], interval[metric] = estimate.value, estimate.interval(0.9)
        if metric == "log_loss":
            said = effect(estimate, min_gain)
    return GainTrial(value, truth, interval, said, _contradicts(said, truth["log_loss"], min_gain))


def _contradicts(said: Effect, truth: float, min_gain: float) -> bool:
    """Whether the decision contradicts the true gain.

    A false gain, a false equivalence, or a false harm.
    """
    return {
        "gain": truth <= 0,
        "harm": truth >= 0,
        "no_gain": truth >= min_gain,
        "cannot_tell": False,
    }[said]


def _lineage(known: Known) -> Lineage:
    return Lineage.of(known.source, np.arange(known.anchors[1].size + known.source.size))


def _task(world: GainWorld, known: Known) -> LabelTask:
    (A, a), (S, s), (F, f) = known.anchors, known.synthetic, known.fresh
    lineage = _lineage(known)
    return LabelTask(
        real=np.vstack([A, F]),
        synthetic=S,
        label=np.concatenate([a, f]),
        synthetic_label=s,
        unit=np.concatenate([lineage.group, a.size + s.size + np.arange(f.size)]),
        synthetic_unit=lineage.unit,
        classes=world.classes,
    )


def _truth(task: LabelTask, lineage: Lineage, known: Known, streams: Streams) -> dict[str, float]:
    anchors, rows = np.arange(known.anchors[1].size), np.arange(known.source.size)
    fresh = anchors.size + np.arange(known.fresh[1].size)
    ones = np.ones(fresh.size)
    arms = (Arm("anchors"), Arm("both", 1.0, rows.size))
    before, after = (task.judge(training(arm, anchors, rows, lineage), fresh, streams.stream("truth")) for arm in arms)
    scores = {name: METRICS[name] for name in LABEL_METRICS}
    y = known.fresh[1]
    return {name: float((of(after, y, ones) - of(before, y, ones)).mean()) for name, of in scores.items()}
