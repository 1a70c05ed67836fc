"""Interpolated n-gram language model over bytes, without download and seed.

It predicts a byte from the six before it, so it has no notion of meaning; of a prompt it uses the last five bytes.
Every surprisal is finite, every distribution over the 256 bytes and the end of a text sums to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.learners.compact import BYTES
from syngain.learners.grams import LONGEST, Grams, Level, sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.arrays import Flags, Floats, Ints, Unsigned

USUAL = 0.9  # the discount where nothing can be held out, and where the search begins
UNKNOWN = np.iinfo(np.int64).max  # above every checksum
ENOUGH = 30_000  # held-out symbols that suffice to choose the discount


@dataclass(frozen=True, slots=True, kw_only=True)
class NgramModel:
    """Interpolated Kneser-Ney smoothing [kneser1995] with power-law discounts.

    See [chen1999] and [huang2010]. ``p(w | h) = (c - D(c)) / C + (sum D) / C * p(w | h without its first symbol)``,
    down to 1 / 257, with ``D(c) = min(c, d * c ** power)``. The longest n-grams count occurrences, shorter ones the
    number of different preceding symbols. A context that begins with the border of a text has no preceding symbol and
    counts occurrences too. The discount ``d`` of occurrences is the regularization, chosen in every fit on held-out
    rows. Formulas from counts of counts [chen1999] fail for repeated rows, where nothing occurs only once.

    Attributes:
        order: symbols of the longest n-gram, the predicted one included, 1 to 7.
        power: growth of the discount with the count, in [0, 1).
        types: discount of the counts of preceding symbols, by length of the context from 0, at least ``order - 1``.
        occurrences: increasing discounts of occurrences to choose from; the search descends from the one nearest to
            0.9. Rows repeated r times need about ``r ** (1 - power)`` times the discount.
        folds: number of folds.
    """

    order: int = LONGEST
    power: float = 0.35
    types: tuple[float, ...] = (0.55, 0.65, 0.75, 0.8, 0.85, 0.9)
    occurrences: tuple[float, ...] = (0.5, 0.7, 0.9, 1.2, 1.6, 2.2, 3.0, 4.0, 5.5, 7.5, 10.0, 14.0, 20.0, 28.0, 40.0)
    folds: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.order <= LONGEST:
            raise UsageError(f"order {self.order}", expected=f"1 to {LONGEST}", todo=f"pass order={LONGEST} or less")
        if not 0 <= self.power < 1:
            raise UsageError(
                f"power {self.power}", expected="at least 0 and below 1", todo="pass power=0.35, the default"
            )
        if len(self.types) < self.order - 1 or not all(0 < d <= 1 for d in self.types):
            raise UsageError(
                f"types {self.types}",
                expected=f"at least {self.order - 1} discounts above 0, at most 1",
                todo="leave types at its default, or lower order",
            )
        if not self.occurrences or min(self.occurrences) <= 0 or list(self.occurrences) != sorted(self.occurrences):
            raise UsageError(
                f"occurrences {self.occurrences}", expected="increasing discounts above 0", todo="sort the discounts"
            )
        if self.folds < 2:
            raise UsageError(f"{self.folds} folds", expected="at least 2", todo="pass folds=2 or more")

    def fit(self, texts: Sequence[str], prompts: Sequence[str] | None = None) -> FittedNgram:
        """Fit texts (n,), each after its prompt (n,); repeated rows count repeatedly.

        Prompts are context only.

        Raises:
            UsageError: prompts that do not match the texts.
        """
        grams = Grams.of(texts, prompts, order=self.order)
        return self.fit_grams(grams, np.ones(grams.rows))

    def fit_grams(
        self, grams: Grams, weight: Floats, *, judged: Flags | None = None, unit: Ints | None = None
    ) -> FittedNgram:
        """Fit the rows of an index, each with ``weight`` (n,).

        The discount is chosen on the ``judged`` rows (n,) with weight (default: all), each counted once. Rows of the
        same ``unit`` (n,) are held out together (default: equal rows). Rows with weight 0 have no effect.

        Raises:
            UsageError: an index of another order.
        """
        if len(grams.levels) != self.order:
            raise UsageError(
                f"an index of order {len(grams.levels)}",
                expected=f"the order of the model, {self.order}",
                todo=f"build the index with order={self.order}",
            )
        weight = np.asarray(weight, dtype=np.float64)
        judged = weight > 0 if judged is None else judged & (weight > 0)
        fold = _fold(grams.key if unit is None else unit, np.where(weight > 0, grams.key, UNKNOWN), judged, self.folds)
        discount = self._chosen(grams, self._trials(grams, weight, fold, judged))
        return self._fitted(grams, _counted(grams, weight, self.power), discount)

    def _chosen(self, grams: Grams, trials: Sequence[tuple[Sequence[_Counts], Floats]]) -> float:
        """The discount with the lowest held-out surprisal.

        The default one where no row can be held out.
        """
        start = int(np.argmin(np.abs(np.array(self.occurrences) - USUAL)))

        def surprisal(index: int) -> float:  # summed over n-grams, not rows: the order of rows cannot matter
            discount = self.occurrences[index]
            return sum(float(seen @ self._fitted(grams, counts, discount).nats()) for counts, seen in trials)

        return self.occurrences[_downhill(surprisal, start, len(self.occurrences)) if trials else start]

    def _trials(self, grams: Grams, weight: Floats, fold: Ints, judged: Flags) -> list[tuple[list[_Counts], Floats]]:
        """Training counts and evaluation counts of n-grams (u,), by fold.

        As many folds as needed.
        """
        trials: list[tuple[list[_Counts], Floats]] = []
        symbols = 0.0
        for part in range(self.folds):
            held, away = judged & (fold == part), np.where(fold == part, 0.0, weight)
            if held.any() and away.any() and symbols < ENOUGH:
                trials.append((_counted(grams, away, self.power), grams.counted(held.astype(float))))
                symbols += float(trials[-1][1].sum())
        return trials

    def _fitted(self, grams: Grams, counts: Sequence[_Counts], discount: float) -> FittedNgram:
        parts = []
        for length, (level, count) in enumerate(zip(grams.levels, counts, strict=True)):
            longest = length == self.order - 1
            own = discount if longest else np.where(level.opening, discount, self.types[length])
            parts.append(_discounted(level, count, np.minimum(count.count, own * count.power)))
        return FittedNgram(self, discount, grams, tuple(p[0] for p in parts), tuple(p[1] for p in parts))


@dataclass(frozen=True, slots=True, eq=False)
class FittedNgram:
    """A fitted model, aligned with the index it was fitted on.

    Attributes:
        model: the hyper-parameters. discount: of occurrences, as chosen. grams: the index.
        excess: by level, relative frequency of each n-gram after discounting (u,).
        backoff: by level, the weight of the shorter context after each context (v,); 1 where it was not seen.
    """

    model: NgramModel
    discount: float
    grams: Grams
    excess: tuple[Floats, ...]
    backoff: tuple[Floats, ...]

    def surprisal(self, texts: Sequence[str], prompts: Sequence[str] | None = None) -> tuple[Floats, Ints]:
        """Surprisal of texts and their ends after prompts, in nats (n,), and bytes (n,).

        Raises:
            UsageError: prompts that do not match the texts.
        """
        grams = Grams.of(texts, prompts, order=self.model.order, compact=self.grams.alphabet > BYTES)
        return self._on(grams).row_surprisal(), grams.size

    def log_probabilities(self, context: Sequence[int], prompt: Sequence[int] = b"") -> Floats:
        """Log-probability of every symbol, in nats (257 or, in the compact code, 512); 256 is the end.

        After the text began with the bytes, or symbols, ``context``. :meth:`surprisal` is the sum of these terms.
        """
        grams = Grams.after(context, prompt, order=self.model.order, alphabet=self.grams.alphabet)
        return -self._on(grams).row_surprisal()

    def row_surprisal(self) -> Floats:
        """Surprisal of every row of the index, in nats (n,), at any weight."""
        return self.grams.summed(self.nats())

    def nats(self) -> Floats:
        """Surprisal of the last symbol of each of the longest n-grams, in nats (u,)."""
        p = np.array([1 / self.grams.alphabet])
        for level, excess, backoff in zip(self.grams.levels, self.excess, self.backoff, strict=True):
            p = excess + backoff[level.context] * p[level.parent]
        return np.asarray(-np.log(p))

    def _on(self, grams: Grams) -> FittedNgram:
        """The same model on another index."""
        pairs = list(zip(grams.levels, self.grams.levels, strict=True))
        excess = tuple(
            _found(new.codes, old.codes, value, 0.0) for (new, old), value in zip(pairs, self.excess, strict=True)
        )
        backoff = tuple(
            _found(new.contexts, old.contexts, value, 1.0)
            for (new, old), value in zip(pairs, self.backoff, strict=True)
        )
        return FittedNgram(self.model, self.discount, grams, excess, backoff)


def _downhill(loss: Callable[[int], float], start: int, count: int) -> int:
    """The first local minimum from ``start`` in ``range(count)``, upwards first."""
    lowest = loss(start)
    for step in (1, -1):
        best, index = start, start + step
        while 0 <= index < count and (value := loss(index)) < lowest:
            best, lowest, index = index, value, index + step
        if best != start:
            return best
    return start


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """Counts of the n-grams of one level (u,).

    With their powers (u,) and their sums by context (v,).
    """

    count: Floats
    power: Floats
    total: Floats


def _counted(grams: Grams, weight: Floats, power: float) -> list[_Counts]:
    """Counts by level: occurrences, or numbers of preceding symbols.

    Occurrences for the longest n-grams and at openings.
    """
    counts: list[_Counts] = []
    occurred = grams.counted(weight)
    count = occurred
    for length in range(len(grams.levels) - 1, -1, -1):
        level = grams.levels[length]
        total = sums(level.context, count, level.contexts.size)
        counts.append(_Counts(count, count**power, total))
        if length:
            below = grams.levels[length - 1]
            pasts = sums(level.parent, (occurred > 0).astype(float), below.codes.size)
            occurred = sums(level.parent, occurred, below.codes.size)
            count = np.where(below.opening, occurred, pasts)
    return counts[::-1]


def _discounted(level: Level, counts: _Counts, removed: Floats) -> tuple[Floats, Floats]:
    """Excess of each n-gram and backoff of each context."""
    seen = counts.total > 0
    total = np.where(seen, counts.total, 1.0)
    mass = sums(level.context, removed, level.contexts.size)
    return (counts.count - removed) / total[level.context], np.where(seen, mass / total, 1.0)


def _fold(unit: Ints, key: Ints, judged: Flags, folds: int) -> Ints:
    """The fold of every row (n,), from the content of its unit, at any row order.

    Units without an evaluation row: -1.
    """
    names, inverse = np.unique(unit, return_inverse=True)
    first = np.full(names.size, UNKNOWN)
    np.minimum.at(first, inverse, key)
    tested = np.zeros(names.size, dtype=bool)
    tested[inverse[judged]] = True
    return np.where(tested, first % folds, -1)[inverse]


def _found(codes: Unsigned, known: Unsigned, values: Floats, missing: float) -> Floats:
    """The value of each code among the known ones, else ``missing``."""
    if not known.size:
        return np.full(codes.size, missing)
    at = np.minimum(np.searchsorted(known, codes), known.size - 1)
    return np.where(known[at] == codes, values[at], missing)
