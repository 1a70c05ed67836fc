"""Regions of the real rows that nobody reaches: clusters of real rows, and classes, with (almost) no synthetic row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from sklearn.cluster import KMeans

from syngain.core.estimate import Estimate
from syngain.inference.intervals import share_intervals

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints, Singles


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows of both sides in cells: ``real`` (n,) and ``synthetic`` (m,) cell codes; ``missing`` codes of empty cells.

    Attributes:
        expected: synthetic rows that each cell would hold at the real share, shape (cells,).
        p: one-sided hypergeometric p of each cell, adjusted by Bonferroni, shape (cells,); 1 for cells that hold
            enough rows to count as reached.
    """

    real: Ints
    synthetic: Ints
    real_counts: Ints
    synthetic_counts: Ints
    expected: Floats
    p: Floats
    missing: Ints


@dataclass(frozen=True, slots=True)
class Regions:
    """How cells are made and when one counts as missing.

    Attributes:
        most: cells at the most. rows: real rows per cell on average. reached: fraction of the expected rows below
            which a cell is missing. level: of the adjusted test a missing cell must pass as well.
    """

    most: int = 40
    rows: int = 25
    reached: float = 0.2
    level: float = 0.01

    def clusters(self, real: Singles, rng: np.random.Generator) -> tuple[Ints, Floats]:
        """Cells by k-means on half of the real rows: the cell of each other row (-1: used to fit), and centers."""
        rows = rng.permutation(len(real))
        fitted, held = rows[: len(rows) // 2], np.sort(rows[len(rows) // 2 :])
        different = len(np.unique(real[fitted], axis=0))  # equal rows make no two cells
        count = min(int(np.clip(len(fitted) // self.rows, 2, self.most)), different)
        state = int(rng.integers(2**31 - 1))
        model = KMeans(count, n_init=2, max_iter=50, random_state=state).fit(real[fitted].astype(np.float64))
        code = np.full(len(real), -1, dtype=np.int64)
        code[held] = model.predict(real[held].astype(np.float64))
        return code, np.asarray(model.cluster_centers_)

    def compare(self, real: Ints, synthetic: Ints, cells: int) -> Cells:
        """Count both sides per cell and test each cell; rows coded -1 were used to make the cells and do not count."""
        counted = real[real >= 0]
        ours, theirs = np.bincount(synthetic, minlength=cells), np.bincount(counted, minlength=cells)
        n, m = counted.size, synthetic.size
        expected = theirs / max(n, 1) * m
        # under one law, the synthetic rows of a cell are a random part of all its rows
        p = np.minimum(stats.hypergeom.cdf(ours, n + m, ours + theirs, m) * cells, 1.0)
        p = np.where(ours < self.reached * expected, p, 1.0)
        return Cells(real, synthetic, theirs, ours, expected, p, np.flatnonzero(p < self.level))

    def estimate(self, cells: Cells, units: Ints) -> Estimate:
        """``fidelity.missing_mass``: fraction of held-out real rows that fall into missing cells."""
        counted = cells.real >= 0
        lost = np.isin(cells.real[counted], cells.missing)
        return Estimate(
            value=float(lost.mean()),
            unit="share",
            method=f"{cells.expected.size} cells; missing = under {self.reached:.0%} of the expected rows and "
            f"adjusted p < {self.level}; p is the smallest adjusted one",
            estimand="fraction of fresh real rows in the cells found missing",
            intervals=share_intervals(lost, units[counted]),
            null=(0.0, 0.0),
            p=float(cells.p.min()),
            n=int(counted.sum()),
            clusters=int(np.unique(units[counted]).size),
        )
