"""Multinomial logistic regression with a tuned penalty: the linear proxy.

The penalty is chosen by inner folds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize
from scipy.special import log_softmax

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.choices import Choices


WIDE = 400  # coordinates above which axes are those that the rows span, where these are fewer


@dataclass(frozen=True, slots=True)
class Examples:
    """Training rows, and the rows that evaluate a penalty.

    Attributes:
        X: embeddings (n, d). y: labels (n,) in ``range(classes)``. classes: their number.
        weight: weight of each row (n,).
        fold: inner fold of each row (n,): a row of fold f is left out when fold f is evaluated; -1 is never left out.
        judged: rows whose log-loss chooses the penalty (n,).
        choices: of other fits of the same variant; only boosting takes them over.
    """

    X: Floats
    y: Ints
    classes: int
    weight: Floats
    fold: Ints
    judged: Flags
    choices: Choices | None = None


@dataclass(frozen=True, slots=True)
class Logistic:
    """Multinomial logistic regression [cox1958] with a ridge penalty.

    The penalty is chosen by inner folds. Predictions are mixed with the uniform distribution at weight 1 / (rows + 1),
    so that every log-loss is finite, even for a class never seen.

    Attributes:
        penalties: ridge penalties to choose from, strongest first; on the sum of the rows' losses.
        steps: most iterations of a fit; a fit that needs more is used as it is and counted as not converged.
        patience: number of worse penalties before the search stops.
    """

    penalties: tuple[float, ...] = (16.0, 4.0, 1.0, 0.25, 0.0625, 0.015625)
    steps: int = 500
    patience: int = 1

    def fit(self, examples: Examples) -> FittedLogistic:
        """Choose the penalty on held-out rows, then fit on all rows."""
        axes = _Axes.of(examples)
        turned = replace(examples, X=axes(examples.X))
        return axes.back(self.fit_at(turned, self.choose(turned)))

    def choose(self, examples: Examples) -> float:
        """The penalty with the smallest weighted log-loss on the evaluation rows.

        Each row is evaluated by a fit without its fold. The middle of the list without evaluation rows.
        """
        folds = [int(f) for f in np.unique(examples.fold[examples.judged]) if f >= 0]
        parts = [part for fold in folds if (part := _Part.of(examples, fold)) is not None]
        if not parts:
            return self.penalties[len(self.penalties) // 2]
        best, best_loss, worse = self.penalties[0], np.inf, 0
        for penalty in self.penalties:
            loss = sum(part.loss(self, penalty) for part in parts)
            if loss < best_loss:
                best, best_loss, worse = penalty, loss, 0
            elif (worse := worse + 1) > self.patience:
                break
        return best

    def fit_at(
        self, examples: Examples, penalty: float, start: FittedLogistic | None = None, *, tolerance: float = 1e-6
    ) -> FittedLogistic:
        """Fit at one penalty to this relative tolerance of the loss.

        Starts from ``start`` when it saw the same classes.
        """
        return self.solve(_Prepared.of(examples), penalty, start, tolerance=tolerance)

    def solve(
        self, prepared: _Prepared, penalty: float, start: FittedLogistic | None = None, *, tolerance: float
    ) -> FittedLogistic:
        """Fit prepared examples; see :meth:`fit_at`."""
        problem = prepared.at(penalty)
        first = problem.zero()
        if start is not None and start.present.size == prepared.present.size:
            first = np.asarray(start.weights.T) / problem.scale
        once = _Once(problem)
        found = optimize.minimize(
            once.loss,
            first.ravel(),
            jac=once.gradient,
            method="L-BFGS-B",
            options={"maxiter": self.steps, "ftol": tolerance, "gtol": 1e-5},
        )
        weights = np.ascontiguousarray((found.x.reshape(first.shape) * problem.scale).T)
        rows = prepared.weight.size
        return FittedLogistic(weights, prepared.present, prepared.classes, rows, bool(found.success))


@dataclass(frozen=True, slots=True)
class _Axes:
    """Principal axes of the rows.

    The penalty is invariant under rotations and, as the bias is free, under shifts. The optimizer scales its steps by
    axis and needs less than half the iterations. Weights at the optimum are sums of rows: of wide rows only the axes
    that they span are kept.

    Attributes:
        mean: (d,). turn: orthonormal columns (d, r), r = d but for wide rows.
    """

    mean: Floats
    turn: Floats

    @classmethod
    def of(cls, examples: Examples) -> _Axes:
        mean = examples.weight @ examples.X / examples.weight.sum()
        centered = examples.X - mean
        if max(WIDE, centered.shape[0]) >= centered.shape[1]:
            return cls(mean, np.linalg.eigh(centered.T @ (centered * examples.weight[:, None]))[1])
        scaled = centered * np.sqrt(examples.weight)[:, None]
        squares, axes = np.linalg.eigh(scaled @ scaled.T)
        spanned = squares > 1e-10 * max(float(squares[-1]), 1e-300)
        return cls(mean, scaled.T @ (axes[:, spanned] / np.sqrt(squares[spanned])))

    def __call__(self, X: Floats) -> Floats:
        return np.asarray((X - self.mean) @ self.turn)

    def back(self, fitted: FittedLogistic) -> FittedLogistic:
        """The same model for embeddings before the rotation."""
        weights = self.turn @ fitted.weights[:-1]
        return replace(fitted, weights=np.vstack([weights, fitted.weights[-1] - self.mean @ weights]))


@dataclass(frozen=True, slots=True)
class _Problem:
    """Penalized loss and gradient for ``scipy``.

    Classes are rows, so that sums over them are contiguous in memory.

    Attributes:
        columns: embeddings and a one, transposed (d + 1, n). weight: (n,). hits: weighted sums of the embeddings of
            each class (k, d + 1), the only use of the labels. scale: one step of the optimizer in each column (d + 1,),
            the inverse root of the curvature where all classes are equally probable.
    """

    columns: Floats
    weight: Floats
    hits: Floats
    penalty: float
    scale: Floats

    def zero(self) -> Floats:
        """Zero weights, and biases at the class frequencies, shape (k, d + 1).

        In units of ``scale``.
        """
        out = np.zeros(self.hits.shape)
        out[:, -1] = np.log(self.hits[:, -1] / self.weight.sum()) / self.scale[-1]
        return out

    def __call__(self, flat: Floats) -> tuple[float, Floats]:
        W = (flat.reshape(self.hits.shape) * self.scale).astype(self.columns.dtype)
        scores = W @ self.columns
        top = scores.max(axis=0)
        scores -= top
        np.exp(scores, out=scores)
        total = scores.sum(axis=0)
        ridge = self.penalty * W
        ridge[:, -1] = 0.0
        rows = np.einsum("i,i->", self.weight, top + np.log(total), dtype=np.float64)
        loss = float(rows - np.sum(self.hits * W, dtype=np.float64) + 0.5 * np.sum(ridge * W, dtype=np.float64))
        scores *= self.weight / total
        return loss, ((scores @ self.columns.T - self.hits + ridge) * self.scale).ravel()


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The parts of a problem that do not depend on the penalty.

    Embeddings, weights, class sums, and curvature without the penalty.

    Attributes:
        present: (k,) the classes seen. classes: their number. Others: as in :class:`_Problem`.
    """

    present: Ints
    classes: int
    columns: Floats
    weight: Floats
    hits: Floats
    curvature: Floats

    @classmethod
    def of(cls, examples: Examples) -> _Prepared:
        present, y = np.unique(examples.y, return_inverse=True)
        X, weight, classes = examples.X, examples.weight, present.size
        columns = np.vstack([X.T, np.ones((1, y.size), dtype=X.dtype)])
        hot = np.zeros((classes, y.size), dtype=X.dtype)
        hot[y, np.arange(y.size)] = weight
        weight = weight.astype(X.dtype)
        curvature = ((columns**2) @ weight * (classes - 1) / classes**2).astype(np.float64)
        return cls(present, examples.classes, columns, weight, hot @ columns.T, curvature)

    def at(self, penalty: float) -> _Problem:
        """The problem at one penalty."""
        curvature = self.curvature.copy()
        curvature[:-1] += penalty
        return _Problem(self.columns, self.weight, self.hits, penalty, 1 / np.sqrt(np.maximum(curvature, 1e-12)))


