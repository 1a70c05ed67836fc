"""Select by surprisal under a model of the real rows, or by log-probability."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data.splits import folds
from syngain.learners.ngram import NgramModel
from syngain.selection.candidates import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.selection.candidates import Candidates


@dataclass(frozen=True, slots=True)
class SurprisalBand:
    """Rows about as surprising as real rows are to each other.

    The proxy is an n-gram model of the real rows; the band lies between two quantiles of the real rows' own surprisal,
    each under a model that did not see it.

    Attributes:
        low, high: quantiles of the real rows that bound the band. folds: of the real rows. model: the proxy.
    """

    low: float = 0.25
    high: float = 0.75
    folds: int = 5
    model: NgramModel = field(default_factory=NgramModel)

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:  # noqa: ARG002  (no size)
        """Rows inside the band first, by distance to its middle in half bands."""
        own = self._anchors(candidates, rng)
        fitted = self.model.fit(candidates.anchor_texts, candidates.anchor_prompts)
        nats, size = fitted.surprisal(candidates.texts, candidates.prompts)
        rate = nats / np.maximum(size, 1)
        low, middle, high = (float(np.quantile(own, q)) for q in (self.low, 0.5, self.high))
        below, above = max(middle - low, 1e-12), max(high - middle, 1e-12)
        distance = np.where(rate < middle, (middle - rate) / below, (rate - middle) / above)
        place = np.select([distance <= 1, rate < middle], ["inside", "below"], "above")
        reasons = [
            f"{value:.2f} nats per byte, {where} the {low:.2f} to {high:.2f} of the real rows"
            for value, where in zip(rate, place, strict=True)
        ]
        return Ranking.by_score(-distance, reasons)

    def _anchors(self, candidates: Candidates, rng: np.random.Generator) -> Floats:
        """Surprisal of each real row under the other folds' real rows (n,), nats per byte."""
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
    """Rows with the highest log-probability under their generator."""

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


def _at(values: Sequence[str], rows: Ints) -> list[str]:
    return [values[row] for row in rows.tolist()]
