"""Read sheets of Excel and OpenDocument files, with python-calamine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.core.optional import require
from syngain.data.files.headers import SAMPLE, titles
from syngain.data.rows import show, show_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SUFFIXES = (".xlsx", ".xls", ".xlsb", ".xlsm", ".ods")


def sheets(file: Path, name: str) -> dict[str, list[dict[str, object]]]:
    """The rows of every sheet that has any, by its name.

    Raises:
        InputError: the file cannot be read, or has no rows. MissingDependencyError: python-calamine is missing.
    """
    calamine = require("python_calamine", extra="sheets", purpose="reading a spreadsheet")
    try:
        book = calamine.CalamineWorkbook.from_path(str(file))
        cells = {str(sheet): book.get_sheet_by_name(sheet).to_python() for sheet in book.sheet_names}
    except (calamine.CalamineError, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{name}: cannot be read as a spreadsheet ({show(str(error))})",
            expected="an Excel or OpenDocument file",
            todo="save it again, or as CSV",
        ) from error
    found = {sheet: rows for sheet, grid in cells.items() if (rows := _rows(grid, f"{name}, sheet {show(sheet)}"))}
    if not found:
        raise InputError(
            f"{name}: empty, no rows", expected="a sheet with a header and rows", todo="write rows to a sheet"
        )
    return found


def _rows(grid: Sequence[Sequence[object]], name: str) -> list[dict[str, object]]:
    """The rows below the header; titles above it, empty cells and empty rows are left out."""
    filled = [row for row in grid if any(cell not in ("", None) for cell in row)]
    if len(filled) < 2:
        return []
    lead = titles([["" if cell is None else str(cell) for cell in row] for row in filled[:SAMPLE]])
    filled = filled[lead:]
    header = [str(cell).strip() for cell in filled[0]]
    twice = sorted({word for word in header if word and header.count(word) > 1})
    if twice:
        raise InputError(
            f"{name}: the header names {show_names(twice)} more than once",
            expected="one name per column",
            todo="rename one of the columns",
        )
    named = [(place, word) for place, word in enumerate(header) if word]
    return [{word: _cell(row[place]) for place, word in named if place < len(row)} for row in filled[1:]]


def _cell(value: object) -> object:
    """A cell; an empty one is null, and a whole number that the sheet holds as 3.0 is 3."""
    if value == "":
        return None
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value
