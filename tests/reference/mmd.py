"""Unbiased MMD^2 over pairs of rows that are no kin."""

from __future__ import annotations

import itertools


def mmd2(kernel, real, kin):
    rows = range(len(real))
    sums = {"real": [], "synthetic": [], "across": []}
    for i, j in itertools.permutations(rows, 2):
        if kin[i] == kin[j]:
            continue
        side = "across" if real[i] != real[j] else "real" if real[i] else "synthetic"
        sums[side].append(kernel[i][j])
    means = {side: sum(values) / len(values) for side, values in sums.items()}
    return means["real"] + means["synthetic"] - 2 * means["across"]
