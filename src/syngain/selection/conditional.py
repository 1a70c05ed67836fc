"""Instruction-following difficulty [li2024] of responses, by a model of choice."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.data.text.words import words
from syngain.selection.candidates import Ranking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats
    from syngain.learners.causal import CausalModel
    from syngain.selection.candidates import Candidates

CHUNK = 64  # responses between two progress reports


@dataclass(frozen=True, slots=True)
class Surprisals:
    """Surprisal of responses, in nats.

    Attributes:
        after: given their prompts (m,). before: without (m,). length: words or tokens that were scored (m,).
    """

    after: Floats
    before: Floats
    length: Floats


class Judge(Protocol):
    """Measures the surprisal of responses with and without their prompts."""

    def surprisals(self, candidates: Candidates) -> Surprisals:
        """The surprisals of every candidate; the prompts must exist."""


@dataclass(frozen=True, slots=True)
class CacheModel:
    """Word frequencies of the real responses, with a cache of prompt words [kuhn1990].

    With probability ``cache`` a word is drawn from the words of the prompt.

    Needs no download; the cache is chosen on the real rows.

    Attributes:
        caches: fractions of the prompt's words to choose from.
    """

    caches: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.3)

    def surprisals(self, candidates: Candidates) -> Surprisals:
        """The surprisals by word frequencies."""
        unigrams = _Unigrams.of(candidates.anchor_texts)
        known = _pairs(candidates.anchor_prompts, candidates.anchor_texts)
        cache = min(self.caches, key=lambda share: sum(unigrams.nats(p, r, share) for p, r in known))
        pairs = _pairs(candidates.prompts, candidates.texts)
        after = np.array([unigrams.nats(p, r, cache) for p, r in pairs])
        before = np.array([unigrams.nats([], r, 0.0) for _, r in pairs])
        return Surprisals(after, before, np.array([len(r) for _, r in pairs], dtype=np.float64))


@dataclass(slots=True)
class LanguageModel:
    """A causal language model; every response is scored once, whatever the folds are.

    After its prompt a response is laid out in the chat template, without it after the start token. The
    end of a response is not scored, and of a long one only the part that fits after its prompt.

    Attributes:
        model: ``smollm2``, a folder, a GGUF file or a hub name. max_tokens: read of a prompt and its response.
        dtype: ``auto`` takes bf16 where the machine computes in it. progress: called with the fraction scored.
    """

    model: str = "smollm2"
    max_tokens: int = 512
    dtype: Literal["auto", "float32", "bf16"] = "auto"
    progress: Progress = silent
    _opened: CausalModel | None = field(default=None, init=False, repr=False)
    _known: dict[tuple[str, str], tuple[float, float, int]] = field(default_factory=dict, init=False, repr=False)

    def surprisals(self, candidates: Candidates) -> Surprisals:
        """The surprisals by the model.

        Raises:
            MissingDependencyError, InputError, UnfinishedError: the model cannot be loaded or fails.
        """
        pairs = list(zip(candidates.prompts or (), candidates.texts, strict=True))
        fresh = [pair for pair in dict.fromkeys(pairs) if pair not in self._known]
        for first in range(0, len(fresh), CHUNK):
            self.progress(f"scoring responses by {self.model}", first / len(fresh))
            self._score(fresh[first : first + CHUNK])
        found = np.array([self._known[pair] for pair in pairs], dtype=np.float64).reshape(len(pairs), 3)
        return Surprisals(*found.T)

    def _score(self, pairs: Sequence[tuple[str, str]]) -> None:
        from syngain.data.columns.roles import Kind
        from syngain.learners.causal import CausalProxy
        from syngain.learners.completions import Completion

        if self._opened is None:
            self._opened = CausalProxy(model=self.model, max_tokens=self.max_tokens, dtype=self.dtype).open(
                self.progress
            )
        reader = self._opened.reader(Kind.PAIR)
        alone = self._opened.reader(Kind.TEXT).context("")
        given, bare = [], []
        for prompt, response in pairs:
            row = reader.read(prompt, response)
            context = reader.context(prompt)
            if row.ids[: len(context)] != context:  # the prompt was cut
                context = row.ids[: row.start]
            whole = row.size == len(response.encode("utf-8", "replace"))
            said = row.ids[len(context) : len(row.ids) - (len(reader.layout.end) if whole else 0)]
            skipped = max(1 - min(len(context), len(alone)), 0)  # without a start token nothing predicts the first one
            given.append(Completion((*context, *said), len(context) + skipped, row.size, row.cut))
            bare.append(Completion((*alone, *said), len(alone) + skipped, row.size, row.cut))
        after, before = self._opened.score(given), self._opened.score(bare)
        if not (np.isfinite(after).all() and np.isfinite(before).all()):
            raise InputError(
                f"{self.model} gives responses no finite probability",
                expected="a language model with finite log-probabilities",
                todo="name another model with --model",
            )
        for pair, row, x, y in zip(pairs, given, after.tolist(), before.tolist(), strict=True):
            self._known[pair] = (x, y, max(row.scored, 0))


@dataclass(frozen=True, slots=True)
class ConditionalRatio:
    """Instruction-following difficulty [li2024]: prompts that help, but little.

    The ratio of the surprisal of a response after its prompt over that without. Long responses have other ratios than
    short ones, so the score is the residual of the log ratio after regression on the log length.

    Attributes:
        judge: measures the surprisal of responses.
    """

    judge: Judge = field(default_factory=CacheModel)

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
        found = self.judge.surprisals(candidates)
        ratio = np.divide(found.after, found.before, out=np.ones(found.after.size), where=found.before > 0)
        length = np.log1p(found.length)
        line = np.column_stack([np.ones(length.size), length])
        log = np.log(np.maximum(ratio, np.finfo(float).tiny))
        residual = log - line @ np.linalg.lstsq(line, log, rcond=None)[0]
        helped = ratio < 1
        order = np.lexsort((-residual, ~helped))
        reasons = [
            f"surprisal with prompt / without: {value:.2f}, {rest:+.2f} versus rows of its length"
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
        """Surprisal of a response, with a fraction of the mass on the words of the prompt."""
        said = Counter(prompt)
        share = cache if prompt else 0.0
        below = self.total + len(self.counts) + 1
        return -sum(
            math.log((1 - share) * (self.counts[word] + 1) / below + (share * said[word] / len(prompt) if share else 0))
            for word in response
        )


def _pairs(prompts: Sequence[str] | None, texts: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    return [(words(a), words(b)) for a, b in zip(prompts or (), texts, strict=True)]
