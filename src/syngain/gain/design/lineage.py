"""Lineage: which rows leave together, which were made from which real rows.

A synthetic row follows the real row it was made from. Where its source is not given but the row repeats or nearly
repeats a real row, it follows that real row; otherwise its source is unknown, and every forecast that uses it may be
overestimated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.splits import folds, groups

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Ints


@dataclass(frozen=True)
class Lineage:
    """Real rows and synthetic rows with clusters and sources.

    Attributes:
        group: cluster of each real row (n,): near-duplicates leave together.
        source: the real row each synthetic row was made from (m,), -1 when unknown.
        cluster: near-duplicate cluster of each synthetic row (m,), on the numbering of ``group`` where it repeats a
            real row.
    """

    group: Ints
    source: Ints
    cluster: Ints

    @classmethod
    def of(cls, source: Ints, near: Ints) -> Lineage:
        """Lineage from the source (m,) and near-duplicate clusters (n + m,)."""
        count = near.size - source.size
        anchors = near[:count]
        names, first = np.unique(anchors, return_index=True)
        at = np.minimum(np.searchsorted(names, near[count:]), names.size - 1)
        copied = np.where(names[at] == near[count:], first[at], -1)
        return cls(groups(anchors), np.where(source >= 0, source, copied), near[count:])

    @property
    def anchors(self) -> int:
        """Number of real rows."""
        return int(self.group.size)

    @property
    def known(self) -> float:
        """Fraction of the synthetic rows whose source is known."""
        return float(np.mean(self.source >= 0)) if self.source.size else 1.0

    @property
    def unit(self) -> Ints:
        """Cluster of each synthetic row (m,): of its real row, else its near-duplicates."""
        alone = self.anchors + np.unique(self.cluster, return_inverse=True)[1] if self.source.size else self.source
        return np.where(self.source >= 0, self.group[self.source], alone)

    def folds(self, count: int, rng: np.random.Generator) -> Ints:
        """The fold of every real row (n,), whole groups, whatever the labels."""
        return folds(self.group, min(count, np.unique(self.group).size), rng)

    def made_from(self, anchors: Flags) -> Flags:
        """Synthetic rows (m,) made from these real rows (n,) or of unknown source."""
        allowed = np.ones(self.anchors + 1, dtype=bool)
        gone = np.isin(self.group, np.unique(self.group[~anchors]))
        allowed[:-1] = ~gone
        return np.asarray(allowed[self.source])

    def shares(self, training: Flags, share: float, rng: np.random.Generator) -> Flags:
        """Real rows (n,) of a random part of the groups, at least a fraction ``share``."""
        if share >= 1:
            return training
        names, sizes = np.unique(self.group[training], return_counts=True)
        order = rng.permutation(names.size)
        needed = int(np.searchsorted(np.cumsum(sizes[order]), share * sizes.sum())) + 1
        return np.asarray(training & np.isin(self.group, names[order[:needed]]))


def drawn(allowed: Flags, size: int, order: Ints) -> Ints:
    """The first ``size`` allowed rows in a fixed random ``order``; amounts are nested."""
    return np.sort(order[allowed[order]][:size])
