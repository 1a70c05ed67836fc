"""Bradley-Terry model of preferences: logistic regression without intercept on differences of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from scipy.special import expit

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class BradleyTerry:
    """Probability that the first response of a pair is preferred: the logistic of weighted differences [bradley1952].

    The ridge penalty is chosen by inner folds. Probabilities are mixed with one half at weight 1 / (rows + 2), so that
    every log-loss is finite.

    Attributes:
        penalties: to choose from, strongest first. steps: most Newton steps of a fit.
    """

    penalties: tuple[float, ...] = (64.0, 16.0, 4.0, 1.0, 0.25, 0.0625)
    steps: int = 50

    def fit(self, X: Floats, fold: Ints, judged: Flags) -> FittedBradleyTerry:
        """Fit to differences (n, d) of the preferred minus the other response.

        Args:
            X: the differences.
            fold: inner fold of each row (n,); -1 always trains.
            judged: rows whose log-loss chooses the penalty (n,).
        """
        return self.fit_at(X, self.choose(X, fold, judged))

    def choose(self, X: Floats, fold: Ints, judged: Flags) -> float:
        """The penalty with the least log-loss on held-out rows; the middle one without any."""
        names = [int(f) for f in np.unique(fold[judged]) if f >= 0 and (fold != f).any()]
        if not names:
            return self.penalties[len(self.penalties) // 2]
        last: dict[int, Floats] = {}
        best, best_loss, worse = self.penalties[0], np.inf, 0
        for penalty in self.penalties:
            loss = 0.0
            for name in names:
                away = fold == name
                fitted = self.fit_at(X[~away], penalty, last.get(name), tolerance=1e-4)
                last[name] = fitted.weights
                loss += float(fitted.losses(X[away & judged]).sum())
            if loss < best_loss:
                best, best_loss, worse = penalty, loss, 0
            elif (worse := worse + 1) > 1:
                break
        return best

    def fit_at(
        self, X: Floats, penalty: float, start: Floats | None = None, *, tolerance: float = 1e-6
    ) -> FittedBradleyTerry:
        """Fit at one penalty by Newton steps, halved where the loss rises, to this gradient per row."""
        weights = np.zeros(X.shape[1]) if start is None else start
        loss, converged = _loss(X, weights, penalty), False
        for _ in range(self.steps):
            miss = expit(-(X @ weights))
            gradient = penalty * weights - X.T @ miss
            if np.abs(gradient).max(initial=0.0) < tolerance * max(len(X), 1):
                converged = True
                break
            curvature = (X * (miss * (1 - miss))[:, None]).T @ X
            curvature[np.diag_indices_from(curvature)] += penalty
            step = linalg.solve(curvature, gradient, assume_a="pos")
            size = 1.0
            while (trial := _loss(X, weights - size * step, penalty)) > loss and size > 1e-4:
                size /= 2
            weights, loss = weights - size * step, trial
        return FittedBradleyTerry(weights, len(X), converged)


@dataclass(frozen=True, slots=True)
class FittedBradleyTerry:
    """A fitted model: weights (d,), the number of its rows, whether the fit reached its optimum."""

    weights: Floats
    rows: int
    converged: bool

    def margins(self, X: Floats) -> Floats:
        """Log-odds that the first response is preferred (n,)."""
        return np.asarray(X @ self.weights)

    def losses(self, X: Floats) -> Floats:
        """Surprisal of the first response being preferred, in nats (n,); always finite."""
        mixing = 1 / (self.rows + 2)
        own = -np.logaddexp(0.0, -self.margins(X))
        return np.asarray(-np.logaddexp(own + np.log1p(-mixing), np.log(mixing / 2)))


def _loss(X: Floats, weights: Floats, penalty: float) -> float:
    return float(np.logaddexp(0.0, -(X @ weights)).sum() + 0.5 * penalty * weights @ weights)
