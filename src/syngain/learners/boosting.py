"""Gradient-boosted trees for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.learners.boosted.trees import TreeShape, growing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.boosted.ranks import Codes
    from syngain.learners.boosted.trees import Followed, GrowingTrees
    from syngain.learners.logistic import Examples

BINS = 64
ENOUGH = 200  # evaluation rows of an inner fold that may choose alone
CLEAR = 2.5  # standard errors by which it must do so


@dataclass(frozen=True, slots=True)
class Boosting:
    """Histogram gradient boosting [friedman2001], with rounds chosen by inner folds.

    Predictions are mixed with the uniform distribution at weight 1 / (rows + 1), as in the linear proxy. The trees of
    the inner folds grow together, and no further than twice the rounds after which their loss no longer falls.

    Attributes:
        rounds: numbers of rounds to choose from, ascending. rate: learning rate. leaves: most leaves of a tree.
    """

    rounds: tuple[int, ...] = (8, 16, 32, 64, 128)
    rate: float = 0.1
    leaves: int = 15

    def fit(self, examples: Examples) -> FittedBoosting:
        """Choose the number of rounds on held-out rows, then fit on all rows."""
        edges = _edges(examples.X)
        codes = _coded(examples.X, edges)
        fitted = self._start(examples, codes, np.ones(examples.y.size, dtype=bool), edges)
        if fitted.trees is not None:
            fitted.trees.grow(self.choose(examples, codes))
        return fitted

    def choose(self, examples: Examples, codes: Codes) -> int:
        """The number of rounds with the smallest log-loss on the evaluation rows; the middle one without such rows.

        More rounds are not tried once the loss rises. Where the first inner fold has enough rows and its choice is
        clear, the others are not fitted; where ``examples.choices`` are settled, none is.

        Args:
            examples: the rows.
            codes: their bins (n, d).
        """
        known = examples.choices.settled if examples.choices is not None else None
        if known is not None:
            return self.rounds[known]
        parts = self._parts(examples, codes)
        if not parts:
            return self.rounds[len(self.rounds) // 2]
        first = 1 if parts[0].y.size >= ENOUGH else len(parts)
        losses = self._losses(parts[:first])
        if first < len(parts) and not _clear(losses):
            more = self._losses(parts[first:], len(losses))
            losses = [np.concatenate(pair) for pair in zip(losses, more, strict=True)]
        sums = [float(row.mean()) for row in losses]
        if examples.choices is not None:
            examples.choices.note(sums)
        return self.rounds[int(np.argmin(sums))]

    def _losses(self, parts: Sequence[_InnerFold], count: int | None = None) -> list[Floats]:
        """Losses of the evaluation rows at the first ``count`` numbers of rounds; None: until their sum rises."""
        out: list[Floats] = []
        for rounds in self.rounds[:count]:
            between = () if not out or count is not None else ((self.rounds[len(out) - 1] + rounds) // 2,)
            if any(_losses_at(parts, step).sum() > out[-1].sum() for step in between):
                break
            out.append(_losses_at(parts, rounds))
            if count is None and len(out) > 1 and out[-1].sum() > out[-2].sum():
                break
        return out

    def _parts(self, examples: Examples, codes: Codes) -> list[_InnerFold]:
        parts = []
        for fold in np.unique(examples.fold[examples.judged]):
            away = examples.fold == fold
            if fold < 0 or np.unique(examples.y[~away]).size < 2:
                continue
            rows = np.flatnonzero(away & examples.judged)
            fitted = self._start(examples, codes, ~away, ())
            if fitted.trees is not None:
                followed = fitted.trees.follow(codes[rows])
                parts.append(_InnerFold(fitted, followed, examples.y[rows], examples.weight[rows]))
        return parts

    def _start(self, examples: Examples, codes: Codes, rows: Flags, edges: tuple[Floats, ...]) -> FittedBoosting:
        """A fit without a round yet, on some of the rows."""
        present, y = np.unique(examples.y[rows], return_inverse=True)
        shape = TreeShape(self.rate, self.leaves, min(20, max(2, y.size // 20)))
        trees = growing(codes[rows], y, examples.weight[rows], shape) if present.size > 1 else None
        return FittedBoosting(trees, present, examples.classes, y.size, edges)


def _edges(X: Floats) -> tuple[Floats, ...]:
    """Inner bin edges of every column: quantiles, computed once for all fits."""
    inner = np.quantile(X, np.linspace(0, 1, BINS + 1)[1:-1], axis=0)
    return tuple(np.unique(column) for column in inner.T)


def _coded(X: Floats, edges: tuple[Floats, ...]) -> Codes:
    """The bin of every value."""
    out = np.empty(X.shape, dtype=np.uint8, order="F")
    for place, (limits, column) in enumerate(zip(edges, X.T, strict=True)):
        out[:, place] = np.searchsorted(limits, column)
    return out


@dataclass(frozen=True, slots=True)
class FittedBoosting:
    """Fitted trees (None where one class was seen).

    ``present`` (k,) are the classes seen; ``edges`` those of the bins.
    """

    trees: GrowingTrees | None
    present: Ints
    classes: int
    rows: int
    edges: tuple[Floats, ...]

    @property
    def converged(self) -> bool:
        """Always true: there is no iteration to a tolerance."""
        return True

    def log_probabilities(self, X: Floats) -> Floats:
        """Log posterior of every class in nats, shape (n, classes): always finite."""
        if self.trees is None:
            return self.mixed(np.ones((X.shape[0], 1)))
        return self.mixed(self.trees.shares(_coded(X, self.edges)))

    def mixed(self, shares: Floats) -> Floats:
        """Log posteriors (n, classes) from probabilities (n, k) of the classes seen."""
        mixing = 1 / (self.rows + 1)
        out = np.full((shares.shape[0], self.classes), mixing / self.classes)
        out[:, self.present] += (1 - mixing) * shares
        return np.asarray(np.log(out))


@dataclass(frozen=True, slots=True)
class _InnerFold:
    """Trees without an inner fold, and the rows of that fold that choose the rounds."""

    fitted: FittedBoosting
    followed: Followed
    y: Ints
    weight: Floats

    def losses(self, rounds: int) -> Floats:
        """Weighted log-loss of each row (r,) after so many rounds, in nats; rounds ascend from call to call."""
        assert self.fitted.trees is not None  # noqa: S101  (made of fits with trees only)
        self.fitted.trees.grow(rounds)
        scores = self.fitted.mixed(self.followed.shares())
        return np.asarray(-self.weight * scores[np.arange(self.y.size), self.y])


def _losses_at(parts: Sequence[_InnerFold], rounds: int) -> Floats:
    return np.concatenate([part.losses(rounds) for part in parts])


def _clear(losses: Sequence[Floats]) -> bool:
    """Whether the smallest sum is smaller than every other beyond chance, by paired differences of rows."""
    best = int(np.argmin([row.sum() for row in losses]))
    gaps = [row - losses[best] for place, row in enumerate(losses) if place != best]
    return all(gap.sum() > CLEAR * np.sqrt(gap.size) * gap.std() for gap in gaps)
