"""Batches of Gaussian mixtures, one simulation per replicate, float64, nats.

Points are ``(R, d, n)``: R replicates, d coordinates, n points. Components are ``(R, K, ...)``. Every reduction is
within one replicate and in a fixed order, so results are independent of the batch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.core.arrays import Floats

BLOCK = 1 << 15  # elements of (replicates x components x points) worked on at a time: they stay in the cache
LEAST = -700.0  # exp of less is a denormal number: up to 200 times slower, and negligible next to the largest term, 1
UNROLLED = 4  # up to this dimension the triangular product is written out, coordinate by coordinate


@dataclass(frozen=True, slots=True)
class Mixtures:
    """R mixtures of K Gaussians in d dimensions.

    Attributes:
        weights: ``(R, K)``, rows sum to one. means: ``(R, K, d)``. covariances: ``(R, K, d, d)``, positive definite.
        factors: ``(R, K, d, d)``, lower triangular ``P`` with ``P' P`` the inverse covariance.
    """

    weights: Floats
    means: Floats
    covariances: Floats
    factors: Floats

    @classmethod
    def of(cls, weights: Floats, means: Floats, covariances: Floats) -> Mixtures:
        """Mixtures from moments; ``LinAlgError`` unless covariances are positive definite."""
        return cls(weights, means, covariances, inverse_factors(covariances))

    def __getitem__(self, replicates: NDArray[np.intp] | slice) -> Mixtures:
        """The mixtures of some replicates."""
        return Mixtures(
            self.weights[replicates], self.means[replicates], self.covariances[replicates], self.factors[replicates]
        )

    def part(self, start: int) -> Mixtures:
        """The components from ``start`` on; weights are not renormalized."""
        return Mixtures(
            self.weights[:, start:], self.means[:, start:], self.covariances[:, start:], self.factors[:, start:]
        )

    def log_components(self, points: Floats) -> Floats:
        """``log(w_k N(x | k))`` for points ``(R, d, n)``: shape ``(R, K, n)``."""
        values = _squared_distances(self, points)
        dimension = points.shape[1]
        diagonal = np.diagonal(self.factors, axis1=2, axis2=3)
        with np.errstate(divide="ignore"):  # a component of weight zero has log-density minus infinity
            offsets = np.log(self.weights) + np.sum(np.log(diagonal), axis=2) - dimension / 2 * math.log(2 * math.pi)
        np.multiply(values, -0.5, out=values)
        np.add(values, offsets[:, :, None], out=values)
        return values

    def log_density(self, points: Floats) -> Floats:
        """Log-density at points ``(R, d, n)``: shape ``(R, n)``."""
        size = max(1, BLOCK // (self.weights.shape[1] * points.shape[2]))
        parts = [
            log_sum(self[at : at + size].log_components(points[at : at + size]))[0]
            for at in range(0, len(points), size)
        ]
        return np.concatenate(parts)

    def sample(self, n: int, rng: np.random.Generator) -> Floats:
        """``n`` independent points of each mixture: shape ``(R, d, n)``."""
        chosen = categories(self.weights, n, rng)
        return self.sample_from(chosen, rng)

    def sample_from(self, chosen: NDArray[np.intp], rng: np.random.Generator) -> Floats:
        """One point for each chosen component ``(R, n)``: shape ``(R, d, n)``."""
        roots = np.linalg.cholesky(self.covariances)
        replicates = np.arange(len(chosen))[:, None]
        noise = rng.standard_normal((*chosen.shape, roots.shape[-1]))
        points = self.means[replicates, chosen]
        for j in range(roots.shape[-1]):
            points += roots[replicates, chosen, :, j] * noise[:, :, j, None]
        return np.ascontiguousarray(np.moveaxis(points, 2, 1))


def categories(weights: Floats, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """``n`` draws from each row of ``weights`` ``(R, K)``.

    By inversion; shape ``(R, n)``.
    """
    cumulative = np.cumsum(weights, axis=1)
    cumulative /= cumulative[:, -1:]
    draws = rng.random((len(weights), n))
    chosen = np.zeros(draws.shape, dtype=np.intp)
    for k in range(weights.shape[1] - 1):
        chosen += draws >= cumulative[:, k, None]
    return chosen


def concatenate(parts: list[Mixtures], weights: Floats) -> Mixtures:
    """One mixture per replicate of the components of all parts.

    Weights have shape ``(R, total)``.
    """
    return Mixtures(
        weights,
        np.concatenate([part.means for part in parts], axis=1),
        np.concatenate([part.covariances for part in parts], axis=1),
        np.concatenate([part.factors for part in parts], axis=1),
    )


def log_sum(values: Floats) -> tuple[Floats, Floats]:
    """``log sum_k exp(values)`` over axis 1 of ``(R, K, n)``, and normalizing factors.

    Shape ``(R, n)``. Overwrites ``values``: times the returned factors ``(R, n)`` they are the component probabilities.
    """
    top = np.max(values, axis=1)
    np.subtract(values, top[:, None], out=values)
    np.maximum(values, LEAST, out=values)
    np.exp(values, out=values)
    total = np.sum(values, axis=1)
    return np.log(total) + top, 1.0 / total


def inverse_factors(covariances: Floats) -> Floats:
    """Lower triangular ``P`` with ``P' P`` the inverse covariance ``(..., d, d)``."""
    if covariances.shape[-1] == 2:
        return _inverse_factors_plane(covariances)
    roots = np.linalg.cholesky(covariances)
    identity = np.broadcast_to(np.eye(roots.shape[-1]), roots.shape)
    return np.asarray(np.linalg.solve(roots, identity))


def _inverse_factors_plane(covariances: Floats) -> Floats:
    """The closed form of :func:`inverse_factors` for 2 x 2 matrices."""
    a, b, c = covariances[..., 0, 0], covariances[..., 1, 0], covariances[..., 1, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        first = np.sqrt(a)
        across = b / first
        second = np.sqrt(c - across * across)
    if not (np.all(first > 0) and np.all(second > 0)):
        raise np.linalg.LinAlgError("a covariance is not positive definite")
    factors = np.zeros_like(covariances)
    factors[..., 0, 0] = 1.0 / first
    factors[..., 1, 1] = 1.0 / second
    factors[..., 1, 0] = -across / (first * second)
    return factors


def _squared_distances(mixtures: Mixtures, points: Floats) -> Floats:
    """Mahalanobis distances squared, shape ``(R, K, n)``."""
    dimension = points.shape[1]
    if dimension > UNROLLED:
        shifts = np.einsum("rkij,rkj->rki", mixtures.factors, mixtures.means)
        white = mixtures.factors @ points[:, None] - shifts[..., None]
        return np.asarray(np.einsum("rkin,rkin->rkn", white, white))
    centered = [points[:, None, j] - mixtures.means[:, :, j, None] for j in range(dimension)]
    total: Floats | None = None
    for i in reversed(range(dimension)):
        white = np.multiply(centered[i], mixtures.factors[:, :, i, i, None], out=centered[i])
        for j in range(i):
            white += centered[j] * mixtures.factors[:, :, i, j, None]
        np.multiply(white, white, out=white)
        total = white if total is None else np.add(total, white, out=total)
    if total is None:
        raise ValueError("points without coordinates")
    return total
