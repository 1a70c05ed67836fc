"""Exact toy generator: a Markov chain over words with known probabilities.

It has no notion of meaning. It is a proper distribution over word sequences of bounded length, whose log-probabilities
(nats, end token included), entropies and samples all come from the same arrays.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.data.text.words import joined, mention, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from syngain.core.arrays import Floats, Ints

END = 0  # index of the end token in every distribution; word k of the vocabulary has index k + 1
START = -1  # symbol before the first word
CACHED = 1024  # distributions kept in memory, each as long as the vocabulary
Context = tuple[int, ...]
Table = dict[Context, tuple["Ints", "Floats"]]


@dataclass(frozen=True, slots=True)
class TextSample:
    """One output with its probabilities at sampling.

    Attributes:
        text: the words, with single spaces between them. label: the requested label.
        token_logprobs: log-probability of each word and of the end token, in nats, under the sampling distribution.
        entropies: entropy of the distribution of each of these steps, in nats.
    """

    text: str
    label: str | None
    token_logprobs: tuple[float, ...]
    entropies: tuple[float, ...]

    @property
    def log_probability(self) -> float:
        """Log-probability of the whole output, the end token included, in nats."""
        return math.fsum(self.token_logprobs)


@dataclass(frozen=True, slots=True)
class MarkovText:
    """A Markov chain of order 2 with Witten-Bell back-off [witten1991].

    It backs off to orders 1 and 0. ``p(w | u v) = k p_ML(w | u v) + (1 - k) p(w | v)`` with
    ``k = c / (c + backoff * t)``, where ``c`` is the count of the context and ``t`` the number of different next words;
    order 0 of a label backs off to that of all rows. The end token cannot come first, and has probability one after
    ``max_words`` words, so the distribution is proper. Fitted by :meth:`fit`; ``tables`` holds per label (``None``: all
    rows) the counts by context.
    """

    vocabulary: tuple[str, ...]
    tables: Mapping[str | None, Table]
    index: Mapping[str, int]
    backoff: float = 0.2
    max_words: int = 64
    _cache: dict[tuple[str | None, Context], Floats] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str] | None = None,
        *,
        backoff: float = 0.2,
        max_words: int = 64,
    ) -> MarkovText:
        """Count the words of ``texts``, as :func:`pieces` splits them, per label and over all.

        Raises:
            UsageError: no words at all, a text longer than ``max_words``, or labels that do not match the texts.
        """
        rows = [pieces(text) for text in texts]
        _check_fit(rows, labels, backoff, max_words)
        vocabulary = tuple(sorted({word for row in rows for word in row}))
        index = {word: k + 1 for k, word in enumerate(vocabulary)}
        coded = [[index[word] for word in row] for row in rows if row]
        tables: dict[str | None, Table] = {None: _count(coded)}
        kept = [] if labels is None else [label for label, row in zip(labels, rows, strict=True) if row]
        for label in sorted(set(kept)):
            tables[label] = _count(row for row, own in zip(coded, kept, strict=True) if own == label)
        return cls(vocabulary, tables, index, backoff, max_words)

    def next_word(self, words: Sequence[int], label: str | None = None, *, temperature: float = 1.0) -> Floats:
        """Distribution of the next symbol after the word indices ``words``.

        Shape ``(len(vocabulary) + 1,)``, end token first. Temperature T renormalizes ``p ** (1 / T)`` exactly; T = 0 is
        greedy (the first of the most probable symbols).
        """
        if len(words) >= self.max_words:
            return _certain(END, len(self.vocabulary) + 1)
        context = (START, START, *words)[-2:]
        law = self._law(label, context)
        if temperature == 1.0:
            return law
        return _tempered(law, temperature)

    def sample(
        self, n: int, *, rng: np.random.Generator, label: str | None = None, temperature: float = 1.0
    ) -> tuple[TextSample, ...]:
        """``n`` independent outputs for one label (``None``: all rows)."""
        return tuple(self._sample_one(rng, label, temperature) for _ in range(n))

    def draw(self, words: Sequence[int], label: str | None = None, *, rng: np.random.Generator) -> int:
        """Draw one symbol of ``next_word`` at temperature 1, by descending the orders."""
        if len(words) >= self.max_words:
            return END
        levels = list(self._levels((START, START, *words)[-2:], label))
        symbol = _descend(levels, rng)
        while symbol == END and not words:  # the lower orders, given that the text is not empty
            symbol = _descend(levels[1:], rng)
        return symbol

    def named_last(self, prompt: str) -> str | None:
        """The label named last in a prompt, as a word; the longest of those at one place."""
        places = [
            (found.start(), len(label), label)
            for label in filter(None, self.tables)
            for found in re.finditer(mention(label), prompt)
        ]
        return max(places)[2] if places else None

    def probability(self, words: Sequence[int], symbol: int, label: str | None = None) -> float:
        """One entry of ``next_word`` at temperature 1, for nonempty ``words``."""
        if len(words) >= self.max_words or not words:
            return float(self.next_word(words, label)[symbol])
        result, reach = 0.0, 1.0
        for weight, symbols, counts in self._levels((START, START, *words)[-2:], label):
            at = int(np.searchsorted(symbols, symbol))
            if at < len(symbols) and symbols[at] == symbol:
                result += reach * weight * float(counts[at] / counts.sum())
            reach *= 1.0 - weight
        return result

    def _levels(self, context: Context, label: str | None) -> Iterator[tuple[float, Ints, Floats]]:
        """(weight, symbols, counts) of every order with this context, longest first.

        The last weight is one.
        """
        for start in range(len(context) + 1):
            seen = self._table(label).get(context[start:])
            if seen is not None and context[start:] != (START,):
                yield (self._weight(seen) if start < len(context) or label is not None else 1.0), *seen
        if label is not None:
            yield 1.0, *self.tables[None][()]

    def _table(self, label: str | None) -> Table:
        if label not in self.tables:
            raise UsageError(
                f"label {label!r} was not fitted",
                expected=f"one of {sorted(filter(None, self.tables))}",
                todo="add texts with this label, or ask for one of these",
            )
        return self.tables[label]

    def _weight(self, seen: tuple[Ints, Floats]) -> float:
        total = float(seen[1].sum())
        return total / (total + self.backoff * len(seen[0]))

    def steps(self, text: str, label: str | None = None, *, temperature: float = 1.0) -> tuple[Floats, Floats]:
        """Log-probability and entropy of each step of a given text, in nats.

        Shapes ``(words + 1,)``, end token last. An unknown word, and every step after it, has log-probability minus
        infinity and entropy NaN.
        """
        coded = [self.index.get(word, START) for word in pieces(text)]
        logs = np.full(len(coded) + 1, -math.inf)
        entropies = np.full(len(coded) + 1, math.nan)
        for step, symbol in enumerate([*coded, END]):
            if symbol == START or step > self.max_words:
                break
            law = self.next_word(coded[:step], label, temperature=temperature)
            logs[step] = _log(law[symbol])
            entropies[step] = _entropy(law)
        return logs, entropies

    def log_probability(self, text: str, label: str | None = None, *, temperature: float = 1.0) -> float:
        """Exact log-probability of ``text`` and its end, in nats.

        Minus infinity for texts of probability zero.
        """
        return float(np.sum(self.steps(text, label, temperature=temperature)[0]))

    def enumerate(self, label: str | None = None, *, temperature: float = 1.0) -> dict[str, float]:
        """Every possible text with its exact probability.

        For tiny vocabularies and lengths only.
        """
        texts: dict[str, float] = {}
        for words, probability in self._walk((), 1.0, label, temperature):
            texts[joined(self.vocabulary[k - 1] for k in words)] = probability
        return texts

    def _walk(
        self, words: Context, mass: float, label: str | None, temperature: float
    ) -> Iterator[tuple[Context, float]]:
        law = self.next_word(words, label, temperature=temperature)
        for symbol in np.flatnonzero(law):
            if symbol == END:
                yield words, mass * float(law[END])
            else:
                yield from self._walk((*words, int(symbol)), mass * float(law[symbol]), label, temperature)

    def _sample_one(self, rng: np.random.Generator, label: str | None, temperature: float) -> TextSample:
        words: list[int] = []
        logs: list[float] = []
        entropies: list[float] = []
        symbol = START
        while symbol != END:
            law = self.next_word(words, label, temperature=temperature)
            symbol = _draw(law, rng)
            logs.append(_log(law[symbol]))
            entropies.append(_entropy(law))
            words.append(symbol)
        text = joined(self.vocabulary[k - 1] for k in words[:-1])
        return TextSample(text, label, tuple(logs), tuple(entropies))

    def _law(self, label: str | None, context: Context) -> Floats:
        key = (label, context)
        law = self._cache.get(key)
        if law is None:
            law = self._smoothed(label, context)
            if not context or len(self._cache) < CACHED:
                self._cache[key] = law
        return law

    def _smoothed(self, label: str | None, context: Context) -> Floats:
        """The interpolated distribution; cached arrays are never modified."""
        if not context and label is None:
            return self._unigram()
        lower = self._law(label, context[1:]) if context else self._law(None, ())
        if context == (START, START):
            lower = _without_end(lower)
        elif context == (START,):
            return lower
        seen = self._table(label).get(context)
        if seen is None:
            return lower
        symbols, counts = seen
        weight = self._weight(seen)
        law = (1.0 - weight) * lower
        law[symbols] += weight * counts / counts.sum()
        return law

    def _unigram(self) -> Floats:
        symbols, counts = self.tables[None][()]
        law = np.zeros(len(self.vocabulary) + 1)
        law[symbols] = counts / counts.sum()
        return law


def _check_fit(rows: list[list[str]], labels: Sequence[str] | None, backoff: float, max_words: int) -> None:
    if not any(rows):
        raise UsageError(
            "no words to fit the toy generator", expected="at least one text with a word", todo="add texts"
        )
    longest = max(map(len, rows))
    if longest > max_words:
        raise UsageError(
            f"a text of {longest} words", expected=f"at most max_words={max_words}", todo="raise max_words"
        )
    if labels is not None and len(labels) != len(rows):
        raise UsageError(
            f"{len(labels)} labels for {len(rows)} texts",
            expected="one label per text",
            todo="pass one label per text, or labels=None",
        )
    if backoff < 0:
        raise UsageError(f"backoff {backoff}", expected="a number at least 0", todo="pass backoff=0 or more")


def _count(rows: Iterable[list[int]]) -> Table:
    """Counts of the next symbol by context.

    () for order 0, (v,) for order 1, (u, v) for order 2.
    """
    counters: dict[Context, Counter[int]] = {}
    for row in rows:
        padded = [START, START, *row, END]
        for at in range(2, len(padded)):
            for context in ((), (padded[at - 1],), (padded[at - 2], padded[at - 1])):
                counters.setdefault(context, Counter())[padded[at]] += 1
    return {context: _arrays(counter) for context, counter in counters.items()}


def _arrays(counter: Counter[int]) -> tuple[Ints, Floats]:
    symbols = np.array(sorted(counter), dtype=np.int64)
    return symbols, np.array([counter[int(s)] for s in symbols], dtype=np.float64)


def _without_end(law: Floats) -> Floats:
    """The distribution given that the text is not empty."""
    law = law.copy()
    law[END] = 0.0
    return np.asarray(law / law.sum())


def _tempered(law: Floats, temperature: float) -> Floats:
    if temperature < 0:
        raise UsageError(
            f"temperature {temperature}", expected="a number at least 0", todo="set temperature to 0 or more"
        )
    if temperature == 0:
        return _certain(int(np.argmax(law)), len(law))
    with np.errstate(divide="ignore"):
        scaled = np.log(law) / temperature
    weights = np.exp(scaled - scaled.max())
    return np.asarray(weights / weights.sum())


def _certain(symbol: int, size: int) -> Floats:
    law = np.zeros(size)
    law[symbol] = 1.0
    return law


def _draw(law: Floats, rng: np.random.Generator) -> int:
    """Draw by inverse transform on the support, never a symbol of probability zero."""
    support = np.flatnonzero(law)
    cumulative = np.cumsum(law[support])
    return int(
        support[min(int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")), len(support) - 1)]
    )


def _descend(levels: Sequence[tuple[float, Ints, Floats]], rng: np.random.Generator) -> int:
    """A symbol of the first order accepted by a draw with its weight."""
    _, symbols, counts = next(level for level in levels if level[0] >= 1.0 or rng.random() < level[0])
    cumulative = np.cumsum(counts)
    return int(symbols[np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right")])


def _log(probability: float) -> float:
    return math.log(probability) if probability > 0 else -math.inf


def _entropy(law: Floats) -> float:
    support = law[law > 0]
    return float(-np.sum(support * np.log(support)))
