"""Simulations of Markov chains whose information is known in closed form.

A prompt is a Markov chain over few words: a distribution of the next word for every position and last word, drawn from
a Dirichlet distribution. Rows of the table are independent and each is used at most once per text, so the mean of all
chains is again a chain. The entropy of the population's outputs, and the mean entropy of one prompt's outputs, are
sums over its visits. The outputs of K given prompts are enumerated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.special import digamma, entr

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints

WORDS, LONGEST = 4, 5
Kind = Literal["fixed", "ending"]
"""Texts of exactly ``LONGEST`` words, or of 1 to ``LONGEST`` words closed by an end token."""


@dataclass(frozen=True, slots=True, eq=False)
class SpokenWorld:
    """Mean distribution ``base`` of the next symbol, and spread of the prompts.

    ``base`` has shape (step, last word, symbol). Symbols are the words, and last the end where the kind is ``ending``.
    A small ``concentration`` is a large difference between prompts.
    """

    kind: Kind
    base: Floats
    concentration: float

    @classmethod
    def draw(cls, kind: Kind, rng: np.random.Generator) -> SpokenWorld:
        """Draw a random simulation."""
        symbols = WORDS + (kind == "ending")
        base = rng.dirichlet(np.full(symbols, 3.0), size=(LONGEST, WORDS))
        if kind == "ending":  # outputs are not empty
            base[0, :, WORDS] = 0.0
            base[0] /= base[0].sum(axis=1, keepdims=True)
        return cls(kind, base, float(np.exp(rng.uniform(np.log(0.5), np.log(40.0)))))

    def prompts(self, count: int, rng: np.random.Generator) -> Floats:
        """Tables of ``count`` prompts from the population.

        Shape (K, step, last word, symbol).
        """
        gamma = rng.standard_gamma(self.concentration * np.broadcast_to(self.base, (count, *self.base.shape)))
        return np.asarray(gamma / gamma.sum(axis=-1, keepdims=True))

    @property
    def visits(self) -> Floats:
        """Probability of each last word at each step, (step, last word)."""
        out = np.zeros((LONGEST, WORDS))
        out[0, 0] = 1.0  # before the first word the last word is word 0 by convention
        for step in range(1, LONGEST):
            out[step] = out[step - 1] @ self.base[step - 1, :, :WORDS]
        return out

    @property
    def gain(self) -> float:
        """H(M(p) | p) of the population, by the Dirichlet closed form [wolpert1995]."""
        alpha = self.concentration * self.base
        total = self.concentration
        mean = digamma(total + 1) - np.sum(self.base * digamma(alpha + 1), axis=2)
        return float(np.sum(self.visits * mean))

    @property
    def entropy(self) -> float:
        """H(M(p)) of the population: the entropy of the mean Markov chain."""
        return float(np.sum(self.visits * entr(self.base).sum(axis=2)))

    @property
    def prompt_information(self) -> float:
        """I(p; M(p)) of the population."""
        return self.entropy - self.gain

    @property
    def first_word_entropy(self) -> float:
        """H(first word | p): the first word is the meaning in these simulations."""
        alpha = self.concentration * self.base[0, 0]
        return float(digamma(self.concentration + 1) - np.sum(self.base[0, 0] * digamma(alpha + 1)))

    @property
    def bytes(self) -> float:
        """Mean size of a text; word w has w + 1 bytes."""
        said = np.einsum("tc,tcw->w", self.visits, self.base[:, :, :WORDS])
        return float(said @ np.arange(1, WORDS + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Outputs of prompts: words and next-symbol log-probabilities.

    Words (n, step), -1 after the end; log-probabilities (n, step, symbol). Steps after the end are zero: certain,
    without entropy.
    """

    words: Ints
    laws: Floats

    @property
    def chosen(self) -> Floats:
        """Log-probability of every step (n, step), end token included, zero after it."""
        return np.asarray(np.take_along_axis(self.laws, np.maximum(self._symbols, 0)[:, :, None], axis=2)[:, :, 0])

    @property
    def entropies(self) -> Floats:
        """Next-token entropies summed over each output, (n,)."""
        return np.asarray(entr(np.exp(self.laws)).sum(axis=(1, 2)))

    @property
    def bytes(self) -> Floats:
        """Bytes of each output, (n,)."""
        return np.asarray((self.words + 1).sum(axis=1), dtype=np.float64)

    @property
    def _symbols(self) -> Ints:
        """The words, and the end except at the first step."""
        ended = (self.words < 0) & (np.cumsum(self.words < 0, axis=1) == 1)
        return np.where(ended, WORDS, self.words)


