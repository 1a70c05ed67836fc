"""One column of a cell model: a mixture of back-off tables, trees, a regression on normal scores, and a formula.

Its weights maximize the likelihood of values that no part has seen: left out of the tables and of the regression, out
of the bags of the trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.cells.alphabet import Alphabet
    from syngain.tables.cells.backoff import BackoffTables
    from syngain.tables.cells.forest import Forest
    from syngain.tables.cells.gaussian import GaussianPart
    from syngain.tables.cells.state import RowState
    from syngain.tables.derived import DerivedColumn

STEPS = 60  # of EM
CLOSE = 1e-4  # change of a weight at which EM ends
SMALLEST = 2e-3  # weight below which a part is left out


def learned_weights(likelihoods: Floats) -> Floats:
    """The weights (parts,) that maximize the mean log-likelihood of a mixture; small ones are 0, the sum is 1.

    ``likelihoods``: of each row under each part (parts, n).
    """
    weights = np.full(len(likelihoods), 1 / len(likelihoods))
    for _ in range(STEPS):
        joint = weights[:, None] * likelihoods
        total = joint.sum(axis=0)
        updated = (joint[:, total > 0] / total[total > 0]).mean(axis=1)
        done = float(np.abs(updated - weights).max()) < CLOSE
        weights = updated
        if done:
            break
    weights = np.where(weights < SMALLEST, 0.0, weights)
    return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class DrawnCells:
    """Values of one column: which word (-1 for numbers), numbers in units, log-probability of each in nats."""

    word: Ints
    grid: Ints
    logprob: Floats


@dataclass(frozen=True)
class MixtureParts:
    """The parts of a column's mixture; None where there is none."""

    tables: BackoffTables
    forest: Forest | None
    gaussian: GaussianPart | None
    formula: DerivedColumn | None


