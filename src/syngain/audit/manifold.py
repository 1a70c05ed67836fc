"""Density and coverage of whole sets: in blocks, so that the memory is that of a block and not of all pairs.

The audit measures them on a size-matched sample with intervals and nulls (:mod:`syngain.audit.neighbors`); these are
the plain numbers of [naeem2020], for sets of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.audit.two_sample import Real

BLOCK_BYTES = 32 << 20


def density_coverage(real: NDArray[Real], synthetic: NDArray[Real], k: int = 5) -> tuple[float, float]:
    """Density and coverage [naeem2020, equations 2 and 4] with balls out to the k-th nearest other real row.

    Args:
        real: vectors (n, d), n > k.
        synthetic: vectors (m, d).
        k: neighbors that span a ball.

    Raises:
        UsageError: no synthetic row, vectors of different length, or k that is not between 1 and n - 1.
    """
    if real.ndim != 2 or synthetic.ndim != 2 or real.shape[1] != synthetic.shape[1] or not len(synthetic):
        raise UsageError(
            f"vectors of shapes {real.shape} and {synthetic.shape}", expected="(n, d) and (m, d) with m at least 1"
        )
    if not 1 <= k < len(real):
        raise UsageError(f"k = {k} for {len(real)} real rows", expected="from 1 to one less than the real rows")
    real, synthetic = real.astype(np.float64), synthetic.astype(np.float64)  # differences of large squares decide
    theirs, ours = ((X**2).sum(axis=1) for X in (real, synthetic))
    longest = max(len(real), len(synthetic))
    step = max(1, BLOCK_BYTES // (longest * real.itemsize))
    inside = covered = 0
    for start in range(0, len(real), step):
        rows = slice(start, start + step)
        among = _shifted(real[rows], real, theirs)
        np.fill_diagonal(among[:, start:], np.inf)  # a row is no neighbor of its own
        radius = np.partition(among, k - 1, axis=1)[:, k - 1]
        hits = _shifted(real[rows], synthetic, ours) <= radius[:, None]
        inside += int(np.count_nonzero(hits))
        covered += int(np.count_nonzero(hits.any(axis=1)))
    return inside / (k * len(synthetic)), covered / len(real)


def _shifted(X: NDArray[Real], Y: NDArray[Real], squares: NDArray[Real]) -> NDArray[Real]:
    """Squared distances less the squares of ``X``, which every comparison within a row shares; shape (n, m)."""
    out: NDArray[Real] = X @ Y.T
    out *= -2
    out += squares[None, :]
    return out
