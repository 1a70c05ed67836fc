"""Expectation-maximization for batches of Gaussian mixtures with full covariances.

Started by k-means++ and Lloyd's algorithm. The same algorithm and defaults as scikit-learn's ``GaussianMixture`` (one
start, ``tol`` on the mean log-likelihood, ``reg_covar`` on the diagonal), for a batch of R datasets of n points. Shapes
as in :mod:`syngain.lab.worlds.gaussian_mixtures`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.lab.worlds.gaussian_mixtures import Mixtures, log_sum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.core.arrays import Floats

BLOCK = 1 << 17  # elements of (replicates x components x points) worked on at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class MixtureFit:
    """Hyper-parameters of a fit, with scikit-learn's defaults.

    ``shrink=True`` shrinks each covariance towards a multiple of the identity, by the oracle weight [chen2010].
    """

    components: int
    tol: float = 1e-3
    most_steps: int = 100
    ridge: float = 1e-6
    shrink: bool = False
    lloyd_steps: int = 300
    lloyd_tol: float = 1e-4

    def fit(self, points: Floats, *, rng: np.random.Generator) -> Mixtures:
        """Fit a mixture to each replicate of ``points`` ``(R, d, n)``."""
        replicates, _, n = points.shape
        if not 1 <= self.components <= n:
            raise UsageError(
                f"{self.components} components for {n} points",
                expected="at least 1 and at most as many as there are points",
                todo="lower K, J or L, or raise the number of points",
            )
        uniforms = rng.random((replicates, self.components, _trials(self.components)))
        size = max(1, BLOCK // (self.components * n))
        parts = [self._fit_block(points[at : at + size], uniforms[at : at + size]) for at in range(0, replicates, size)]
        return Mixtures(
            np.concatenate([part.weights for part in parts]),
            np.concatenate([part.means for part in parts]),
            np.concatenate([part.covariances for part in parts]),
            np.concatenate([part.factors for part in parts]),
        )

    def _fit_block(self, points: Floats, uniforms: Floats) -> Mixtures:
        origin = np.mean(points, axis=2, keepdims=True)
        centered = points - origin
        shares = lloyd(centered, seeded_centers(centered, uniforms), self)
        fitted = _iterate(moments(centered), shares, self)
        return Mixtures(fitted.weights, fitted.means + origin[:, None, :, 0], fitted.covariances, fitted.factors)


def seeded_centers(points: Floats, uniforms: Floats) -> Floats:
    """Greedy k-means++ centers ``(R, K, d)`` [arthur2007].

    Of several candidates, the one with the lowest inertia.
    """
    replicates, dimension, n = points.shape
    components, trials = uniforms.shape[1:]
    rows = np.arange(replicates)
    centers = np.empty((replicates, components, dimension))
    first = np.minimum((uniforms[:, 0, 0] * n).astype(np.intp), n - 1)
    centers[:, 0] = points[rows, :, first]
    closest = _distances(points, centers[:, :1])[:, 0]
    for k in range(1, components):
        mass = np.cumsum(closest, axis=1)
        chosen = np.empty((replicates, trials), dtype=np.intp)
        for trial in range(trials):
            goal = uniforms[:, k, trial] * mass[:, -1]
            chosen[:, trial] = np.minimum(np.sum(mass <= goal[:, None], axis=1), n - 1)
        candidates = points[rows[:, None], :, chosen]
        reached = np.minimum(_distances(points, candidates), closest[:, None])
        best = np.argmin(np.sum(reached, axis=2), axis=1)
        centers[:, k] = candidates[rows, best]
        closest = reached[rows, best]
    return centers


def lloyd(points: Floats, centers: Floats, method: MixtureFit) -> Floats:
    """Lloyd's k-means from ``centers``: final assignment 0 or 1, shape ``(R, K, n)``."""
    shares = _nearest(points, centers)
    limit = method.lloyd_tol * np.mean(np.var(points, axis=2), axis=1)
    active = np.arange(len(points))
    for _ in range(method.lloyd_steps):
        own, mine = points[active], shares[active]
        moved = _recenter(own, mine, centers[active])
        shift = np.sum((moved - centers[active]) ** 2, axis=(1, 2))
        centers[active] = moved
        renewed = _nearest(own, moved)
        same = np.all(renewed == mine, axis=(1, 2)) | (shift <= limit[active])
        shares[active] = renewed
        active = active[~same]
        if not len(active):
            break
    return shares


def moments(points: Floats) -> Floats:
    """The statistics ``1, x_i, x_i x_j (i <= j)`` of points ``(R, d, n)``.

    Shape ``(R, 1 + d + d (d + 1) / 2, n)``.
    """
    upper = _upper(points.shape[1])
    return np.concatenate([np.ones_like(points[:, :1]), points, points[:, upper[0]] * points[:, upper[1]]], axis=1)