class _Once:
    """Loss and gradient as two functions, computed once per point."""

    def __init__(self, problem: _Problem) -> None:
        self.problem = problem
        self.point = b""
        self.slope: Floats = np.empty(0)

    def loss(self, flat: Floats) -> float:
        """The loss at a point."""
        self.point = flat.tobytes()
        value, self.slope = self.problem(flat)
        return value

    def gradient(self, flat: Floats) -> Floats:
        """The gradient at a point."""
        if flat.tobytes() != self.point:
            self.loss(flat)
        return self.slope


@dataclass(frozen=True, slots=True)
class FittedLogistic:
    """A fitted model.

    ``weights`` (d + 1, k), the bias last; ``present`` (k,) the classes seen.
    """

    weights: Floats
    present: Ints
    classes: int
    rows: int
    converged: bool

    def log_probabilities(self, X: Floats) -> Floats:
        """Log posterior of every class in nats (n, classes), mixed with the uniform.

        Always finite.
        """
        out = np.full((X.shape[0], self.classes), -np.inf)
        out[:, self.present] = log_softmax(X @ self.weights[:-1] + self.weights[-1], axis=1)
        mixing = 1 / (self.rows + 1)
        return np.asarray(np.logaddexp(out + np.log1p(-mixing), np.log(mixing / self.classes)))


class _Part:
    """One inner fold: training rows, evaluation rows, last fit as a warm start."""

    def __init__(self, rest: Examples, X: Floats, y: Ints, weight: Floats) -> None:
        self.rest, self.X, self.y, self.weight = _Prepared.of(rest), X, y, weight
        self.last: FittedLogistic | None = None

    @classmethod
    def of(cls, examples: Examples, fold: int) -> _Part | None:
        away = examples.fold == fold
        judged = away & examples.judged
        if not judged.any() or np.unique(examples.y[~away]).size < 2:
            return None
        X = examples.X.astype(np.float32)  # enough to choose a penalty by, and twice as fast
        rest = Examples(
            X[~away],
            examples.y[~away],
            examples.classes,
            examples.weight[~away],
            examples.fold[~away],
            examples.judged[~away],
        )
        return cls(rest, X[judged], examples.y[judged], examples.weight[judged])

    def loss(self, method: Logistic, penalty: float) -> float:
        self.last = method.solve(self.rest, penalty, self.last, tolerance=1e-5)
        scores = self.last.log_probabilities(self.X)
        return float(-(self.weight @ scores[np.arange(self.y.size), self.y]))
