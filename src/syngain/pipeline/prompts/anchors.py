"""Real rows as columns of templates.

Fields have their own names, and ``text``, or ``prompt`` and ``response``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.columns.roles import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Anchor:
    """One real row.

    ``columns`` are the names for templates; ``content`` the fields of a synthetic row.
    """

    id: str
    label: str | None
    columns: Mapping[str, object]
    content: Mapping[str, object]


@dataclass(frozen=True)
class Anchors:
    """The real rows, grouped by label."""

    kind: Kind
    rows: Sequence[Anchor]
    by_label: Mapping[str | None, Sequence[int]]

    @classmethod
    def of(cls, dataset: Dataset) -> Anchors:
        """The real rows of a dataset.

        Raises:
            InputError: it is empty.
        """
        if not len(dataset):
            raise InputError(
                f"{dataset.name} has no rows", expected="at least one real row", todo="name a file with rows"
            )
        rows = [_anchor(dataset, index) for index in range(len(dataset))]
        by_label: dict[str | None, list[int]] = {}
        for index, row in enumerate(rows):
            by_label.setdefault(row.label, []).append(index)
        return cls(dataset.kind, rows, by_label)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in alphabetical order."""
        return tuple(sorted(label for label in self.by_label if label is not None))


def _anchor(dataset: Dataset, index: int) -> Anchor:
    label = None if dataset.labels is None else dataset.labels[index]
    record = {str(key): value for key, value in dataset.records[index].items()}
    sides = {name: side[index] for name, side in dataset.sides.items()}
    content: dict[str, object] = dict(sides)
    if dataset.kind is Kind.PAIR:
        content = {"prompt": sides["prompt"], "completion": sides["response"]}
    elif dataset.kind is Kind.TABLE:
        content = {name: record.get(name) for name in dataset.columns}
    own = {"label": label} if label is not None else {}
    return Anchor(dataset.ids[index], label, {**record, **sides, **own}, content)