def maximize(features: Floats, shares: Floats, method: MixtureFit) -> Mixtures:
    """The M step: mixtures from :func:`moments` and ``shares`` ``(R, K, n)``."""
    dimension = _dimension(features)
    sums = shares @ np.swapaxes(features, 1, 2)
    mass = sums[:, :, 0] + 10 * np.finfo(np.float64).eps
    means = sums[:, :, 1 : 1 + dimension] / mass[:, :, None]
    i, j = _upper(dimension)
    packed = sums[:, :, 1 + dimension :] / mass[:, :, None] - means[:, :, i] * means[:, :, j]
    covariances = np.empty((*mass.shape, dimension, dimension))
    covariances[:, :, i, j] = packed
    covariances[:, :, j, i] = packed
    if method.shrink:
        covariances = _shrunk(covariances, mass)
    diagonal = np.arange(dimension)
    covariances[:, :, diagonal, diagonal] += method.ridge
    return Mixtures.of(mass / np.sum(mass, axis=1, keepdims=True), means, covariances)


def coefficients(mixtures: Mixtures) -> Floats:
    """Coefficients of ``log(w_k N(x | k))``, linear in :func:`moments`.

    Shape ``(R, K, 1 + d + d(d+1)/2)``. Fast, and exact to about 1e-16 times the largest precision: enough for the E
    step, not for a density.
    """
    precisions = np.swapaxes(mixtures.factors, 2, 3) @ mixtures.factors
    dimension = precisions.shape[-1]
    linear = (precisions @ mixtures.means[..., None])[..., 0]
    logdet = np.sum(np.log(np.diagonal(mixtures.factors, axis1=2, axis2=3)), axis=2)
    constant = np.log(mixtures.weights) + logdet - dimension / 2 * math.log(2 * math.pi)
    constant -= 0.5 * np.sum(linear * mixtures.means, axis=2)
    i, j = _upper(dimension)
    quadratic = -precisions[:, :, i, j] * np.where(i == j, 0.5, 1.0)
    return np.concatenate([constant[:, :, None], linear, quadratic], axis=2)


def _iterate(features: Floats, shares: Floats, method: MixtureFit) -> Mixtures:
    """Alternate M and E steps until the log-likelihood converges.

    The mean log-likelihood changes by less than ``tol``. Finished replicates leave the batch.
    """
    current = maximize(features, shares, method)
    weights, means = current.weights.copy(), current.means.copy()
    covariances, factors = current.covariances.copy(), current.factors.copy()
    active = np.arange(len(features))
    before = np.full(len(features), -math.inf)
    for _ in range(method.most_steps):
        values = coefficients(current) @ features
        densities, scale = log_sum(values)
        likelihood = np.mean(densities, axis=1)
        current = maximize(features, np.multiply(values, scale[:, None], out=values), method)
        weights[active], means[active] = current.weights, current.means
        covariances[active], factors[active] = current.covariances, current.factors
        moving = np.abs(likelihood - before) >= method.tol
        if not moving.any():
            break
        if not moving.all():
            active, features = active[moving], features[moving]
            current, likelihood = current[moving], likelihood[moving]
        before = likelihood
    return Mixtures(weights, means, covariances, factors)


def _dimension(features: Floats) -> int:
    """The dimension d from ``1 + d + d (d + 1) / 2`` rows."""
    return (math.isqrt(8 * features.shape[1] + 1) - 3) // 2


@cache
def _upper(dimension: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the upper triangle."""
    return np.triu_indices(dimension)


def _trials(components: int) -> int:
    return 2 + int(math.log(components))


def _distances(points: Floats, centers: Floats) -> Floats:
    """Squared Euclidean distances, shape ``(R, K, n)``."""
    total = np.zeros((len(points), centers.shape[1], points.shape[2]))
    for j in range(points.shape[1]):
        gap = points[:, None, j] - centers[:, :, j, None]
        np.multiply(gap, gap, out=gap)
        total += gap
    return total


def _nearest(points: Floats, centers: Floats) -> Floats:
    distances = _distances(points, centers)
    return np.asarray(distances == np.min(distances, axis=1)[:, None], dtype=np.float64)


def _recenter(points: Floats, shares: Floats, centers: Floats) -> Floats:
    """Means of the clusters; an empty one moves to the point farthest from its center."""
    mass = np.sum(shares, axis=2)
    moved = (shares @ np.moveaxis(points, 1, 2)) / np.maximum(mass, 1.0)[:, :, None]
    for r, k in zip(*np.nonzero(mass == 0), strict=True):
        own = np.min(_distances(points[r : r + 1], centers[r : r + 1]), axis=1)[0]
        moved[r, k] = points[r, :, np.argsort(own)[-1 - np.count_nonzero(mass[r, :k] == 0)]]
    return np.asarray(moved)


def _shrunk(covariances: Floats, mass: Floats) -> Floats:
    """Oracle-approximating shrinkage of covariances [chen2010].

    Each is estimated from ``mass`` points.
    """
    dimension = covariances.shape[-1]
    level = np.trace(covariances, axis1=2, axis2=3) / dimension
    squares = np.sum(covariances * covariances, axis=(2, 3)) / dimension**2
    above = squares + level**2
    below = (mass + 1.0) * (squares - level**2 / dimension)
    weight = np.where(below > 0, np.minimum(1.0, above / np.where(below > 0, below, 1.0)), 1.0)
    target = level[:, :, None, None] * np.eye(dimension)
    return np.asarray((1.0 - weight)[:, :, None, None] * covariances + weight[:, :, None, None] * target)
