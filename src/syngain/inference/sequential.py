"""Repeated looks at one growing run: where they are taken, and how sure each must be so that all err rarely together.

A mean of n values, standardized, is a stationary process in log n, and the chance that it ever exceeds c at looks that
are D apart in log n is about ``1 - Phi(c) + c phi(c) / 2 * sum D nu(c sqrt(D))`` [siegmund1985]; nu < 1 is what looking
now and then, not always, saves. Quantities that are no means of ever more values (a gain on the same anchors) have no
such law: their looks share the error equally, which holds however they depend.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

APART = 32  # rows between looks at least: as many requests as are in flight by default
FINE = 1.02  # growth of the rows from look to look
COARSE = 1.1  # the same, where a look costs a minute


def positions(total: int, *, first: int, growth: float) -> list[int]:
    """Rows at which to look, the last one being the end of the plan."""
    found, at = [], first
    while at < total:
        found.append(at)
        at = max(round(at * growth), at + APART)
    return [*found, total]


def level_of_means(looks: Sequence[int], alpha: float) -> float:
    """One-sided error of each look at a mean of ever more rows, so that all looks err with ``alpha`` together."""
    gaps = [math.log(later / earlier) for earlier, later in pairwise(looks)]

    def error(c: float) -> float:
        crossing = sum(gap * _nu(c * math.sqrt(gap)) for gap in gaps if gap > 0)
        return _tail(c) + crossing * c * math.exp(-c * c / 2) / math.sqrt(8 * math.pi)

    low, high = 1.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if error(middle) > alpha else (low, middle)
    return max(_tail(low), alpha / len(looks))  # never stricter than sharing the error equally


def level_of_shares(looks: Sequence[int], alpha: float) -> float:
    """One-sided error of each look, whatever ties them [bonferroni1936]."""
    return alpha / len(looks)


def _tail(c: float) -> float:
    return math.erfc(c / math.sqrt(2)) / 2


def _nu(x: float) -> float:
    """What remains of the chance of crossing when a walk is seen in steps of x, closely [siegmund2007]."""
    half, density = x / 2, math.exp(-x * x / 8) / math.sqrt(2 * math.pi)
    below = 1 - _tail(half)
    return (2 / x) * (below - 0.5) / (half * below + density)
