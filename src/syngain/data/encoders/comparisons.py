"""Encode pairs of responses: features of the chosen response minus those of the rejected one.

Exchanging both responses changes the sign of every feature, so that the order of the two columns carries nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from syngain.data.blocks import row_values
from syngain.data.encoders.vectors import HashedNgrams, weigh
from syngain.data.text.texts import Texts
from syngain.data.text.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints, Singles

SEEN = 20_000  # characters of a response that are looked at
ENDS = ".!?\u3002\uff01\uff1f\u0964\u061f"  # with those of Chinese, Hindi and Arabic
MARKS = re.compile(f"[{ENDS}]")
ITEMS = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
STYLES = 16
FEW = 1_500  # rows up to which the axes are exact


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Pairs of responses with what is computed of each row once.

    Attributes:
        chosen, rejected: n-gram counts (n, 2 * buckets). style: differences of style (n, 16).
    """

    chosen: sparse.csr_matrix[np.float32]
    rejected: sparse.csr_matrix[np.float32]
    style: Floats

    @classmethod
    def joined(cls, parts: Sequence[Comparisons]) -> Comparisons:
        """Several sets of pairs, in order."""
        counts = ([part.chosen for part in parts], [part.rejected for part in parts])
        chosen, rejected = (sparse.csr_matrix(sparse.vstack(found, format="csr")) for found in counts)
        return cls(chosen, rejected, np.vstack([part.style for part in parts]))

    def __getitem__(self, rows: Ints) -> Comparisons:
        """The same of some rows."""
        return Comparisons(self.chosen[rows], self.rejected[rows], self.style[rows])

    def __len__(self) -> int:
        return len(self.style)


@dataclass(frozen=True, slots=True)
class ComparisonEncoder:
    """Hashed n-grams of both responses by difference, reduced by SVD, and differences of style.

    Attributes:
        ngrams: what is counted. dimensions: of the reduced n-grams.
    """

    ngrams: HashedNgrams = field(default_factory=HashedNgrams)
    dimensions: int = 96

    def of(self, prompts: Sequence[str], chosen: Sequence[str], rejected: Sequence[str]) -> Comparisons:
        """What the encoder needs of these pairs."""
        return Comparisons(
            self.ngrams.counts(Texts.of(chosen)),
            self.ngrams.counts(Texts.of(rejected)),
            styles(prompts, chosen, rejected),
        )

    def fit(self, seen: Comparisons, rng: np.random.Generator) -> FittedComparisons:
        """Fit weights, axes and scales; the order of the responses changes none of them."""
        size = 2 * len(seen)
        documents = sum(np.bincount(part.indices, minlength=part.shape[1]) for part in (seen.chosen, seen.rejected))
        idf = (np.log((1 + size) / (1 + documents)) + 1).astype(np.float32)
        shared = np.flatnonzero(documents >= 2)
        differences = _differences(seen, idf, self.ngrams.buckets)[:, shared]
        rank = max(1, min(self.dimensions, len(seen) - 1, shared.size - 1))
        state = int(rng.integers(2**31 - 1))
        axes = (
            _axes(differences, rank, state) if min(differences.shape) > 1 else np.zeros((shared.size, rank), np.float32)
        )
        scale = np.sqrt((seen.style**2).mean(axis=0)) if len(seen) else np.ones(STYLES)
        return FittedComparisons(self, idf, shared, axes, np.where(scale > 0, scale, 1.0))


@dataclass(frozen=True, slots=True)
class FittedComparisons:
    """A fitted encoder of comparisons."""

    encoder: ComparisonEncoder
    idf: Singles
    shared: Ints
    axes: Singles
    scale: Floats

    def __call__(self, pairs: Comparisons) -> Floats:
        """Features (n, d): zero where both responses are equal."""
        differences = _differences(pairs, self.idf, self.encoder.ngrams.buckets)[:, self.shared]
        text = np.asarray(differences @ self.axes, dtype=np.float64)
        style = np.clip(pairs.style / self.scale, -4, 4) / np.sqrt(STYLES)
        return np.hstack([text, style])


def styles(prompts: Sequence[str], chosen: Sequence[str], rejected: Sequence[str]) -> Floats:
    """Differences of style (n, 16): lengths, words, lines, marks, case, digits, repetition, words of the prompt."""

    def block(part: slice) -> list[list[float]]:
        rows = zip(prompts[part], chosen[part], rejected[part], strict=True)
        return [_style_difference(*row) for row in rows]

    return row_values(block, len(prompts), np.float64).reshape(len(prompts), STYLES)


def _style_difference(prompt: str, chosen: str, rejected: str) -> list[float]:
    asked = frozenset(words(prompt[-SEEN:]))
    return [first - second for first, second in zip(style(chosen, asked), style(rejected, asked), strict=True)]


def style(text: str, asked: frozenset[str]) -> list[float]:
    """Lengths, words, lines, marks, case, digits, repetition and words of the prompt of one text (16,)."""
    text = text[:SEEN]
    said, size = words(text), max(len(text), 1)
    different = set(said)
    return [
        float(np.log1p(len(text))),
        float(np.log1p(len(said))),
        float(np.log1p(text.count("\n"))),
        float(np.log1p(len(MARKS.findall(text)))),
        float(np.log1p(len(ITEMS.findall(text)))),
        float("```" in text),
        float(np.log1p(text.count("?"))),
        float(np.log1p(text.count("!"))),
        float(np.log1p(text.count(","))),
        sum(map(str.isdigit, text)) / size,
        sum(map(str.isupper, text)) / size,
        sum(map(len, said)) / max(len(said), 1),
        len(different) / max(len(said), 1),
        len(different & asked) / max(len(asked), 1),
        len(different & asked) / max(len(different), 1),
        float(text.rstrip().endswith(tuple(ENDS + "\"')]}`:"))),
    ]


def _axes(differences: sparse.csr_matrix[np.float32], rank: int, state: int) -> Singles:
    """The principal axes (s, rank) of differences (n, s): exact for few rows, else by randomized SVD."""
    if differences.shape[0] > FEW:
        _, _, found = randomized_svd(differences, rank, n_oversamples=10, n_iter=2, random_state=state)
        return np.asarray(found.T, dtype=np.float32)
    squares, turn = np.linalg.eigh((differences @ differences.T).toarray().astype(np.float64))
    scale = np.sqrt(np.maximum(squares[::-1][:rank], 0.0))
    wanted = np.divide(turn[:, ::-1][:, :rank], scale, out=np.zeros((len(turn), rank)), where=scale > 1e-6)
    return np.asarray(differences.T @ wanted.astype(np.float32), dtype=np.float32)


def _differences(pairs: Comparisons, idf: Singles, buckets: int) -> sparse.csr_matrix[np.float32]:
    better, worse = (weigh(counts, idf, buckets) for counts in (pairs.chosen, pairs.rejected))
    return sparse.csr_matrix(better - worse)
