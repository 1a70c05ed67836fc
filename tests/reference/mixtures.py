"""Gaussian mixtures one point and one component at a time."""

from __future__ import annotations

import math

import numpy as np


def log_density(weights, means, covariances, point):
    terms = []
    for weight, mean, covariance in zip(weights, means, covariances, strict=True):
        gap = point - mean
        quadratic = gap @ np.linalg.inv(covariance) @ gap
        norm = len(point) * math.log(2 * math.pi) + math.log(np.linalg.det(covariance))
        terms.append(math.log(weight) - 0.5 * (quadratic + norm))
    top = max(terms)
    return top + math.log(sum(math.exp(term - top) for term in terms))


def em_step(points, weights, means, covariances, ridge):
    """One E and one M step; points (n, d)."""
    n, d = points.shape
    shares = np.empty((n, len(weights)))
    for i, point in enumerate(points):
        whole = log_density(weights, means, covariances, point)
        for k in range(len(weights)):
            own = log_density([weights[k]], [means[k]], [covariances[k]], point)
            shares[i, k] = math.exp(own - whole)
    found_weights, found_means, found_covariances = [], [], []
    for k in range(len(weights)):
        mass = shares[:, k].sum()
        mean = sum(shares[i, k] * points[i] for i in range(n)) / mass
        spread = sum(shares[i, k] * np.outer(points[i] - mean, points[i] - mean) for i in range(n)) / mass
        found_weights.append(mass / n)
        found_means.append(mean)
        found_covariances.append(spread + ridge * np.eye(d))
    return found_weights, found_means, found_covariances


def divergences_on_grid(p, q, low, high, cells):
    """TV, KL(p||q), KL(q||p), JS of two densities of the plane by the midpoint rule; p, q map (n, 2) to (n,)."""
    step = (high - low) / cells
    middles = low + step * (np.arange(cells) + 0.5)
    grid = np.array([(x, y) for x in middles for y in middles])
    a, b = p(grid), q(grid)
    m = (a + b) / 2

    def kl(one, other):
        mask = one > 1e-300
        logs = np.log(one[mask]) - np.log(np.maximum(other[mask], 1e-300))
        return float(np.sum(one[mask] * logs) * step**2)

    return np.array([np.abs(a - b).sum() * step**2 / 2, kl(a, b), kl(b, a), (kl(a, m) + kl(b, m)) / 2])
