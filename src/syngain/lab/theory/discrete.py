"""Entropies and divergences of finite distributions, exact, in nats.

Infinite where the definition is infinite.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.core.arrays import Probabilities

TOLERANCE = 1e-9  # how far probabilities may be from summing to one


def entropy(p: Probabilities) -> float:
    """Shannon entropy H(p) of a distribution of any shape, in nats."""
    _check(p)
    return float(-np.sum(xlogy(p, p)))


def kl(p: Probabilities, q: Probabilities) -> float:
    """Kullback-Leibler divergence KL(p || q), equal shapes, in nats.

    Infinite where ``q`` is zero and ``p`` is not: this is the definition.
    """
    _check_pair(p, q)
    support = p > 0
    if np.any(q[support] == 0):
        return math.inf
    return float(np.sum(p[support] * (np.log(p[support]) - np.log(q[support]))))


def total_variation(p: Probabilities, q: Probabilities) -> float:
    """Total variation distance, half the absolute difference, in [0, 1]."""
    _check_pair(p, q)
    return float(np.abs(p - q).sum() / 2)


def jensen_shannon(p: Probabilities, q: Probabilities) -> float:
    """Jensen-Shannon divergence, in [0, ln 2] nats [lin1991]."""
    _check_pair(p, q)
    middle = (p + q) / 2
    return (kl(p, middle) + kl(q, middle)) / 2


def mutual_information(joint: Probabilities) -> float:
    """I(X; Y) of a joint table of shape (x, y), in nats."""
    _check(joint)
    if joint.ndim != 2:
        raise UsageError(
            f"a joint table of {joint.ndim} dimensions",
            expected="two: one per variable",
            todo="pass a table of shape (x, y)",
        )
    return entropy(joint.sum(axis=1)) + entropy(joint.sum(axis=0)) - entropy(joint)


def conditional_entropy(joint: Probabilities) -> float:
    """H(X | Y) of a joint table of shape (x, y), in nats."""
    _check(joint)
    return entropy(joint) - entropy(joint.sum(axis=0))


def accepted(p: Probabilities, acceptance: Probabilities) -> Probabilities:
    """The distribution after keeping each outcome x with probability a(x).

    Raises:
        UsageError: when no outcome is kept.
    """
    _check(p)
    mass = p * acceptance
    if not mass.sum() > 0:
        raise UsageError(
            "a filter that accepts no outcome",
            expected="a positive acceptance probability",
            todo="accept at least one outcome with mass",
        )
    return np.asarray(mass / mass.sum())


def acceptance_divergence(p: Probabilities, acceptance: Probabilities) -> float:
    """Generation divergence of a filter: TV(p, accepted p) = E |a(x) / E a - 1| / 2.

    TV is total variation. The value is at most 1 - E a for 0/1 filters. For a deterministic filter (a in {0, 1}) it is
    exactly 1 minus the acceptance mass.
    """
    _check(p)
    mean = float(np.sum(p * acceptance))
    if not mean > 0:
        raise UsageError(
            "a filter that accepts no outcome",
            expected="a positive acceptance probability",
            todo="accept at least one outcome with mass",
        )
    return float(np.sum(p * np.abs(acceptance / mean - 1)) / 2)


def _check_pair(p: Probabilities, q: Probabilities) -> None:
    if p.shape != q.shape:
        raise UsageError(
            f"distributions of shapes {p.shape} and {q.shape}",
            expected="equal shapes",
            todo="pass both over one alphabet",
        )
    _check(p)
    _check(q)


def _check(p: Probabilities) -> None:
    if np.any(p < -TOLERANCE) or abs(float(p.sum()) - 1) > TOLERANCE:
        raise UsageError(
            f"probabilities that sum to {float(p.sum())!r}, or are negative",
            expected="non-negative probabilities that sum to 1",
            todo="divide them by their sum",
        )
