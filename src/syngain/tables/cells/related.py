"""Wide tables: which earlier columns a column is predicted from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Ints, Singles

MANY = 64  # columns up to which all earlier ones are used
KEPT = 24  # earlier columns of a wide table
ROWS = 400  # rows that correlations are computed on
BLOCK = 256  # columns at a time


def related(values: Singles) -> list[Ints] | None:
    """For each column the earlier ones it is predicted from; None: all.

    In a wide table these are the first column and those with the largest rank correlations.
    """
    rows, wide = values.shape
    if wide <= MANY:
        return None
    few = values[np.linspace(0, rows - 1, min(rows, ROWS)).astype(np.int64)]
    ranks = np.argsort(np.argsort(few, axis=0, kind="stable"), axis=0).astype(np.float32)
    ranks[:, np.ptp(few, axis=0) == 0] = 0
    ranks -= ranks.mean(axis=0)
    ranks /= np.maximum(np.sqrt((ranks**2).sum(axis=0)), 1e-12)
    out: list[Ints] = []
    for start in range(0, wide, BLOCK):
        block = np.abs(ranks[:, start : start + BLOCK].T @ ranks[:, : start + BLOCK])
        for place, scores in enumerate(block):
            at = start + place
            if at <= KEPT:
                out.append(np.arange(at))
                continue
            best = np.argpartition(-scores[1:at], KEPT - 2)[: KEPT - 1] + 1
            out.append(np.sort(np.append(best, 0)))
    return out
