"""Bins of rows as ranks among those in use, for the columns that a tree can split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from syngain.core.arrays import Ints

Codes = NDArray[np.uint8]


def ranked(codes: Codes, smallest: int) -> tuple[Codes, Ints, Ints]:
    """Bins as ranks among those in use, of the columns that can be split: ranks (n, c), cuts (c, b), columns (c,).

    A cut is the last bin on its left, midway between two bins in use, as scikit-learn puts it. A column without a cut
    that leaves ``smallest`` rows on both sides has none in a part of the rows either.

    Args:
        codes: bins (n, d), below 255.
        smallest: fewest rows of a leaf.
    """
    rows, columns = codes.shape
    bins = int(codes.max(initial=0)) + 1
    counts = np.bincount((codes + np.arange(columns) * bins).ravel(), minlength=columns * bins).reshape(columns, bins)
    below = np.cumsum(counts, axis=1)
    kept = np.flatnonzero(((below >= smallest) & (below <= rows - smallest)).any(axis=1))
    used = counts[kept] > 0
    cuts = np.full((kept.size, bins + 1), bins, dtype=np.int64)
    for line, row in zip(cuts, used, strict=True):
        present = np.flatnonzero(row)
        line[: present.size - 1] = (present[:-1] + present[1:]) // 2
    rank = np.asarray(np.cumsum(used, axis=1) - 1, dtype=np.uint8)
    out = np.empty((rows, kept.size), dtype=np.uint8, order="F")
    for place, column in enumerate(kept.tolist()):
        out[:, place] = rank[place][codes[:, column]]
    return out, cuts, kept
