"""Preset ``tables``: does a sequence model of whole rows beat marginals on held-out rows of a table?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.progress import Progress, silent
from syngain.data.rows import show, show_names
from syngain.lab.presets.table_scores import CheckedModel, SplitMeasures, SplitTask
from syngain.lab.worlds.table_worlds import ChainTable, ParityTable
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.source import TableSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.rng import Streams
    from syngain.tables.cells.source import TableInput

ORDERS = (0, 1, 2, 4)
MIXTURE = "mixture"
SCIKIT_LEARN = {"iris": "iris", "wine": "wine", "breast cancer": "breast_cancer", "diabetes": "diabetes"}
DIGITS = {"digits": "digits"}
PARTS = 3  # one of them is held out
FEWEST = 30  # real rows
SIMULATED = 1_500  # rows of a simulated table


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesProtocol:
    """Tables, splits and sizes.

    Attributes:
        real: a table of your own in place of those of scikit-learn; a path, a dataset or cells.
        label: its column of classes, for F1; drawn first.
        splits: random splits, a third of the rows held out. most: rows of a table that are used.
        trees: of each column of the mixture. digits: whether the 64 columns of the digits are among the tables.
        classifiers: whether F1 and separability are measured.
    """

    real: TableInput | None = None
    label: str | None = None
    splits: int = 5
    most: int = 3_000
    trees: int = 16
    digits: bool = True
    classifiers: bool = True

    def __post_init__(self) -> None:
        if self.splits < 2 or self.most < FEWEST or self.trees < 0:
            raise UsageError(
                f"{self.splits} splits of {self.most} rows, {self.trees} trees",
                expected=f"at least 2 splits, {FEWEST} rows and 0 trees",
                todo="raise `splits` and `most`",
            )
        if self.label is not None and self.real is None:
            raise UsageError("a label without a table", expected="a label of your own table", todo="name the FILE too")

    @property
    def variants(self) -> Mapping[str, CellSettings]:
        """The models by name: back-off tables up to each order, and the whole mixture."""
        plain = {
            f"order {order}": CellSettings(orders=order, trees=0, gaussian=False, formulas=False) for order in ORDERS
        }
        return {**plain, MIXTURE: CellSettings(trees=self.trees)}

    @property
    def sizes(self) -> dict[str, object]:
        """The numbers of the protocol."""
        return {
            "splits": self.splits,
            "most": self.most,
            "trees": self.trees,
            "label": self.label,
            "classifiers": self.classifiers,
        }


@dataclass(frozen=True, slots=True, eq=False)
class LabeledCells:
    """A table: columns by name, its class, and the true log-probability of each row where it is known (n,)."""

    name: str
    cells: Mapping[str, Sequence[object]]
    label: str | None = None
    truth: Floats | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.cells.values()), ()))

    def take(self, rows: Ints) -> LabeledCells:
        """Some of the rows."""
        at = rows.tolist()
        cells = {name: [column[row] for row in at] for name, column in self.cells.items()}
        return LabeledCells(self.name, cells, self.label, None if self.truth is None else self.truth[rows])


@dataclass(frozen=True, slots=True, eq=False)
class TableScores:
    """The measures of a table: of each variant and split (variants, splits); ``truth``: of each split.

    ``checks``: of the mixture, and of the last split's models against the truth where it is known.
    """

    name: str
    rows: int
    columns: int
    held_out: int
    measures: Mapping[str, Sequence[SplitMeasures]]
    truth: Sequence[float]
    real_f1: Sequence[float]
    checked: CheckedModel

    def logprob(self, variant: str) -> Floats:
        """Mean log-probability of a held-out row of each split, in nats (splits,)."""
        return np.array([one.logprob for one in self.measures[variant]])

    @property
    def ratio(self) -> float:
        """Test rows over training rows."""
        return self.held_out / max(self.rows - self.held_out, 1)


def table_scores(protocol: TablesProtocol, *, streams: Streams, progress: Progress = silent) -> list[TableScores]:
    """Fit every variant on two thirds of each table, score the held-out third.

    Raises:
        InputError: the table cannot be read, or is too small. UsageError: a label that there is not.
    """
    tables = [_cut(table, protocol, streams.child(table.name)) for table in _tables(protocol, streams)]
    found = []
    for at, table in enumerate(tables):

        def shown(stage: str, done: float, at: int = at, name: str = table.name) -> None:
            progress(f"{name}, {stage}", (at + done) / len(tables))

        found.append(_scores(table, protocol, streams.child(table.name), shown))
    return found


def _scores(table: LabeledCells, protocol: TablesProtocol, streams: Streams, progress: Progress) -> TableScores:
    if table.rows < FEWEST:
        raise InputError(f"{table.name}: {table.rows} rows", expected=f"at least {FEWEST}", todo="give more real rows")
    measures: dict[str, list[SplitMeasures]] = {name: [] for name in protocol.variants}
    truth, real_f1, held_out = [], [], 0
    checked: CheckedModel | None = None
    for split in range(protocol.splits):
        rng = streams.stream("split", str(split))
        order = rng.permutation(table.rows)
        third = table.rows // PARTS
        train, test = table.take(order[third:]), table.take(order[:third])
        held_out += test.rows
        task = SplitTask(train.cells, test.cells, table.label, int(rng.integers(2**31 - 1)), protocol.classifiers)
        for place, (name, settings) in enumerate(protocol.variants.items()):
            progress(f"split {split + 1}", (split + place / len(protocol.variants)) / protocol.splits)
            measures[name].append(task.measured(settings))
        real_f1.append(task.real_f1)
        if test.truth is not None:
            truth.append(float(test.truth.mean()))
        if checked is None:
            checked = task.checked(protocol.variants, test.truth)
    assert checked is not None  # noqa: S101  (there are splits)
    return TableScores(
        table.name,
        table.rows,
        len(table.cells),
        round(held_out / protocol.splits),
        measures,
        truth,
        real_f1,
        checked,
    )


def _tables(protocol: TablesProtocol, streams: Streams) -> list[LabeledCells]:
    if protocol.real is not None:
        source = TableSource.of(protocol.real)
        if protocol.label is not None and protocol.label not in source.cells:
            raise UsageError(
                f"there is no column {show(protocol.label)}",
                expected=f"one of {show_names(list(source.cells))}",
                todo="correct --label",
            )
        return [LabeledCells(source.name, source.cells, protocol.label)]
    names = {**SCIKIT_LEARN, **(DIGITS if protocol.digits else {})}
    return [*(_scikit_learn(name, loader) for name, loader in names.items()), *_simulated(streams)]


def _scikit_learn(name: str, loader: str) -> LabeledCells:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{loader}")()
    cells: dict[str, Sequence[object]] = {
        str(title): [repr(float(value)) for value in column]
        for title, column in zip(bunch.feature_names, bunch.data.T, strict=True)
    }
    classes = hasattr(bunch, "target_names")
    cells["target"] = [str(int(value)) if classes else repr(float(value)) for value in bunch.target]
    return LabeledCells(name, cells, "target" if classes else None)


def _simulated(streams: Streams) -> list[LabeledCells]:
    """A Markov chain over the columns, whose order is 1, and a parity, whose order is 2."""
    out = []
    rng = streams.stream("simulated")
    for name, world in (("chain (simulated)", ChainTable.draw(rng)), ("parity (simulated)", ParityTable())):
        drawn = world.sample(SIMULATED, rng)
        out.append(LabeledCells(name, drawn.cells, None, drawn.logprob.sum(axis=1)))
    return out


def _cut(table: LabeledCells, protocol: TablesProtocol, streams: Streams) -> LabeledCells:
    if table.rows <= protocol.most:
        return table
    return table.take(np.sort(streams.stream("rows").permutation(table.rows)[: protocol.most]))
