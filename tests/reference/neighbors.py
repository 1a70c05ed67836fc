"""Density, coverage and distance ratio, word for word from their definitions."""

from __future__ import annotations

import math


def distances(X, Y):
    return [[math.dist(x, y) for y in Y] for x in X]


def radii(real, k):
    """Distance of every real row to its k-th nearest other real row."""
    table = distances(real, real)
    return [sorted(row[:i] + row[i + 1 :])[k - 1] for i, row in enumerate(table)]


def density(real, synthetic, k):
    balls = radii(real, k)
    return sum(d <= r for row, r in zip(distances(real, synthetic), balls, strict=True) for d in row) / (
        k * len(synthetic)
    )


def coverage(real, synthetic, k):
    balls = radii(real, k)
    return sum(min(row) <= r for row, r in zip(distances(real, synthetic), balls, strict=True)) / len(real)


def distance_ratio(real, synthetic):
    ours = [min(row) for row in distances(synthetic, real)]
    theirs = radii(real, 1)
    return (sum(ours) / len(ours)) / (sum(theirs) / len(theirs))
