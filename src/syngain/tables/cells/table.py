"""A table as a cell model sees it: columns of a file, their parts in the order of the model, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.data.rows import show, show_names
from syngain.tables.cells.kinds import DateColumn, KeyColumn, TextColumn, class_codec, codec_of
from syngain.tables.cells.model import CellModel, CellSettings
from syngain.tables.derived import computed_last

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.tables.cells.kinds import Codec, ModeledColumn
    from syngain.tables.cells.state import CodedColumn

    Cells = Mapping[str, Sequence[object]]

FEWEST = 5  # rows from which a model is fitted
LISTED = 8  # values in a message


@dataclass(frozen=True)
class GeneratedTable:
    """Generated rows.

    Attributes:
        columns: the cells of each written column. logprob: log-probability of each cell in nats (rows, modeled
            columns); NaN where it was given. modeled: the columns of ``logprob``.
        member: the model of each row (rows,), None with one model.
    """

    columns: Mapping[str, Sequence[object]]
    modeled: tuple[str, ...]
    logprob: Floats
    member: Ints | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.logprob)

    @property
    def row_logprob(self) -> Floats:
        """The log-probability of each row in nats (rows,)."""
        return np.asarray(np.nansum(self.logprob, axis=1))


@dataclass(frozen=True)
class TableModel:
    """A cell model of a file's columns.

    Attributes:
        codecs: of each column, in the order of the file. order: column and part of each column of the model.
    """

    codecs: Mapping[str, Codec]
    order: tuple[tuple[str, int], ...]
    model: CellModel

    @classmethod
    def fit(
        cls,
        cells: Cells,
        *,
        label: str | None = None,
        first: Sequence[str] = (),
        settings: CellSettings | None = None,
        seed: int = 0,
    ) -> TableModel:
        """Fit the model of a table.

        Args:
            cells: columns by name, None where a row has no value.
            label: the class; it comes first in the model.
            first: columns that come before it: those that are given.
            settings: what the model consists of.
            seed: of the trees.

        Raises:
            InputError: too few rows, or nothing to model. UsageError: a column that there is not.
        """
        rows = len(next(iter(cells.values()), ()))
        if rows < FEWEST:
            raise InputError(
                f"{rows} real row{'s' * (rows != 1)}", expected=f"at least {FEWEST} rows", todo="give more real rows"
            )
        ahead = tuple(dict.fromkeys((*first, *([] if label is None else [label]))))
        _check_names(cells, ahead)
        codecs = {
            name: class_codec(name, column) if name == label else codec_of(name, column)
            for name, column in cells.items()
        }
        for name in ahead:
            if isinstance(codecs[name], (KeyColumn, TextColumn)):
                raise UsageError(
                    f"the column `{show(name)}` holds {codecs[name].kind}",
                    expected="a column that is modeled",
                    todo="name another column",
                )
        modeled = _modeled(codecs)
        names = [*ahead, *(name for name in modeled if name not in ahead)]
        order = tuple((name, part) for name in names for part in range(len(modeled[name].parts)))
        if not order:
            raise InputError(
                f"no column of {show_names(list(cells))} can be modeled",
                expected="columns of numbers, categories or dates",
                todo="keys and texts alone are not a table; use a recipe for texts",
            )
        parts = [modeled[name].parts[part] for name, part in order]
        fixed = sum(name in ahead for name, _ in order)
        ordered = computed_last([part.raw() for part in parts], [part.step for part in parts], fixed)
        model = CellModel.fit([parts[at] for at in ordered], settings, seed)
        return cls(codecs, tuple(order[at] for at in ordered), model)

    def refitted(self, cells: Cells, *, settings: CellSettings | None = None, seed: int = 0) -> TableModel:
        """A model of other rows of the same table, with this one's reading of the columns and their order."""
        return TableModel(self.codecs, self.order, CellModel.fit(self.coded(cells), settings, seed))

    @property
    def modeled(self) -> tuple[str, ...]:
        """The columns with a probability, in the order of the file."""
        return tuple(_modeled(self.codecs))

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns of free text."""
        return tuple(name for name, codec in self.codecs.items() if isinstance(codec, TextColumn))

    @property
    def new_keys(self) -> tuple[str, ...]:
        """Columns whose ids are made."""
        return tuple(name for name, codec in self.codecs.items() if isinstance(codec, KeyColumn))

    @property
    def formulas(self) -> tuple[str, ...]:
        """What is computed, not drawn, in words."""
        out = []
        for name, mixture in zip(self.model.names, self.model.mixtures, strict=True):
            formula = mixture.parts.formula
            if formula is not None:
                out.append(f"{formula.sentence(name, self.model.names)} (in {formula.holds:.1%} of the real rows)")
        return tuple(out)

    def sample(
        self, rows: int, seed: int = 0, *, temperature: float = 1.0, given: Mapping[str, str] | None = None
    ) -> GeneratedTable:
        """Draw rows.

        ``given``: values of columns that are not drawn; they must be among ``first`` of the fit.

        Raises:
            UsageError: a value that the model cannot condition on.
        """
        fixed = {}
        for name, value in (given or {}).items():
            for place, part in enumerate(self._given(name, value)):
                fixed[self.order.index((name, place))] = (int(part.word[0]), int(part.grid[0]))
        drawn = self.model.sample(rows, seed, temperature=temperature, given=fixed)
        streams = Streams(seed).child("tables", "keys")
        columns: dict[str, Sequence[object]] = {}
        places: dict[str, list[tuple[int, int]]] = {}
        for slot, (name, number) in enumerate(self.order):
            places.setdefault(name, []).append((number, slot))
        for name, codec in self.codecs.items():
            if isinstance(codec, KeyColumn):
                columns[name] = codec.key.new(rows, streams.stream(name))
            elif not isinstance(codec, TextColumn):
                columns[name] = codec.written([drawn.columns[slot] for _, slot in sorted(places[name])])
        return GeneratedTable(columns, self.modeled, self._by_column(drawn.logprob))

    def coded(self, cells: Cells) -> list[CodedColumn]:
        """Other rows as the model sees them."""
        parts = {name: codec.coded(cells[name]) for name, codec in _modeled(self.codecs).items()}
        return [parts[name][part] for name, part in self.order]

    def score(self, cells: Cells, *, temperature: float = 1.0, unseen: bool = False) -> Floats:
        """The log-probability of each cell of other rows (rows, modeled columns); see :meth:`CellModel.score`."""
        return self._by_column(self.model.score(self.coded(cells), temperature=temperature, unseen=unseen))

    def entropy(self, cells: Cells) -> Floats:
        """The exact entropy of each cell's distribution given the cells before it (rows, modeled columns)."""
        return self._by_column(self.model.entropy(self.coded(cells)))

    def _by_column(self, parts: Floats) -> Floats:
        """Sums over the parts of each column."""
        at = {name: place for place, name in enumerate(self.modeled)}
        out = np.zeros((len(parts), len(at)))
        for place, (name, _) in enumerate(self.order):
            out[:, at[name]] += parts[:, place]
        return out

    def _given(self, name: str, value: str) -> Sequence[CodedColumn]:
        codec = _modeled(self.codecs)[name]
        parts = codec.coded([value])
        if any(int(part.word[0]) == -2 for part in parts):
            known = codec.parts[0].words[:LISTED]
            expected = (
                "a date in the column's format"
                if isinstance(codec, DateColumn)
                else (f"a value of the real rows: {show_names(list(known))}" if known else "a number")
            )
            raise UsageError(f"--given {show(name)}={show(value)}", expected=expected, todo="correct the value")
        return parts


def _modeled(codecs: Mapping[str, Codec]) -> dict[str, ModeledColumn]:
    """The columns whose cells are drawn."""
    return {name: codec for name, codec in codecs.items() if not isinstance(codec, (KeyColumn, TextColumn))}


def _check_names(cells: Cells, names: Sequence[str]) -> None:
    lacking = [name for name in names if name not in cells]
    if lacking:
        raise UsageError(
            f"there is no column {show_names(lacking)}",
            expected=f"one of {show_names(list(cells))}",
            todo="correct the name",
        )
