"""Isotonic regression: the nearest non-increasing curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats


def antitonic(losses: Floats) -> Floats:
    """Matrix (k, k) of the antitonic regression of losses (k,).

    Computed by pooled adjacent violators, as a matrix of averages [ayer1955], so that the same averages can be taken of
    each test row.
    """
    blocks: list[list[int]] = []
    for point in range(losses.size):
        blocks.append([point])
        while len(blocks) > 1 and losses[blocks[-1]].mean() > losses[blocks[-2]].mean():
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    average = np.zeros((losses.size, losses.size))
    for block in blocks:
        average[np.ix_(block, block)] = 1 / len(block)
    return average
