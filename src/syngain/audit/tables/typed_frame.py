"""The typed columns of a study of tables: features, label and other columns that rows carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.tables.typed import Table, typed_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.dataset import Dataset
    from syngain.data.study import Study

LOOKED_AT = 50  # rows in which a column that is no feature must hold plain values


@dataclass(frozen=True, slots=True)
class TypedStudy:
    """The tables of a study with one coding; ``held_out``: real rows that the generator never saw."""

    real: Table
    synthetic: Table
    held_out: Table | None


def typed_study(study: Study) -> TypedStudy:
    """Type the columns that all tables of the study have."""
    sets = [data for data in (study.real, study.synthetic, study.held_out) if data is not None]
    others = [_other_columns(data) for data in sets]
    shared = [name for name in others[0] if all(name in found for found in others)]
    columns = [
        {**data.columns, **_label(data), **{name: found[name] for name in shared if name not in data.columns}}
        for data, found in zip(sets, others, strict=True)
    ]
    real, synthetic, *held_out = typed_tables(*_same_columns(columns))
    return TypedStudy(real, synthetic, held_out[0] if held_out else None)


def _same_columns(columns: Sequence[Mapping[str, Sequence[object]]]) -> list[dict[str, Sequence[object]]]:
    names = [name for name in columns[0] if all(name in found for found in columns)]
    return [{name: found[name] for name in names} for found in columns]


def _label(data: Dataset) -> dict[str, Sequence[object]]:
    """The column to predict, where a row has one value of it."""
    if data.roles.label is None:
        return {}
    if data.labels is not None:
        return {data.roles.label: data.labels}
    return {} if data.targets is None else {data.roles.label: list(data.targets.lines())}


def _other_columns(data: Dataset) -> dict[str, Sequence[object]]:
    """Columns that are no features, such as ids, with plain values."""
    names = [name for name in (data.roles.id, *data.roles.ignored) if name]
    if not names:
        return {}
    records = list(data.records)
    plain = [
        name
        for name in dict.fromkeys(names)
        if all(name in record and not isinstance(record[name], (list, dict, bytes)) for record in records[:LOOKED_AT])
    ]
    return {name: [record.get(name) for record in records] for name in plain}
