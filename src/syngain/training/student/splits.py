"""Rows that each seed trains on, holds out and scores.

A seed redraws the held-out real rows (for stopping and learning rates) and, without a test set, the quarter of the
real rows held out as one. Near-duplicates leave together, with every synthetic row made from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data.match import match_sources
from syngain.data.splits import folds
from syngain.data.text import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.core.rng import Streams
    from syngain.data.dataset import Dataset

QUARTERS = 4
LEAST_ANCHORS = 12
MOST_HELD = 32


@dataclass(frozen=True, slots=True)
class Round:
    """The rows of one seed.

    Attributes:
        ``anchors``: real rows that are trained on. held: real rows for stopping and learning rates. judged: rows that
            are scored, in the order in which they are (of the test set, else of the real rows). synthetic: that may be
            trained on.
    """

    anchors: Ints
    held: Ints
    judged: Ints
    synthetic: Ints


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows with clusters and lineage.

    Attributes:
        anchor_cluster: near-duplicate cluster of each real row (n,). synthetic_cluster: of each synthetic row (m,), on
            the same numbering. source: the real row of each synthetic row (m,), -1 when unknown. judged_cluster: of
            each row that may be scored.
        forecast: whether held-out real rows replace a test set.
    """

    anchor_cluster: Ints
    synthetic_cluster: Ints
    source: Ints
    judged_cluster: Ints
    forecast: bool

    @classmethod
    def of(cls, real: Dataset, synthetic: Dataset, test: Dataset | None) -> Rows:
        """From the rows themselves.

        Raises:
            InputError: when there are too few real rows.
        """
        if len(real) < LEAST_ANCHORS:
            raise InputError(
                f"{real.name} has {len(real)} rows",
                expected=f"at least {LEAST_ANCHORS} real rows: some to train on, some held out",
                todo="add real rows",
            )
        near = near_duplicates.clusters([*_texts(real), *_texts(synthetic)])
        source, _ = match_sources(synthetic, real)
        anchors = near[: len(real)]
        return cls(
            anchors,
            near[len(real) :],
            np.full(len(synthetic), -1, dtype=np.int64) if source is None else source,
            anchors if test is None else near_duplicates.clusters(_texts(test)),
            test is None,
        )

    @property
    def optimistic(self) -> bool:
        """Whether a synthetic row may have been made from a real row it is evaluated on."""
        return self.forecast and bool((self.source < 0).any())

    def every(self, seeds: int, streams: Streams) -> list[Round]:
        """The rows of all seeds.

        Raises:
            InputError: when nothing is left for a variant of one of them.
        """
        rounds = [self.round(index, streams) for index in range(seeds)]
        if any(min(own.anchors.size, own.held.size, own.judged.size) == 0 for own in rounds):
            raise InputError(
                "the real rows are too similar: all are near-duplicates, so none can be held out",
                expected="real rows in several near-duplicate clusters",
                todo="add more diverse real rows, or a test set with --test",
            )
        if any(own.synthetic.size == 0 for own in rounds):
            raise InputError(
                "no synthetic row is left: all were made from held-out real rows or repeat them",
                expected="synthetic rows made from many real rows",
                todo="add synthetic rows, or a test set with --test",
            )
        return rounds

    def round(self, index: int, streams: Streams) -> Round:
        """The rows of a seed."""
        n = self.anchor_cluster.size
        if self.forecast:
            deal = folds(self.anchor_cluster, QUARTERS, streams.stream("quarters", str(index // QUARTERS)))
            mine = np.flatnonzero(deal == index % QUARTERS)
            judged = streams.stream("judged", str(index)).permutation(mine)
        else:
            mine = np.empty(0, dtype=np.int64)
            judged = streams.stream("judged").permutation(self.judged_cluster.size)
        left = np.setdiff1d(np.arange(n), mine)
        held = self._held(left, streams.stream("held", str(index)))
        out = np.concatenate([mine, held])
        gone = np.isin(self.synthetic_cluster, self.anchor_cluster[out])
        known = self.source >= 0
        gone[known] |= np.isin(self.anchor_cluster[self.source[known]], self.anchor_cluster[out])
        return Round(np.setdiff1d(left, held), held, judged, np.flatnonzero(~gone))

    def _held(self, left: Ints, rng: np.random.Generator) -> Ints:
        """Whole clusters in random order, an eighth of the rows, 4 to 32."""
        wanted = min(max(left.size // 8, 4), MOST_HELD)
        names, inverse, sizes = np.unique(self.anchor_cluster[left], return_inverse=True, return_counts=True)
        order = rng.permutation(names.size)
        before = np.cumsum(sizes[order]) - sizes[order]
        fits = (before < wanted) & (before + sizes[order] <= left.size // 2)
        return left[np.isin(inverse, order[fits])]


def seen(pool: int, rows: int, rng: np.random.Generator) -> Ints:
    """Order in which rows of a pool are seen (rows,): repeated random permutations."""
    epochs: Sequence[Ints] = [rng.permutation(pool) for _ in range(-(-rows // max(pool, 1)))]
    return np.concatenate(epochs)[:rows] if epochs else np.empty(0, dtype=np.int64)


def _texts(rows: Dataset) -> list[str]:
    return ["\n".join(parts) for parts in zip(*rows.sides.values(), strict=True)]
