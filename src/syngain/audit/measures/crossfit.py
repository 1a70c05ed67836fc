"""What cross-fitting adds to a standard error: rows test each other's models.

The mean of held-out terms is compared with what *these* models would show on fresh rows. Its naive variance takes the
terms as independent. But row i is tested by a model that row j trained, and row j by one that row i trained; where the
signal is weak both effects are the same product of the two rows, counted twice. This is why intervals from
cross-validation are too short [bates2024].
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg

from syngain.inference.clusters import summing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.learners.linear import Discriminant


MOST_CLASSES = 200  # the most frequent classes, whose pairs are summed over; single rows of others add next to nothing


def margins(X: Floats, label: Ints, fold: Ints, learner: Discriminant) -> tuple[Floats, Ints]:
    """Held-out score of each row's own class minus that of the best other class, and that class; shapes (n,).

    A row whose class is absent from the training folds has margin minus infinity; without other classes, plus infinity.
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
    """Rows of a cross-fit: vectors (n, d); classes, folds, kin and best other classes (n,).

    Kin are rows that are no independent draws; all of them are in one fold.
    """

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
        ``weight`` (n,) the fraction of the term in the total. What single rows do to the covariance matrix is of lower
        order.

        To first order g(i; j) is a product of a vector of row i and one of row j, so that the sum over all pairs of
        rows of two classes is the trace of a product of two (d, d) matrices, and no (n, n) matrix is made.
        """
        counts = np.bincount(self.label).astype(float)
        means = _class_means(self.X, self.label, counts)
        image = self._image(means, int(np.count_nonzero(counts)))
        frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])  # pairs of classes grow with the square
        teachers = {int(name): _Teacher.of(self, int(name), image) for name in frequent[counts[frequent] > 0]}
        out = []
        for slope in slopes:
            moved = {name: _Moved.of(self, name, means[name], slope, counts) for name in teachers}
            out.append(
                sum(
                    (1 if one == other else 2) * self._pairs(teachers, moved, weight, one, other)
                    for one, other in itertools.combinations_with_replacement(teachers, 2)
                )
            )
        return out

    def _image(self, means: Floats, classes: int) -> Floats:
        """Rows less the mean of their class, through the inverse of the shrunken covariance; shape (n, d)."""
        residual = self.X - means[self.label]
        covariance = residual.T @ residual / max(self.label.size - classes, 1)
        sphere = max(float(np.trace(covariance)) / self.X.shape[1], 1e-12)
        covariance = (1 - self.shrinkage) * covariance + self.shrinkage * sphere * np.eye(self.X.shape[1])
        return np.asarray(linalg.solve(covariance, residual.T, assume_a="pos").T)

    def _pairs(
        self, teachers: Mapping[int, _Teacher], moved: Mapping[int, _Moved], weight: Floats, one: int, other: int
    ) -> float:
        """The sum over rows that teach the mean of class ``one`` and rows that teach that of ``other``."""
        first = self._crossed(teachers[one], moved[other], weight)
        if first is None:
            return 0.0
        second = first if one == other else self._crossed(teachers[other], moved[one], weight)
        if second is None:
            return 0.0
        same_fold = sum(float(np.vdot(a, b.T)) for a, b in zip(first, second, strict=True))
        return float(np.vdot(first.sum(axis=0), second.sum(axis=0).T)) - same_fold

    def _crossed(self, teacher: _Teacher, moved: _Moved, weight: Floats) -> Floats | None:
        """For every fold the sum of image times movement over kin, shape (folds, d, d); None where nothing moves."""
        movement = moved.centered(teacher.rows, self.label)
        if movement is None:
            return None
        movement = _summed(movement * weight[teacher.rows, None], self.kin[teacher.rows])
        out = np.zeros((int(self.fold.max()) + 1, self.X.shape[1], self.X.shape[1]))
        for k in np.unique(teacher.fold):
            at = teacher.fold == k
            out[k] = teacher.image[at].T @ movement[at]
        return out


@dataclass(frozen=True, slots=True)
class _Teacher:
    """What the rows of one class are to its mean.

    Attributes:
        rows: rows whose kin have a row of the class. image: sums over kin of the rows of the class (kin, d).
        fold: of every kin, in the order of ``image``.
    """

    rows: Ints
    image: Floats
    fold: Ints

    @classmethod
    def of(cls, swaps: Swaps, name: int, image: Floats) -> _Teacher:
        own = np.flatnonzero(swaps.label == name)
        kin, first = np.unique(swaps.kin[own], return_index=True)
        rows = np.flatnonzero(np.isin(swaps.kin, kin))
        return cls(rows, _summed(image[own], swaps.kin[own]), swaps.fold[own][first])


@dataclass(frozen=True, slots=True)
class _Moved:
    """How terms move with the mean of one class: own rows with it, rows whose best other class it is against it.

    Attributes:
        at: for every row its place in ``by``, else -1 (n,). by: movements (rows, d).
        mean: of classes that have such rows, the mean movement over all rows of that class (d,).
    """

    at: Ints
    by: Floats
    mean: dict[int, Floats]

    @classmethod
    def of(cls, swaps: Swaps, name: int, center: Floats, slope: Floats, counts: Floats) -> _Moved:
        label, fold = swaps.label, swaps.fold
        own = label == name
        trained_on = counts[name] - np.bincount(fold[own], minlength=int(fold.max()) + 1)
        factor = slope * (own.astype(float) - (swaps.rival == name)) / np.maximum(trained_on, 1)[fold]
        rows = np.flatnonzero(factor)
        by = (swaps.X[rows] - center) * factor[rows, None]
        at = np.full(label.size, -1)
        at[rows] = np.arange(rows.size)
        mean = {int(each): by[label[rows] == each].sum(axis=0) / counts[each] for each in np.unique(label[rows])}
        return cls(at, by, mean)

    def centered(self, rows: Ints, label: Ints) -> Floats | None:
        """Movements of these rows less the mean of their class (rows, d); None where none of the classes moves."""
        names = label[rows]
        moving = [each for each in np.unique(names) if int(each) in self.mean]
        if not moving:
            return None
        at = self.at[rows]
        out = np.where((at >= 0)[:, None], self.by[at], 0.0)
        for each in moving:
            out[names == each] -= self.mean[int(each)]
        return out


def _summed(values: Floats, codes: Ints) -> Floats:
    """Sums of the rows with the same code, in ascending order of the codes."""
    if np.unique(codes).size == codes.size:
        return values[np.argsort(codes)]
    return np.asarray(summing(codes) @ values)


def _class_means(X: Floats, label: Ints, counts: Floats) -> Floats:
    """Means of the rows of every class, shape (classes, d); zero for absent classes."""
    out = np.zeros((counts.size, X.shape[1]))
    present = np.flatnonzero(counts)
    out[present] = np.asarray(summing(label) @ X) / counts[present, None]
    return out
