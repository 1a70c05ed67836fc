"""Interim checks of one growing run: positions, and error level of each.

A mean of n values, standardized, is a stationary process in log n. The probability that it ever exceeds c at checks
that are D apart in log n is about ``1 - Phi(c) + c phi(c) / 2 * sum D nu(c sqrt(D))`` [siegmund1985]; nu < 1 is the
reduction from discrete checks. Other quantities (a gain on the same real rows) follow no such formula: their checks
divide the error equally, which is valid under any dependence.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

APART = 32  # minimal rows between checks: the default number of requests in flight
FINE = 1.02  # growth of the rows between checks
COARSE = 1.1  # the same, where a check takes a minute


def positions(total: int, *, first: int, growth: float) -> list[int]:
    """Row counts of the interim checks; the last is the end of the plan."""
    found, at = [], first
    while at < total:
        found.append(at)
        at = max(round(at * growth), at + APART)
    return [*found, total]


def level_of_means(looks: Sequence[int], alpha: float) -> float:
    """One-sided error of each check of a growing mean, at total error ``alpha``."""
    gaps = [math.log(later / earlier) for earlier, later in pairwise(looks)]

    def error(c: float) -> float:
        crossing = sum(gap * _nu(c * math.sqrt(gap)) for gap in gaps if gap > 0)
        return _tail(c) + crossing * c * math.exp(-c * c / 2) / math.sqrt(8 * math.pi)

    low, high = 1.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if error(middle) > alpha else (low, middle)
    return max(_tail(low), alpha / len(looks))  # never stricter than an equal division of the error


def level_of_shares(looks: Sequence[int], alpha: float) -> float:
    """One-sided error of each check under any dependence [bonferroni1936]."""
    return alpha / len(looks)


def _tail(c: float) -> float:
    return math.erfc(c / math.sqrt(2)) / 2


def _nu(x: float) -> float:
    """Approximate correction nu of crossing probabilities for discrete steps.

    See [siegmund2007].
    """
    half, density = x / 2, math.exp(-x * x / 8) / math.sqrt(2 * math.pi)
    below = 1 - _tail(half)
    return (2 / x) * (below - 0.5) / (half * below + density)
