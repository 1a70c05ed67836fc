"""What cross-fitting adds to a standard error: rows test each other's models.

The mean of held-out terms is compared with what *these* models would show on fresh rows. Its naive variance takes the
terms as independent. But row i is tested by a model that row j trained, and row j by one that row i trained; where the
signal is weak both effects are the same product of the two rows, counted twice. This is why intervals from
cross-validation are too short [bates2024].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from syngain.audit.uncertainty import summing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from syngain.learners.linear import Discriminant

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


def margins(X: Floats, label: Ints, fold: Ints, learner: Discriminant) -> tuple[Floats, Ints]:
    """Held-out score of each row's own class minus that of its best rival, and that rival; shapes (n,).

    A row whose class is absent from the training folds has margin minus infinity; without rivals, plus infinity.
    """
    classes = int(label.max()) + 1
    margin, rival = np.zeros(label.size), np.zeros(label.size, dtype=np.int64)
    for k in range(int(fold.max()) + 1):
        rows = np.flatnonzero(fold == k)
        if rows.size == label.size:  # one group holds all rows
            margin[rows] = -np.inf
            continue
        model = learner.fit(X[fold != k], label[fold != k], classes)
        scores = np.full((rows.size, classes), -np.inf)
        scores[:, model.present] = model.scores(X[rows])
        own = scores[np.arange(rows.size), label[rows]]
        scores[np.arange(rows.size), label[rows]] = -np.inf
        rival[rows] = scores.argmax(axis=1)
        best = scores.max(axis=1)
        margin[rows] = np.where(np.isneginf(own), -np.inf, own - np.where(np.isneginf(best), -np.inf, best))
    return margin, rival


def density_at_zero(margin: Floats, label: Ints) -> Floats:
    """Derivative of the expected hit by the margin: a normal kernel at 0, bandwidth by class [silverman1986]."""
    out = np.zeros(margin.size)
    for name in np.unique(label):
        rows = np.flatnonzero((label == name) & np.isfinite(margin))
        width = 1.06 * float(margin[rows].std()) * rows.size**-0.2 if rows.size > 1 else 0.0
        if width > 0:
            out[rows] = np.exp(-0.5 * (margin[rows] / width) ** 2) / (width * np.sqrt(2 * np.pi))
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Swaps:
    """Rows of a cross-fit: vectors (n, d); classes, folds, kin (rows that are no independent draws), rivals (n,)."""

    X: Floats
    label: Ints
    fold: Ints
    kin: Ints
    rival: Ints
    shrinkage: float

    def variances(self, weight: Floats, slopes: Sequence[Floats]) -> list[float]:
        """What a naive variance misses: for each set of terms the sum of g(i; j) g(j; i) over pairs in different folds.

        g(i; j) is what row j, moving the mean of its class, does to the weighted term of row i, less what it does to
        the term of a fresh row of that class. ``slopes`` (n,) are derivatives of a row's term by its margin,
        ``weight`` (n,) the share of the term in the total. What single rows do to the covariance matrix is of lower
        order.
        """
        effect = self._on_margins()
        counts = np.bincount(self.label).astype(float)
        of_kin = summing(self.kin)
        out = []
        for slope in slopes:
            centered = effect * slope[:, None]
            centered -= _class_means(centered, self.label, counts)[self.label]
            centered *= weight[:, None]
            centered[self.fold[:, None] == self.fold[None, :]] = 0.0
            if of_kin.shape[0] < self.kin.size:
                centered = np.asarray(of_kin @ np.asarray(of_kin @ centered).T)  # the product below is symmetric
            out.append(float(np.vdot(centered, centered.T)))
        return out

    def _on_margins(self) -> Floats:
        """What row j as a training row does to the margin of row i, to first order; shape (n, n)."""
        X, label = self.X, self.label
        counts = np.bincount(label).astype(float)
        means = _class_means(X, label, counts)
        residual = X - means[label]
        covariance = residual.T @ residual / max(label.size - int(np.count_nonzero(counts)), 1)
        sphere = max(float(np.trace(covariance)) / X.shape[1], 1e-12)
        covariance = (1 - self.shrinkage) * covariance + self.shrinkage * sphere * np.eye(X.shape[1])
        image = linalg.solve(covariance, residual.T, assume_a="pos")  # (d, n)
        effect = np.zeros((label.size, label.size))
        for name in np.flatnonzero(counts):
            columns = np.flatnonzero(label == name)
            trained_on = counts[name] - np.bincount(self.fold[columns], minlength=int(self.fold.max()) + 1)
            sign = (label == name).astype(float) - (self.rival == name)
            moved = (X - means[name]) * (sign / np.maximum(trained_on, 1)[self.fold])[:, None]
            effect[:, columns] = moved @ image[:, columns]
        return effect


def _class_means(X: Floats, label: Ints, counts: Floats) -> Floats:
    """Means of the rows of every class, shape (classes, d); zero for absent classes."""
    out = np.zeros((counts.size, X.shape[1]))
    present = np.flatnonzero(counts)
    out[present] = np.asarray(summing(label) @ X) / counts[present, None]
    return out
