"""Is it the right distribution? Lower bounds of the divergence between real and synthetic rows, on vectors.

An embedding only loses divergence (data processing), so these are lower bounds of the divergence of the texts.
They are never to be inserted into an upper bound as a certificate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy import stats
from scipy.special import expit

from syngain.audit.measures.crossfit import Swaps, density_at_zero, margins
from syngain.core.estimate import Estimate
from syngain.data.splits import folds
from syngain.inference.clusters import clustered_freedom, clustered_variance, summing
from syngain.inference.intervals import normal_intervals
from syngain.inference.resampling import permutation, permuted_sides
from syngain.learners.linear import Discriminant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from syngain.core.arrays import Flags, Floats, Ints

Real = TypeVar("Real", np.float32, np.float64)
CLIP = 1e-6  # discriminator probabilities are kept this far from 0 and 1


@dataclass(frozen=True, slots=True)
class Pooled:
    """Real and synthetic rows on one index.

    Attributes:
        X: vectors (N, d). real: flags (N,). unit: independent units (N,).
        group: rows that must share a fold (N,): a real row, its rows, and near duplicates.
        kin: rows whose randomness is shared (N,): a real row and its rows. Errors resample these; ``unit`` when None.
    """

    X: Floats
    real: Flags
    unit: Ints
    group: Ints
    kin: Ints | None = None

    @property
    def together(self) -> Ints:
        """Rows that leave together in standard errors, shape (N,); units keep the sides apart for permutations."""
        return self.unit if self.kin is None else self.kin


@dataclass(frozen=True, slots=True)
class ClassifierTwoSample:
    """Cross-fitted classifier two-sample bounds [lopezpaz2017]: discriminant direction, logistic calibration.

    Attributes:
        folds: outer folds. permutations: draws of the null, by a ridge discriminant that needs no refit.
    """

    folds: int = 5
    permutations: int = 199
    learner: Discriminant = field(default_factory=Discriminant)

    def __call__(self, pooled: Pooled, rng: np.random.Generator) -> dict[str, Estimate]:
        """``divergence.tv_lower`` and ``divergence.js_lower``."""
        fold = folds(pooled.group, self.folds, rng, strata=pooled.real.astype(np.int64))
        n_real = int(pooled.real.sum())
        sides = [pooled.real] + [permuted_sides(pooled.unit, n_real, rng) for _ in range(self.permutations)]
        called = ridge_called(pooled.X, np.array(sides).T, fold, self.learner.shrinkage)
        rates = true_minus_false(called, np.array(sides).T)
        null = permutation(float(rates[0]), rates[1:], "upper")
        probability = cross_fitted(pooled, fold, self.learner, rng)
        terms = np.where(pooled.real, called[:, 0], -called[:, 0].astype(float))
        tv, tv_error, tv_freedom = sum_of_means(terms, pooled)
        js, js_error, js_freedom = sum_of_means(js_terms(probability, pooled.real), pooled)
        tv_error, js_error = self._with_swaps(pooled, fold, probability, (tv_error, js_error))
        n = pooled.real.size
        common = {"n": n, "clusters": int(np.unique(pooled.unit).size), "direction": "lower"}
        return {
            "divergence.tv_lower": Estimate(
                value=tv,
                unit="share",
                method="cross-fitted classifier: true minus false positive rate on held-out rows; permutation p",
                estimand="total variation that these classifiers see on fresh rows; at most the true one",
                intervals=normal_intervals(tv, tv_error, tv_freedom),
                null=null.range,
                p=null.p,
                **common,  # type: ignore[arg-type]
            ),
            "divergence.js_lower": Estimate(
                value=math.log(2) + js,
                unit="nats",
                method="cross-fitted classifier: ln 2 plus the mean log-probability of the right side; permutation p",
                estimand="Jensen-Shannon divergence that these classifiers see on fresh rows; at most the true one",
                intervals=normal_intervals(math.log(2) + js, js_error, js_freedom),
                p=null.p,
                **common,  # type: ignore[arg-type]
            ),
        }

    def _with_swaps(
        self, pooled: Pooled, fold: Ints, probability: Floats, errors: tuple[float, float]
    ) -> tuple[float, float]:
        """Errors of both bounds with what cross-fitting adds; see :mod:`syngain.audit.measures.crossfit`."""
        label = pooled.real.astype(np.int64)
        margin, rival = margins(pooled.X, label, fold, self.learner)
        right = np.where(pooled.real, probability, 1 - probability)
        logit = np.log(np.clip(right, CLIP, 1)) - np.log(np.clip(1 - right, CLIP, 1))
        scale = _slope(margin, logit)
        swaps = Swaps(
            X=pooled.X,
            label=label,
            fold=fold,
            kin=pooled.together,
            rival=rival,
            shrinkage=self.learner.shrinkage,
        )
        weight = np.where(pooled.real, 1 / pooled.real.sum(), 1 / (~pooled.real).sum())
        tv, js = swaps.variances(weight, [density_at_zero(margin, label), 0.5 * (1 - right) * scale])
        return math.sqrt(max(errors[0] ** 2 + tv, 0.0)), math.sqrt(max(errors[1] ** 2 + js, 0.0))


def cross_fitted(pooled: Pooled, fold: Ints, learner: Discriminant, rng: np.random.Generator) -> Floats:
    """Probability of being real for every row, from a discriminator that never saw its fold; shape (N,)."""
    probability = np.full(pooled.real.size, 0.5)
    for k in range(int(fold.max()) + 1):
        test = fold == k
        if test.all():
            continue
        probability[test] = fit_discriminator(pooled, ~test, learner, rng)(pooled.X[test])
    return probability


def js_terms(probability: Floats, real: Flags) -> Floats:
    """Terms whose side means sum to the Jensen-Shannon bound minus ln 2, in nats."""
    clipped = np.clip(probability, CLIP, 1 - CLIP)
    return 0.5 * np.where(real, np.log(clipped), np.log1p(-clipped))


@dataclass(frozen=True, slots=True)
class FittedDiscriminator:
    """Probability that a row is real, classes weighted equally."""

    direction: Floats
    slope: float
    offset: float

    def __call__(self, X: Floats) -> Floats:
        """Shape (n,), in (0, 1)."""
        return np.asarray(expit(self.slope * (X @ self.direction) + self.offset))


def fit_discriminator(
    pooled: Pooled, train: Flags, learner: Discriminant, rng: np.random.Generator
) -> FittedDiscriminator:
    """Discriminant direction on the training rows, calibrated on out-of-fold scores of the same rows [platt1999]."""
    rows = np.flatnonzero(train)
    half = folds(pooled.group[rows], 3, rng, strata=pooled.real[rows].astype(np.int64))
    scores = np.zeros(rows.size)
    for k in range(3):
        inside, outside = rows[half != k], rows[half == k]
        scores[half == k] = pooled.X[outside] @ _direction(pooled, inside, learner)
    slope, offset = calibrated(scores, pooled.real[rows])
    return FittedDiscriminator(_direction(pooled, rows, learner), slope, offset)


def _direction(pooled: Pooled, rows: Ints, learner: Discriminant) -> Floats:
    fitted = learner.fit(pooled.X[rows], pooled.real[rows].astype(np.int64), 2)
    if fitted.present.size < 2:
        return np.zeros(pooled.X.shape[1])
    return np.asarray(fitted.weights[:, 1] - fitted.weights[:, 0])


def calibrated(scores: Floats, real: Flags, steps: int = 25) -> tuple[float, float]:
    """Newton's method for a one-variable logistic regression with balanced classes and a weak ridge."""
    scale = float(scores.std())
    if scale == 0:
        return 0.0, 0.0
    design = np.column_stack([scores / scale, np.ones(scores.size)])
    weight = np.where(real, 0.5 / max(real.mean(), 1e-9), 0.5 / max((~real).mean(), 1e-9))
    beta = np.zeros(2)
    for _ in range(steps):
        probability = expit(design @ beta)
        gradient = design.T @ (weight * (real - probability)) - 1e-3 * beta
        curvature = (design * (weight * probability * (1 - probability))[:, None]).T @ design + 1e-3 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        beta += np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-8:
            break
    if beta[0] <= 0:  # worse than guessing on held-out rows: guess
        return 0.0, 0.0
    return float(beta[0]) / scale, float(beta[1])


