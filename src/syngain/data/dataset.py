"""A dataset: rows by column, with the role of every column.

A million short rows fit into memory.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from syngain.core.errors import InputError
from syngain.core.fingerprint import fingerprint_lines
from syngain.data.columns.build import build
from syngain.data.columns.options import RoleOptions
from syngain.data.columns.roles import Kind, Roles
from syngain.data.rows import Lazy, in_memory
from syngain.data.text.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.data.columns.preferences import Preferences
    from syngain.data.columns.targets import Targets
    from syngain.data.rows import Loaded

__all__ = ["Dataset", "Kind", "RoleOptions", "Roles"]

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Rows by column.

    Attributes:
        name: the file with its filter, for messages.
        ids: one per row. sides: the texts; ``text``, or ``prompt`` and ``response``; none in a table.
        columns: the features of a table, in the order of the real rows: an ``array`` of floats (NaN where missing),
            or a sequence of strings ("" where missing).
        labels: trimmed text; "0", 0 and 0.0 are "0", true and "True" are "true".
        sources: the source that a row names. generators: the generator that it names.
        roles: the field of each role. records: the original rows, for writing.
        notes: notes for the user on how values were read.
        preferences: of preference rows, the rejected responses, their prompts and scores; the chosen response is the
            side ``response``.
        targets: what is predicted where it is no class: numbers, label sets, tags, candidates; then no ``labels``.
    """

    name: str
    kind: Kind
    ids: Sequence[str]
    sides: Mapping[str, Sequence[str]]
    columns: Mapping[str, Sequence[object]]
    labels: Sequence[str] | None
    sources: Sequence[str | None] | None
    generators: Sequence[str | None] | None
    roles: Roles
    records: Sequence[Mapping[str, object]]
    notes: tuple[str, ...] = ()
    preferences: Preferences | None = None
    targets: Targets | None = None

    @classmethod
    def from_rows(
        cls,
        rows: Sequence[Mapping[str, object]],
        name: str = "rows",
        *,
        roles: RoleOptions | None = None,
        like: Dataset | None = None,
    ) -> Dataset:
        """The dataset of rows in memory; row ids are ``<name>:<row>``, from 1.

        Raises:
            InputError: as for a file.
        """
        return cls.of(in_memory(rows, name), roles, like)

    @classmethod
    def of(cls, loaded: Loaded, roles: RoleOptions | None, like: Dataset | None) -> Dataset:
        """The dataset of rows from a file.

        Raises:
            InputError: the roles cannot be found, or a row lacks what its role needs.
        """
        found = build(loaded, roles or RoleOptions(), like)
        return cls(
            name=loaded.name,
            kind=found.roles.kind,
            ids=found.ids,
            sides=found.sides,
            columns=found.features,
            labels=found.labels,
            sources=found.sources,
            generators=found.generators,
            roles=found.roles,
            records=found.records,
            notes=found.notes,
            preferences=found.preferences,
            targets=found.targets,
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The numeric columns."""
        return tuple(name for name, values in self.columns.items() if isinstance(values, array))

    @property
    def rejected(self) -> Sequence[str] | None:
        """The rejected response of each preference row; None for other rows."""
        return None if self.preferences is None else self.preferences.rejected

    @property
    def fingerprint(self) -> str:
        """Fingerprint of kind, content, labels and sources, without names and ids.

        Other columns do not count.
        """
        return fingerprint_lines(self._lines())

    @property
    def records_fingerprint(self) -> str:
        """The fingerprint of the rows as they were, every column of them: of what is written back."""
        return fingerprint_lines(json.dumps(record, default=str) for record in self.records)

    def take(self, rows: Sequence[int]) -> Dataset:
        """The dataset of these rows, in this order; rows may repeat."""
        chosen = [int(row) for row in rows]
        return replace(
            self,
            ids=_take(self.ids, chosen),
            sides={name: _take(side, chosen) for name, side in self.sides.items()},
            columns={name: _take(column, chosen) for name, column in self.columns.items()},
            labels=None if self.labels is None else _take(self.labels, chosen),
            sources=None if self.sources is None else _take(self.sources, chosen),
            generators=None if self.generators is None else _take(self.generators, chosen),
            records=_take(self.records, chosen),
            preferences=None if self.preferences is None else self.preferences.take(chosen),
            targets=None if self.targets is None else self.targets.take(chosen),
        )

    def _lines(self) -> Iterator[str]:
        yield self.kind.value
        for name in sorted(self.sides):
            yield f"side {name}"
            yield from self.sides[name]
        for name in sorted(self.columns):
            yield f"column {name}"
            yield from map(str, self.columns[name])
        for role, values in (("labels", self.labels), ("sources", self.sources)):
            yield role if values is not None else f"no {role}"
            yield from ("" if value is None else "=" + value for value in values or ())
        if self.preferences is not None:
            yield "rejected"
            yield from self.preferences.rejected
            yield from self.preferences.prompts
            yield from map(str, self.preferences.margins or ())
        if self.targets is not None:
            yield f"targets {self.targets.kind}"
            yield from self.targets.lines()


def check_compared(real: Dataset, other: Dataset) -> None:
    """Whether both or none of the datasets have rejected responses, and both one kind of target.

    Raises:
        InputError: only one of them has, or the kinds differ.
    """
    kinds = [None if item.targets is None else item.targets.kind for item in (real, other)]
    if kinds[0] != kinds[1]:
        own, theirs = (
            kind or ("no target" if item.labels is None else "class")
            for kind, item in zip(kinds, (real, other), strict=True)
        )
        raise InputError(
            f"the target of {real.name} is of the kind {own}, that of {other.name} of the kind {theirs}",
            expected="one kind of target on both sides",
            todo="name the column of each side: --label real=A,synthetic=B, or the kind: --target class",
        )
    if (real.preferences is None) != (other.preferences is None):
        having, lacking = (real, other) if other.preferences is None else (other, real)
        raise InputError(
            f"{having.name} has chosen and rejected responses, {lacking.name} has one response per row",
            expected="preferences on both sides, or pairs on both",
            todo="read the chosen responses as pairs: --text prompt+chosen, or real=prompt+chosen,synthetic=A+B",
        )


def _take(values: Sequence[Item], rows: Sequence[int]) -> Sequence[Item]:
    if isinstance(values, (Lazy, Texts)):
        return values.take(rows)
    if isinstance(values, array):
        return array(values.typecode, [values[row] for row in rows])
    return [values[row] for row in rows]
