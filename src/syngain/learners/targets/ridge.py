"""Ridge regression of several outputs at one penalty, which held-out rows choose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class Ridge:
    """Least squares with a quadratic penalty on all coefficients but the intercepts [hoerl1970].

    Attributes:
        penalties: to choose from, strongest first.
    """

    penalties: tuple[float, ...] = (1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.01)

    def fit(self, X: Floats, Y: Floats, fold: Ints, judged: Flags) -> FittedRidge:
        """Fit to features (n, d) and outputs (n, k).

        Args:
            X: the features.
            Y: the outputs.
            fold: inner fold of each row (n,); -1 always trains.
            judged: rows whose squared error chooses (n,).
        """
        names = [int(name) for name in np.unique(fold[judged]) if name >= 0 and (fold != name).any()]
        whole = _Decomposed.of(X, Y)
        if not names:
            middle = self.penalties[len(self.penalties) // 2]
            coefficients, intercepts = whole.at(middle)
            seen = np.flatnonzero(judged)
            return FittedRidge(coefficients, intercepts, X[seen] @ coefficients + intercepts, seen, len(X))
        scale = np.maximum(Y.var(axis=0), 1e-12)
        errors, held = np.zeros(len(self.penalties)), [np.zeros((0, Y.shape[1])) for _ in self.penalties]
        order = []
        for name in names:
            away = fold == name
            rows = np.flatnonzero(away & judged)
            order.append(rows)
            part = _Decomposed.of(X[~away], Y[~away])
            for index, penalty in enumerate(self.penalties):
                coefficients, intercepts = part.at(penalty)
                guess = X[rows] @ coefficients + intercepts
                held[index] = np.vstack([held[index], guess])
                errors[index] += float((((Y[rows] - guess) ** 2) / scale).sum())
        best = int(np.argmin(errors))
        coefficients, intercepts = whole.at(self.penalties[best])
        return FittedRidge(coefficients, intercepts, held[best], np.concatenate(order), len(X))


@dataclass(frozen=True, slots=True)
class FittedRidge:
    """A fitted ridge regression.

    Attributes:
        coefficients: (d, k). intercepts: (k,). held: predictions of rows that did not train (r, k), by inner folds.
        rows: these rows (r,). size: rows that trained.
    """

    coefficients: Floats
    intercepts: Floats
    held: Floats
    rows: Ints
    size: int

    def predict(self, X: Floats) -> Floats:
        """Predicted outputs (n, k)."""
        return np.asarray(X @ self.coefficients + self.intercepts)


@dataclass(frozen=True, slots=True)
class _Decomposed:
    """Centered squares by their principal axes: a fit at any penalty is then cheap.

    The squares are those of the features (d, d), or with fewer rows than features those of the rows (n, n), which give
    the same coefficients: ``(X'X + p)^-1 X' Y = X' (XX' + p)^-1 Y``.

    Attributes:
        axes: (m, m), m the smaller of both. squares: (m,). products: of the outputs, in these axes (m, k).
        back: centered rows (n, d) where the axes are of rows; else None. center: (d,). mean: (k,).
    """

    axes: Floats
    squares: Floats
    products: Floats
    back: Floats | None
    center: Floats
    mean: Floats

    @classmethod
    def of(cls, X: Floats, Y: Floats) -> _Decomposed:
        center, mean = X.mean(axis=0), Y.mean(axis=0)
        centered, moved = X - center, Y - mean
        if len(X) < X.shape[1]:
            squares, axes = linalg.eigh(centered @ centered.T, driver="evd")
            return cls(axes, np.maximum(squares, 0.0), axes.T @ moved, centered, center, mean)
        squares, axes = linalg.eigh(centered.T @ centered)
        return cls(axes, np.maximum(squares, 0.0), axes.T @ (centered.T @ moved), None, center, mean)

    def at(self, penalty: float) -> tuple[Floats, Floats]:
        coefficients = self.axes @ (self.products / (self.squares + penalty)[:, None])
        if self.back is not None:
            coefficients = self.back.T @ coefficients
        return coefficients, self.mean - self.center @ coefficients
