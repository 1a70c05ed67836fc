"""Normal scores: a column of numbers given all earlier ones by ridge regression, with exact leave-one-out residuals.

All columns share one Cholesky factor per ridge: the design of a column is the first part of the design of the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.special import ndtr, ndtri

from syngain.tables.cells.alphabet import SMOOTHING

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.cells.alphabet import Alphabet

RIDGES = (1.0, 10.0, 100.0)
SCALES = (0.4, 1.0, 2.0)  # residual scales next to the fitted one; their weights are learned
ONE_HOT = 12  # symbols of a column of words that are features
SLOPES = 3  # groups of rows that have slopes of their own
SLOPE = 0.5  # size of such a feature: a smaller one has a stronger ridge
WIDEST = 600  # features of the regression
FEWEST = 6  # pieces of numbers from which a column is regressed


@dataclass(frozen=True)
class Block:
    """The features of one column: its normal score, or which of its frequent words a row has."""

    words: Ints
    mean: Floats
    numbers: bool
    groups: int

    @classmethod
    def of(cls, alphabet: Alphabet, piece: Ints, groups: int) -> Block:
        """The features of a column with these pieces; few groups of rows have slopes of their own."""
        counts = np.bincount(piece[piece >= 0], minlength=alphabet.counts.size)[: alphabet.first_number]
        order = np.argsort(-counts, kind="stable")[:ONE_HOT]
        numbers = bool(alphabet.low.size > 1)
        least = max(1, len(piece) // 100)
        words = order[(counts[order] >= least) & (counts[order] <= len(piece) - least)]
        return cls(words, counts[words] / max(len(piece), 1), numbers, groups if groups <= SLOPES else 1)

    @property
    def width(self) -> int:
        """The number of features."""
        return self.words.size + self.numbers * self.groups

    def features(self, alphabet: Alphabet, piece: Ints, level: Floats, group: Ints) -> Floats:
        """The features of rows (n, width); ``level`` is the quantile level of each number within its group."""
        out = np.empty((piece.size, self.width))
        out[:, : self.words.size] = (piece[:, None] == self.words) - self.mean
        if self.numbers:
            score = np.where(piece < alphabet.first_number, 0.0, ndtri(level))
            out[:, self.words.size] = score
            for other in range(1, self.groups):
                out[:, self.words.size + other] = SLOPE * np.where(group == other, score, 0.0)
        return out


@dataclass(frozen=True)
class SharedRegression:
    """Triangular factors and transformed designs for each ridge."""

    factors: tuple[Floats, ...]
    transformed: tuple[Floats, ...]

    @classmethod
    def of(cls, design: Floats) -> SharedRegression:
        """The factors of a design (n, features), its intercept first."""
        gram = design.T @ design
        factors = []
        for ridge in RIDGES:
            penalty = np.full(len(gram), ridge)
            penalty[0] = 1e-6
            factors.append(cholesky(gram + np.diag(penalty), lower=True))
        return cls(tuple(factors), tuple(solve_triangular(f, design.T, lower=True) for f in factors))

    def fit(self, wide: int, z: Floats) -> tuple[Floats, Floats]:
        """Coefficients and leave-one-out residuals on the first ``wide`` features, at the best ridge."""
        best = None
        for factor, transformed in zip(self.factors, self.transformed, strict=True):
            part = transformed[:wide]
            inner = part @ z
            leverage = np.minimum((part**2).sum(axis=0), 0.99)
            residual = (z - inner @ part) / (1 - leverage)
            error = float(residual @ residual)
            if best is None or error < best[0]:
                best = error, solve_triangular(factor[:wide, :wide], inner, lower=True, trans="T"), residual
        assert best is not None  # noqa: S101  (there are ridges)
        return best[1], best[2]


@dataclass(frozen=True)
class GaussianPart:
    """A column of numbers as normal scores around a linear predictor, at several residual scales.

    Scores, scales and words are those of the group of a row (its class).

    Attributes:
        beta: coefficients. lines: quantile levels between pieces (groups, pieces + 1). scales: standard deviations
            (groups, scales). words: probability of each piece of words, and that of numbers last (groups, words + 1).
    """

    beta: Floats
    lines: Floats
    scales: Floats
    words: Floats

    @cached_property
    def edges(self) -> Floats:
        """Normal scores between pieces (groups, pieces + 1)."""
        edges = ndtri(np.clip(self.lines, 0.0, 1.0))
        edges[:, 0], edges[:, -1] = -np.inf, np.inf
        return np.asarray(edges)

    @property
    def first_number(self) -> int:
        """The first piece of numbers."""
        return int(self.words.shape[1]) - 1

    def center(self, design: Floats) -> Floats:
        """The predicted normal score of each row."""
        return np.asarray(design[:, : self.beta.size] @ self.beta)

    def at(self, center: Floats, piece: Ints, group: Ints) -> Floats:
        """The probability of a piece of each row at each scale: (scales, n)."""
        at = np.maximum(piece - self.first_number, 0)
        low, high = self.edges[group, at] - center, self.edges[group, at + 1] - center
        inside = np.stack([ndtr(high / s) - ndtr(low / s) for s in self.scales[group].T])
        number = piece >= self.first_number
        words = self.words[group, np.where(number, 0, piece)]
        return np.where(number, self.words[group, -1] * np.maximum(inside, 0), words)

    def all_pieces(self, center: Floats, group: Ints) -> Floats:
        """The probability of every piece: (scales, n, pieces)."""
        out = []
        for scale in self.scales[group].T:
            running = ndtr((self.edges[group] - center[:, None]) / scale[:, None])
            words = self.words[group]
            out.append(np.concatenate([words[:, :-1], words[:, -1:] * np.diff(running, axis=1)], axis=1))
        return np.stack(out)

    @cached_property
    def _flat(self) -> Floats:
        return np.asarray((self.lines + np.arange(len(self.lines))[:, None]).ravel())

    def draw(self, center: Floats, scale: Ints, group: Ints, rng: np.random.Generator) -> Ints:
        """A piece of each row, at the scale of each."""
        score = center + self.scales[group, scale] * rng.standard_normal(center.size)
        wide = self.lines.shape[1]
        level = np.clip(ndtr(score), 0.0, 1 - 1e-12)
        at = np.searchsorted(self._flat, level + group, side="right") - 1 - group * wide
        at = np.clip(at, 0, wide - 2) + self.first_number
        if not self.first_number:
            return np.asarray(at)
        running = np.cumsum(self.words, axis=1)[group]
        word = (running[:, :-1] <= rng.random((center.size, 1))).sum(axis=1)
        return np.asarray(np.where(word < self.first_number, word, at), dtype=np.int64)


def fit_gaussian(
    alphabet: Alphabet, rows: tuple[Ints, Floats, Ints], lines: Floats, shared: SharedRegression, design: Floats
) -> tuple[GaussianPart, Floats] | None:
    """Fit a column; also the leave-one-out probability of each row's piece (scales, n). None where it has few numbers.

    ``rows``: piece, quantile level and group of each row. ``design``: the features of the earlier columns
    (n, features). The residual scale is that of the fit, so that the column keeps its spread; its likelihood is that
    of rows left out.
    """
    piece, level, group = rows
    wide = design.shape[1]
    if not alphabet.numeric or alphabet.low.size < FEWEST or wide < 2:
        return None
    number = piece >= alphabet.first_number
    z = np.where(number, ndtri(level), 0.0)
    beta, residual = shared.fit(wide, z)
    groups = len(lines)
    held = np.bincount(group * (alphabet.first_number + 1) + np.where(number, alphabet.first_number, piece))
    missing = groups * (alphabet.first_number + 1) - held.size
    table = np.pad(held, (0, missing)).reshape(groups, -1).astype(np.float64)
    words = table + 2 * table.sum(axis=0) / piece.size
    words /= words.sum(axis=1, keepdims=True)
    part = GaussianPart(beta, lines, _scales(residual, number, group, groups), words)
    left_out = part.at(z - residual, piece, group)
    return replace(part, scales=_scales(z - design @ beta, number, group, groups)), left_out


def _scales(residual: Floats, number: Flags, group: Ints, groups: int) -> Floats:
    """Residual scales of each group (groups, scales); a group with few rows is near all rows."""
    squares, held = residual[number] ** 2, group[number]
    mean = float(squares.mean())
    each = (np.bincount(held, squares, groups) + SMOOTHING * mean) / (np.bincount(held, minlength=groups) + SMOOTHING)
    return np.asarray(np.maximum(np.sqrt(each), 1e-3)[:, None] * np.array(SCALES))
