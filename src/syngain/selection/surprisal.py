"""By probability: how surprising a row is to a proxy of the anchors, to its own generator, and after its prompt."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data.normalize import words
from syngain.data.splits import folds
from syngain.learners.ngram import NgramModel
from syngain.selection.candidates import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from syngain.selection.candidates import Candidates

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SurprisalBand:
    """Rows about as surprising as anchors are to each other: neither rote nor noise.

    The proxy is an n-gram model of the anchors; the band lies between two quantiles of the anchors' own surprisal,
    each under a model that did not see it.

    Attributes:
        low, high: quantiles of the anchors that bound the band. folds: of the anchors. model: the proxy.
    """

    low: float = 0.25
    high: float = 0.75
    folds: int = 5
    model: NgramModel = field(default_factory=NgramModel)

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no size)
        """In the band by nearness to its middle, then outside; the score is minus the distance in half bands."""
        own = self._anchors(candidates, rng)
        fitted = self.model.fit(candidates.anchor_texts, candidates.anchor_prompts)
        nats, size = fitted.surprisal(candidates.texts, candidates.prompts)
        rate = nats / np.maximum(size, 1)
        low, middle, high = (float(np.quantile(own, q)) for q in (self.low, 0.5, self.high))
        below, above = max(middle - low, 1e-12), max(high - middle, 1e-12)
        distance = np.where(rate < middle, (middle - rate) / below, (rate - middle) / above)
        place = np.select([distance <= 1, rate < middle], ["inside", "below"], "above")
        reasons = [
            f"{value:.2f} nats per byte, {where} the anchors' {low:.2f} to {high:.2f}"
            for value, where in zip(rate, place, strict=True)
        ]
        return Ranking.by_score(-distance, reasons)

    def _anchors(self, candidates: Candidates, rng: np.random.Generator) -> Floats:
        """Surprisal of each anchor under the other folds' anchors (n,), nats per byte."""
        fold = folds(candidates.anchor_unit, min(self.folds, np.unique(candidates.anchor_unit).size), rng)
        out = np.zeros(fold.size)
        for f in np.unique(fold):
            seen, held = np.flatnonzero(fold != f), np.flatnonzero(fold == f)
            if not seen.size:
                continue
            prompts = candidates.anchor_prompts
            fitted = self.model.fit(_at(candidates.anchor_texts, seen), None if prompts is None else _at(prompts, seen))
            nats, size = fitted.surprisal(
                _at(candidates.anchor_texts, held), None if prompts is None else _at(prompts, held)
            )
            out[held] = nats / np.maximum(size, 1)
        return out


@dataclass(frozen=True, slots=True)
class LogProbability:
    """The rows their generator was surest of, by the log-probabilities they came with."""

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no draw)
        """The highest first; rows without a number last.

        Raises:
            InputError: no row has a log-probability.
        """
        given = candidates.logprob
        if given is None or not np.isfinite(given).any():
            raise InputError(
                "the rows have no log-probabilities",
                expected="`token_logprobs`, `logprob` or `score` on the synthetic rows",
                todo="name the column with --logprob, or choose another method",
            )
        known = np.isfinite(given)
        score = np.where(known, given, -math.inf)
        said = [
            f"log-probability {value:.3g}" if there else "no log-probability"
            for value, there in zip(given, known, strict=True)
        ]
        return Ranking.by_score(score, said)


@dataclass(frozen=True, slots=True)
class ConditionalRatio:
    """Responses that the prompt makes easier, but little: instruction-following difficulty [li2024] by a cache model.

    The ratio of the surprisal of a response after its prompt over that without. Words come from the anchors' responses
    and, after a prompt, with probability ``cache`` from the prompt [kuhn1990]; the cache is chosen on the anchors. Long
    responses have other ratios than short ones, so the score is what remains of the log ratio after a straight line
    in the log length.

    Attributes:
        caches: shares of the prompt's words to choose from.
    """

    caches: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.3)

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no draw)
        """The hardest first; those the prompt does not help at all last.

        Raises:
            InputError: the rows have no prompts.
        """
        if candidates.prompts is None or candidates.anchor_prompts is None:
            raise InputError(
                "the rows have no prompts",
                expected="pairs of prompt and response",
                todo="name the fields: --text prompt+response, or choose another method",
            )
        unigrams = _Unigrams.of(candidates.anchor_texts)
        anchors = [
            (words(a), words(b)) for a, b in zip(candidates.anchor_prompts, candidates.anchor_texts, strict=True)
        ]
        cache = min(self.caches, key=lambda share: sum(unigrams.nats(p, r, share) for p, r in anchors))
        pairs = [(words(a), words(b)) for a, b in zip(candidates.prompts, candidates.texts, strict=True)]
        after = np.array([unigrams.nats(p, r, cache) for p, r in pairs])
        before = np.array([unigrams.nats([], r, 0.0) for _, r in pairs])
        ratio = np.divide(after, before, out=np.ones(after.size), where=before > 0)
        length = np.log1p([len(r) for _, r in pairs])
        line = np.column_stack([np.ones(length.size), length])
        log = np.log(ratio)
        residual = log - line @ np.linalg.lstsq(line, log, rcond=None)[0]
        helped = ratio < 1
        order = np.lexsort((-residual, ~helped))
        reasons = [
            f"surprisal after the prompt {value:.2f} of that without, {rest:+.2f} beside rows of its length"
            for value, rest in zip(ratio, residual, strict=True)
        ]
        return Ranking(order, residual, reasons)


@dataclass(frozen=True)
class _Unigrams:
    """Frequencies of words, one more for all that were never seen."""

    counts: Counter[str]
    total: int

    @classmethod
    def of(cls, texts: Sequence[str]) -> _Unigrams:
        counts = Counter(word for text in texts for word in words(text))
        return cls(counts, sum(counts.values()))

    def nats(self, prompt: Sequence[str], response: Sequence[str], cache: float) -> float:
        """Surprisal of a response, with a share of the mass on the words of the prompt."""
        said = Counter(prompt)
        share = cache if prompt else 0.0
        below = self.total + len(self.counts) + 1
        return -sum(
            math.log((1 - share) * (self.counts[word] + 1) / below + (share * said[word] / len(prompt) if share else 0))
            for word in response
        )


def _at(values: Sequence[str], rows: Ints) -> list[str]:
    return [values[row] for row in rows.tolist()]
