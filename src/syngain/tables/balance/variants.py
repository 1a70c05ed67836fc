"""Variants of balancing: how rows of the rare classes are made from real ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from syngain.tables.balance.coded import RowDistance
from syngain.tables.cells.model import CellModel, CellSettings
from syngain.tables.cells.state import CodedColumn
from syngain.tables.derived import computed_last

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats, Ints
    from syngain.tables.balance.coded import CodedRows

PLAIN, WEIGHTS, DUPLICATION, SMOTE, KERNEL, CELLS = (
    "plain",
    "class_weights",
    "duplication",
    "smote",
    "kernel",
    "cells",
)
VARIANTS = (PLAIN, WEIGHTS, DUPLICATION, SMOTE, KERNEL, CELLS)
NAMES = {
    PLAIN: "real rows alone",
    WEIGHTS: "class weights",
    DUPLICATION: "duplication",
    SMOTE: "SMOTE",
    KERNEL: "a kernel within classes",
    CELLS: "cells by class",
}
TREES = 4  # per column of the cell model
FITTED = 1_000  # rows of a class that a cell model or a kernel is fitted to
NEIGHBORS_AMONG = 2_000  # rows of a class that neighbors are searched among


@dataclass(frozen=True, slots=True)
class NewRows:
    """Rows made for some classes.

    Attributes:
        rows: the rows (m). y: their classes (m,). origin: the real row each was made from (m,), -1 where it was made
            from all. other: the second one (m,), -1 where there is none.
    """

    rows: CodedRows
    y: Ints
    origin: Ints
    other: Ints


class Variant(Protocol):
    """A way to make rows of a class."""

    def more(self, rows: CodedRows, y: Ints, lacking: Ints, rng: np.random.Generator) -> NewRows:
        """Make ``lacking[c]`` rows of each class c from real rows with classes ``y`` (n,).

        Classes without a real row get none.
        """
        ...


def lacking(y: Ints, classes: int) -> Ints:
    """Rows that each class lacks to the largest one (classes,); 0 for a class without rows."""
    counts = np.bincount(y, minlength=classes)
    return np.where(counts > 0, counts.max(initial=0) - counts, 0)


def weights_of(y: Ints, classes: int) -> Floats:
    """Weights of rows with which all classes count as much as the largest one (n,)."""
    counts = np.bincount(y, minlength=classes)
    return np.asarray(counts.max() / counts[y])


def variants(cells: CellSettings | None = None) -> Mapping[str, Variant]:
    """The variants that make rows, by name."""
    drawn = ClassCells(cells or CellSettings(trees=TREES))
    return {DUPLICATION: Duplication(), SMOTE: Smote(), KERNEL: ClassKernel(), CELLS: drawn}


@dataclass(frozen=True, slots=True)
class Duplication:
    """Real rows again, each as often as the others of its class, up to one."""

    def more(self, rows: CodedRows, y: Ints, lacking: Ints, rng: np.random.Generator) -> NewRows:
        """Repeat rows; see :class:`Variant`."""
        origin = _origins(y, lacking, rng)
        return NewRows(rows.take(origin), y[origin], origin, np.full(origin.size, -1))


@dataclass(frozen=True, slots=True)
class Smote:
    """SMOTE and SMOTE-NC [chawla2002]: numbers on the line from a row to one of its neighbors of the same class.

    Categories are those that most neighbors have; a cell without a number on either end stays as in the first row.

    Attributes:
        neighbors: nearest rows of the class to choose from.
    """

    neighbors: int = 5

    def more(self, rows: CodedRows, y: Ints, lacking: Ints, rng: np.random.Generator) -> NewRows:
        """Interpolate rows; see :class:`Variant`."""
        distance = RowDistance.of(rows)
        origin = _origins(y, lacking, rng)
        other, word = origin.copy(), rows.word[origin].copy()
        for c in np.unique(y[origin]):
            own = np.flatnonzero(y == c)
            made = np.flatnonzero(y[origin] == c)
            pool = np.sort(rng.permutation(own)[:NEIGHBORS_AMONG])
            if pool.size < 2:
                continue
            sources, place = np.unique(origin[made], return_inverse=True)
            near = self._near(rows, sources, pool, distance)
            other[made] = near[place, rng.integers(near.shape[1], size=made.size)]
            word[made] = _modes(rows, near, word[made], place)
        both = (rows.word[origin] < 0) & (rows.word[other] < 0)
        start, end = rows.grid[origin], rows.grid[other]
        step = np.round(rng.random(origin.size)[:, None] * (end - start)).astype(np.int64)
        grid = np.where(both, start + step, start)
        return NewRows(replace(rows, word=word, grid=grid), y[origin], origin, other)

    def _near(self, rows: CodedRows, sources: Ints, pool: Ints, distance: RowDistance) -> Ints:
        """The nearest rows of the pool of each source, without itself (s, k)."""
        count = min(self.neighbors, pool.size - 1)
        apart = distance(rows.take(sources), rows.take(pool))
        apart[sources[:, None] == pool[None]] = np.inf
        return np.asarray(pool[np.argsort(apart, axis=1, kind="stable")[:, :count]])


@dataclass(frozen=True, slots=True)
class ClassKernel:
    """A smoothed bootstrap within classes [silverman1987]: a real row plus normal noise.

    The noise has the covariance of all rows within their classes, pooled over the classes, times the square of
    Silverman's bandwidth h of the class. A word is replaced by that of another row of the class with probability
    h^2 / (1 + h^2). Numbers stay within the range of the real rows, and missing cells missing.
    """

    def more(self, rows: CodedRows, y: Ints, lacking: Ints, rng: np.random.Generator) -> NewRows:
        """Add noise; see :class:`Variant`."""
        origin = _origins(y, lacking, rng)
        counts = np.bincount(y, minlength=lacking.size)
        residual, varies = _residuals(rows, y, counts, rng)
        d = max(int(varies.sum()), 1)
        width = (4 / ((d + 2) * np.maximum(counts, 1))) ** (1 / (d + 4))
        noise = np.zeros((origin.size, len(rows.names)))
        for start in range(0, origin.size, FITTED):
            block = slice(start, start + FITTED)
            normal = rng.normal(size=(origin[block].size, len(residual)))
            noise[block] = normal @ residual * width[y[origin[block]], None]
        numeric = rows.word < 0
        low = np.where(numeric, rows.grid, np.iinfo(np.int64).max).min(axis=0)
        high = np.where(numeric, rows.grid, np.iinfo(np.int64).min).max(axis=0)
        moved = rows.grid[origin] + np.round(noise / rows.units).astype(np.int64)
        grid = np.where(numeric[origin], np.clip(moved, low, np.maximum(high, low)), 0)
        word = rows.word[origin].copy()
        wordy = ~numeric.any(axis=0)
        for c in np.unique(y[origin]):
            made, own = np.flatnonzero(y[origin] == c), np.flatnonzero(y == c)
            change = rng.random((made.size, wordy.sum())) < width[c] ** 2 / (1 + width[c] ** 2)
            drawn = rows.word[:, wordy][own[rng.integers(own.size, size=change.shape)], np.arange(wordy.sum())]
            word[np.ix_(made, wordy)] = np.where(change, drawn, word[np.ix_(made, wordy)])
        return NewRows(replace(rows, word=word, grid=grid), y[origin], origin, np.full(origin.size, -1))


@dataclass(frozen=True, slots=True)
class ClassCells:
    """Rows of a cell model of all classes, drawn given the class.

    Attributes:
        settings: of the model, which is fitted to at most 1,000 rows of each class.
    """

    settings: CellSettings = field(default_factory=CellSettings)

    def more(self, rows: CodedRows, y: Ints, lacking: Ints, rng: np.random.Generator) -> NewRows:
        """Draw rows given their classes; see :class:`Variant`."""
        if not lacking.sum():
            none = np.zeros(0, dtype=np.int64)
            return NewRows(rows.take(none), none, none, none)
        some = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:FITTED] for c in np.unique(y)])
        known, target = rows.take(np.sort(some)), y[np.sort(some)]
        classes = tuple(str(c) for c in range(lacking.size))
        parts = [CodedColumn("class", classes, target, np.zeros_like(target), 1.0), *known.parts]
        order = computed_last([part.raw() for part in parts], [part.step for part in parts], 1)
        seed = int(rng.integers(2**31 - 1))
        model = CellModel.fit([parts[at] for at in order], self.settings, seed)
        place = {at: where for where, at in enumerate(order)}
        made, labels = [], []
        for c in np.flatnonzero(lacking):
            drawn = model.sample(int(lacking[c]), seed + int(c), given={0: (int(c), 0)})
            columns = [drawn.columns[place[at + 1]] for at in range(len(rows.names))]
            word = np.column_stack([column.word for column in columns])
            grid = np.column_stack([np.where(column.word < 0, column.grid, 0) for column in columns])
            made.append(replace(rows, word=word, grid=grid))
            labels.append(np.full(len(word), c, dtype=np.int64))
        none = np.full(int(lacking.sum()), -1)
        joined = made[0]
        for more in made[1:]:
            joined = joined.and_(more)
        return NewRows(joined, np.concatenate(labels), none, none)


def _origins(y: Ints, lacking: Ints, rng: np.random.Generator) -> Ints:
    """The real row of each new one: every row of a class as often as the others, up to one (m,)."""
    out = [np.zeros(0, dtype=np.int64)]
    for c in np.flatnonzero(lacking):
        own = np.flatnonzero(y == c)
        rounds = -(-int(lacking[c]) // own.size)
        out.append(np.concatenate([rng.permutation(own) for _ in range(rounds)])[: lacking[c]])
    return np.concatenate(out)


def _modes(rows: CodedRows, near: Ints, word: Ints, place: Ints) -> Ints:
    """Words of new rows: in columns of words those that most neighbors have, else as they are (m, p)."""
    out = word.copy()
    for at, words in enumerate(rows.words):
        column = rows.word[:, at]
        if (column < 0).any():
            continue
        counts = np.zeros((len(near), len(words)), dtype=np.int64)
        np.add.at(counts, (np.arange(len(near))[:, None], column[near]), 1)
        out[:, at] = counts.argmax(axis=1)[place]
    return out


def _residuals(rows: CodedRows, y: Ints, counts: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rows whose random sums have the covariance within classes (r, p), and which parts vary (p,)."""
    numbers = rows.numbers
    out = np.zeros(numbers.shape)
    for c in np.unique(y):
        own = y == c
        part = numbers[own]
        known = np.isfinite(part)
        mean = np.where(known, part, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        out[own] = np.where(known, part - mean, 0.0)
    freedom = max(len(rows) - int((counts > 0).sum()), 1)
    varies = (out != 0).any(axis=0)
    if len(out) > FITTED:
        some = rng.permutation(len(out))[:FITTED]
        return out[some] / np.sqrt(FITTED * freedom / len(out)), varies
    return out / np.sqrt(freedom), varies
