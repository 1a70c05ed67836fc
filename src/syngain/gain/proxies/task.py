"""Tasks: training rows of a proxy model and its outcomes.

Real rows of all kinds (real rows, then pool, then test) are on one numbering, synthetic rows have their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.data.splits import folds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.choices import Choices


@dataclass(frozen=True, slots=True)
class Training:
    """Training rows of one variant.

    Attributes:
        real: rows of the real numbering; a repeated row counts as often as it occurs here.
        synthetic: rows of the synthetic numbering, repeats allowed.
        balanced: whether classes weigh the same whatever their size.
        choices: hyper-parameters of the same variant in other folds; None: each fit chooses its own.
    """

    real: Ints
    synthetic: Ints
    balanced: bool = False
    choices: Choices | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of one trained variant on t real rows.

    Attributes:
        loss: surprisal of each row in nats, shape (t,): of its label, or of its text. Always finite.
        size: what a row counts for in a mean, shape (t,): 1 for labels, bytes of the scored text for language models.
        guess: the class predicted for each row, shape (t,); None without labels.
        converged: whether the proxy reached its optimum.
        parts: further numbers of each row, shape (t, ...), which the metrics of a kind of target are made of.
    """

    loss: Floats
    size: Floats
    guess: Ints | None = None
    converged: bool = True
    parts: Mapping[str, Floats] = field(default_factory=dict)


def inner_folds(unit: Ints, judged: Flags, count: int, rng: np.random.Generator, strata: Ints | None = None) -> Ints:
    """Inner folds of the rows that choose a hyper-parameter (n,); clusters stay together, other rows train (-1)."""
    fold = np.full(unit.size, -1, dtype=np.int64)
    names = np.unique(unit[judged])
    if names.size < 2:
        return fold
    fold[judged] = folds(unit[judged], min(count, names.size), rng, None if strata is None else strata[judged])
    of_unit = np.full(int(unit.max()) + 1, -1, dtype=np.int64)
    of_unit[unit[judged]] = fold[judged]
    return of_unit[unit]


class Task(Protocol):
    """Rows of a task, with the proxy that learns from them."""

    def within(self, real: Ints, synthetic: Ints) -> Task:
        """The same task with its encoder fitted on these rows only."""

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """Train a fresh proxy and score these real rows, in this order."""
