"""Density and coverage of whole sets: in blocks, so that the memory is that of a block and not of all pairs.

The audit measures them on a size-matched sample with intervals and nulls
(:mod:`syngain.audit.measures.neighbors`); these are the plain numbers of [naeem2020], for sets of any size. Pairs are
compared by one product in single precision, the closeness x.y - |y|^2 / 2 = (|x|^2 - |x - y|^2) / 2, and again by their
distance in double where single precision cannot decide, so that the numbers are those of double precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.audit.measures.two_sample import Real
    from syngain.core.arrays import Flags, Floats, Ints, Singles

BLOCK_BYTES, PAIRS = 4 << 20, 4_096
DOUBT = 1e-5  # of the largest squares: a closeness in single precision may be off by so much
SAMPLE = 16  # a k-th nearest row is looked for below that of every 16th row


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
            f"vectors of shapes {real.shape} and {synthetic.shape}",
            expected="(n, d) and (m, d) with m at least 1",
            todo="embed both sides with one encoder",
        )
    if not 1 <= k < len(real):
        raise UsageError(
            f"k = {k} for {len(real)} real rows",
            expected="from 1 to one less than the real rows",
            todo="use fewer neighbors",
        )
    center = real.mean(axis=0, dtype=np.float64)
    theirs, ours = _Side.of(real, center), _Side.of(synthetic, center)
    doubt = DOUBT * float(theirs.squares.max() + ours.squares.max())
    step = max(1, BLOCK_BYTES // (4 * max(len(real), len(synthetic))))
    inside = covered = 0
    for start in range(0, len(real), step):
        rows = np.arange(start, min(start + step, len(real)))
        radius = _radius(theirs, rows, k, doubt)
        least = (theirs.squares[rows] - radius) / 2  # as close as a row on the ball
        closeness = theirs.closeness(ours, rows)
        i, j = _sparse(closeness >= _single(least - doubt))
        unsure = closeness[i, j] < least[i] + doubt
        held = ~unsure
        held[unsure] = _exact(theirs.X[rows[i[unsure]]], ours.X[j[unsure]]) <= radius[i[unsure]]
        inside += int(np.count_nonzero(held))
        covered += np.unique(i[held]).size
    return inside / (k * len(synthetic)), covered / len(real)


@dataclass(frozen=True)
class _Side:
    """Vectors in double precision, their squares, and in single precision what a product compares."""

    X: Floats
    squares: Floats
    asking: Singles
    asked: Singles

    @classmethod
    def of(cls, X: NDArray[Real], center: Floats) -> _Side:
        exact = X - center  # distances stay, and squares become small
        squares = (exact**2).sum(axis=1)
        single = exact.astype(np.float32)
        ones = np.ones((len(X), 1), dtype=np.float32)
        return cls(exact, squares, np.hstack([single, ones]), np.hstack([single, _single(-squares / 2)]))

    def closeness(self, other: _Side, rows: Ints) -> Singles:
        """Of these rows to all of the other side: (|x|^2 - |x - y|^2) / 2."""
        return self.asking[rows] @ other.asked.T


def _radius(real: _Side, rows: Ints, k: int, doubt: float) -> Floats:
    """Squared distance of these rows to their k-th nearest other one, in double precision."""
    closeness = real.closeness(real, rows)
    closeness[np.arange(rows.size), rows] = -np.inf  # a row is no neighbor of its own
    some = closeness[:, ::SAMPLE]
    if some.shape[1] < 2 * k + SAMPLE:
        some = closeness
    least = np.partition(some, -k, axis=1)[:, -k]  # at least k rows are as close as this
    i, j = _sparse(closeness >= least[:, None])
    first = np.searchsorted(i, np.arange(rows.size))  # row by row
    close = np.full((rows.size, int(np.bincount(i).max())), -np.inf, dtype=np.float32)
    close[i, np.arange(i.size) - first[i]] = closeness[i, j]
    about = np.partition(close, -k, axis=1)[:, -k].astype(np.float64)
    i, j = _sparse(closeness >= _single(about - 2 * doubt))  # no other row can be among the k nearest
    exact = _exact(real.X[rows[i]], real.X[j])
    order = np.lexsort((exact, i))
    first = np.searchsorted(i, np.arange(rows.size))
    return np.asarray(exact[order][first + k - 1])


def _single(column: Floats) -> Singles:
    """A column in single precision."""
    return column[:, None].astype(np.float32)


def _sparse(flags: Flags) -> tuple[Ints, Ints]:
    """Rows and columns of the few that are true, row by row."""
    at = np.flatnonzero(flags)
    return at // flags.shape[1], at % flags.shape[1]


def _exact(X: Floats, Y: Floats) -> Floats:
    """Squared distances of pairs of rows, in double precision."""
    out = np.empty(len(X))
    for start in range(0, len(X), PAIRS):
        pairs = slice(start, start + PAIRS)
        out[pairs] = ((X[pairs] - Y[pairs]) ** 2).sum(axis=1)
    return out
