"""Simulations in which more rows have a known gain, to test ``--stop-when``.

Texts: prompts draw from a distribution over texts; the new fraction and the new information after any number of rows
are sums over the texts. Lessons: a proxy has loss 0 on a real row whose lesson is in a synthetic row, and one nat
otherwise; the gain of any number of rows is a sum over the lessons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.gain.design.lineage import Lineage
from syngain.gain.proxies.task import Outcome, Training

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints

TextKind = Literal["uniform", "gamma", "zipf", "half"]
LessonKind = Literal["even", "flat"]
ELSE = -1  # a row without a lesson of any real row


@dataclass(frozen=True)
class TextWorld:
    """Texts with their probabilities (t,).

    A fraction ``fresh`` of the rows is always new, with surprisal ``rare``.
    """

    law: Floats
    fresh: float = 0.0
    rare: float = 12.0

    @classmethod
    def of(cls, kind: TextKind, size: int, rng: np.random.Generator) -> TextWorld:
        """A distribution of this kind over this number of texts.

        ``half``: half of the rows are always new, the others one text.
        """
        if kind == "half":
            return cls(np.array([0.5]), 0.5)
        weights = {
            "uniform": np.ones(size),
            "gamma": rng.gamma(0.5, size=size),
            "zipf": 1.0 / (1 + np.arange(size)),
        }[kind]
        return cls(weights / weights.sum())

    def draw(self, count: int, start: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Text numbers and surprisals of rows that begin at the ``start``-th."""
        whole = float(self.law.sum())
        texts = rng.choice(self.law.size, size=count, p=self.law / whole)
        nats = -np.log(self.law[texts])
        new = rng.random(count) < self.fresh
        return np.where(new, self.law.size + start + np.arange(count), texts), np.where(new, self.rare, nats)

    def new_share(self, rows: int) -> float:
        """Probability that a row repeats none of ``rows`` others."""
        return self.fresh + float(np.sum(self.law * (1 - self.law) ** rows))

    def new_nats(self, rows: int) -> float:
        """Surprisal of a row where it repeats none of ``rows`` others, else 0."""
        return self.fresh * self.rare + float(np.sum(-np.log(self.law) * self.law * (1 - self.law) ** rows))


@dataclass(frozen=True)
class LessonWorld:
    """Lessons with their probability in a synthetic row (k,).

    Real rows need one lesson each, all equally often.
    """

    law: Floats

    @classmethod
    def of(cls, kind: LessonKind, size: int, *, commonest: float = 0.01, octaves: float = 10.0) -> LessonWorld:
        """Lessons with ``even`` or ``flat`` probabilities.

        ``even``: equal probabilities, so that the gain of a doubling decreases fast in the end. ``flat``: decreasing
        probabilities over this number of octaves, so that each doubling of the rows has the same gain until the rarest
        are known.
        """
        if kind == "even":
            return cls(np.full(size, 1.0 / size))
        law = commonest * 2.0 ** (-octaves * (np.arange(size) + 0.5) / size)
        return cls(law / max(1.0, float(law.sum())))

    def real(self, count: int, rng: np.random.Generator) -> Ints:
        """The lessons of real rows."""
        return rng.integers(0, self.law.size, size=count)

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """The lessons of synthetic rows."""
        edges = np.cumsum(self.law)
        at = np.searchsorted(edges, rng.random(count), side="right")
        return np.where(at < self.law.size, at, ELSE)

    def gain(self, rows: float) -> float:
        """Nats that ``rows`` synthetic rows save per real row."""
        return 1.0 - float(np.mean((1 - self.law) ** rows))

    def doubling(self, rows: float) -> float:
        """Nats that the doubling to ``rows`` adds."""
        return self.gain(rows) - self.gain(rows / 2)


@dataclass(frozen=True)
class LessonTask:
    """Real and synthetic rows by lesson (:class:`syngain.gain.proxies.task.Task`).

    Real rows contain no lesson for training.
    """

    real: Ints
    synthetic: Ints

    @property
    def lineage(self) -> Lineage:
        """Unknown sources: no row names its real row."""
        count = self.real.size
        return Lineage.of(np.full(self.synthetic.size, -1), np.arange(count + self.synthetic.size))

    def within(self, real: Ints, synthetic: Ints) -> LessonTask:
        """The task itself."""
        del real, synthetic  # nothing is learned before
        return self

    def judge(self, training: Training, rows: Ints, rng: np.random.Generator) -> Outcome:
        """One nat for every real row whose lesson is in no synthetic row."""
        del rng  # nothing is drawn
        known = np.isin(self.real[rows], self.synthetic[training.synthetic])
        return Outcome((~known).astype(float), np.ones(rows.size), np.zeros(rows.size, dtype=np.int64))


def right_amount(marginal: Floats, rows: Ints, threshold: float) -> int:
    """The first amount (r,) from which on the marginal (r,) is below the threshold."""
    above = np.flatnonzero(marginal >= threshold)
    return int(rows[0] if not above.size else rows[min(above[-1] + 1, rows.size - 1)])
