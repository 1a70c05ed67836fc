"""Boosted trees that grow round by round on bins, as scikit-learn grows them [ke2017].

A fit of scikit-learn bins, checks and copies its rows and keeps its trees for prediction; a gain has thousands of fits
of a few hundred rows, where this is most of the time. Here its histograms and splits are called directly: the same
trees, which can grow on from where they are. Its parts have no promise of stability. So both ways are compared once
per process on a small table, and wherever they differ the public way is used.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from syngain.learners.boosted.ranks import ranked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from syngain.core.arrays import Floats, Ints
    from syngain.learners.boosted.ranks import Codes

LEAST_CURVATURE = 1e-3  # of a split, as in scikit-learn


@dataclass(frozen=True, slots=True)
class TreeShape:
    """Size of a tree: learning ``rate``, most ``leaves``, fewest rows of a leaf (``smallest``)."""

    rate: float
    leaves: int
    smallest: int


class GrowingTrees(Protocol):
    """Trees that were grown for some rounds and can grow on."""

    def grow(self, rounds: int) -> None:
        """Grow to so many rounds in all; fewer than there are change nothing."""

    def shares(self, codes: Codes) -> Floats:
        """Probabilities of the classes (m, k) for rows of bins (m, d)."""

    def follow(self, codes: Codes) -> Followed:
        """Rows of bins (m, d) whose probabilities are asked for again and again."""


class Followed(Protocol):
    """Rows that follow trees as these grow."""

    def shares(self) -> Floats:
        """Probabilities of the classes (m, k) after the rounds grown so far."""


def growing(codes: Codes, y: Ints, weight: Floats, shape: TreeShape) -> GrowingTrees:
    """Trees without a round.

    Args:
        codes: bins of the rows (n, d), below 255.
        y: classes (n,), each of 0, 1, ..., k - 1 at least once; k >= 2.
        weight: of the rows (n,), positive.
        shape: of the trees.
    """
    return _Direct.of(codes, y, weight, shape) if _usable() else _Public(codes, y, weight, shape)


@cache
def _usable() -> bool:
    """Whether the direct way exists in this scikit-learn and grows the same trees as the public one."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 9, (60, 3)).astype(np.uint8)
    shape, weight = TreeShape(0.3, 6, 3), rng.uniform(0.5, 2, 60)
    for classes in (2, 3):
        y = np.minimum((codes[:, 0] + rng.integers(0, 4, 60)) // 4, classes - 1).astype(np.int64)
        public = _Public(codes, y, weight, shape)
        public.grow(3)
        try:
            direct: GrowingTrees = _Direct.of(codes, y, weight, shape)
            direct.grow(3)
            found = direct.shares(codes)
        except (ImportError, AttributeError, TypeError, ValueError, BufferError):
            return False
        if not np.allclose(found, public.shares(codes), rtol=0, atol=1e-9):
            return False
    return True


class _Public:
    """The public way: a fit from the start whenever more rounds are asked for."""

    def __init__(self, codes: Codes, y: Ints, weight: Floats, shape: TreeShape) -> None:
        self.rows, self.shape = (codes, y, weight), shape
        self.model: HistGradientBoostingClassifier | None = None

    def grow(self, rounds: int) -> None:
        """Fit so many rounds."""
        codes, y, weight = self.rows
        self.model = HistGradientBoostingClassifier(
            max_iter=rounds,
            learning_rate=self.shape.rate,
            max_leaf_nodes=self.shape.leaves,
            min_samples_leaf=self.shape.smallest,
            early_stopping=False,
            random_state=0,
        ).fit(codes.astype(np.float64), y, sample_weight=weight)

    def shares(self, codes: Codes) -> Floats:
        """Probabilities of the classes (m, k)."""
        if self.model is None:
            counts = np.bincount(self.rows[1], weights=self.rows[2])
            return np.tile(counts / counts.sum(), (len(codes), 1))
        return np.asarray(self.model.predict_proba(codes.astype(np.float64)))

    def follow(self, codes: Codes) -> Followed:
        """The rows with the trees."""
        return _PublicRows(self, codes)


@dataclass(frozen=True, slots=True)
class _PublicRows:
    trees: _Public
    codes: Codes

    def shares(self) -> Floats:
        """Probabilities of the classes (m, k)."""
        return self.trees.shares(self.codes)


@dataclass(slots=True)
class _Direct:
    """Trees grown with scikit-learn's histograms and splits.

    Attributes:
        grower: of one tree. loss: of scikit-learn. y: classes as floats (n,). weight: (n,).
        raw: scores of the training rows (n, k), k = 1 for two classes. start: scores without a tree (k,).
        cuts: the last bin that goes left, for every column and rank of a bin among those of the training rows (d, b).
        kept: columns that can be split. trees: all trees, those of a round in the order of the classes.
    """

    grower: _Grower
    loss: Any
    y: Floats
    weight: Floats
    raw: Floats
    start: Floats
    cuts: Ints
    kept: Ints
    trees: list[_Tree] = field(default_factory=list)
    finished: bool = False  # a round without a split: all later ones are the same

    @classmethod
    def of(cls, codes: Codes, y: Ints, weight: Floats, shape: TreeShape) -> _Direct:
        from sklearn._loss.loss import HalfBinomialLoss, HalfMultinomialLoss

        classes = int(y.max()) + 1
        ranks, cuts, kept = ranked(codes, shape.smallest)
        many = classes > 2
        loss = HalfMultinomialLoss(sample_weight=weight, n_classes=classes) if many else HalfBinomialLoss(weight)
        target = y.astype(np.float64)
        start = np.atleast_1d(np.asarray(loss.fit_intercept_only(target, weight), dtype=np.float64)).ravel()
        raw = np.zeros((y.size, start.size), order="F") + start
        grower = _Grower(ranks, shape, start.size)
        return cls(grower, loss, target, weight, np.asfortranarray(raw), start, cuts, kept)

    def grow(self, rounds: int) -> None:
        """Grow to so many rounds."""
        outputs = self.start.size
        raw = self.raw if outputs > 1 else self.raw[:, 0]
        while not self.finished and len(self.trees) < rounds * outputs:
            slopes, curves = self.grower.slopes, self.grower.curves
            self.loss.gradient_hessian(self.y, raw, self.weight, slopes, curves, 1)
            trees = [self.grower.grown(self.raw[:, k], k) for k in range(outputs)]
            self.trees += trees
            self.finished = all(len(tree.value) == 1 for tree in trees)

    def shares(self, codes: Codes) -> Floats:
        """Probabilities of the classes (m, k)."""
        return self.follow(codes).shares()

    def follow(self, codes: Codes) -> Followed:
        """The rows with the trees."""
        return _DirectRows(self, codes[:, self.kept], np.tile(self.start, (len(codes), 1)))


@dataclass(slots=True)
class _DirectRows:
    trees: _Direct
    codes: Codes
    raw: Floats
    seen: int = 0

    def shares(self) -> Floats:
        """Probabilities of the classes (m, k)."""
        new, outputs = self.trees.trees[self.seen :], self.raw.shape[1]
        self.seen += len(new)
        if new:
            added = _leaf_values(new, self.codes, self.trees.cuts)
            for k in range(outputs):
                self.raw[:, k] = np.cumsum(np.column_stack([self.raw[:, k], added[:, k::outputs]]), axis=1)[:, -1]
        scores = self.raw if outputs > 1 else self.raw[:, 0]
        return np.asarray(self.trees.loss.predict_proba(np.asfortranarray(scores)))


@dataclass(slots=True)
class _Tree:
    """Nodes of a tree: ``column`` and ``rank`` of the split, ``left`` child (the right one follows), ``value``."""

    column: list[int] = field(default_factory=lambda: [0])
    rank: list[int] = field(default_factory=lambda: [-1])
    left: list[int] = field(default_factory=lambda: [0])
    value: list[float] = field(default_factory=lambda: [0.0])
    depth: int = 0


class _View(Protocol):
    """Histograms of a node, a view of scikit-learn."""

    @property
    def base(self) -> NDArray[np.void]: ...


class _Split(Protocol):
    """A split of scikit-learn."""

    gain: float
    feature_idx: int
    bin_idx: int
    sum_gradient_left: float
    sum_gradient_right: float
    sum_hessian_left: float
    sum_hessian_right: float
    value_left: float
    value_right: float


class _Builder(Protocol):
    """Histograms of scikit-learn."""

    def compute_histograms_brute(self, rows: NDArray[np.uint32], columns: None, /) -> _View: ...

    def compute_histograms_subtraction(self, parent: _View, sibling: _View, columns: None, /) -> _View: ...


class _Open:
    """A node that can be split; the one with the largest gain comes first in a heap."""

    __slots__ = ("depth", "gain", "histograms", "node", "rows", "split")

    def __init__(self, split: _Split, rows: NDArray[np.uint32], histograms: _View, node: int, depth: int) -> None:
        self.gain, self.split, self.rows, self.histograms = split.gain, split, rows, histograms
        self.node, self.depth = node, depth

    def __lt__(self, other: _Open) -> bool:
        return bool(self.gain > other.gain)


class _Grower:
    """Grows one tree after another on the same rows.

    Args:
        ranks: bins of the rows (n, d), all of them in use.
        shape: of the trees.
        outputs: trees of a round.
    """

    def __init__(self, ranks: Codes, shape: TreeShape, outputs: int) -> None:
        from sklearn.ensemble._hist_gradient_boosting.splitting import Splitter

        rows, columns = ranks.shape
        size = (rows, outputs) if outputs > 1 else rows
        self.slopes, self.curves = (np.empty(size, dtype=np.float32, order="F") for _ in range(2))
        self.ranks, self.shape = ranks, shape
        self.bins = int(ranks.max(initial=0)) + 2  # one more than any in use: that of missing values
        none = np.zeros(columns, dtype=np.uint8)
        used = (ranks.max(axis=0, initial=0) + 1).astype(np.uint32)
        self.splitter = Splitter(
            ranks,
            used,
            self.bins - 1,
            none,
            none,
            np.zeros(columns, dtype=np.int8),
            0.0,
            min_hessian_to_split=LEAST_CURVATURE,
            min_samples_leaf=shape.smallest,
            min_gain_to_split=0.0,
            hessians_are_constant=False,
            n_threads=1,
        )
        self.everything = np.arange(rows, dtype=np.uint32)

    def grown(self, raw: Floats, output: int) -> _Tree:
        """Grow a tree on the slopes and curves of one output, and add it to the scores of the rows (n,)."""
        from sklearn.ensemble._hist_gradient_boosting.histogram import HistogramBuilder

        tree = _Tree()
        rows, columns = self.ranks.shape
        if not columns or rows < 2 * self.shape.smallest:
            return tree
        slopes, curves = (x if x.ndim == 1 else x[:, output] for x in (self.slopes, self.curves))
        builder = HistogramBuilder(self.ranks, self.bins, slopes, curves, hessians_are_constant=False, n_threads=1)
        histograms = builder.compute_histograms_brute(self.everything, None)
        first = histograms.base[0]  # its buffer is described anew at every other access
        slope, curve = first["sum_gradients"].sum(), first["sum_hessians"].sum()
        if curve < LEAST_CURVATURE:
            return tree
        split = self.splitter.find_node_split(rows, histograms, slope, curve, 0.0, -math.inf, math.inf, None)
        if split.gain <= 0:
            return tree
        ends = self._split(builder, tree, _Open(split, self.everything, histograms, 0, 0))
        tree.value = [value * self.shape.rate for value in tree.value]
        values, sizes = [tree.value[node] for node, _ in ends], [own.size for _, own in ends]
        raw[np.concatenate([own for _, own in ends])] += np.repeat(values, sizes)
        return tree

    def _split(self, builder: _Builder, tree: _Tree, root: _Open) -> list[tuple[int, NDArray[np.uint32]]]:
        """Split the node of the largest gain until there are enough leaves: these, with their rows."""
        heap, ends, leaves = [root], [], 1
        while heap:
            node = heapq.heappop(heap)
            split = node.split
            goes = self.ranks[:, split.feature_idx][node.rows] <= split.bin_idx
            both = (node.rows[goes], node.rows[~goes])
            child = len(tree.value)
            tree.column[node.node], tree.rank[node.node], tree.left[node.node] = split.feature_idx, split.bin_idx, child
            tree.column += (0, 0)
            tree.rank += (-1, -1)
            tree.left += (child, child + 1)
            tree.value += (split.value_left, split.value_right)
            tree.depth = max(tree.depth, node.depth + 1)
            leaves += 1
            if leaves == self.shape.leaves:
                ends += [(child, both[0]), (child + 1, both[1]), *((other.node, other.rows) for other in heap)]
                return ends
            for side, one in enumerate(self._opened(builder, node, both, child)):
                if one is None:
                    ends.append((child + side, both[side]))
                else:
                    heapq.heappush(heap, one)
        return ends

    def _opened(
        self, builder: _Builder, node: _Open, both: tuple[NDArray[np.uint32], NDArray[np.uint32]], child: int
    ) -> list[_Open | None]:
        """Both children of a node as nodes that can be split, None where they cannot; the left one is ``child``."""
        split, least = node.split, 2 * self.shape.smallest
        few = 0 if both[0].size < both[1].size else 1
        if both[1 - few].size < least:
            return [None, None]
        own = builder.compute_histograms_brute(both[few], None)
        rest = builder.compute_histograms_subtraction(node.histograms, own, None)
        histograms = (own, rest) if few == 0 else (rest, own)
        sums = (
            (split.sum_gradient_left, split.sum_hessian_left, split.value_left),
            (split.sum_gradient_right, split.sum_hessian_right, split.value_right),
        )
        out: list[_Open | None] = [None, None]
        for side in (0, 1):
            if both[side].size >= least:
                found = self.splitter.find_node_split(
                    both[side].size, histograms[side], *sums[side], -math.inf, math.inf, None
                )
                if found.gain > 0:
                    out[side] = _Open(found, both[side], histograms[side], child + side, node.depth + 1)
        return out


def _leaf_values(trees: Sequence[_Tree], codes: Codes, cuts: Ints) -> Floats:
    """The value of the leaf of every row in every tree (m, t)."""
    sizes = np.array([len(tree.value) for tree in trees])
    first = np.cumsum(sizes) - sizes
    shift = np.repeat(first, sizes)
    column = np.array([c for tree in trees for c in tree.column], dtype=np.int64)
    left = np.array([c for tree in trees for c in tree.left], dtype=np.int64) + shift
    rank = np.array([c for tree in trees for c in tree.rank], dtype=np.int64)
    value = np.array([v for tree in trees for v in tree.value])
    cut = np.where(rank < 0, 255, cuts[column, rank]) if cuts.size else np.full(rank.size, 255)
    node = np.tile(first, (len(codes), 1))
    rows = np.arange(len(codes))[:, None]
    for _ in range(max(tree.depth for tree in trees)):
        node = left[node] + (codes[rows, column[node]] > cut[node])
    return np.asarray(value[node])
