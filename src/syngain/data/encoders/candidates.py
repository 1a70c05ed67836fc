"""Encode candidates of a query: similarity with the query, by n-grams and by their principal axes, and style."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from syngain.data.columns.targets import pair
from syngain.data.encoders.comparisons import SEEN, style
from syngain.data.encoders.vectors import FittedNgrams, HashedNgrams, weigh
from syngain.data.text.texts import Texts
from syngain.data.text.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.data.columns.targets import Value

MOST = 50  # negative candidates of a row that are looked at


@dataclass(frozen=True, slots=True)
class QueryCandidates:
    """Queries and their candidates, with what is computed of each once.

    Attributes:
        queries, candidates: n-gram counts of each. query: the query of a candidate. positive: which candidates are.
        start: first candidate of each row, and their number. style: of the candidates (c, 16).
    """

    queries: sparse.csr_matrix[np.float32]
    candidates: sparse.csr_matrix[np.float32]
    query: Ints
    positive: Flags
    start: Ints
    style: Floats


@dataclass(frozen=True, slots=True)
class CandidateEncoder:
    """Products of query and candidate along the principal axes of their n-grams, cosines, and style."""

    ngrams: HashedNgrams = field(default_factory=lambda: HashedNgrams(dimensions=48))

    def of(self, queries: Sequence[str], values: Sequence[Value]) -> QueryCandidates:
        """What the encoder needs of these rows: positive candidates first."""
        texts: list[str] = []
        positive: list[bool] = []
        start, asked, styles = [0], [], []
        for row, value in enumerate(values):
            better, worse = pair(value)
            said = frozenset(words(queries[row][-SEEN:]))
            for text, good in [*((one, True) for one in better), *((one, False) for one in worse[:MOST])]:
                texts.append(text)
                positive.append(good)
                asked.append(row)
                styles.append(style(text, said))
            start.append(len(texts))
        return QueryCandidates(
            self.ngrams.counts(Texts.of(queries)),
            self.ngrams.counts(Texts(texts)),
            np.array(asked, dtype=np.int64),
            np.array(positive, dtype=bool),
            np.array(start, dtype=np.int64),
            np.array(styles, dtype=np.float64).reshape(len(texts), -1),
        )

    def fit(self, sets: Sequence[QueryCandidates]) -> FittedCandidates:
        """Fit weights, axes and scales without knowing which candidates are positive."""
        counts = sparse.vstack([part for one in sets for part in (one.queries, one.candidates)], format="csr")
        fitted = self.ngrams.fit_counts(sparse.csr_matrix(counts), np.random.default_rng(25))
        scale = np.vstack([one.style for one in sets]).std(axis=0)
        return FittedCandidates(fitted, np.where(scale > 0, scale, 1.0))


@dataclass(frozen=True, slots=True)
class FittedCandidates:
    """A fitted encoder of candidates."""

    ngrams: FittedNgrams
    scale: Floats

    def __call__(self, rows: QueryCandidates) -> Floats:
        """Features of all candidates (c, d)."""
        ours, theirs = self.ngrams.of_counts(rows.queries)[rows.query], self.ngrams.of_counts(rows.candidates)
        buckets = self.ngrams.encoder.buckets
        first, second = (weigh(counts, self.ngrams.idf, buckets) for counts in (rows.queries, rows.candidates))
        common = first[rows.query].multiply(second).tocsc()
        cosines = [np.asarray(part.sum(axis=1)).ravel() for part in (common[:, :buckets], common[:, buckets:])]
        alike = np.column_stack([*cosines, (ours * theirs).sum(axis=1)])
        return np.hstack([2 * alike, ours * theirs, rows.style / self.scale / 4])
