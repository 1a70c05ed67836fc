"""Leak-free folds for real rows and the synthetic rows from them.

A synthetic row never helps to predict the real row in its prompt, nor near-duplicates of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from syngain.core.arrays import Ints


def groups(*links: Ints) -> Ints:
    """Groups of rows that stay together in folds.

    Rows of one group have a common non-negative code in any of ``links`` (n,) each.
    """
    count = links[0].size
    lefts, rights = [], []
    for code in links:
        rows = np.flatnonzero(code >= 0)
        _, first = np.unique(code[rows], return_index=True)
        head = dict(zip(code[rows][first].tolist(), rows[first].tolist(), strict=True))
        lefts.append(rows)
        rights.append(np.array([head[value] for value in code[rows].tolist()], dtype=np.int64))
    left, right = np.concatenate(lefts), np.concatenate(rights)
    graph = sparse.coo_matrix((np.ones(left.size, np.int8), (left, right)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def folds(group: Ints, count: int, rng: np.random.Generator, strata: Ints | None = None) -> Ints:
    """The fold of every row (n,): whole groups, equal sizes, strata balanced.

    Groups are assigned in random order (largest strata interleaved) to the fold with the fewest rows of the group's
    stratum, then the fewest rows.
    """
    names, inverse, sizes = np.unique(group, return_inverse=True, return_counts=True)
    first = np.zeros(names.size, dtype=np.int64)
    first[inverse[::-1]] = np.arange(group.size)[::-1]
    layer = np.zeros(names.size, np.int64) if strata is None else np.unique(strata, return_inverse=True)[1][first]
    held = [[0] * count for _ in range(int(layer.max()) + 1)]
    total = [0] * count
    out = np.zeros(names.size, dtype=np.int64)
    shuffled = rng.permutation(names.size)
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    ties = rng.random((order.size, count)).tolist()
    parts = range(count)
    for index, size, own, tie in zip(order.tolist(), sizes[order].tolist(), layer[order].tolist(), ties, strict=True):
        there = held[own]
        best = min(zip(there, total, tie, parts, strict=True))[3]
        out[index] = best
        there[best] += size
        total[best] += size
    return out[inverse]
