"""Closed forms of Gaussians, in nats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg
from scipy.special import ndtr

if TYPE_CHECKING:
    from syngain.core.arrays import Floats


def entropy(covariance: Floats) -> float:
    """Differential entropy of a Gaussian with covariance (d, d); depends on units."""
    _, log_determinant = np.linalg.slogdet(covariance)
    return float(0.5 * (covariance.shape[0] * (1 + math.log(2 * math.pi)) + log_determinant))


def kl(mean_p: Floats, covariance_p: Floats, mean_q: Floats, covariance_q: Floats) -> float:
    """KL(N_p || N_q) of two Gaussians of dimension d."""
    factor = linalg.cho_factor(covariance_q, lower=True)
    shift = mean_q - mean_p
    trace = float(np.trace(linalg.cho_solve(factor, covariance_p)))
    distance = float(shift @ linalg.cho_solve(factor, shift))
    log_q = 2 * float(np.log(np.diag(factor[0])).sum())
    _, log_p = np.linalg.slogdet(covariance_p)
    return 0.5 * (trace + distance - mean_p.size + log_q - float(log_p))


def total_variation_of_shift(mean_p: Floats, mean_q: Floats, covariance: Floats) -> float:
    """Total variation of two Gaussians with one covariance: 2 Phi(m / 2) - 1.

    m is their Mahalanobis distance.
    """
    shift = mean_q - mean_p
    mahalanobis = math.sqrt(float(shift @ np.linalg.solve(covariance, shift)))
    return float(2 * ndtr(mahalanobis / 2) - 1)


def mutual_information(joint: Floats, first: int) -> float:
    """I(X; Y) of jointly Gaussian X and Y, invariant under units.

    X are the first ``first`` coordinates, Y the rest.
    """
    _, whole = np.linalg.slogdet(joint)
    _, left = np.linalg.slogdet(joint[:first, :first])
    _, right = np.linalg.slogdet(joint[first:, first:])
    return 0.5 * float(left + right - whole)


def mmd2(mean_p: Floats, mean_q: Floats, variance: float, bandwidth: float) -> float:
    """Squared maximum mean discrepancy (MMD) of two spherical Gaussians.

    They are N(mean_p, variance I) and N(mean_q, variance I). Kernel exp(-|x - y|^2 / bandwidth). A difference of two
    draws has variance 2 v per coordinate, so E k = (1 + 4 v / bandwidth)^(-d/2) exp(-|shift|^2 / (bandwidth + 4 v)).
    """
    spread = bandwidth + 4 * variance
    within = (bandwidth / spread) ** (mean_p.size / 2)
    shift = float(np.sum((mean_p - mean_q) ** 2))
    return float(2 * within * (1 - math.exp(-shift / spread)))
