"""Bagged extra-trees: leaf counts of a column given all earlier ones, each node smoothed by the node above it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.tree import ExtraTreeClassifier, ExtraTreeRegressor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.tree._tree import Tree

    from syngain.core.arrays import Flags, Floats, Ints, Singles

LEAF = 3
CHOOSING = 6  # trees by which strength and spread are chosen
STRENGTHS = (0.5, 2.0, 8.0)
SPREADS = (0.0, 0.8, 1.6)  # bins over which counts of numbers are spread, as standard deviation


@dataclass(frozen=True)
class Forest:
    """Fitted trees of one column.

    Attributes:
        columns: the features (None: all earlier columns). trees: their structures.
        start: matrix row of the first node of each tree. matrix: distributions of all nodes (nodes, symbols).
    """

    columns: Ints | None
    trees: tuple[Tree, ...]
    start: tuple[int, ...]
    matrix: Floats

    def features(self, values: Singles, earlier: int) -> Singles:
        """The features of each row."""
        return values[:, :earlier] if self.columns is None else np.ascontiguousarray(values[:, self.columns])

    def pointers(self, features: Singles, tree: int) -> Ints:
        """The matrix row of each row in one tree."""
        return np.asarray(self.trees[tree].apply(features) + self.start[tree])


@dataclass(frozen=True)
class ForestTarget:
    """What the trees of a column predict.

    ``rank`` is the quantile level of each row (n,) where the column is mostly numbers; splits then compare means of
    it. ``bins`` are the symbols in ascending order, over which counts are spread.
    """

    symbol: Ints
    size: int
    rank: Floats | None
    bins: Ints


def fit_forest(
    target: ForestTarget, features: Singles, columns: Ints | None, trees: int, rng: np.random.Generator
) -> tuple[Forest, Floats] | None:
    """Fit the trees of a column; also the out-of-bag probability of each row (n,), NaN where a row is in every bag.

    ``columns``: which columns the features are (None: all earlier ones).
    """
    if not features.shape[1] or np.unique(target.symbol).size < 2:
        return None
    grown = [_grown(target, features, rng) for _ in range(trees)]
    base = np.bincount(target.symbol, minlength=target.size) + 0.5
    base = base / base.sum()
    best = -np.inf, 0.0, STRENGTHS[0]
    for spread in SPREADS if target.bins.size > 3 else SPREADS[:1]:
        few = _counts(grown[:CHOOSING], target, spread)
        for strength in STRENGTHS:
            nodes = [_smoothed(one, table, strength, base) for one, table in zip(grown, few, strict=False)]
            held_out = _out_of_bag(target.symbol, grown[:CHOOSING], nodes)
            best = max(best, (float(np.nansum(np.log(held_out))), spread, strength))
    nodes = [
        _smoothed(one, table, best[2], base) for one, table in zip(grown, _counts(grown, target, best[1]), strict=True)
    ]
    sizes = np.cumsum([0, *map(len, nodes)])
    structures = tuple(one.tree for one in grown)
    forest = Forest(columns, structures, tuple(sizes[:-1].tolist()), np.concatenate(nodes))
    return forest, _out_of_bag(target.symbol, grown, nodes)


def _counts(grown: Sequence[_Grown], target: ForestTarget, spread: float) -> list[Floats]:
    """The counts of the nodes of each tree, spread over neighboring bins."""
    kernel = _kernel(target, spread)
    return [one.counts if kernel is None else one.counts @ kernel for one in grown]


@dataclass(frozen=True)
class _Grown:
    """A tree, the counts of its nodes, the leaf of each row and which rows are not in its bag."""

    tree: Tree
    counts: Floats
    leaf: Ints
    out: Flags
    levels: Sequence[tuple[Ints, Ints]]  # children and their parents, from the root on


def _grown(target: ForestTarget, features: Singles, rng: np.random.Generator) -> _Grown:
    n, wide = features.shape
    weight = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
    rows = weight > 0
    kind = ExtraTreeClassifier if target.rank is None else ExtraTreeRegressor
    model = kind(
        min_samples_leaf=LEAF,
        max_features=min(1.0, max(0.5, 2.0 / wide)),
        random_state=int(rng.integers(1 << 30)),
    )
    wanted = target.symbol if target.rank is None else target.rank
    with warnings.catch_warnings():  # many symbols are no regression
        warnings.filterwarnings("ignore", message="The number of unique classes")
        tree = model.fit(features[rows], wanted[rows], sample_weight=weight[rows]).tree_
    leaf = np.asarray(tree.apply(features))
    size = target.size
    flat = np.bincount(leaf * size + target.symbol, weight, tree.node_count * size)
    counts = flat.reshape(-1, size).astype(np.float64)
    levels = _levels(tree)
    for children, parents in reversed(levels):
        np.add.at(counts, parents, counts[children])
    return _Grown(tree, counts, leaf, ~rows, levels)


def _levels(tree: Tree) -> list[tuple[Ints, Ints]]:
    out: list[tuple[Ints, Ints]] = []
    level = np.zeros(1, dtype=np.int64)
    while True:
        inner = level[tree.children_left[level] >= 0]
        if not inner.size:
            return out
        children = np.concatenate([tree.children_left[inner], tree.children_right[inner]])
        out.append((children, np.concatenate([inner, inner])))
        level = children


def _smoothed(one: _Grown, counts: Floats, strength: float, base: Floats) -> Floats:
    """The distribution of each node: its counts, and that of the node above as so many rows."""
    total = counts.sum(axis=1, keepdims=True) + strength
    out = counts / total
    out[0] += strength / total[0] * base
    for children, parents in one.levels:
        out[children] += strength / total[children] * out[parents]
    return np.asarray(out)


def _out_of_bag(symbol: Ints, grown: Sequence[_Grown], nodes: Sequence[Floats]) -> Floats:
    total, times = np.zeros(symbol.size), np.zeros(symbol.size)
    for one, table in zip(grown, nodes, strict=True):
        total[one.out] += table[one.leaf[one.out], symbol[one.out]]
        times[one.out] += 1
    return np.asarray(np.divide(total, times, out=np.full(symbol.size, np.nan), where=times > 0))


def _kernel(target: ForestTarget, spread: float) -> Floats | None:
    """How the count of each symbol is spread over its neighbors; None for not at all."""
    if not spread:
        return None
    place = np.arange(target.bins.size)
    near = np.exp(-0.5 * ((place[:, None] - place) / spread) ** 2)
    out = np.eye(target.size)
    out[np.ix_(target.bins, target.bins)] = near / near.sum(axis=1, keepdims=True)
    return out
