"""Nested values with free keys in columnar files: as JSON text, which ``datasets`` reads as objects.

A column of Parquet or Arrow has one type. Objects with different keys would all get the keys of the others, with nulls:
the parameters of every tool in each tool. Such a column holds JSON text in Arrow's type for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


def ragged(values: Iterable[object]) -> bool:
    """Whether objects inside of the values differ in their keys below the first level of objects.

    Fields that only some messages have are null in the others, which means the same; deeper ones are content.
    """
    seen: dict[str, tuple[str, ...]] = {}
    return any(_differs(value, "", 0, seen) for value in values if isinstance(value, (dict, list)))


def _differs(value: object, path: str, level: int, seen: dict[str, tuple[str, ...]]) -> bool:
    if isinstance(value, list):
        return any(_differs(one, path + "[]", level, seen) for one in value if isinstance(one, (dict, list)))
    if not isinstance(value, Mapping):
        return False
    keys = tuple(sorted(value))
    if level and seen.setdefault(path, keys) != keys:
        return True
    return any(
        _differs(one, f"{path}.{name}", level + 1, seen) for name, one in value.items() if isinstance(one, (dict, list))
    )


def json_array(texts: list[str | None]) -> pa.Array:
    """JSON texts as an array of Arrow's type for them, which ``datasets`` reads as values."""
    import pyarrow as pa

    return pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(texts, pa.string()))


def json_columns(schema: pa.Schema) -> frozenset[str]:
    """The columns of that type."""
    return frozenset(one.name for one in schema if getattr(one.type, "extension_name", "") == "arrow.json")
