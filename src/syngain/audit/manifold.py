"""Density and coverage of whole sets: in blocks, so that the memory is that of a block and not of all pairs.

The audit measures them on a size-matched sample with intervals and nulls (:mod:`syngain.audit.neighbors`); these are
the plain numbers of [naeem2020], for sets of any size. Distances are taken in single precision, twice as fast, and
again in double where single precision cannot decide, so that the numbers are those of double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.audit.two_sample import Real

    Floats = NDArray[np.float64]
    Singles = NDArray[np.float32]
    Ints = NDArray[np.int64]

BLOCK_BYTES, PAIRS = 4 << 20, 4_096
DOUBT = 1e-5  # of the largest squares: a distance in single precision may be off by so much


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
    center = real.mean(axis=0, dtype=np.float64)
    theirs, ours = _Side.of(real, center), _Side.of(synthetic, center)
    doubt = DOUBT * float(theirs.squares.max() + ours.squares.max())
    step = max(1, BLOCK_BYTES // (4 * max(len(real), len(synthetic))))
    inside = covered = 0
    for start in range(0, len(real), step):
        rows = np.arange(start, min(start + step, len(real)))
        radius = _radius(theirs, rows, k, doubt)
        distance = ours.distances(theirs, rows)
        hits = distance <= (radius + doubt)[:, None].astype(np.float32)
        i, j = np.nonzero(hits)
        unsure = distance[i, j] > radius[i] - doubt
        i, j = i[unsure], j[unsure]
        hits[i, j] = _exact(theirs.X[rows[i]], ours.X[j]) <= radius[i]
        inside += int(np.count_nonzero(hits))
        covered += int(np.count_nonzero(hits.any(axis=1)))
    return inside / (k * len(synthetic)), covered / len(real)


@dataclass(frozen=True)
class _Side:
    """Vectors in double and in single precision, with their squares."""

    X: Floats
    single: Singles
    squares: Floats

    @classmethod
    def of(cls, X: NDArray[Real], center: Floats) -> _Side:
        exact = X - center  # distances stay, and squares become small
        return cls(exact, exact.astype(np.float32), (exact**2).sum(axis=1))

    def distances(self, other: _Side, rows: Ints) -> Singles:
        """Squared distances of these rows of the other side to all of this one, in single precision."""
        out: Singles = other.single[rows] @ self.single.T
        out *= -2
        out += self.squares.astype(np.float32)[None, :]
        out += other.squares[rows].astype(np.float32)[:, None]
        return out


def _radius(real: _Side, rows: Ints, k: int, doubt: float) -> Floats:
    """Squared distance of these rows to their k-th nearest other one, in double precision."""
    distance = real.distances(real, rows)
    distance[np.arange(rows.size), rows] = np.inf  # a row is no neighbor of its own
    about = np.partition(distance, k - 1, axis=1)[:, k - 1]
    i, j = np.nonzero(distance <= (about + 2 * np.float32(doubt))[:, None])  # no other row can be among the k nearest
    exact = _exact(real.X[rows[i]], real.X[j])
    order = np.lexsort((exact, i))
    first = np.searchsorted(i, np.arange(rows.size))  # nonzero goes row by row
    return np.asarray(exact[order][first + k - 1])


def _exact(X: Floats, Y: Floats) -> Floats:
    """Squared distances of pairs of rows, in double precision."""
    out = np.empty(len(X))
    for start in range(0, len(X), PAIRS):
        pairs = slice(start, start + PAIRS)
        out[pairs] = ((X[pairs] - Y[pairs]) ** 2).sum(axis=1)
    return out
