"""Gradient-boosted trees for tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.logistic import Examples

BINS = 64


@dataclass(frozen=True, slots=True)
class Boosting:
    """Histogram gradient boosting [friedman2001], with rounds chosen by inner folds.

    Predictions are mixed with the uniform distribution at weight 1 / (rows + 1), as in the linear proxy.

    Attributes:
        rounds: numbers of rounds to choose from, ascending. rate: learning rate. leaves: most leaves of a tree.
    """

    rounds: tuple[int, ...] = (8, 16, 32, 64, 128)
    rate: float = 0.1
    leaves: int = 15

    def fit(self, examples: Examples) -> FittedBoosting:
        """Choose the number of rounds on held-out rows, then fit on all rows."""
        edges = _edges(examples.X)
        coded = replace(examples, X=_coded(examples.X, edges))
        return replace(self._fit(coded, np.ones(coded.y.size, dtype=bool), self.choose(coded)), edges=edges)

    def choose(self, examples: Examples) -> int:
        """The number of rounds with the smallest log-loss on the evaluation rows.

        The middle one without such rows.
        """
        total = np.zeros(len(self.rounds))
        for fold in np.unique(examples.fold[examples.judged]):
            away = examples.fold == fold
            judged = away & examples.judged
            if fold < 0 or np.unique(examples.y[~away]).size < 2:
                continue
            fitted = self._fit(examples, ~away, self.rounds[-1])
            rows = np.flatnonzero(judged)
            for index, scores in enumerate(fitted.staged(examples.X[rows], self.rounds)):
                total[index] -= examples.weight[rows] @ scores[np.arange(rows.size), examples.y[rows]]
        return self.rounds[int(np.argmin(total))] if total.any() else self.rounds[len(self.rounds) // 2]

    def _fit(self, examples: Examples, rows: Flags, rounds: int) -> FittedBoosting:
        y = examples.y[rows]
        if np.unique(y).size < 2:
            return FittedBoosting(None, np.unique(y), examples.classes, y.size)
        model = HistGradientBoostingClassifier(
            max_iter=rounds,
            learning_rate=self.rate,
            max_leaf_nodes=self.leaves,
            min_samples_leaf=min(20, max(2, y.size // 20)),
            early_stopping=False,
            random_state=0,
        )
        model.fit(examples.X[rows], y, sample_weight=examples.weight[rows])
        return FittedBoosting(model, np.asarray(model.classes_), examples.classes, y.size)


def _edges(X: Floats) -> tuple[Floats, ...]:
    """Inner bin edges of every column: quantiles, computed once for all fits."""
    inner = np.quantile(X, np.linspace(0, 1, BINS + 1)[1:-1], axis=0)
    return tuple(np.unique(column) for column in inner.T)


def _coded(X: Floats, edges: tuple[Floats, ...]) -> Floats:
    """The bin of every value, as a number."""
    bins = [np.searchsorted(limits, column) for limits, column in zip(edges, X.T, strict=True)]
    return np.asarray(np.array(bins, dtype=np.float64).T.reshape(X.shape))


@dataclass(frozen=True, slots=True)
class FittedBoosting:
    """Fitted trees (None where one class was seen).

    ``present`` (k,) are the classes seen; ``edges`` those of the bins.
    """

    model: HistGradientBoostingClassifier | None
    present: Ints
    classes: int
    rows: int
    edges: tuple[Floats, ...] | None = None

    @property
    def converged(self) -> bool:
        """Always true: there is no iteration to a tolerance."""
        return True

    def log_probabilities(self, X: Floats) -> Floats:
        """Log posterior of every class in nats, shape (n, classes): always finite."""
        coded = X if self.edges is None else _coded(X, self.edges)
        shares = np.ones((X.shape[0], 1)) if self.model is None else self.model.predict_proba(coded)
        return self._mixed(shares)

    def staged(self, X: Floats, rounds: tuple[int, ...]) -> list[Floats]:
        """Log posteriors after each of these numbers of rounds."""
        if self.model is None:
            return [self.log_probabilities(X)] * len(rounds)
        stages = self.model.staged_predict_proba(X)
        return [self._mixed(shares) for done, shares in enumerate(stages, 1) if done in rounds]

    def _mixed(self, shares: Floats) -> Floats:
        mixing = 1 / (self.rows + 1)
        out = np.full((shares.shape[0], self.classes), mixing / self.classes)
        out[:, self.present] += (1 - mixing) * shares
        return np.asarray(np.log(out))
