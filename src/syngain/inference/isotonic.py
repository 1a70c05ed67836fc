"""Isotonic regression: the nearest curve that does not rise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Floats


def antitonic(losses: Floats) -> Floats:
    """The matrix (k, k) that turns losses (k,) into the nearest curve that does not rise: pooled adjacent violators.

    As a matrix of averages [ayer1955], so that the same averages can be taken of each test row.
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
