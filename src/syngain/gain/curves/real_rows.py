"""The learning curve of real rows, and the loss of real + synthetic rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.progress import Progress, silent
from syngain.data.splits import folds
from syngain.gain.proxies.task import Training
from syngain.learners.choices import Choices

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.layout import GainLayout
    from syngain.gain.proxies.task import Outcome, Task

Judges = Literal["test", "pool", "anchors"]
NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class RealCurve:
    """Losses of the same proxy on the same t real rows.

    Attributes:
        amounts: numbers of real rows learned from (k,), ascending. ``anchors``: how many of them real + synthetic has.
        curve: losses at each amount (k, seeds, t); a seed draws other rows and another order.
        ``arm``: losses of real rows with all synthetic rows (seeds, t). pool: of real rows with pool rows, None without
            one.
        pool_rows: how many pool rows that variant has. size: what each row counts for (t,). cluster: of each row (t,).
    """

    judged: Judges
    amounts: Ints
    anchors: int
    curve: Floats
    arm: Floats
    pool: Floats | None
    pool_rows: int
    size: Floats
    cluster: Ints


@dataclass(frozen=True, slots=True)
class CurveDesign:
    """Size of a curve: points, seeds, folds, most rows of a variant."""

    points: int = 8
    seeds: int = 3
    folds: int = 5
    most: int = 10_000


def real_curve(
    task: Task,
    ground: GainLayout,
    streams: Streams,
    *,
    judged: Judges,
    design: CurveDesign = CurveDesign(),
    progress: Progress = silent,
) -> RealCurve:
    """Train on growing numbers of real rows: real rows first, then the pool.

    Args:
        task: the proxy.
        ground: the rows.
        streams: of the draws.
        judged: ``test``, the test set; ``pool``, the cross-validated pool, real + synthetic trained on all real
            rows; ``anchors``, the cross-validated real rows, rows made from held-out real rows held out too.
        design: size of the experiment.
        progress: called with the stage and the fraction done.
    """
    rows = {"test": ground.test, "pool": ground.pool, "anchors": ground.anchors}[judged]
    fold = _folds(ground, rows, judged, streams, design)
    names = np.unique(fold)
    teachers = [_Teachers.of(ground, rows[fold == f], judged) for f in names]
    anchors = min(item.anchors.size for item in teachers)
    amounts = np.unique(np.append(_amounts(min(item.total for item in teachers), design.points), anchors))
    pool_rows = min(len(ground.synthetic), design.most, *(item.pool.size for item in teachers))
    curve = np.zeros((amounts.size, design.seeds, rows.size))
    arm, pool = np.zeros((design.seeds, rows.size)), np.zeros((design.seeds, rows.size))
    size = np.ones(rows.size)
    choices = [Choices() for _ in range(amounts.size + 2)]  # of every amount, of pool rows, of synthetic rows
    for seed in range(design.seeds):
        for f, teacher in zip(names, teachers, strict=True):
            progress("learning curve", (seed + float(f + 1) / names.size) / design.seeds)
            held, stream = fold == f, streams.child(str(seed), str(f))
            bench = _Bench(task.within(teacher.anchors, teacher.synthetic(stream, design.most)), rows[held], stream)
            order = np.concatenate([_shuffled(teacher.anchors, stream), _shuffled(teacher.pool, stream)])
            for k, amount in enumerate(amounts):
                curve[k, seed, held] = bench.loss(order[:amount], choices[k])
            outcome = bench.outcome(teacher.anchors, teacher.synthetic(stream, design.most), choices[-1])
            arm[seed, held], size[held] = outcome.loss, outcome.size
            if pool_rows:
                pool[seed, held] = bench.loss(order[: teacher.anchors.size + pool_rows], choices[-2])
    return RealCurve(
        judged, amounts, anchors, curve, arm, pool if pool_rows else None, pool_rows, size, ground.cluster[rows]
    )


@dataclass(frozen=True)
class _Teachers:
    """Rows to train on while some are evaluated."""

    ground: GainLayout
    anchors: Ints
    pool: Ints
    rows: Ints  # synthetic rows to train on

    @classmethod
    def of(cls, ground: GainLayout, held: Ints, judged: Judges) -> _Teachers:
        everything = np.arange(len(ground.synthetic))
        gone = np.unique(ground.cluster[held]) if judged != "test" else NONE
        anchors = ground.anchors[~np.isin(ground.cluster[ground.anchors], gone)]
        pool = ground.pool[~np.isin(ground.cluster[ground.pool], gone)]
        if judged == "anchors":
            kept = np.isin(ground.anchors, anchors)
            everything = np.flatnonzero(ground.lineage.made_from(kept))
        return cls(ground, anchors, pool, everything)

    @property
    def total(self) -> int:
        return self.anchors.size + self.pool.size

    def synthetic(self, streams: Streams, most: int) -> Ints:
        return np.sort(streams.stream("synthetic").permutation(self.rows)[:most])


@dataclass(frozen=True)
class _Bench:
    task: Task
    judged: Ints
    streams: Streams

    def outcome(self, real: Ints, synthetic: Ints, choices: Choices) -> Outcome:
        learned = Training(np.sort(real), synthetic, choices=choices)
        return self.task.judge(learned, self.judged, self.streams.stream("inner"))

    def loss(self, real: Ints, choices: Choices) -> Floats:
        return self.outcome(real, NONE, choices).loss


def _folds(ground: GainLayout, rows: Ints, judged: Judges, streams: Streams, design: CurveDesign) -> Ints:
    if judged == "test":
        return np.zeros(rows.size, dtype=np.int64)
    return folds(ground.cluster[rows], design.folds, streams.stream("curve folds"))


def _amounts(total: int, points: int) -> Ints:
    """Log-spaced numbers of rows from a sixteenth of them, at least 8, to all."""
    lowest = min(max(8, total // 16), total)
    return np.unique(np.round(np.geomspace(lowest, total, points)).astype(np.int64))


def _shuffled(rows: Ints, streams: Streams) -> Ints:
    return streams.stream("order", str(rows.size)).permutation(rows)
