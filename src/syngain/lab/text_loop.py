"""A text generator refitted on its own output, with a fraction of real rows.

Words are characters in scripts without spaces.

Generation 1 is sampled from a generator of the real rows. Every later generator is fitted on the previous generation,
truncated according to the real fraction, and on newly drawn real rows. All generations have the same number of words,
so that their counts are comparable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.data.text.words import joined, length, length_unit, pieces
from syngain.generators.toy import MarkovText
from syngain.learners.ngram import NgramModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from syngain.core.arrays import Floats
    from syngain.core.rng import Streams

GRAM = 4  # words; characters in scripts without spaces
RARE = 2  # times that a word of the tail occurs in the real rows
FEWEST = 20  # real rows
MEASURES = ("distinct_fraction", "coverage", "tail_coverage", "divergence")


class Speaker(Protocol):
    """A fitted generator."""

    def say(self, words: int, rng: np.random.Generator) -> list[str]:
        """Sample texts with at least this total number of words."""


class Fit(Protocol):
    """Fits a generator on texts."""

    def __call__(self, texts: Sequence[str], /) -> Speaker:
        """Fit; deterministic."""


@dataclass(frozen=True, slots=True)
class WordChain:
    """The Markov chain of the toy generator of ``syngain generate``."""

    chain: MarkovText

    @classmethod
    def fit(cls, texts: Sequence[str]) -> WordChain:
        """Fit on texts of any length; generated texts are at most as long as the longest."""
        longest = max(map(length, texts), default=1)
        return cls(MarkovText.fit(texts, max_words=max(longest, 1)))

    def say(self, words: int, rng: np.random.Generator) -> list[str]:
        """Sample texts until there are enough words."""
        said, count = [], 0
        while count < words:
            said.append(self.chain.sample(1, rng=rng)[0].text)
            count += length(said[-1])
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A self-consuming loop.

    Attributes:
        generations: number of generations. ``shares``: fractions of real rows in every later training set, ascending.
        rows: number of real rows. fit: the generator. model: measures the divergence of a generation from the holdout.
    """

    generations: int = 5
    shares: tuple[float, ...] = (0.0, 0.2, 0.5)
    rows: int = 500
    fit: Fit = WordChain.fit
    model: NgramModel = field(default_factory=NgramModel)

    def run(
        self, texts: Sequence[str], holdout: Sequence[str], streams: Streams, progress: Progress = silent
    ) -> Floats:
        """One run: the module's measures, shape (4, fractions, generations).

        ``distinct_fraction`` counts different 4-grams of words, ``coverage`` those of the holdout that occur,
        ``tail_coverage`` the rare words of the real rows that still occur, ``divergence`` the surprisal of the holdout
        under an n-gram model of the generation, in nats per byte.

        Raises:
            InputError: too few real rows, or none longer than three words.
        """
        if len(texts) < FEWEST or not holdout:
            raise InputError(
                f"{len(texts)} real rows and {len(holdout)} held-out rows",
                expected=f"at least {FEWEST} real rows and 1 held-out row",
                todo="add real rows",
            )
        chosen = streams.stream("real").permutation(len(texts))[: self.rows].tolist()
        real = [texts[i] for i in chosen if texts[i].strip()]
        words = sum(map(length, real))
        known, tail = grams(holdout), rare_words(real)
        if not known:
            raise InputError(
                f"no held-out row has {GRAM} {length_unit(holdout)}",
                expected=f"held-out texts of at least {GRAM} words, or characters in scripts without spaces",
                todo="add longer rows to the holdout",
            )
        out = np.empty((len(MEASURES), len(self.shares), self.generations))
        for s, share in enumerate(self.shares):
            data = real
            for g in range(self.generations):
                done = (s * self.generations + g) / (len(self.shares) * self.generations)
                progress(f"real fraction {share:g}, generation {g + 1}", done)
                rng = streams.stream("said", str(share), str(g)) if g else streams.stream("said", "first")
                said = self.fit(data).say(words, rng)
                out[:, s, g] = self._measured(cut(said, words), known, tail, holdout)
                kept = cut(said, round((1 - share) * words))
                again = streams.stream("again", str(share), str(g)).permutation(len(real))
                data = [*kept, *cut([real[i] for i in again], words - sum(map(length, kept)))]
        return out

    def _measured(
        self, said: Sequence[str], known: set[tuple[str, ...]], tail: set[str], holdout: Sequence[str]
    ) -> tuple[float, float, float, float]:
        found = grams(said)
        spoken = {word for text in said for word in pieces(text)}
        nats, size = self.model.fit(said).surprisal(holdout)
        return (
            float(len(found)),
            len(found & known) / len(known),
            len(tail & spoken) / max(len(tail), 1),
            float(nats.sum() / max(size.sum(), 1)),
        )


def grams(texts: Iterable[str]) -> set[tuple[str, ...]]:
    """The distinct runs of four words within texts."""
    found: set[tuple[str, ...]] = set()
    for text in texts:
        words = pieces(text)
        found.update(tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1))
    return found


def rare_words(texts: Iterable[str]) -> set[str]:
    """Words that occur at most twice."""
    counts: dict[str, int] = {}
    for text in texts:
        for word in pieces(text):
            counts[word] = counts.get(word, 0) + 1
    return {word for word, count in counts.items() if count <= RARE}


def cut(texts: Iterable[str], words: int) -> list[str]:
    """The first texts with this total number of words, the last one truncated."""
    out, left = [], words
    for text in texts:
        if left <= 0:
            break
        own = pieces(text)
        out.append(text if len(own) <= left else joined(own[:left]))
        left -= len(own)
    return out
