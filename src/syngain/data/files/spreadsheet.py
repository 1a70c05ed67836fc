"""Cells that a spreadsheet would run: made inert in CSV and TSV by an apostrophe, and read back as they were."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DELIMITED = frozenset({".csv", ".tsv"})
COMPRESSED = frozenset({".gz", ".zst", ".bz2", ".xz"})
_LIVE = re.compile(r"'*[=+\-@\t\r]")  # with the apostrophes of an earlier cover, so that it can be undone
_COVERED = re.compile(r"'+[=+\-@\t\r]")


def is_delimited(path: Path) -> bool:
    """Whether a file is CSV or TSV, by its name."""
    suffixes = [suffix.casefold() for suffix in path.suffixes]
    return bool(suffixes) and suffixes[-2 if suffixes[-1] in COMPRESSED and len(suffixes) > 1 else -1] in DELIMITED


def check_delimited(*paths: Path) -> None:
    """Refuse to make files safe that no spreadsheet runs.

    Raises:
        UsageError: none of them is CSV or TSV.
    """
    if not any(map(is_delimited, paths)):
        raise UsageError(
            f"--spreadsheet-safe with {' and '.join(str(path) for path in paths)}",
            expected="a .csv or .tsv file to read or to write",
            todo="leave out --spreadsheet-safe",
        )


def covered(row: Mapping[str, object]) -> dict[str, object]:
    """A row whose texts no spreadsheet takes for formulas."""
    return {_cover(name): _cover(value) if isinstance(value, str) else value for name, value in row.items()}


def uncovered(row: Mapping[str, object]) -> dict[str, object]:
    """The row of :func:`covered`."""
    return {_uncover(name): _uncover(value) if isinstance(value, str) else value for name, value in row.items()}


def _cover(text: str) -> str:
    return f"'{text}" if _LIVE.match(text) else text


def _uncover(text: str) -> str:
    return text[1:] if _COVERED.match(text) else text
