"""Simulated tables of words whose log-probabilities are known: a chain of columns, and a column of two others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints

WORDS = 4
COLUMNS = 6
NOISE = 0.1  # how often the third column differs from the parity of the first two


@dataclass(frozen=True, slots=True, eq=False)
class WordTable:
    """Rows of codes (n, columns) and the true log-probability of each cell given those before it (n, columns)."""

    codes: Ints
    logprob: Floats

    @property
    def cells(self) -> dict[str, list[str]]:
        """The columns as words."""
        return {f"c{at + 1}": [f"w{code}" for code in column] for at, column in enumerate(self.codes.T.tolist())}


@dataclass(frozen=True, slots=True, eq=False)
class ChainTable:
    """Each column depends on the one before it only: a Markov chain of order 1 over four words.

    Attributes:
        first: distribution of the first column (words,). step: of each next one (words, words).
    """

    first: Floats
    step: Floats

    @classmethod
    def draw(cls, rng: np.random.Generator) -> ChainTable:
        """A random chain."""
        return cls(rng.dirichlet(np.full(WORDS, 2.0)), rng.dirichlet(np.full(WORDS, 0.5), size=WORDS))

    def sample(self, rows: int, rng: np.random.Generator) -> WordTable:
        """Draw rows."""
        codes = np.empty((rows, COLUMNS), dtype=np.int64)
        logprob = np.empty((rows, COLUMNS))
        law = np.broadcast_to(self.first, (rows, WORDS))
        for at in range(COLUMNS):
            codes[:, at] = np.minimum((law.cumsum(axis=1) < rng.random((rows, 1))).sum(axis=1), WORDS - 1)
            logprob[:, at] = np.log(law[np.arange(rows), codes[:, at]])
            law = self.step[codes[:, at]]
        return WordTable(codes, logprob)

    @property
    def entropy(self) -> Floats:
        """Entropy of each column given those before it, in nats (columns,)."""
        law, out = self.first, [_entropy(self.first)]
        for _ in range(COLUMNS - 1):
            out.append(float(law @ [_entropy(row) for row in self.step]))
            law = law @ self.step
        return np.array(out)


@dataclass(frozen=True, slots=True)
class ParityTable:
    """Two fair coins and their parity, wrong in a tenth of the rows: no column shows anything about one other column.

    An order-2 model gains ``ln 2`` minus the entropy of the noise over the marginals.
    """

    noise: float = NOISE

    def sample(self, rows: int, rng: np.random.Generator) -> WordTable:
        """Draw rows."""
        coins = rng.integers(0, 2, (rows, 2))
        wrong = rng.random(rows) < self.noise
        codes = np.column_stack([coins, coins.sum(axis=1) % 2 ^ wrong])
        logprob = np.full((rows, 3), -np.log(2.0))
        logprob[:, 2] = np.log(np.where(wrong, self.noise, 1 - self.noise))
        return WordTable(codes, logprob)

    @property
    def entropy(self) -> Floats:
        """Entropy of each column given those before it, in nats (columns,)."""
        return np.array([np.log(2.0), np.log(2.0), _entropy(np.array([self.noise, 1 - self.noise]))])


def _entropy(law: Floats) -> float:
    return float(-np.sum(np.where(law > 0, law * np.log(np.where(law > 0, law, 1.0)), 0.0)))