def sum_of_means(terms: Floats, pooled: Pooled) -> tuple[float, float, float]:
    """Mean over real plus mean over synthetic rows, its error and degrees of freedom; kin of both sides together."""
    influence, total = np.zeros(terms.size), 0.0
    for side in (pooled.real, ~pooled.real):
        mean = float(terms[side].mean())
        total += mean
        influence[side] = (terms[side] - mean) * (terms.size / side.sum())
    kin = pooled.together
    return total, math.sqrt(clustered_variance(influence, kin)), clustered_freedom(influence, kin)


def ridge_called(X: Floats, sides: Flags, fold: Ints, shrinkage: float) -> Flags:
    """Held-out rows that a ridge discriminant calls real, for many labelings at once; shape (N, B).

    ``sides`` (N, B): for each labeling, which rows are real. One factorization per fold serves all of them. The
    threshold is the middle of the balanced targets, so it comes from the training folds alone.
    """
    scores = np.zeros(sides.shape)
    for k in range(int(fold.max()) + 1):
        test = fold == k
        if test.all():  # one group holds all rows: nobody is left to learn from, nothing is called real
            continue
        center, weights = fit_ridge(X[~test], sides[~test], shrinkage)
        scores[test] = (X[test] - center) @ weights
    return np.asarray(scores > 0)


