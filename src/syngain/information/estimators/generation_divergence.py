"""Generation divergence: total variation between generated and curated rows.

A filter of single rows changes the distribution of (prompt, output) pairs by exactly its rejected mass, in total
variation; that of rows alone by at most this. Steps on the whole dataset (repeats, quotas) have a kept fraction and no
such equality.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate
from syngain.information.estimators.clustered_prompts import LEVELS

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Ints
    from syngain.core.estimate import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """Rows at a step, rejected rows, and the clustered error of their fraction."""

    seen: int
    gone: int
    error: float
    clusters: int

    @property
    def share(self) -> float:
        """The rejected fraction."""
        return self.gone / self.seen

    def interval(self, level: float) -> Interval:
        """Exact binomial limits [clopper1934] at the effective sample size [korn1998]."""
        p, size = self.share, float(self.clusters)
        if 0 < p < 1 and self.clusters > 1:
            size = float(self.seen) / max(self.seen * self.error**2 / (p * (1 - p)), 1.0)
            freedom = max(self.clusters - 1, 1)
            size *= float(stats.t.isf((1 - level) / 2, self.seen) / stats.t.isf((1 - level) / 2, freedom)) ** 2
        tail = (1 - level) / 2
        low = float(stats.beta.ppf(tail, p * size, size * (1 - p) + 1)) if p > 0 else 0.0
        high = float(stats.beta.isf(tail, p * size + 1, size * (1 - p))) if p < 1 else 1.0
        return (low, high)


def generation_divergence(gone: Flags, cluster: Ints, *, of_rows: bool = True) -> Estimate:
    """``generation.divergence`` of a step that rejected ``gone`` (n,) of its rows.

    Rows are in clusters (n,). ``of_rows``: whether the step is a deterministic filter of single rows, for which the
    rejected fraction is the divergence.

    Raises:
        UsageError: no rows, or all of them rejected.
    """
    if not len(gone) or gone.all():
        raise UsageError(
            "a curation step that keeps no row", expected="at least one kept row", todo="relax or remove the step"
        )
    found = rejected(gone, cluster)
    return Estimate(
        value=found.share,
        unit="share",
        method="rejected fraction of the rows that reached the step; binomial interval clustered by prompt",
        estimand="total variation of (prompt, output) pairs before and after the filter; at most that on rows alone"
        if of_rows
        else "rejected fraction; the step uses the whole dataset, so it is not a divergence",
        intervals={level: found.interval(level) for level in LEVELS},
        n=found.seen,
        clusters=found.clusters,
        marks=() if of_rows else ("not a divergence",),
    )


def rejected(gone: Flags, cluster: Ints) -> Rejected:
    """Count a step's rejected rows, with the linearized error of their fraction."""
    _, group = np.unique(cluster, return_inverse=True)
    rows = np.bincount(group)
    count = len(rows)
    share = float(gone.mean())
    sums = np.bincount(group, gone.astype(np.float64)) - share * rows
    error = math.sqrt(count / (count - 1) * float(sums @ sums)) / len(gone) if count > 1 else math.nan
    return Rejected(seen=len(gone), gone=int(gone.sum()), error=error, clusters=count)
