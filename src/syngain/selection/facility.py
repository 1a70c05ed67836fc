"""Facility location: rows that represent all rows, by lazy greedy selection.

``f(S) = sum_i max(0, max_{j in S} cos(x_i, x_j))``: every candidate is represented by its nearest selected one. The
greedy choice is within 1 - 1/e of the best [nemhauser1978]; gains only fall, so that most need not be computed again
[minoux1978].
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse

from syngain.selection.candidates import Ranking

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.core.arrays import Floats, Ints, Singles
    from syngain.selection.candidates import Candidates

BLOCK = 256  # rows of similarities at a time
BATCH = 32  # gains computed at a time
BYTES = 12  # of a stored similarity with its row and column


@dataclass(frozen=True, slots=True)
class FacilityLocation:
    """Select rows that represent all candidates.

    Attributes:
        exact: up to so many candidates, or where few are chosen, all similarities count. Beyond, those of a row's
            nearest ``reach * m / rows`` candidates, about; the others are taken as 0.
        reach: see ``exact``. memory: bytes that stored similarities may take; else none are stored.
    """

    exact: int = 10_000
    reach: float = 8.0
    memory: int = 500_000_000

    def rank(self, candidates: Candidates, rows: int, rng: np.random.Generator) -> Ranking:
        """Greedy order; candidates not reached follow by the bound of their gain."""
        order, gains = self.greedy(candidates.X, rows, rng)
        share = gains / max(len(candidates), 1)
        reasons = [f"adds {value:.2e} of the mean similarity to the rows above it" for value in share]
        return Ranking(order, share, reasons)

    def greedy(self, X: Floats, rows: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Order of all m rows (m,) and their last computed gains (m,).

        The first ``rows`` are chosen greedily.

        Args:
            X: embeddings (m, d), scaled to unit length here; zero embeddings are similar to nothing.
            rows: how many will be kept.
            rng: draws the columns from which thresholds of nearness are read.
        """
        norms = np.linalg.norm(X, axis=1, keepdims=True)
        unit = np.divide(X, norms, out=np.zeros(X.shape), where=norms > 0).astype(np.float32)
        return _lazy(self._similarities(unit, rows, rng), min(rows, len(X)))

    def value(self, X: Floats, chosen: Ints) -> float:
        """``f`` of chosen rows, all similarities counted."""
        norms = np.linalg.norm(X, axis=1, keepdims=True)
        unit = np.divide(X, norms, out=np.zeros(X.shape), where=norms > 0).astype(np.float32)
        parts = (unit[at : at + BLOCK] @ unit[chosen].T for at in range(0, len(X), BLOCK))
        return float(sum(np.maximum(part.max(axis=1), 0).sum(dtype=np.float64) for part in parts))

    def _similarities(self, X: Singles, rows: int, rng: np.random.Generator) -> _Similarities:
        near = int(np.ceil(self.reach * len(X) / max(rows, 1)))
        if len(X) <= self.exact or near * len(X) * BYTES * 1.5 > self.memory:
            return _Computed(X, np.zeros(len(X), dtype=np.float32))
        return _Stored.of(X, near, rng)


class _Similarities(Protocol):
    """Similarities of rows, and how well the selected rows represent all."""

    @property
    def batch(self) -> int: ...

    def first(self) -> Floats:
        """Gains of all rows before any is chosen (m,)."""

    def gains(self, rows: Ints) -> Floats:
        """What each of the rows would add now."""

    def choose(self, row: int) -> None:
        """Add this row: it represents the rows it is nearest to."""


