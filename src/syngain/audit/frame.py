"""A study as an audit sees it: texts per side, labels, which real row a row was made from.

A frame knows no measure. Frames can be thinned or stripped of an opening, so that a finding can be measured again
without the rows, or the marginal, of another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit import table_rows
from syngain.core.errors import InputError
from syngain.data.dataset import Dataset, Kind, check_compared
from syngain.data.splits import groups
from syngain.data.study import apart_by
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import joined_sides
from syngain.data.text.texts import Texts
from syngain.data.text.words import unspaced, word_pattern, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Ints
    from syngain.data.benchmarks import Benchmark
    from syngain.data.columns.preferences import Preferences
    from syngain.data.columns.targets import Targets
    from syngain.data.study import Role, Study
    from syngain.tables.rules.others import OtherTable

    Columns = Mapping[str, Sequence[object]]


@dataclass(frozen=True)
class RowSet:
    """Rows of one role: texts by side of the pair, columns of a table, labels (None: unlabeled).

    Attributes:
        joined: one text per row; a table's row is written out column by column.
        preferences: rejected responses of preference rows. targets: what is predicted where it is no class.
        data: the whole rows; None once rows were taken out or changed.
    """

    texts: Mapping[str, Texts]
    columns: Columns
    labels: Sequence[str] | None
    size: int
    joined: Texts
    preferences: Preferences | None = None
    targets: Targets | None = None
    data: Dataset | None = None

    @classmethod
    def of(cls, study: Study, role: Role) -> RowSet:
        """The parts of a dataset that are measured."""
        data = study.dataset(role)
        assert data is not None  # noqa: S101  (the frame looked)
        texts = {name: study.texts(role, name) for name in data.sides}
        return cls(
            texts,
            data.columns,
            data.labels,
            len(data),
            study.texts(role),
            preferences=data.preferences,
            targets=data.targets,
            data=data,
        )

    @property
    def written_labels(self) -> Sequence[str] | None:
        """The label, or another target written out, of every row (n,); None where rows have none."""
        return self.labels if self.targets is None else list(self.targets.lines())

    def without_opening(self, side: str, opening: str) -> RowSet:
        """The same rows with this opening removed from those that have it."""
        texts = {**self.texts, side: Texts([_cut(text, opening) for text in self.texts[side]])}
        against = None if self.targets is None else self.targets.negatives()
        last = against if self.preferences is None else self.preferences.rejected
        worse = () if last is None else (list(last),)
        whole = Texts(joined_sides([*map(list, texts.values()), *worse]))
        joined = texts[side] if len(texts) == 1 else whole
        return RowSet(texts, self.columns, self.labels, self.size, joined, self.preferences, self.targets)

    def take(self, rows: Ints) -> RowSet:
        """The same rows, only some of them."""
        at = rows.tolist()
        texts = {name: values.take(at) for name, values in self.texts.items()}
        return RowSet(
            texts,
            {name: [values[i] for i in at] for name, values in self.columns.items()},
            None if self.labels is None else [self.labels[i] for i in at],
            len(at),
            next(iter(texts.values())) if len(texts) == 1 else self.joined.take(at),
            None if self.preferences is None else self.preferences.take(at),
            None if self.targets is None else self.targets.take(at),
        )


@dataclass(frozen=True)
class Frame:
    """A study as an audit sees it: real rows to compare with, synthetic rows, and what else is known.

    Attributes:
        real: the real rows, or held-out ones when there are some. synthetic: the rows under audit.
        anchors, anchor_labels: texts and labels of the real rows that synthetic ones were made from.
        source: the real row each synthetic row was made from (m,), -1 unknown. rows: original row numbers (m,).
        held_out: whether ``real`` was held out from generation. test: joined texts of the test set.
        anchor_columns, test_columns: of tables. anchor_targets: labels or other targets of tables, written out.
        study: where clusters of all rows are known; None once rows were taken out or changed.
        benchmarks: public benchmarks whose items must not be in the synthetic rows.
        rules: conditions on the columns of a table that a user states. tables: files that its rows point at.
    """

    real: RowSet
    synthetic: RowSet
    anchors: Texts
    anchor_labels: Sequence[str] | None
    source: Ints
    rows: Ints
    held_out: bool
    test: Texts | None = None
    anchor_columns: Columns = field(default_factory=dict)
    test_columns: Columns | None = None
    anchor_targets: Sequence[str] | None = None
    study: Study | None = None
    benchmarks: Sequence[Benchmark] = ()
    rules: Sequence[str] = ()
    tables: Sequence[OtherTable] = ()

    @classmethod
    def of(
        cls,
        study: Study,
        benchmarks: Sequence[Benchmark] = (),
        rules: Sequence[str] = (),
        tables: Sequence[OtherTable] = (),
    ) -> Frame:
        """Check that the datasets fit each other and look at them.

        Raises:
            InputError: kinds differ, labels on one side only, one class only, a table column missing.
        """
        for other in (study.synthetic, study.test, study.held_out):
            if other is not None:
                _check_fits(study.real, other)
        _check_labels(study.held_out or study.real, study.synthetic)
        return cls(
            real=RowSet.of(study, "real" if study.held_out is None else "held_out"),
            synthetic=RowSet.of(study, "synthetic"),
            anchors=study.texts("real"),
            anchor_labels=study.real.labels,
            source=study.source,
            rows=np.arange(len(study.synthetic)),
            held_out=study.held_out is not None,
            test=None if study.test is None else study.texts("test"),
            anchor_columns=study.real.columns,
            test_columns=None if study.test is None else study.test.columns,
            anchor_targets=RowSet.of(study, "real").written_labels if study.real.columns else None,
            study=study,
            benchmarks=benchmarks,
            rules=rules,
            tables=tables,
        )

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of the sides of the pair; empty for a table."""
        return tuple(self.real.texts)

    @cached_property
    def unit(self) -> Ints:
        """Independent units of the synthetic rows (m,): rows of one real row together, others alone."""
        return np.where(self.source >= 0, self.source, len(self.anchors) + np.arange(self.source.size))

    @cached_property
    def row_ids(self) -> frozenset[str]:
        """Columns of a table that name or number its real rows."""
        return table_rows.id_columns(self.anchor_columns)

    def pooled_columns(self, real: Ints, synthetic: Ints) -> dict[str, list[object]]:
        """The columns of a table: some real rows followed by some synthetic rows; none of texts."""
        return {
            name: [*(values[i] for i in real), *(self.synthetic.columns[name][i] for i in synthetic)]
            for name, values in self.real.columns.items()
        }

    def take(self, rows: Ints) -> Frame:
        """The frame with only these synthetic rows."""
        return replace(
            self, synthetic=self.synthetic.take(rows), source=self.source[rows], rows=self.rows[rows], study=None
        )

    def take_real(self, rows: Ints) -> Frame:
        """The frame with only these real rows to compare with."""
        source = np.where(np.isin(self.source, rows), np.searchsorted(rows, self.source), -1)
        return replace(self, real=self.real.take(rows), source=self.source if self.held_out else source, study=None)

    def without_opening(self, side: str, opening: str) -> Frame:
        """The frame with an opening removed wherever it stands, on both sides."""
        return replace(
            self,
            real=self.real.without_opening(side, opening),
            synthetic=self.synthetic.without_opening(side, opening),
            study=None,
        )

    def units(self, near: Ints) -> tuple[Ints, Ints]:
        """Independent units of real and of synthetic rows: rows of one real row, and rows that repeat each other.

        ``near`` (n + m,) near-duplicate clusters over all real rows followed by all synthetic rows. Real units are
        negative, so that no unit spans both sides.
        """
        real, synthetic = near[: self.real.size], near[self.real.size :]
        return -1 - groups(real), groups(self.unit, synthetic)

    def sample(self, most: int, unit: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Real and synthetic rows of equal number, at most ``most``: from as many different units as possible."""
        size = min(self.real.size, self.synthetic.size, most)
        real = np.sort(rng.permutation(self.real.size)[:size])
        shuffled = rng.permutation(self.synthetic.size)
        turn = _occurrence(unit[shuffled])  # first rows of every unit first
        return real, np.sort(shuffled[np.argsort(turn, kind="stable")][:size])

    def distinct(self, most: int, near: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """As :meth:`sample`, with at most one row of every unit on either side.

        Repeats would be learned by the encoder, and a set that repeats itself would look displaced because of it.
        """
        real_unit, unit = self.units(near)
        size = min(np.unique(real_unit).size, np.unique(unit).size, most)
        shuffled = rng.permutation(self.real.size)
        first = shuffled[_occurrence(real_unit[shuffled]) == 0]
        rows = rng.permutation(self.synthetic.size)
        return np.sort(first[:size]), np.sort(rows[_occurrence(unit[rows]) == 0][:size])

    def linked(self, real: Ints, synthetic: Ints, near: Ints) -> tuple[Ints, Ints, Ints]:
        """Units, fold groups and kin of pooled rows (real first).

        Groups join a real row, its rows and near duplicates; kin join a real row and its rows.

        ``near`` (n + m,) near-duplicate clusters over all real rows followed by all synthetic rows.
        """
        real_units, units_of_rows = self.units(near)
        units = np.concatenate([real_units[real], units_of_rows[synthetic]])
        anchor = np.full(real.size, -1) if self.held_out else real
        made_from = self.source[synthetic]
        clusters = near[np.concatenate([real, self.real.size + synthetic])]
        lineage = np.concatenate([anchor, made_from])
        return units, groups(lineage, clusters), groups(lineage)


def near_clusters(frame: Frame, side: str = "") -> Ints:
    """Near-duplicate clusters of real rows followed by synthetic rows, on one numbering; of whole rows or a side."""
    if not frame.sides:
        tables = [
            table_rows.compared(rows.columns, rows.written_labels, frame.row_ids)
            for rows in (frame.real, frame.synthetic)
        ]
        return np.concatenate(table_rows.shared_codes(*tables))
    if frame.study is not None:
        return frame.study.clusters("held_out" if frame.held_out else "real", "synthetic", side=side)
    real, synthetic = (
        (frame.real.texts[side], frame.synthetic.texts[side]) if side else (frame.real.joined, frame.synthetic.joined)
    )
    near = near_duplicates.shared_clusters(real, synthetic)
    rows = (frame.real.targets, frame.synthetic.targets)
    return near if side else apart_by(near, [None if one is None else one.negatives() for one in rows])


def _occurrence(codes: Ints) -> Ints:
    """How many times the same code came before, shape of ``codes``."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]]) if ordered.size else np.empty(0, bool)
    first = np.maximum.accumulate(np.where(starts, np.arange(ordered.size), 0))
    out = np.empty(codes.size, dtype=np.int64)
    out[order] = np.arange(codes.size) - first
    return out


def _cut(text: str, opening: str) -> str:
    """Remove the words of an opening from the beginning of a text; a text that opens otherwise stays."""
    position, pattern = 0, word_pattern(text)
    for word in words(opening):
        match = pattern.search(text, position)
        if match is None or match.group().lower() != word:
            return text
        position = match.end()
    rest = text[position:]
    begin = pattern.search(rest) if unspaced(text) else None
    return (rest.lstrip(" ,.:;!?-") if begin is None else rest[begin.start() :]) or text


def _check_fits(real: Dataset, other: Dataset) -> None:
    if real.kind != other.kind:
        raise InputError(
            f"{other.name} holds {other.kind.value} rows, {real.name} holds {real.kind.value} rows",
            expected="the same kind of rows in both",
            todo="name the columns with --text or --label",
        )
    check_compared(real, other)
    if real.kind == Kind.TABLE:
        absent = sorted(set(real.columns) - set(other.columns))
        if absent:
            raise InputError(
                f"{other.name} has no column {', '.join(absent[:5])}",
                expected=f"the columns of {real.name}",
                todo="add the columns or remove them from the real rows",
            )


def _check_labels(real: Dataset, synthetic: Dataset) -> None:
    if (real.labels is None) != (synthetic.labels is None):
        having, lacking = (real, synthetic) if synthetic.labels is None else (synthetic, real)
        raise InputError(
            f"{having.name} has labels, {lacking.name} has none",
            expected="labels on both sides or on none",
            todo="name the label column with --label real=NAME,synthetic=NAME, or leave labels out with --label none",
        )
    if real.labels is not None and synthetic.labels is not None and not set(real.labels) & set(synthetic.labels):
        some, others = (", ".join(sorted(set(names))[:5]) for names in (real.labels, synthetic.labels))
        raise InputError(
            f"{real.name} and {synthetic.name} have no label in common ({some} ... against {others} ...)",
            expected="the same names of labels in both",
            todo="give both the same names, name another column with --label, or leave labels out with --label none",
        )
    if real.labels is not None and len(set(real.labels)) < 2:
        raise InputError(
            f"{real.name} has one class only ({next(iter(real.labels), '')!r})",
            expected="at least two different labels among the real rows",
            todo="leave labels out with --label none",
        )
