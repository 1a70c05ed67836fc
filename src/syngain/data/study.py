"""The datasets of one command, with results computed once for all measures.

Lineage and near duplicates are computed once, and texts keep the features of each row. An audit and its gain use the
same results.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.core.errors import InputError
from syngain.data.columns.values import EXACT
from syngain.data.dataset import Dataset, Kind
from syngain.data.match import match_sources
from syngain.data.rows import show_names
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import joined_sides
from syngain.data.text.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints

Role = Literal["real", "synthetic", "test", "held_out"]
SHOWN = 4  # names in a message


@dataclass(frozen=True)
class Study:
    """Datasets by role, with computed properties of their rows.

    Attributes:
        real: the real rows. synthetic: the rows to evaluate. test: real rows for testing.
        held_out: more real rows, which the generator has not seen.
    """

    real: Dataset
    synthetic: Dataset
    test: Dataset | None = None
    held_out: Dataset | None = None
    _clusters: dict[tuple[str, ...], Ints] = field(default_factory=dict, repr=False, compare=False)
    _joined: dict[Role, Texts] = field(default_factory=dict, repr=False, compare=False)
    _source: Ints | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(
        cls, real: Dataset, synthetic: Dataset, *, test: Dataset | None = None, held_out: Dataset | None = None
    ) -> Study:
        """The study of these datasets.

        Raises:
            InputError: the names of labels or tags of a dataset are none of the real rows' own.
        """
        for other in filter(None, (synthetic, test, held_out)):
            _check_names(real, other)
        return cls(
            _remembering(real),
            _remembering(synthetic),
            None if test is None else _remembering(test),
            None if held_out is None else _remembering(held_out),
        )

    def dataset(self, role: Role) -> Dataset | None:
        """The dataset of a role; None where there is none."""
        found: Dataset | None = getattr(self, role)
        return found

    @property
    def is_table(self) -> bool:
        """Whether rows are columns of a table, without texts."""
        return self.real.kind is Kind.TABLE

    def texts(self, role: Role, side: str = "") -> Texts:
        """Texts of a role: one side of a pair, or whole rows.

        A table row is written out column by column.
        """
        data = self._given(role)
        if side:
            return Texts.of(data.sides[side])
        if len(data.sides) == 1:
            return Texts.of(next(iter(data.sides.values())))
        if role not in self._joined:
            self._joined[role] = Texts(joined(data))
        return self._joined[role]

    @cached_property
    def source(self) -> Ints:
        """The real row in the prompt of each synthetic row (m,), -1 where unknown."""
        if self._source is not None:
            return self._source
        found, _ = match_sources(self.synthetic, self.real)
        return np.full(len(self.synthetic), -1) if found is None else np.asarray(found, dtype=np.int64)

    def clusters(self, *roles: Role, side: str = "") -> Ints:
        """Near-duplicate clusters of the rows of these roles, with one numbering.

        For a table, which has no n-grams: clusters of equal rows.
        """
        key = (side, *roles)
        if key not in self._clusters:
            sets = [self.texts(role, side) for role in roles]
            if self.is_table:
                self._clusters[key] = np.concatenate(near_duplicates.shared_codes(*sets))
            else:
                near = near_duplicates.shared_clusters(*sets)
                against = [targets.negatives() if (targets := self._given(role).targets) else None for role in roles]
                self._clusters[key] = near if side else apart_by(near, against)
        return self._clusters[key]

    def take(
        self,
        *,
        real: Sequence[int] | None = None,
        synthetic: Sequence[int] | None = None,
        test: Sequence[int] | None = None,
        held_out: Sequence[int] | None = None,
    ) -> Study:
        """The study with only these rows of some roles; computed features are kept."""
        asked: dict[Role, Sequence[int] | None] = {
            "real": real,
            "synthetic": synthetic,
            "test": test,
            "held_out": held_out,
        }
        rows = {role: [int(row) for row in chosen] for role, chosen in asked.items() if chosen is not None}
        tested = self.test if test is None else self._given("test").take(rows["test"])
        unseen = self.held_out if held_out is None else self._given("held_out").take(rows["held_out"])
        source = self.source[np.array(rows["synthetic"], dtype=np.int64)] if list(rows) == ["synthetic"] else None
        return Study(
            real=self.real if real is None else self.real.take(rows["real"]),
            synthetic=self.synthetic if synthetic is None else self.synthetic.take(rows["synthetic"]),
            test=tested,
            held_out=unseen,
            _joined={role: texts.take(rows[role]) if role in rows else texts for role, texts in self._joined.items()},
            _source=source,
        )

    def judged_by(self, test: Dataset | None, held_out: Dataset | None) -> Study:
        """The same real and synthetic rows with other test and held-out rows, or none."""
        if test is self.test and held_out is self.held_out:
            return self
        return Study(
            real=self.real,
            synthetic=self.synthetic,
            test=test,
            held_out=held_out,
            _clusters={key: found for key, found in self._clusters.items() if not {"test", "held_out"} & set(key)},
            _joined={role: texts for role, texts in self._joined.items() if role in {"real", "synthetic"}},
            _source=self.source,
        )

    def _given(self, role: Role) -> Dataset:
        found = self.dataset(role)
        if found is None:
            raise InputError(
                f"no {role.replace('_', ' ')} rows", expected=f"a dataset as `{role}`", todo=f"pass {role}=DATASET"
            )
        return found


def joined(dataset: Dataset) -> list[str]:
    """One text per row: a table's column by column, the rejected response or negative candidates last."""
    if dataset.sides:
        last = dataset.rejected if dataset.targets is None else dataset.targets.negatives()
        worse = () if last is None else (list(last),)
        return joined_sides([*(list(side) for side in dataset.sides.values()), *worse])
    columns = [_written(values) for values in dataset.columns.values()]
    return ["\n".join(map(str, row)) for row in zip(*columns, strict=True)]


def _written(values: Sequence[object]) -> Sequence[object]:
    """The cells of a column as they are shown: whole numbers without a point, nothing where one is missing."""
    if not isinstance(values, array):
        return values
    return [
        "" if math.isnan(cell) else int(cell) if cell.is_integer() and abs(cell) < EXACT else cell for cell in values
    ]


def apart_by(near: Ints, negatives: Sequence[Sequence[str] | None]) -> Ints:
    """Near-duplicate clusters of rows, divided where the negative candidates differ; unchanged without any."""
    texts = [Texts(list(one)) for one in negatives if one is not None]
    if not texts:
        return near
    codes = np.concatenate(near_duplicates.shared_codes(*texts))
    return np.unique(np.column_stack([near, codes]), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _remembering(data: Dataset) -> Dataset:
    """The dataset with texts that cache their features."""
    sides = {name: Texts.of(side) for name, side in data.sides.items()}
    worse = data.preferences
    kept = None if worse is None else replace(worse, rejected=Texts.of(worse.rejected))
    return replace(data, sides=sides, preferences=kept)


def _check_names(real: Dataset, other: Dataset) -> None:
    if real.targets is None or other.targets is None or real.targets.kind is not other.targets.kind:
        return
    known, found = real.targets.names(), other.targets.names()
    if not known or not found or known & found:
        return
    listed, expected = (show_names(sorted(names)[:SHOWN]) for names in (found, known))
    word = real.targets.kind
    raise InputError(
        f"{other.name}: its {word} {listed} are none of the {word} of {real.name}",
        expected=f"{word} such as {expected}",
        todo="write both files with the same names, for example with names in place of ids",
    )
