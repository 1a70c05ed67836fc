"""Learners that measure what really happened. None shares code with syngain: its own proxy must not judge itself.

Labeled rows: logistic regression on words and pairs of words, and gradient boosting on a singular value decomposition
of words and characters. Each chooses its hyper-parameter on held-out anchors, in every arm anew; rows made from a
held-out anchor leave with it. Unlabeled rows: Witten-Bell language models [witten1991] of bytes and of words.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FOLDS = 3
MIXED = 0.01
WORD = r"(?u)\b\w+\b|[!?]"


@dataclass(frozen=True)
class Labeled:
    """Rows to learn from or to judge by.

    Attributes:
        unit: rows of one number must not stand on both sides of a fold; -1: a row that always trains.
    """

    texts: Sequence[str]
    label: Ints
    unit: Ints

    def joined(self, other: Labeled) -> Labeled:
        """These rows, then the others."""
        label, unit = (np.concatenate(pair) for pair in ((self.label, other.label), (self.unit, other.unit)))
        return Labeled([*self.texts, *other.texts], label, unit)


class Family(Protocol):
    """A kind of classifier: learns, tuned on held-out anchors, and gives log-probabilities of the labels of rows."""

    def log_probabilities(self, train: Labeled, anchors: int, test: Sequence[str], classes: int) -> Floats:
        """Shape (t, classes), in nats, always finite. The first ``anchors`` rows of ``train`` are the anchors."""


@dataclass(frozen=True)
class Linear:
    """Logistic regression on TF-IDF of words and pairs of words; the penalty is tuned.

    Attributes:
        strengths: inverse penalties of the mean loss, not of its sum: rows repeated in equal numbers change nothing.
    """

    strengths: Sequence[float] = (30.0, 300.0, 3e3, 3e4, 3e5)

    def log_probabilities(self, train: Labeled, anchors: int, test: Sequence[str], classes: int) -> Floats:
        """See :class:`Family`."""
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=WORD)
        X, T = words.fit_transform(train.texts), words.transform(test)

        def path(rows: Ints, judged: Ints) -> list[Floats]:
            return self._path(X[rows], train.label[rows], X[judged], classes)

        best = chosen(path, train, anchors, len(self.strengths))
        return self._path(X, train.label, T, classes, self.strengths[: best + 1])[best]

    def _path(self, X: Floats, y: Ints, T: Floats, classes: int, strengths: Sequence[float] = ()) -> list[Floats]:
        if np.unique(y).size < 2:
            return [mixed(np.ones((T.shape[0], 1)), np.unique(y), classes)] * len(strengths or self.strengths)
        model = LogisticRegression(max_iter=2_000, warm_start=True)
        out = []
        for strength in strengths or self.strengths:
            model.set_params(C=strength / y.size).fit(X, y)
            out.append(mixed(model.predict_proba(T), model.classes_, classes))
        return out


@dataclass(frozen=True)
class Boosted:
    """Gradient-boosted trees on 48 singular directions of TF-IDF of words and characters; the rounds are tuned.

    A leaf holds at least 2 % of the rows: rows repeated in equal numbers change nothing.
    """

    rounds: Sequence[int] = (5, 10, 20, 40, 80)
    dimensions: int = 48

    def log_probabilities(self, train: Labeled, anchors: int, test: Sequence[str], classes: int) -> Floats:
        """See :class:`Family`."""
        grams = make_union(
            TfidfVectorizer(sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True),
        )
        counted = grams.fit_transform(train.texts)
        directions = TruncatedSVD(min(self.dimensions, counted.shape[0] - 1, counted.shape[1] - 1), random_state=0)
        X, T = directions.fit_transform(counted), directions.transform(grams.transform(test))

        def path(rows: Ints, judged: Ints) -> list[Floats]:
            return self._path(X[rows], train.label[rows], X[judged], classes, self.rounds)

        best = chosen(path, train, anchors, len(self.rounds))
        return self._path(X, train.label, T, classes, self.rounds[: best + 1])[best]

    def _path(self, X: Floats, y: Ints, T: Floats, classes: int, rounds: Sequence[int]) -> list[Floats]:
        if np.unique(y).size < 2:
            return [mixed(np.ones((T.shape[0], 1)), np.unique(y), classes)] * len(rounds)
        smallest = max(2, y.size // 50)
        model = HistGradientBoostingClassifier(
            max_iter=max(rounds), max_leaf_nodes=8, min_samples_leaf=smallest, early_stopping=False, random_state=0
        )
        stages = enumerate(model.fit(X, y).staged_predict_proba(T), 1)
        return [mixed(shares, model.classes_, classes) for done, shares in stages if done in rounds]


def chosen(path: Callable[[Ints, Ints], list[Floats]], train: Labeled, anchors: int, count: int) -> int:
    """The setting with the lowest log-loss on held-out anchors; the middle one where none can be held out."""
    units = np.unique(train.unit[:anchors])
    fold = dict(zip(units.tolist(), np.random.default_rng(0).permutation(units.size) % FOLDS, strict=True))
    of = np.array([fold.get(unit, -1) for unit in train.unit.tolist()])
    total = np.zeros(count)
    for held in range(FOLDS):
        judged, rows = np.flatnonzero(of[:anchors] == held), np.flatnonzero(of != held)
        if judged.size and rows.size:
            total -= [scores[np.arange(judged.size), train.label[judged]].sum() for scores in path(rows, judged)]
    return int(np.argmin(total)) if total.any() else count // 2


def mixed(shares: Floats, present: Ints, classes: int) -> Floats:
    """Log-probabilities of all classes, mixed with a hundredth of the uniform in every arm: finite."""
    out = np.full((shares.shape[0], classes), MIXED / classes)
    out[:, present] += (1 - MIXED) * shares
    return np.asarray(np.log(out))


class WittenBell:
    """A language model of sequences, interpolated down to a base distribution; no hyper-parameter but the order.

    With n(h) occurrences and t(h) different successors of a context h:
    p(x | h) = (n(hx) + t(h) p(x | h')) / (n(h) + t(h)).
    """

    def __init__(self, order: int, base: Callable[[Hashable], float]) -> None:
        """``order``: symbols of the longest n-gram; ``base``: log-probability of a symbol that was never seen."""
        self.order, self.base = order, base
        self.counts: Counter[tuple[Hashable, ...]] = Counter()
        self.after: Counter[tuple[Hashable, ...]] = Counter()
        self.kinds: Counter[tuple[Hashable, ...]] = Counter()

    def fit(self, sequences: Iterable[Sequence[Hashable]]) -> WittenBell:
        """Count; returns itself."""
        for symbols in sequences:
            for at in range(len(symbols)):
                for start in range(max(0, at - self.order + 1), at + 1):
                    self.counts[tuple(symbols[start : at + 1])] += 1
        for gram, count in self.counts.items():
            self.after[gram[:-1]] += count
            self.kinds[gram[:-1]] += 1
        return self

    def surprisal(self, symbols: Sequence[Hashable]) -> float:
        """Of the sequence, in nats."""
        return sum(self._one(tuple(symbols[max(0, at - self.order + 1) : at + 1])) for at in range(len(symbols)))

    def _one(self, gram: tuple[Hashable, ...]) -> float:
        log_p = self.base(gram[-1])  # a long word that was never seen is too improbable for a float
        for start in range(len(gram) - 1, -1, -1):
            seen = self.after[gram[start:-1]]
            if not seen:
                break
            kinds = self.kinds[gram[start:-1]]
            count = self.counts[gram[start:]]
            log_p = math.log(count + kinds * math.exp(log_p)) if count else math.log(kinds) + log_p
            log_p -= math.log(seen + kinds)
        return -log_p


END = 256


def bytes_model(texts: Sequence[str], order: int = 5) -> Callable[[str], float]:
    """Surprisal of a text and its end in nats, by its bytes."""
    model = WittenBell(order, lambda _: -math.log(257)).fit([*text.encode(), END] for text in texts)
    return lambda text: model.surprisal([*text.encode(), END])


def words_model(texts: Sequence[str], order: int = 2) -> Callable[[str], float]:
    """The same by its words, each with the space before it; words never seen are spelled by their bytes."""
    cut = [pieces(text) for text in texts]
    spelling = bytes_model(sorted({word for words in cut for word in words}), order=4)
    known: dict[Hashable, float] = {"": -30.0}

    def spelled(word: Hashable) -> float:
        if word not in known:
            known[word] = -spelling(str(word))
        return known[word]

    model = WittenBell(order, spelled).fit([*words, ""] for words in cut)
    return lambda text: model.surprisal([*pieces(text), ""])


def pieces(text: str) -> list[str]:
    """The text in words and signs, each with the space before it; joined they are the text."""
    return re.findall(r"\s*\w+|\s*[^\w\s]+|\s+$", text)
