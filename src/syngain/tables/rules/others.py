"""Other files of a data base, whose rows the rows of a table point at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError, UsageError
from syngain.core.fingerprint import fingerprint_lines
from syngain.data.columns.values import is_missing, plain
from syngain.data.dataset import Dataset
from syngain.data.rows import show, type_name
from syngain.tables.cells.source import TableSource

if TYPE_CHECKING:
    from collections.abc import Iterator

FEWEST = 2  # rows of a file that others point at
EXAMPLE = "--table customers=customers.csv"

Given = str | Path | Dataset | TableSource | Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class OtherTable:
    """A file that rows point at.

    Attributes:
        name: what rules call it. rows: how many. fingerprint: of all its cells.
    """

    name: str
    rows: int
    fingerprint: str
    _keys: Mapping[str, Sequence[str]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, name: str, given: Given) -> OtherTable:
        """The columns of a file, or of rows in memory, that are different in every row.

        Raises:
            InputError: the file cannot be read, or none of its columns is different in every row.
            UsageError: no file and no rows.
        """
        source = _source(name, given)
        keys = dict(_keys(source))
        if not keys:
            raise InputError(
                f"{source.name}: no column is filled and different in every row",
                expected="a file with a key that other rows point at",
                todo="give the file with one row per key, or leave it out",
            )
        return cls(name, source.rows, fingerprint_lines([name, source.fingerprint]), keys)

    @property
    def keys(self) -> Mapping[str, Sequence[str]]:
        """The values of each column that is different in every row, in the order of the file."""
        return self._keys


def read_tables(given: Mapping[str, Given] | Sequence[OtherTable] | None) -> tuple[OtherTable, ...]:
    """Other files by name, or those that are read already.

    Raises:
        InputError: a file cannot be read, or has no key. UsageError: no names, or no files.
    """
    if given is None:
        return ()
    if isinstance(given, (list, tuple)) and all(isinstance(one, OtherTable) for one in given):
        return tuple(given)
    if not isinstance(given, Mapping):
        raise UsageError(
            f"{type_name(given)} as `tables`",
            expected="files by name",
            todo='for example {"customers": "customers.csv"}',
        )
    return tuple(OtherTable.of(str(name), one) for name, one in given.items())


def _source(name: str, given: Given) -> TableSource:
    if isinstance(given, TableSource):
        return given
    if isinstance(given, Dataset):
        return TableSource.from_rows(given.records, given.name)
    if isinstance(given, (str, Path)):
        return TableSource.read(given)
    if isinstance(given, (list, tuple)):
        return TableSource.from_rows(given, name)
    raise UsageError(
        f"{type_name(given)} as the table {show(name)}", expected="a file or rows", todo=f"for example {EXAMPLE}"
    )


def _keys(source: TableSource) -> Iterator[tuple[str, list[str]]]:
    """Columns without missing or repeated values."""
    for name, cells in source.cells.items():
        values = [plain(cell) for cell in cells if not is_missing(cell)]
        known = [value for value in values if value is not None]
        if len(known) == source.rows >= FEWEST and len(set(known)) == len(known):
            yield name, known
