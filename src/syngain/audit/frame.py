"""The rows of one audit on common ground: texts per side, labels, which anchor a row was made from.

A frame knows no measure. Frames can be thinned or stripped of an opening, so that a finding can be measured again
without the rows, or the marginal, of another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.data import match_sources
from syngain.data.dataset import Dataset, Kind
from syngain.data.splits import groups
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import WORD, joined_sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Ints

    Texts = Sequence[str]
    Columns = Mapping[str, Sequence[object]]


@dataclass(frozen=True)
class Side:
    """One set of rows: texts by side of the pair, columns of a table, labels (None: unlabeled)."""

    texts: Mapping[str, Texts]
    columns: Columns
    labels: Sequence[str] | None
    size: int

    @classmethod
    def of(cls, dataset: Dataset) -> Side:
        """The parts of a dataset that are measured."""
        texts = {name: list(values) for name, values in dataset.sides.items()}
        labels = None if dataset.labels is None else list(dataset.labels)
        return cls(texts, dataset.columns, labels, len(dataset))

    @cached_property
    def joined(self) -> list[str]:
        """One text per row; a table's row is written out column by column."""
        if self.texts:
            return joined_sides(list(self.texts.values()))
        names = list(self.columns)
        return ["\n".join(map(str, row)) for row in zip(*(self.columns[name] for name in names), strict=True)]

    def take(self, rows: Ints) -> Side:
        """The same set with only these rows."""
        picked = rows.tolist()
        return Side(
            {name: [values[i] for i in picked] for name, values in self.texts.items()},
            {name: [values[i] for i in picked] for name, values in self.columns.items()},
            None if self.labels is None else [self.labels[i] for i in picked],
            len(picked),
        )

    def without_opening(self, side: str, opening: str) -> Side:
        """The same set with this opening removed from the rows that have it."""
        cut = [_cut(text, opening) for text in self.texts[side]]
        return Side({**self.texts, side: cut}, self.columns, self.labels, self.size)


@dataclass(frozen=True)
class Frame:
    """Real rows to compare with, synthetic rows, and what else is known.

    Attributes:
        real: anchors, or the pool when there is one (held out from generation).
        anchors, anchor_labels: the anchors' joined texts and their labels.
        source: the anchor each synthetic row was made from (m,), -1 unknown. rows: original row numbers (m,).
        held_out: whether ``real`` is a pool. test: joined texts of the test set.
    """

    real: Side
    synthetic: Side
    anchors: Sequence[str]
    anchor_labels: Sequence[str] | None
    source: Ints
    rows: Ints
    held_out: bool
    test: Sequence[str] | None = None

    @classmethod
    def of(
        cls, real: Dataset, synthetic: Dataset, *, test: Dataset | None = None, pool: Dataset | None = None
    ) -> Frame:
        """Check that the sets fit each other and lay them out.

        Raises:
            InputError: kinds differ, labels on one side only, one class only, a table column missing.
        """
        for other in (synthetic, test, pool):
            if other is not None:
                _check_fits(real, other)
        reference = real if pool is None else pool
        _check_labels(reference, synthetic)
        source, _ = match_sources(synthetic, real)
        return cls(
            real=Side.of(reference),
            synthetic=Side.of(synthetic),
            anchors=Side.of(real).joined,
            anchor_labels=None if real.labels is None else list(real.labels),
            source=np.full(len(synthetic), -1) if source is None else np.asarray(source, dtype=np.int64),
            rows=np.arange(len(synthetic)),
            held_out=pool is not None,
            test=None if test is None else Side.of(test).joined,
        )

    @property
    def sides(self) -> tuple[str, ...]:
        """Names of the sides of the pair; empty for a table."""
        return tuple(self.real.texts)

    @cached_property
    def unit(self) -> Ints:
        """Independent units of the synthetic rows (m,): rows of one anchor together, others alone."""
        return np.where(self.source >= 0, self.source, len(self.anchors) + np.arange(self.source.size))

    def take(self, rows: Ints) -> Frame:
        """The frame with only these synthetic rows."""
        return replace(self, synthetic=self.synthetic.take(rows), source=self.source[rows], rows=self.rows[rows])

    def without_opening(self, side: str, opening: str) -> Frame:
        """The frame with an opening removed wherever it stands, on both sides."""
        return replace(
            self,
            real=self.real.without_opening(side, opening),
            synthetic=self.synthetic.without_opening(side, opening),
        )

    def units(self, near: Ints) -> tuple[Ints, Ints]:
        """Independent units of real and of synthetic rows: rows of one anchor, and rows that repeat each other.

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

        Groups join an anchor, its rows and near duplicates; kin join an anchor and its rows.

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
    real, synthetic = (
        (frame.real.texts[side], frame.synthetic.texts[side]) if side else (frame.real.joined, frame.synthetic.joined)
    )
    texts = [*real, *synthetic]
    return near_duplicates.clusters(texts) if frame.sides else near_duplicates.codes(texts)


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
    position = 0
    for word in opening.split():
        match = WORD.search(text, position)
        if match is None or match.group().lower() != word:
            return text
        position = match.end()
    return text[position:].lstrip(" ,.:;!?-") or text


def _check_fits(real: Dataset, other: Dataset) -> None:
    if real.kind != other.kind:
        raise InputError(
            f"{other.name} holds {other.kind.value} rows, {real.name} holds {real.kind.value} rows",
            expected="the same kind of rows in both",
            todo="name the columns with --text or --label",
        )
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