def fit_ridge(X: Floats, sides: Flags, shrinkage: float) -> tuple[Floats, Floats]:
    """Center (d,) and ridge directions (d, B) of balanced targets for labelings ``sides`` (n, B) of rows ``X``."""
    real = np.maximum(sides.mean(axis=0), 0.5 / len(sides))  # a side may be absent from the training folds
    targets = np.where(sides, 1 / real, -1 / np.maximum(1 - real, 0.5 / len(sides)))
    center = X.mean(axis=0)
    gram = (X - center).T @ (X - center)
    gram[np.diag_indices_from(gram)] += shrinkage * np.trace(gram) / gram.shape[0] + 1e-12
    return center, np.linalg.solve(gram, (X - center).T @ targets)


def _slope(margin: Floats, logit: Floats) -> float:
    """Least-squares slope of calibrated log-odds on margins; 0 when either is constant."""
    used = np.isfinite(margin)
    if not used.any():
        return 0.0
    centered = margin[used] - margin[used].mean()
    square = float(centered @ centered)
    return float(centered @ logit[used]) / square if square > 0 else 0.0


def true_minus_false(called: Flags, sides: Flags) -> Floats:
    """True minus false positive rate of every labeling, shape (B,)."""
    real = sides.sum(axis=0)
    return np.asarray((called & sides).sum(axis=0) / real - (called & ~sides).sum(axis=0) / (sides.shape[0] - real))


@dataclass(frozen=True, slots=True)
class KernelTwoSample:
    """Unbiased squared maximum mean discrepancy [gretton2012], Gaussian kernel, bandwidth = median distance.

    Pairs of rows that belong together do not count: they are alike whatever the law, and would bias the mean.
    """

    permutations: int = 199

    def __call__(self, pooled: Pooled, rng: np.random.Generator) -> dict[str, Estimate]:
        """``divergence.mmd2``."""
        distance = squared_distances(pooled.X, pooled.X)
        bandwidth = float(np.median(distance[np.triu_indices_from(distance, 1)])) or 1.0
        kernel = np.exp(-distance / bandwidth)
        kin = pooled.together
        sides = [pooled.real]
        sides += [permuted_sides(pooled.unit, int(pooled.real.sum()), rng) for _ in range(self.permutations)]
        values = mmd2(kernel, np.array(sides).T, kin)
        null = permutation(float(values[0]), values[1:], "upper")
        return {
            "divergence.mmd2": Estimate(
                value=float(values[0]),
                unit="squared kernel distance",
                method="unbiased MMD^2, Gaussian kernel at the median distance; permutation p; jackknife interval",
                estimand="MMD^2 at this bandwidth",
                intervals=normal_intervals(float(values[0]), mmd2_error(kernel, pooled.real, kin)),
                null=null.range,
                p=null.p,
                n=pooled.real.size,
                clusters=int(np.unique(pooled.unit).size),
            )
        }


def mmd2(kernel: Floats, sides: Flags, kin: Ints) -> Floats:
    """Unbiased MMD^2 for many labelings ``sides`` (N, B), over pairs of rows that are no kin; shape (B,)."""
    kernel = _between(kernel, kin)
    a, b = sides.astype(np.float64), (~sides).astype(np.float64)
    to_a, whole = kernel @ a, kernel.sum(axis=1)[:, None]
    totals = (a * to_a).sum(axis=0), (b * (whole - to_a)).sum(axis=0), (b * to_a).sum(axis=0)
    of_kin = summing(kin)
    in_a, in_b = np.asarray(of_kin @ a), np.asarray(of_kin @ b)
    n, m = a.sum(axis=0), b.sum(axis=0)
    pairs = (n * n - (in_a**2).sum(axis=0), m * m - (in_b**2).sum(axis=0), n * m - (in_a * in_b).sum(axis=0))
    return _mmd2_of(totals, pairs)


