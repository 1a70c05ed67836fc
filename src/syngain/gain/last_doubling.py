"""The gain of the last doubling: all synthetic rows versus half of them.

It is measured by cross-validation on the real rows: rows made from a held-out real row are held out with it, and
differences are paired by real row. The rows are cut into eight parts, which make seven pairs of halves, any two
halves of different pairs with a quarter of the rows in common [plackett1946]; the value is the score with all rows
minus the mean score of the fourteen halves. With J folds a variant has the rows of ``1 - 1/J`` of the real rows, so
that s rows are measured by a doubling that ends at about ``(1 - 1/J) s``.

Its error has two parts. Real rows: the clustered variance of the paired differences. Rows: another draw of the
generator would have given another value; halves of one pair are such draws, and a quarter of the variance of their
difference, less what the real rows explain of it, bounds it. The bound is exact if the effects
of rows are separate, and conservative if they add up, as these cancel between all rows and the mean of both halves.

Detectable doublings: paired differences have a variance of about their mean D, so that n real rows estimate
D with a relative error near ``1 / sqrt(n D)``: D = .01 within a tenth takes 10,000 of them, or as many words of text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.gain.design.cross_validation import pooled
from syngain.gain.design.lineage import drawn
from syngain.gain.proxies.metrics import LABEL_METRICS, METRICS, TEXT_METRICS
from syngain.gain.proxies.task import Training
from syngain.inference.clusters import clustered_freedom, clustered_variance, satterthwaite

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.lineage import Lineage
    from syngain.gain.proxies.task import Outcome, Task

FOLDS = 20
PARTS = 8
FIRST_HALVES = ((0, 1, 2, 3), (0, 1, 4, 5), (0, 1, 6, 7), (0, 2, 4, 6), (0, 2, 5, 7), (0, 3, 4, 7), (0, 3, 5, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubling:
    """The gain of the last doubling in the unit of its metric.

    Attributes:
        error: standard error of it, from the ``anchors`` and from ``draws`` of rows. freedom: its degrees of freedom.
        rows: in the variant with all of them. judged: real rows. clusters: independent groups of real rows.
    """

    value: float
    error: float
    freedom: float
    anchors: float
    draws: float
    rows: int
    judged: int
    clusters: int


def doubling_ids(*, labeled: bool) -> tuple[str, ...]:
    """The ids of the gains of a doubling."""
    return tuple(f"gain.{metric}@doubling" for metric in (LABEL_METRICS if labeled else TEXT_METRICS))


def last_doubling(
    task: Task, lineage: Lineage, label: Ints, *, metric: str, streams: Streams, folds: int = FOLDS
) -> Doubling:
    """The gain of the last doubling of synthetic rows; ``label`` (n,) or zeros.

    Raises:
        InputError: fewer than eight rows remain when a fold of real rows is held out.
    """
    whole, halves, rows = _outcomes(task, lineage, streams, folds)
    ones = np.ones(label.size)
    score = METRICS[metric]
    every = score(whole, label, ones)
    pairs = [tuple(score(half, label, ones) for half in pair) for pair in halves]
    return _doubling(every, pairs, lineage.group, rows)


def _doubling(every: Floats, pairs: list[tuple[Floats, ...]], group: Ints, rows: int) -> Doubling:
    """The doubling from scores with all rows and with each half of each pair."""
    added = every - np.mean([half for pair in pairs for half in pair], axis=0)
    anchors = clustered_variance(added, group)
    between = [float(np.mean(one - other)) ** 2 - clustered_variance(one - other, group) for one, other in pairs]
    draws = max(float(np.mean(between)) / 4, 0.0)
    freedom = satterthwaite((anchors, max(clustered_freedom(added, group), 2.0)), (draws, float(len(pairs))))
    return Doubling(
        value=float(added.mean()),
        error=math.sqrt(anchors + draws),
        freedom=freedom,
        anchors=math.sqrt(anchors),
        draws=math.sqrt(draws),
        rows=rows,
        judged=group.size,
        clusters=int(np.unique(group).size),
    )


def _outcomes(
    task: Task, lineage: Lineage, streams: Streams, folds: int
) -> tuple[Outcome, list[tuple[Outcome, ...]], int]:
    """Out-of-fold outcomes with all rows and with every half, and the number of rows."""
    fold = lineage.folds(folds, streams.stream("folds"))
    order = streams.stream("rows").permutation(lineage.source.size)
    eighth = np.empty(order.size, dtype=np.int64)
    eighth[order] = np.arange(order.size) % PARTS
    parts = [fold != f for f in range(int(fold.max()) + 1)]
    most = min(int(lineage.made_from(part).sum()) for part in parts)
    if most < PARTS:
        raise InputError(
            f"{most} synthetic rows remain when a fold of real rows and the rows made from them are held out",
            expected="rows made from several real rows",
            todo="generate more rows, from more real rows",
        )
    sides = [side for half in FIRST_HALVES for side in (half, tuple(set(range(PARTS)) - set(half)))]
    done: list[list[tuple[Ints, Outcome]]] = [[] for _ in range(1 + len(sides))]
    for f, part in enumerate(parts):
        held, real, rows = np.flatnonzero(~part), np.flatnonzero(part), drawn(lineage.made_from(part), most, order)
        inside = task.within(real, rows)
        arms = [rows, *(rows[np.isin(eighth[rows], side)] for side in sides)]
        for found, learned in zip(done, arms, strict=True):
            outcome = inside.judge(Training(real, learned), held, streams.stream("inner", str(f)))
            found.append((held, outcome))
    whole, *halves = (pooled(found, lineage.anchors) for found in done)
    return whole, [(halves[i], halves[i + 1]) for i in range(0, len(halves), 2)], most
