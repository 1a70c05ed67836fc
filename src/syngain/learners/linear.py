"""Linear discriminant analysis with shrunken covariance, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from scipy.special import log_softmax

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.logistic import Examples


@dataclass(frozen=True, slots=True)
class Discriminant:
    """Linear discriminant analysis [fisher1936] with shrinkage [friedman1989].

    The covariance is shrunk towards a multiple of the identity.

    Attributes:
        shrinkage: weight of the identity, in (0, 1].
    """

    shrinkage: float = 0.1

    def fit(self, X: Floats, y: Ints, classes: int) -> FittedDiscriminant:
        """Fit on ``X`` (n, d) and labels ``y`` (n,) in ``range(classes)``.

        Classes without rows are never predicted.
        """
        counts = np.bincount(y, minlength=classes).astype(float)
        present = np.flatnonzero(counts)
        means = np.zeros((classes, X.shape[1]))
        np.add.at(means, y, X)
        means[present] /= counts[present, None]
        residuals = X - means[y]
        freedom = max(X.shape[0] - present.size, 1)
        covariance = residuals.T @ residuals / freedom
        sphere = max(float(np.trace(covariance)) / X.shape[1], 1e-12)  # one row per class: residuals are all zero
        covariance *= 1 - self.shrinkage
        covariance[np.diag_indices_from(covariance)] += self.shrinkage * sphere
        weights = linalg.solve(covariance, means[present].T, assume_a="pos")
        bias = -0.5 * np.einsum("dk,kd->k", weights, means[present]) + np.log(counts[present] / X.shape[0])
        return FittedDiscriminant(weights, bias, present, classes)


@dataclass(frozen=True, slots=True)
class FittedDiscriminant:
    """A fitted discriminant.

    ``weights`` (d, k), ``bias`` (k,), ``present`` (k,) the classes seen.
    """

    weights: Floats
    bias: Floats
    present: Ints
    classes: int

    def scores(self, X: Floats) -> Floats:
        """Log joint densities up to a constant per row, shape (n, k present classes)."""
        return np.asarray(X @ self.weights + self.bias)

    def predict(self, X: Floats) -> Ints:
        """The most probable class of every row, shape (n,)."""
        return np.asarray(self.present[np.argmax(self.scores(X), axis=1)])

    def log_probabilities(self, X: Floats) -> Floats:
        """Log posterior of every class in nats, shape (n, classes).

        Minus infinity for classes never seen.
        """
        out = np.full((X.shape[0], self.classes), -np.inf)
        out[:, self.present] = log_softmax(self.scores(X), axis=1)
        return out


@dataclass(frozen=True, slots=True)
class TunedDiscriminant:
    """A discriminant with shrinkage chosen by inner folds and mixed posteriors.

    Posteriors are mixed as in the linear proxy. Rows have equal weight; class weights enter as equal priors.

    Attributes:
        shrinkages: weights of the identity to choose from.
    """

    shrinkages: tuple[float, ...] = (0.9, 0.5, 0.2, 0.05)

    def fit(self, examples: Examples) -> MixedDiscriminant:
        """Choose the shrinkage on held-out rows, then fit on all rows."""
        total = np.zeros(len(self.shrinkages))
        for fold in np.unique(examples.fold[examples.judged]):
            away = examples.fold == fold
            rows = np.flatnonzero(away & examples.judged)
            if fold < 0 or np.unique(examples.y[~away]).size < 2:
                continue
            for index, shrinkage in enumerate(self.shrinkages):
                scores = _mixed(examples, shrinkage, ~away).log_probabilities(examples.X[rows])
                total[index] -= examples.weight[rows] @ scores[np.arange(rows.size), examples.y[rows]]
        return _mixed(examples, self.shrinkages[int(np.argmin(total))], np.ones(examples.y.size, dtype=bool))


@dataclass(frozen=True, slots=True)
class MixedDiscriminant:
    """A fitted discriminant with finite log posteriors.

    Posteriors are mixed with the uniform distribution at weight 1 / (rows + 1).
    """

    fitted: FittedDiscriminant
    rows: int

    @property
    def converged(self) -> bool:
        """Always true: there is no iteration to a tolerance."""
        return True

    def log_probabilities(self, X: Floats) -> Floats:
        """Log posterior of every class in nats, shape (n, classes)."""
        mixing = 1 / (self.rows + 1)
        own = self.fitted.log_probabilities(X) + np.log1p(-mixing)
        return np.asarray(np.logaddexp(own, np.log(mixing / self.fitted.classes)))


def _mixed(examples: Examples, shrinkage: float, rows: Flags) -> MixedDiscriminant:
    fitted = Discriminant(shrinkage).fit(examples.X[rows], examples.y[rows], examples.classes)
    return MixedDiscriminant(fitted, int(rows.sum()))