@dataclass(slots=True)
class _Computed:
    """Similarities computed when they are needed; ``best`` (m,) of the chosen rows."""

    X: Singles
    best: Singles
    batch: int = BATCH

    def first(self) -> Floats:
        blocks = [np.arange(at, min(at + BLOCK, len(self.X))) for at in range(0, len(self.X), BLOCK)]
        return np.concatenate([self.gains(block) for block in blocks])

    def gains(self, rows: Ints) -> Floats:
        over = self.X[rows] @ self.X.T
        over -= self.best
        np.maximum(over, 0, out=over)
        return np.asarray(over.sum(axis=1, dtype=np.float64))

    def choose(self, row: int) -> None:
        np.maximum(self.best, self.X @ self.X[row], out=self.best)


@dataclass(slots=True)
class _Stored:
    """The largest similarities of every row, by candidate.

    ``rows`` are its neighbors and their similarities, from ``start``.
    """

    start: Ints
    rows: NDArray[np.int32]
    near: Singles
    best: Singles
    batch: int = field(default=1)

    @classmethod
    def of(cls, X: Singles, count: int, rng: np.random.Generator) -> _Stored:
        """About ``count`` similarities per row, thresholds from a tenth of the columns."""
        m = len(X)
        sampled = np.sort(rng.permutation(m)[: max(m // 10, min(m, 1000))])
        rank = min(sampled.size - 1, int(np.ceil(1.3 * count * sampled.size / m)))
        counts, columns, values = [np.zeros(1, dtype=np.int64)], [], []
        for at in range(0, m, BLOCK):
            near = X[at : at + BLOCK] @ X.T
            threshold = np.partition(near[:, sampled], sampled.size - 1 - rank, axis=1)[:, sampled.size - 1 - rank]
            kept = near >= np.maximum(threshold, np.float32(1e-6))[:, None]
            counts.append(kept.sum(axis=1))
            columns.append((np.flatnonzero(kept) % m).astype(np.int32))
            values.append(near[kept])
        of_row = (np.concatenate(values), np.concatenate(columns), np.cumsum(np.concatenate(counts)))
        del values, columns
        of_candidate = sparse.csr_matrix(of_row, shape=(m, m)).tocsc()
        start = of_candidate.indptr.astype(np.int64)
        return cls(start, of_candidate.indices, of_candidate.data, np.zeros(m, dtype=np.float32))

    def first(self) -> Floats:
        running = np.concatenate([[0.0], np.cumsum(self.near, dtype=np.float64)])
        return np.asarray(running[self.start[1:]] - running[self.start[:-1]])

    def gains(self, rows: Ints) -> Floats:
        return np.array([self._gain(int(row)) for row in rows])

    def choose(self, row: int) -> None:
        part = slice(self.start[row], self.start[row + 1])
        at = self.rows[part]
        self.best[at] = np.maximum(self.best[at], self.near[part])

    def _gain(self, row: int) -> float:
        part = slice(self.start[row], self.start[row + 1])
        over = self.near[part] - self.best[self.rows[part]]
        return float(over[over > 0].sum(dtype=np.float64))


def _lazy(similar: _Similarities, rows: int) -> tuple[Ints, Floats]:
    """Lazy greedy selection: a gain is computed again only while it is the largest.

    Ties go to the earlier row.
    """
    gains = similar.first()
    seen = np.zeros(gains.size, dtype=np.int64)  # how many were chosen when a gain was computed
    heap = [(-gain, row) for row, gain in enumerate(gains.tolist())]
    heapq.heapify(heap)
    order: list[int] = []
    while len(order) < rows:
        _, row = heap[0]
        if seen[row] == len(order):
            heapq.heappop(heap)
            order.append(row)
            similar.choose(row)
            continue
        stale = [heapq.heappop(heap)[1]]
        while heap and len(stale) < similar.batch and seen[heap[0][1]] < len(order):
            stale.append(heapq.heappop(heap)[1])
        again = np.array(stale)
        gains[again] = similar.gains(again)
        seen[again] = len(order)
        for row in stale:
            heapq.heappush(heap, (-float(gains[row]), row))
    rest = [row for _, row in sorted(heap)]
    return np.array([*order, *rest], dtype=np.int64), gains
