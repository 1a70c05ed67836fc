"""The cells of a file or of rows in memory, every column of them, without roles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.core.fingerprint import fingerprint_lines
from syngain.data.dataset import Dataset
from syngain.data.files import formats
from syngain.data.files.streams import checked_encoding
from syngain.data.read import MARK, split_location
from syngain.data.rows import in_memory, show
from syngain.tables.cells.kinds import written_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.rows import Loaded

CELLS = 200_000_000  # most cells that are read
BETWEEN = "\x1f"


@dataclass(frozen=True)
class TableSource:
    """A table as it was written: columns by name, in the order of the file.

    Attributes:
        name: the file with its filter, for messages. cells: None where a row has no value.
    """

    name: str
    cells: Mapping[str, Sequence[object]]

    @classmethod
    def of(cls, real: TableInput, encoding: str | None = None) -> TableSource:
        """The cells of real rows, read when they are a path.

        Raises:
            InputError: as :meth:`read`.
        """
        if isinstance(real, TableSource):
            return real
        if isinstance(real, Dataset):
            return cls.from_rows(real.records, real.name)
        return cls.read(real, encoding)

    @classmethod
    def read(cls, path: str | Path, encoding: str | None = None) -> TableSource:
        """The table of ``FILE`` or ``FILE::column=value``.

        Raises:
            InputError: the file cannot be read, or a cell holds a list or an object.
        """
        file, where = split_location(path)
        name = file.name + "".join(f"{MARK}{column}={','.join(values)}" for column, values in where.items())
        return cls._of(formats.load(file, name, where, checked_encoding(encoding)))

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, object]], name: str = "rows") -> TableSource:
        """The table of rows in memory."""
        return cls._of(in_memory(rows, name))

    @classmethod
    def _of(cls, loaded: Loaded) -> TableSource:
        names = list(loaded.fields)
        if len(names) * len(loaded) > CELLS:
            raise InputError(
                f"{loaded.name}: {len(loaded):,} rows x {len(names):,} columns",
                expected=f"at most {CELLS:,} cells",
                todo="keep fewer rows or columns",
            )
        columns = list(zip(*loaded.values(names), strict=True)) if names else []
        for name, column in zip(names, columns, strict=True):
            nested = next((row for row, cell in enumerate(column) if isinstance(cell, (list, dict, bytes))), None)
            if nested is not None:
                raise InputError(
                    f"{loaded.place(nested)}: `{show(name)}` holds a list or an object",
                    expected="a number, a word, a date or nothing in every cell",
                    todo="remove this column, or use a recipe for texts",
                )
        return cls(loaded.name, dict(zip(names, columns, strict=True)))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.cells.values()), ()))

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of names and cells."""
        rows = zip(*self.cells.values(), strict=True)
        written = (BETWEEN.join(map(written_form, row)) for row in rows)
        return fingerprint_lines([BETWEEN.join(self.cells), *written])


TableInput = TableSource | Dataset | str | Path
