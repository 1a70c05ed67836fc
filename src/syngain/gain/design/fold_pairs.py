"""Variance inflation of a cross-validated gain, by leaving out pairs of folds.

The gain of one real row, evaluated with variants that did not see its fold, depends on which other real rows these
variants saw. To first order the gain is a sum over the evaluated real rows, with their clustered variance; to second
order every pair of real rows adds a term, one evaluated and one training, ``phi_ij``. Leaving fold g out as well
changes the gains in fold f by

    Delta_fg = sum over i in f of (gain of i without f and g) - (gain of i without f),

minus the sum of ``phi_ij`` over i in f and j in g, so that the products ``Delta_fg Delta_gf`` estimate what the shared
training rows add to the variance:

    T = 1 / n^2  sum over f != g of  (Delta_fg - mean over f of Delta_fg) (Delta_gf - mean over g of Delta_gf).

The centering takes the main effect of having fewer real rows out. Where the loss is a log-loss ``phi`` is symmetric and
T is about as large as the first-order variance (the constant 1 + J / (J - 1) of [nadeau2003]); for accuracy it is less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.gain.design.lineage import drawn
from syngain.gain.proxies.metrics import METRICS
from syngain.gain.proxies.task import Outcome, Training
from syngain.inference.clusters import clustered_variance
from syngain.learners.choices import Choices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams
    from syngain.gain.design.lineage import Lineage
    from syngain.gain.proxies.task import Task

FEWEST = 4  # folds below which pairs leave too little to train on


@dataclass(frozen=True)
class Pairs:
    """Outcomes of both variants on all real rows, with and without each other fold.

    Attributes:
        fold: fold of each real row (n,). ``anchors``, ``both``: 1 + J outcomes of n rows; in outcome 1 + g the rows of
            fold g are those of outcome 0.
    """

    fold: Ints
    anchors: Sequence[Outcome]
    both: Sequence[Outcome]

    def inflation(self, metric: str, label: Ints, weight: Floats, group: Ints) -> float:
        """Variance of the gain over that of independent real rows, at least 1."""
        of = METRICS[metric]
        gains = np.array(
            [of(b, label, weight) - of(a, label, weight) for a, b in zip(self.anchors, self.both, strict=True)]
        )
        first = clustered_variance(gains[0], group)
        if first <= 0:
            return 1.0
        return 1.0 + max(_second_order(gains, self.fold), 0.0) / first


def leave_pairs(task: Task, lineage: Lineage, fold: Ints, order: Ints, most: int, streams: Streams) -> Pairs | None:
    """Train both variants without every fold and every pair of folds.

    All variants see the same number of synthetic rows, at most ``most``, and embeddings of one encoder.
    Returns None with too few folds, or when all rows are held out with a pair of folds.
    """
    count = int(fold.max()) + 1
    if count < FEWEST:
        return None
    gone = [(f, f) for f in range(count)] + [(f, g) for f in range(count) for g in range(f + 1, count)]
    made = {pair: lineage.made_from(~np.isin(fold, pair)) for pair in gone}
    amount = min(most, *(int(rows.sum()) for rows in made.values()))
    if amount < 1:
        return None
    inside = task.within(np.arange(lineage.anchors), drawn(np.ones(order.size, dtype=bool), most, order))
    none = np.empty(0, dtype=np.int64)
    tables, choices = (_Table.empty(fold), _Table.empty(fold)), (Choices(), Choices())
    for pair in gone:
        left, rows = np.flatnonzero(~np.isin(fold, pair)), drawn(made[pair], amount, order)
        held = np.flatnonzero(np.isin(fold, pair))
        for table, synthetic, own in zip(tables, (none, rows), choices, strict=True):
            rng = streams.stream("pairs", str(pair))
            table.put(pair, held, inside.judge(Training(left, synthetic, choices=own), held, rng))
    return Pairs(fold, *(table.outcomes() for table in tables))


def _second_order(gains: Floats, fold: Ints) -> float:
    """T of the module, from the gains (1 + J, n) of :class:`Pairs`."""
    folds = gains.shape[0] - 1
    change = np.array([np.bincount(fold, weights=row - gains[0], minlength=folds) for row in gains[1:]]).T  # [f, g]
    apart = ~np.eye(folds, dtype=bool)
    centered = np.where(apart, change - change.sum(axis=0, where=apart) / (folds - 1), 0.0)
    return float(np.sum(centered * centered.T)) / fold.size**2


@dataclass(frozen=True)
class _Table:
    """Outcomes being filled: row 0 as usual, row 1 + g without fold g."""

    fold: Ints
    loss: Floats
    size: Floats
    guess: Ints
    parts: dict[str, Floats] = field(default_factory=dict)

    @classmethod
    def empty(cls, fold: Ints) -> _Table:
        shape = (int(fold.max()) + 2, fold.size)
        return cls(fold, np.zeros(shape), np.ones(shape), np.full(shape, -1, dtype=np.int64))

    def put(self, pair: tuple[int, int], held: Ints, outcome: Outcome) -> None:
        f, g = pair
        if f == g:
            self._write(slice(None), held, outcome, np.ones(held.size, dtype=bool))
            return
        for own, other in ((f, g), (g, f)):
            self._write(1 + other, held, outcome, self.fold[held] == own)

    def _write(self, lines: slice | int, held: Ints, outcome: Outcome, rows: Flags) -> None:
        at = held[rows]
        self.loss[lines, at], self.size[lines, at] = outcome.loss[rows], outcome.size[rows]
        if outcome.guess is not None:
            self.guess[lines, at] = outcome.guess[rows]
        for name, values in outcome.parts.items():
            shape = (*self.loss.shape, *values.shape[1:])
            self.parts.setdefault(name, np.zeros(shape))[lines, at] = values[rows]

    def outcomes(self) -> list[Outcome]:
        guessed = self.guess.min() >= 0
        return [
            Outcome(
                loss, size, guess if guessed else None, parts={name: found[line] for name, found in self.parts.items()}
            )
            for line, (loss, size, guess) in enumerate(zip(self.loss, self.size, self.guess, strict=True))
        ]