def mmd2_error(kernel: Floats, real: Flags, kin: Ints) -> float:
    """Standard error of MMD^2: delete-one-kin jackknife minus what it counts twice.

    The jackknife reads the variance of the linear part once and that of the pairs twice [efron1981]. The latter,
    from the kernel centered within each block, is subtracted once; it is also the least the variance can be.
    Infinite with fewer than three kin on a side.
    """
    kernel, of_kin = _between(kernel, kin), summing(kin)
    a, b = real.astype(np.float64), (~real).astype(np.float64)
    to_a, to_b = kernel @ a, kernel @ b
    in_a, in_b = np.asarray(of_kin @ a), np.asarray(of_kin @ b)
    if min(np.count_nonzero(in_a), np.count_nonzero(in_b)) < 3:
        return math.inf
    totals = float(a @ to_a), float(b @ to_b), float(b @ to_a)
    terms = 2 * a * to_a, 2 * b * to_b, a * to_b + b * to_a
    left = [total - np.asarray(of_kin @ term) for total, term in zip(totals, terms, strict=True)]
    n, m = a.sum() - in_a, b.sum() - in_b
    squares = in_a @ in_a - in_a**2, in_b @ in_b - in_b**2, in_a @ in_b - in_a * in_b
    deleted = _mmd2_of(left, (n * n - squares[0], m * m - squares[1], n * m - squares[2]))
    count = deleted.size
    jackknife = float(np.sum((deleted - deleted.mean()) ** 2) * (count - 1) / count)
    pairs = _pair_variance(kernel, real, kin)
    return math.sqrt(max(jackknife - pairs, pairs))


def _between(kernel: Floats, kin: Ints) -> Floats:
    """The kernel with zeros between rows of one kin."""
    return np.where(kin[:, None] == kin[None, :], 0.0, kernel)


def _mmd2_of(totals: Sequence[Floats], pairs: Sequence[Floats]) -> Floats:
    first, second, across = (total / np.maximum(count, 1) for total, count in zip(totals, pairs, strict=True))
    return np.asarray(first + second - 2 * across)


def _pair_variance(kernel: Floats, real: Flags, kin: Ints) -> float:
    """Variance of MMD^2 due to pairs of kin: the squares of the weighted, block-centered kernel, summed over kin."""
    weighted = np.zeros_like(kernel)
    for first, second, sign in ((real, real, 1.0), (~real, ~real, 1.0), (real, ~real, -1.0)):
        block = kernel[np.ix_(first, second)]
        used = kin[first][:, None] != kin[second][None, :]
        count = max(int(used.sum()), 1)
        rows = block.sum(axis=1) / np.maximum(used.sum(axis=1), 1)
        columns = block.sum(axis=0) / np.maximum(used.sum(axis=0), 1)
        centered = block - rows[:, None] - columns[None, :] + block.sum() / count
        centered *= used * (sign / count)
        weighted[np.ix_(first, second)] = centered
    weighted[np.ix_(~real, real)] = weighted[np.ix_(real, ~real)].T
    of_kin = summing(kin)
    if of_kin.shape[0] < kin.size:
        weighted = np.asarray(of_kin @ np.asarray(of_kin @ weighted).T)
    # each unordered pair stands twice in the sum and has twice the weight of an ordered one
    return float(np.vdot(weighted, weighted) * 2)


def squared_distances(X: NDArray[Real], Y: NDArray[Real]) -> NDArray[Real]:
    """Squared Euclidean distances, shape (n, m), never negative, in the precision of the vectors."""
    squares = (X**2).sum(axis=1)[:, None] + (Y**2).sum(axis=1)[None, :] - 2 * (X @ Y.T)
    return np.asarray(np.maximum(squares, 0.0))


def one_sided_lower(estimate: Estimate, level: float = 0.95) -> float:
    """The one-sided lower confidence limit at ``level``: the claim that a lower bound makes."""
    low, high = estimate.interval(0.95)
    error = (high - low) / (2 * float(stats.norm.isf(0.025)))
    return estimate.value - float(stats.norm.isf(1 - level)) * error
