"""What cross-fitting adds to a standard error: rows test each other's models.

The mean of held-out terms is compared with what *these* models would show on fresh rows. Its naive variance takes the
terms as independent. But row i is tested by a model that row j trained, and row j by one that row i trained; where the
signal is weak both effects are the same product of the two rows, counted twice. This is why intervals from
cross-validation are too short [bates2024].
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse

if TYPE_CHECKING:
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


def swap_variance(  # noqa: PLR0913  (rows with their classes, folds and kin; the terms by weight, slope and rival)
    X: Floats, label: Ints, fold: Ints, kin: Ints, *, weight: Floats, slope: Floats, rival: Ints, shrinkage: float
) -> float:
    """Sum over pairs in different folds of g(i; j) g(j; i): the variance that a naive one misses.

    g(i; j) is what row j, moving the mean of its class, does to the weighted term of row i, less what it does to the
    term of a fresh row of that class. ``slope`` (n,) is the derivative of a row's term by its margin, ``weight`` (n,)
    the share of the term in the total. The dependence of the covariance matrix on single rows is of lower order.
    """
    classes = int(label.max()) + 1
    counts = np.bincount(label, minlength=classes).astype(float)
    means = _class_means(X, label, counts)
    residual = X - means[label]
    covariance = residual.T @ residual / max(label.size - np.count_nonzero(counts), 1)
    sphere = max(float(np.trace(covariance)) / X.shape[1], 1e-12)
    covariance = (1 - shrinkage) * covariance + shrinkage * sphere * np.eye(X.shape[1])
    image = linalg.solve(covariance, residual.T, assume_a="pos")  # (d, n)
    effect = np.zeros((label.size, label.size))
    for name in np.flatnonzero(counts):
        moved = (X - means[name]) * (slope * ((label == name).astype(float) - (rival == name)))[:, None]
        moved -= _class_means(moved, label, counts)[label]
        columns = np.flatnonzero(label == name)
        trained_on = counts[name] - np.bincount(fold[columns], minlength=int(fold.max()) + 1)
        effect[:, columns] = moved @ image[:, columns] / np.maximum(trained_on, 1)[fold][:, None]
    effect *= weight[:, None] * (fold[:, None] != fold[None, :])
    names, inverse = np.unique(kin, return_inverse=True)
    if names.size < kin.size:
        chooser = sparse.csr_matrix((np.ones(kin.size), (inverse, np.arange(kin.size))), shape=(names.size, kin.size))
        effect = chooser @ (chooser @ effect).T  # transposed, which the symmetric product does not notice
    return float(np.sum(effect * effect.T))


def _class_means(X: Floats, label: Ints, counts: Floats) -> Floats:
    chooser = sparse.csr_matrix((np.ones(label.size), (label, np.arange(label.size))), shape=(counts.size, label.size))
    return np.asarray(chooser @ X / np.maximum(counts, 1)[:, None])