def speak(tables: Floats, prompt: Ints, rng: np.random.Generator) -> Spoken:
    """One output of each of the prompts (n,)."""
    count, symbols = len(prompt), tables.shape[3]
    words = np.full((count, LONGEST), -1, dtype=np.int64)
    laws = np.zeros((count, LONGEST, symbols))
    last, alive = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
    for step in range(LONGEST):
        p = tables[prompt, step, last]
        cumulative = np.cumsum(p, axis=1)
        drawn = (rng.random(count)[:, None] * cumulative[:, -1:] >= cumulative).sum(axis=1)
        with np.errstate(divide="ignore"):
            laws[alive, step] = np.log(p[alive])
        alive = alive & (drawn < WORDS)
        words[alive, step] = drawn[alive]
        last = np.where(alive, drawn, 0)
    return Spoken(words, laws)


def score(tables: Floats, words: Ints) -> Floats:
    """Log-probability of every text under every prompt (n, K), end included."""
    out = np.zeros((len(words), len(tables)))
    with np.errstate(divide="ignore"):
        logs = np.log(tables)
    last, alive = np.zeros(len(words), dtype=np.int64), np.ones(len(words), dtype=bool)
    for step in range(LONGEST):
        symbol = np.where(words[:, step] >= 0, words[:, step], WORDS)
        rows = np.flatnonzero(alive)
        out[rows] += logs[:, step, last[rows], symbol[rows]].T
        alive = words[:, step] >= 0
        last = np.maximum(words[:, step], 0)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Laws:
    """All outputs of K prompts: probabilities and summed step entropies, (K, X)."""

    probability: Floats
    entropies: Floats

    @property
    def gain(self) -> float:
        """Mean conditional entropy of these prompts."""
        return float(entr(self.probability).sum(axis=1).mean())

    @property
    def entropy(self) -> float:
        """Entropy of their uniform mixture."""
        return float(entr(self.probability.mean(axis=0)).sum())

    def spread(self) -> Floats:
        """Covariance of surprisal and summed step entropies within prompts, (2, 2).

        Averaged over prompts.
        """
        p = self.probability
        with np.errstate(divide="ignore"):
            surprisal = np.where(p > 0, -np.log(p), 0.0)
        both = np.stack([surprisal, self.entropies])
        centered = both - np.sum(p * both, axis=2, keepdims=True)
        return np.asarray(np.einsum("akx,bkx,kx->ab", centered, centered, p) / len(p))


def enumerate_laws(tables: Floats) -> Laws:
    """Every text of these prompts (K, ...) with its probability.

    4 ** 5 texts of fixed length, or all up to it.
    """
    count = len(tables)
    own = entr(tables).sum(axis=3)
    mass, paid = np.ones((count, 1)), np.zeros((count, 1))
    masses, payments = [], []
    for step in range(LONGEST):
        last = np.arange(mass.shape[1]) % WORDS if step else np.zeros(1, dtype=np.int64)
        law, paid = tables[:, step, last], paid + own[:, step, last]
        if tables.shape[3] > WORDS:
            masses.append(mass * law[:, :, WORDS])
            payments.append(paid)
        mass = (mass[:, :, None] * law[:, :, :WORDS]).reshape(count, -1)
        paid = np.repeat(paid, WORDS, axis=1)
    return Laws(np.concatenate([*masses, mass], axis=1), np.concatenate([*payments, paid], axis=1))