@dataclass(frozen=True)
class ColumnMixture:
    """The distribution of a column given the earlier ones.

    Attributes:
        orders: weight of each order of the tables. trees: weight of all trees together. scales: of each scale of the
            regression. gate: whether a row has the computed value (its second word), where there is a formula.
    """

    alphabet: Alphabet
    parts: MixtureParts
    orders: Floats
    trees: float
    scales: Floats
    gate: ColumnMixture | None = None

    def draw(self, state: RowState, rng: np.random.Generator, temperature: float = 1.0) -> DrawnCells:
        """A value of every row of the state, with its log-probability under the distribution it was drawn from."""
        rows = _Rows(self, state)
        piece = self._pieces(rows, rng) if temperature == 1.0 else self._tempered_pieces(rows, rng, temperature)
        word, grid = self.alphabet.values(piece, rng)
        if self.gate is not None:
            take = rng.random(state.rows) < rows.share
            at_word, at_grid = rows.computed
            word, grid = np.where(take, at_word, word), np.where(take, at_grid, grid)
        return DrawnCells(word, grid, self._logprob(rows, word, grid, temperature))

    def logprob(self, state: RowState, word: Ints, grid: Ints, temperature: float = 1.0) -> Floats:
        """The log-probability of given values in nats; -inf for one that is never drawn."""
        return self._logprob(_Rows(self, state), word, grid, temperature)

    def probability(self, state: RowState, piece: Ints) -> Floats:
        """The probability of a piece of each row, without the formula."""
        return self._probability(_Rows(self, state), piece)

    def piece_probabilities(self, state: RowState) -> Floats:
        """The probability of every piece (n, pieces), without the formula."""
        return self._whole(_Rows(self, state))

    def agrees(self, state: RowState, word: Ints, grid: Ints) -> Flags:
        """Which values are those that the formula gives."""
        return _Rows(self, state).computed_as(word, grid) > 0

    def entropy(self, state: RowState) -> Floats:
        """The exact entropy of each row's distribution over values, in nats."""
        rows = _Rows(self, state)
        each = self._whole(rows)
        points = self.alphabet.points
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(each > 0, each * np.log(each / points), 0.0)
        plain = -terms.sum(axis=1)
        if self.gate is None:
            return np.asarray(plain)
        share = rows.share
        at = self.alphabet.pieces(np.maximum(rows.computed[0], -1), rows.computed[1])
        value = np.where(at >= 0, each[np.arange(len(at)), np.maximum(at, 0)] / points[np.maximum(at, 0)], 0.0)
        rest = 1 - share  # of every value but the computed one
        with np.errstate(divide="ignore", invalid="ignore"):
            mixed = rest * (plain + _plogp(value)) - (1 - value) * _plogp(rest) - _plogp(rest * value + share)
        return np.asarray(np.where(share > 0, mixed, plain))

    @cached_property
    def _flat_tables(self) -> Floats:
        return _running(self.parts.tables.matrix)

    @cached_property
    def _flat_forest(self) -> Floats:
        return np.zeros(0) if self.parts.forest is None else _running(self.parts.forest.matrix)

    def _pieces(self, rows: _Rows, rng: np.random.Generator) -> Ints:
        """A piece of every row: first a part by its weight, then a piece of that part."""
        parts = np.concatenate([self.orders, [self.trees], self.scales])
        chosen = np.searchsorted(np.cumsum(parts)[:-1], rng.random(rows.n), side="right")
        symbol = np.zeros(rows.n, dtype=np.int64)
        n_orders, size = len(self.orders), self.alphabet.size
        from_tables = np.flatnonzero(chosen < n_orders)
        if from_tables.size:
            pointer = rows.orders[chosen[from_tables], from_tables]
            symbol[from_tables] = _by_pointer(self._flat_tables, pointer, size, rng)
        from_trees = np.flatnonzero(chosen == n_orders)
        if from_trees.size:
            tree = rng.integers(len(rows.leaves), size=from_trees.size)
            symbol[from_trees] = _by_pointer(self._flat_forest, rows.leaves[tree, from_trees], size, rng)
        piece = self.alphabet.pick(symbol, rng)
        regressed = np.flatnonzero(chosen > n_orders)
        if regressed.size and self.parts.gaussian is not None:
            scale = chosen[regressed] - n_orders - 1
            piece[regressed] = self.parts.gaussian.draw(rows.center[regressed], scale, rows.state.group[regressed], rng)
        return piece

    def _tempered_pieces(self, rows: _Rows, rng: np.random.Generator, temperature: float) -> Ints:
        each = self._tempered(self._whole(rows), temperature)
        running = np.cumsum(each, axis=1)
        draws = rng.random((rows.n, 1)) * running[:, -1:]
        return np.asarray(np.minimum((running <= draws).sum(axis=1), each.shape[1] - 1))

    def _tempered(self, each: Floats, temperature: float) -> Floats:
        """Probabilities of pieces with those of symbols raised to 1 / temperature."""
        symbol = self.alphabet.symbol
        order = np.argsort(symbol, kind="stable")
        starts = np.searchsorted(symbol[order], np.arange(self.alphabet.size))
        mass = np.add.reduceat(each[:, order], starts, axis=1)
        with np.errstate(divide="ignore"):
            power = np.log(mass) / temperature
        power = np.exp(power - power.max(axis=1, keepdims=True))
        power /= power.sum(axis=1, keepdims=True)
        scale = np.divide(power, mass, out=np.zeros_like(power), where=mass > 0)
        return np.asarray(each * scale[:, symbol])

    def _whole(self, rows: _Rows) -> Floats:
        """The probability of every piece (n, pieces)."""
        symbol = np.zeros((rows.n, self.alphabet.size))
        for weight, pointer in zip(self.orders, rows.orders, strict=True):
            if weight:
                symbol += weight * self.parts.tables.matrix[pointer]
        if self.trees and self.parts.forest is not None:
            for pointer in rows.leaves:
                symbol += self.trees / len(rows.leaves) * self.parts.forest.matrix[pointer]
        out = symbol[:, self.alphabet.symbol] * self.alphabet.within
        if self.parts.gaussian is not None and self.scales.any():
            out += np.tensordot(self.scales, self.parts.gaussian.all_pieces(rows.center, rows.state.group), axes=1)
        return np.asarray(out)

    def _logprob(self, rows: _Rows, word: Ints, grid: Ints, temperature: float) -> Floats:
        piece = self.alphabet.pieces(word, grid)
        at = np.maximum(piece, 0)
        if temperature == 1.0:
            chosen = self._probability(rows, at)
        else:
            chosen = self._tempered(self._whole(rows), temperature)[np.arange(rows.n), at]
        chosen = np.where(piece >= 0, chosen / self.alphabet.points[at], 0.0)
        if self.gate is not None:
            chosen = (1 - rows.share) * chosen + rows.share * rows.computed_as(word, grid)
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(chosen))

    def _probability(self, rows: _Rows, piece: Ints) -> Floats:
        """The probability of one piece of each row."""
        symbol, total = self.alphabet.symbol[piece], np.zeros(rows.n)
        for weight, pointer in zip(self.orders, rows.orders, strict=True):
            if weight:
                total += weight * self.parts.tables.matrix[pointer, symbol]
        if self.trees and self.parts.forest is not None:
            for pointer in rows.leaves:
                total += self.trees / len(rows.leaves) * self.parts.forest.matrix[pointer, symbol]
        total *= self.alphabet.within[piece]
        if self.parts.gaussian is not None and self.scales.any():
            total += self.scales @ self.parts.gaussian.at(rows.center, piece, rows.state.group)
        return total


