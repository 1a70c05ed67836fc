"""Read a dataset from a file, with row filters and column roles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.data.columns.values import NotPlainError, plain
from syngain.data.dataset import Dataset
from syngain.data.files import formats
from syngain.data.files.streams import checked_encoding
from syngain.data.match import with_lineage
from syngain.data.rows import type_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.columns.options import RoleOptions

MARK = "::"


def read(
    path: str | Path,
    *,
    where: Mapping[str, str | Sequence[str]] | None = None,
    roles: RoleOptions | None = None,
    like: Dataset | None = None,
    encoding: str | None = None,
) -> Dataset:
    """Read ``FILE`` or ``FILE::column=value[,value]``; rows must pass all filters.

    Args:
        path: JSON lines, a JSON array or object, CSV, TSV, Parquet, Arrow, a spreadsheet, a folder of files, or a
            pattern (``data/*.parquet``); .gz and .zst too.
        where: more filters, column to value or values.
        roles: fields that the user named; the others are found by name.
        like: the real rows; this file must be of the same kind.
        encoding: of a text file that is neither UTF-8 nor marked as UTF-16.

    Raises:
        InputError: when the file cannot be used as it is; the error names file, line and fix.
    """
    if not isinstance(path, (str, Path)):
        raise UsageError(
            f"{type_name(path)} where rows are expected",
            expected="the path of a file as text or Path, or a Dataset",
            todo="make a Dataset of rows in memory: syngain.Dataset.from_rows(rows)",
        )
    file, written = split_location(path)
    wanted = written | {column: _values(column, value) for column, value in (where or {}).items()}
    filters = "".join(f"{MARK}{column}={','.join(values)}" for column, values in wanted.items())
    loaded = formats.load(file, file.name + filters, _plain(wanted), checked_encoding(encoding))
    dataset = Dataset.of(loaded, roles, like)
    named = roles is not None and roles.source is not None
    return dataset if like is None or named or dataset.sources is None else with_lineage(dataset, like)


def absolute_location(location: str) -> str:
    """``FILE`` or ``FILE::column=value`` with an absolute path, which is found from every folder."""
    path, mark, where = location.partition(MARK)
    return f"{Path(path).absolute()}{mark}{where}"


def split_location(path: str | Path) -> tuple[Path, formats.Where]:
    """The file and the filters of ``FILE::column=value[,value]``.

    Raises:
        UsageError: for a filter without a column or without a value.
    """
    whole = Path(path)
    text = str(path)
    if MARK not in text or "\0" in text or formats.exists(whole):
        return _checked(whole), {}
    file, *filters = text.split(MARK)
    where: formats.Where = {}
    for item in filters:
        column, equals, values = item.partition("=")
        if not equals or not column.strip():
            raise UsageError(
                f"filter `{item}` in {text}",
                expected="FILE::column=value[,value]",
                todo="write for example FILE::split=dev",
            )
        where[column.strip()] = tuple(value.strip() for value in values.split(","))
    return _checked(Path(file)), where


def _checked(path: Path) -> Path:
    if "\0" in str(path):
        raise InputError(
            "a path with a NUL byte", expected="the path of a file", todo="remove the NUL byte from the path"
        )
    return path


def _values(column: str, value: str | Sequence[str]) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) or not hasattr(value, "__iter__") else tuple(value)
    if not values:
        raise UsageError(
            f"no values for the column `{column}` in where",
            expected="a value or a list of values",
            todo=f"pass for example where={{{column!r}: 'dev'}}",
        )
    return tuple(str(item) for item in values)


def _plain(where: formats.Where) -> formats.Where:
    try:
        return {column: tuple(plain(value) or "" for value in values) for column, values in where.items()}
    except NotPlainError as error:
        raise UsageError(
            "a nested value in where", expected="text or numbers", todo="pass for example where={'split': 'dev'}"
        ) from error
