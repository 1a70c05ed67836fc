"""A cell model: the columns of a table, each given those before it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.rng import Streams
from syngain.tables.cells.alphabet import Alphabet
from syngain.tables.cells.backoff import BackoffTables, TableContext, fit_tables
from syngain.tables.cells.forest import ForestTarget, fit_forest
from syngain.tables.cells.gaussian import WIDEST, SharedRegression, fit_gaussian
from syngain.tables.cells.mixture import ColumnMixture, MixtureParts, learned_weights
from syngain.tables.cells.related import related
from syngain.tables.cells.state import CodedColumn, Lead, RowState, View, filled
from syngain.tables.derived import derived_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syngain.core.arrays import Floats, Ints, Singles
    from syngain.tables.cells.forest import Forest
    from syngain.tables.derived import DerivedColumn

CHUNK = 8192  # rows that are drawn together
CELLS = 2_000_000  # cells that are drawn together
NO_TREES = 1000  # columns beyond which there are no trees
APART = 50  # rows without the computed value from which the other parts are fitted to these only
MANY = 3  # symbols of numbers from which trees split by rank


@dataclass(frozen=True, kw_only=True)
class CellSettings:
    """What a cell model consists of.

    Attributes:
        orders: highest order of the tables. trees: per column. gaussian: whether numbers are regressed as well.
        formulas: whether columns that others determine are computed. bins: the most quantile bins of a column.
    """

    orders: int = 3
    trees: int = 16
    gaussian: bool = True
    formulas: bool = True
    bins: int = 12


@dataclass(frozen=True)
class Generated:
    """Generated rows: the cells of each column, and the log-probability of each cell (n, columns) in nats."""

    columns: tuple[CodedColumn, ...]
    logprob: Floats


@dataclass(frozen=True)
class CellModel:
    """A fitted model; ``views`` and ``mixtures`` in the order of the columns."""

    names: tuple[str, ...]
    views: tuple[View, ...]
    mixtures: tuple[ColumnMixture, ...]
    features: int
    lead: Lead

    @classmethod
    def fit(cls, columns: Sequence[CodedColumn], settings: CellSettings | None = None, seed: int = 0) -> CellModel:
        """Fit the columns of a table in the order given."""
        chosen, streams = settings or CellSettings(), Streams(seed).child("cells")
        lead, views = _views(columns, chosen.bins)
        features = next((view.start for view in views if view.end > WIDEST), views[-1].end)
        state = filled(views, columns, features, lead)
        formulas: Mapping[int, DerivedColumn] = {}
        if chosen.formulas:
            units = [
                column.unit if view.alphabet.low.size else np.nan for column, view in zip(columns, views, strict=True)
            ]
            formulas = derived_columns(state.raw, units)
        shared = SharedRegression.of(state.design) if chosen.gaussian else None
        fitting = _Fitting(_bounded(chosen, len(columns)), columns, views, state, (shared, related(state.value)))
        mixtures = [
            fitting.column(j, formulas.get(j), streams.stream("trees", column.name)) for j, column in enumerate(columns)
        ]
        return cls(tuple(column.name for column in columns), tuple(views), tuple(mixtures), features, lead)

    def sample(
        self, rows: int, seed: int = 0, *, temperature: float = 1.0, given: Mapping[int, tuple[int, int]] | None = None
    ) -> Generated:
        """Draw rows.

        ``given``: word and grid value of columns that are not drawn; they must be the first ones to be conditioned on.
        """
        streams, chunk = Streams(seed).child("cells", "rows"), self._chunk_rows
        parts = [
            self._chunk(min(chunk, rows - start), streams.stream(str(start)), temperature, given or {})
            for start in range(0, rows, chunk)
        ]
        columns = tuple(
            CodedColumn(
                name,
                view.alphabet.words,
                np.concatenate([part[0][j] for part in parts]),
                np.concatenate([part[1][j] for part in parts]),
                view.alphabet.unit,
            )
            for j, (name, view) in enumerate(zip(self.names, self.views, strict=True))
        )
        return Generated(columns, np.concatenate([part[2] for part in parts]))

    def score(self, columns: Sequence[CodedColumn], *, temperature: float = 1.0, unseen: bool = False) -> Floats:
        """The log-probability of each cell (n, columns) in nats.

        Under the distribution that rows are drawn from: -inf for a value that is never drawn. With ``unseen``, such
        values share the probability that real rows are expected to have outside the alphabet.
        """
        return self._over_chunks(
            columns, lambda mixture, state, column: _scored(mixture, state, column, temperature, unseen=unseen)
        )

    def entropy(self, columns: Sequence[CodedColumn]) -> Floats:
        """The exact entropy of the distribution of each cell given the cells before it (n, columns), in nats."""
        return self._over_chunks(columns, lambda mixture, state, _: mixture.entropy(state))

    def totals(self, columns: Sequence[CodedColumn]) -> Floats:
        """The sum of the probabilities of all values of each cell given the cells before it (n, columns)."""
        return self._over_chunks(columns, lambda mixture, state, _: mixture.piece_probabilities(state).sum(axis=1))

    def _over_chunks(
        self, columns: Sequence[CodedColumn], measure: Callable[[ColumnMixture, RowState, CodedColumn], Floats]
    ) -> Floats:
        total = len(columns[0].word)
        out = np.zeros((total, len(columns)))
        for start in range(0, total, self._chunk_rows):
            rows = np.arange(start, min(start + self._chunk_rows, total))
            state = RowState(rows.size, len(columns), self.features, self.lead)
            for j, (view, mixture, column) in enumerate(zip(self.views, self.mixtures, columns, strict=True)):
                part = column.take(rows)
                out[rows, j] = measure(mixture, state, part)
                state.fill(view, part.word, part.grid)
        return out

    @property
    def _chunk_rows(self) -> int:
        return max(1, min(CHUNK, CELLS // len(self.names)))

    def _chunk(
        self, rows: int, rng: np.random.Generator, temperature: float, given: Mapping[int, tuple[int, int]]
    ) -> tuple[list[Ints], list[Ints], Floats]:
        state = RowState(rows, len(self.names), self.features, self.lead)
        words, grids, logprob = [], [], np.full((rows, len(self.names)), np.nan)
        for j, (view, mixture) in enumerate(zip(self.views, self.mixtures, strict=True)):
            if j in given:
                word, grid = (np.full(rows, part, dtype=np.int64) for part in given[j])
            else:
                drawn = mixture.draw(state, rng, temperature)
                word, grid, logprob[:, j] = drawn.word, drawn.grid, drawn.logprob
            state.fill(view, word, grid)
            words.append(word)
            grids.append(grid)
        return words, grids, logprob


def _bounded(settings: CellSettings, columns: int) -> CellSettings:
    """The settings of a table of so many columns: a very wide one has no trees."""
    return settings if columns <= NO_TREES else replace(settings, trees=0)


def _scored(
    mixture: ColumnMixture, state: RowState, column: CodedColumn, temperature: float, *, unseen: bool
) -> Floats:
    found = mixture.logprob(state, column.word, column.grid, temperature)
    if not unseen:
        return found
    outside = mixture.alphabet.unseen
    return np.asarray(np.where(np.isfinite(found), found + np.log1p(-outside), np.log(outside)))


def _views(columns: Sequence[CodedColumn], bins: int) -> tuple[Lead, list[View]]:
    """The groups of the first column, and how each column enters later ones."""
    views: list[View] = []
    lead: Lead | None = None
    start = 1
    for column in columns:
        alphabet = Alphabet.of(column.words, column.word, column.grid, column.unit, bins)
        piece = alphabet.nearest(column.word, column.grid)
        lead = lead or Lead.of(alphabet, piece)
        views.append(View.of(alphabet, piece, column.grid, start, lead))
        start = views[-1].end
    assert lead is not None  # noqa: S101  (a table has a column)
    return lead, views


@dataclass(frozen=True)
class _Fitting:
    """Complete real rows, and what all columns share."""

    settings: CellSettings
    columns: Sequence[CodedColumn]
    views: Sequence[View]
    state: RowState
    common: tuple[SharedRegression | None, list[Ints] | None]

    @cached_property
    def radix(self) -> list[int]:
        """The number of groups of each column."""
        return [view.radix for view in self.views]

    def column(self, j: int, formula: DerivedColumn | None, rng: np.random.Generator) -> ColumnMixture:
        """The mixture of one column."""
        alphabet, state = self.views[j].alphabet, self._before(j)
        piece = self.state.piece[:, j]
        if formula is None:
            return self._mixture(j, state, alphabet, (piece, None), rng)
        simple = ColumnMixture(alphabet, MixtureParts(_NO_TABLES, None, None, formula), np.ones(1), 0.0, np.zeros(0))
        hit = simple.agrees(state, self.columns[j].word, self.columns[j].grid).astype(np.int64)
        words = Alphabet.of(("no", "yes"), hit, np.zeros_like(hit), 1.0)
        gate = self._mixture(j, state, words, (hit, None), rng)
        rest = np.flatnonzero(hit == 0)
        return replace(
            self._mixture(j, state, alphabet, (piece, rest if rest.size >= APART else None), rng, formula), gate=gate
        )

    def _mixture(
        self,
        j: int,
        state: RowState,
        alphabet: Alphabet,
        target: tuple[Ints, Ints | None],
        rng: np.random.Generator,
        formula: DerivedColumn | None = None,
    ) -> ColumnMixture:
        """The mixture of a column of pieces, fitted on some rows (None: on all)."""
        rows = np.arange(state.rows) if target[1] is None else target[1]
        piece, group = target[0][rows], state.group[rows]
        shared, chosen = self.common
        earlier = None if chosen is None else chosen[j]
        symbol = alphabet.symbol[piece]
        within = alphabet.within[piece] / alphabet.points[piece]
        context = TableContext(range(j) if earlier is None else earlier.tolist(), self.settings.orders)
        codes = state.code if target[1] is None else state.code[rows]
        tables, left_out = fit_tables(symbol, alphabet.size, codes, self.radix, context)
        likelihoods = [*(left_out * within)]
        view = self.views[j]
        lines = view.lines if alphabet is view.alphabet else np.zeros((1, 1))
        level = alphabet.level(piece, state.grid[rows, j], lines, group)
        features = state.value[:, :j] if earlier is None else state.value[:, earlier]
        forest = self._forest(alphabet, (symbol, piece, level), (features[rows], earlier), rng)
        if forest is not None:
            likelihoods.append(np.where(np.isnan(forest[1]), left_out[0], forest[1]) * within)
        gaussian = None
        if shared is not None and target[1] is None:
            design = state.design[:, : min(view.start, state.design.shape[1])]
            gaussian = fit_gaussian(alphabet, (piece, level, group), lines, shared, design)
        if gaussian is not None:
            likelihoods.extend(gaussian[1] / alphabet.points[piece])
        weights = learned_weights(np.stack(likelihoods))
        orders, trees = len(left_out), int(forest is not None)
        return ColumnMixture(
            alphabet,
            MixtureParts(
                tables, None if forest is None else forest[0], None if gaussian is None else gaussian[0], formula
            ),
            weights[:orders],
            float(weights[orders]) if trees else 0.0,
            weights[orders + trees :],
        )

    def _before(self, j: int) -> RowState:
        """The state with its first columns only."""
        state = copy(self.state)
        state.raw = self.state.raw[:j]
        return state

    def _forest(
        self,
        alphabet: Alphabet,
        target: tuple[Ints, Ints, Floats],
        given: tuple[Singles, Ints | None],
        rng: np.random.Generator,
    ) -> tuple[Forest, Floats] | None:
        """The trees of a column; ``target``: symbol, piece and quantile level of each row; ``given``: features."""
        if not self.settings.trees:
            return None
        symbol, piece, level = target
        numbers, first = np.unique(alphabet.symbol[alphabet.first_number :], return_index=True)
        rank, bins = None, np.zeros(0, dtype=np.int64)
        if alphabet.numeric and numbers.size > MANY:
            bins = numbers[np.argsort(first)]
            rank = np.where(piece < alphabet.first_number, -0.2, level)
        return fit_forest(ForestTarget(symbol, alphabet.size, rank, bins), *given, self.settings.trees, rng)


_NO_TABLES = BackoffTables((), (), (), (), np.ones((1, 1)))