class _Rows:
    """What the parts of a column say of the rows of a state, computed when it is asked for."""

    def __init__(self, column: ColumnMixture, state: RowState) -> None:
        self.column, self.state, self.n = column, state, state.rows

    @cached_property
    def orders(self) -> Ints:
        """The matrix row of each order (orders, n)."""
        return self.column.parts.tables.pointers(self.state.code)

    @cached_property
    def leaves(self) -> Ints:
        """The matrix row of each tree (trees, n)."""
        forest = self.column.parts.forest
        if forest is None or not self.column.trees:
            return np.zeros((0, self.n), dtype=np.int64)
        features = forest.features(self.state.value, len(self.state.raw))
        return np.stack([forest.pointers(features, tree) for tree in range(len(forest.trees))])

    @cached_property
    def center(self) -> Floats:
        """The normal score that the regression predicts."""
        gaussian = self.column.parts.gaussian
        return np.zeros(self.n) if gaussian is None else gaussian.center(self.state.design)

    @cached_property
    def computed(self) -> tuple[Ints, Ints]:
        """Word and grid value that the formula gives; (-2, 0) where it gives none."""
        formula, none = self.column.parts.formula, np.zeros(self.n, dtype=np.int64)
        if formula is None:
            return none - 2, none
        values = formula.compute(self.state.raw)
        known = np.isfinite(values) & (np.abs(values) < 2.0**52 * self.column.alphabet.unit)
        whole = np.where(known, values, 0.0)
        if self.column.alphabet.low.size:
            grid = np.rint(whole / self.column.alphabet.unit).astype(np.int64)
            return np.where(known, -1, -2), grid
        return np.where(known, whole, -2).astype(np.int64), none

    @cached_property
    def share(self) -> Floats:
        """The probability of the computed value before all others; 0 where the formula gives none."""
        gate = self.column.gate
        if gate is None:
            return np.zeros(self.n)
        yes = gate.probability(self.state, np.ones(self.n, dtype=np.int64))
        return np.where(self.computed[0] > -2, yes, 0.0)

    def computed_as(self, word: Ints, grid: Ints) -> Floats:
        """1 where a value is the computed one, else 0."""
        at_word, at_grid = self.computed
        return np.asarray((word == at_word) & ((word >= 0) | (grid == at_grid)), dtype=np.float64)


def _running(matrix: Floats) -> Floats:
    """Running sums of each row plus the number of the row, in one ascending array."""
    ends = np.cumsum(matrix, axis=1)
    return np.asarray((ends / ends[:, -1:] + np.arange(len(matrix))[:, None]).ravel())


def _by_pointer(flat: Floats, pointer: Ints, size: int, rng: np.random.Generator) -> Ints:
    """A symbol of each pointed row."""
    at = np.searchsorted(flat, pointer + rng.random(pointer.size), side="right")
    return np.asarray(np.clip(at - pointer * size, 0, size - 1))


def _plogp(p: Floats) -> Floats:
    return np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0)), 0.0)
