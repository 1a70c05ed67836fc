"""``syngain convert``: write a file in another layout or format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.documents.json_documents import json_file
from syngain.core.errors import InputError, UsageError
from syngain.data import write_records
from syngain.data.files import formats
from syngain.data.files.spreadsheet import check_delimited, covered, is_delimited, uncovered
from syngain.data.files.streams import checked_encoding
from syngain.data.files.write import write_text
from syngain.data.layouts import convert_rows, detect_layout, layout_named
from syngain.data.layouts.convert import WRITTEN
from syngain.data.read import split_location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.data.layouts.entry import Row

INFO = "dataset_info.json"
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """Result of a conversion.

    Attributes:
        rows: how many. source, target: layouts; equal where only the format changed.
        lost: fields to rows that had them. files: what was written.
    """

    rows: int
    source: str
    target: str
    lost: Mapping[str, int]
    files: tuple[Path, ...]


def convert(  # noqa: PLR0913  (the inputs and switches of the command)
    path: str | Path,
    output: str | Path,
    *,
    to: str | None = None,
    source: str | None = None,
    prompt: str | None = None,
    response: str | None = None,
    lossy: bool = False,
    force: bool = False,
    encoding: str | None = None,
    spreadsheet_safe: bool = False,
) -> Conversion:
    """Write the rows of a file in another layout, format or both.

    Args:
        path: ``FILE`` or ``FILE::column=value``.
        output: its suffix names the format (``.jsonl``, ``.json``, ``.csv``, ``.parquet`` ..., also ``.gz``, ``.zst``).
        to: the layout to write; None keeps the rows as they are.
        source: the layout they are in; None finds it by the fields.
        prompt: its column, for layouts that have no fixed one.
        response: the same of the response.
        lossy: leave out fields that have no place, and count them; else they are an error.
        force: replace a file.
        encoding: of a text file that is not UTF-8.
        spreadsheet_safe: write an apostrophe before cells of CSV and TSV that a spreadsheet would run (they begin with
            ``= + - @``, a tab or a carriage return), and remove it from those that are read.

    Raises:
        InputError: the file cannot be read, or a row cannot be expressed. UsageError: a layout that is not written, or
            a file that is there.
    """
    target = Path(output)
    if to is not None and to not in WRITTEN:
        raise UsageError(
            f"--to {to}",
            expected=f"one of {', '.join(WRITTEN)}",
            todo=f"choose --to {(get_close_matches(to, WRITTEN, n=1) or WRITTEN)[0]}",
        )
    if target.exists() and not force:
        todo = "name another --output, or replace it with --force"
        raise UsageError(f"{target} exists", expected="a new file", todo=todo)
    rows, name = _rows(path, encoding)
    if spreadsheet_safe:
        check_delimited(Path(name.partition("::")[0]), target)
        rows = [uncovered(row) for row in rows] if is_delimited(Path(name.partition("::")[0])) else rows
    covering = covered if spreadsheet_safe and is_delimited(target) else _unchanged
    if to is None:
        write_records(target, [covering(row) for row in rows])
        return Conversion(len(rows), "rows", "rows", {}, (target,))
    found = source or detect_layout(_fields(rows), name)
    done = convert_rows(
        rows, layout_named(found, prompt=prompt, response=response), layout_named(to), lossy=lossy, name=name
    )
    info = _described(target, done.rows) if to == "llama_factory" else None
    write_records(target, [covering(row) for row in done.rows])
    if info is None:
        return Conversion(len(done.rows), found, to, done.lost, (target,))
    write_text(target.with_name(INFO), json.dumps(info, indent=2, ensure_ascii=False) + "\n")
    return Conversion(len(done.rows), found, to, done.lost, (target, target.with_name(INFO)))


def _unchanged(row: Row) -> Mapping[str, object]:
    return row


def _rows(path: str | Path, encoding: str | None = None) -> tuple[list[Row], str]:
    file, where = split_location(path)
    filters = "".join(f"::{column}={','.join(values)}" for column, values in where.items())
    loaded = formats.load(file, file.name + filters, where, checked_encoding(encoding))
    if loaded.odd.first is not None:  # nothing is left out in silence where rows are written again
        raise loaded.odd.first
    return list(loaded.rows), loaded.name


def _fields(rows: list[Row]) -> dict[str, object]:
    """Fields with the first value of each that is not null."""
    out: dict[str, object] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                out.setdefault(name, value)
    return out


def _described(target: Path, rows: Sequence[Row]) -> dict[str, object]:
    """``dataset_info.json`` next to the file with one more entry, others kept.

    Raises:
        InputError: the file that is there is not a JSON object.
    """
    beside = target.with_name(INFO)
    known: object = {}
    if beside.exists():
        try:
            known = json_file(
                beside, expected="a JSON object of datasets", todo="write into another folder, or correct the file"
            )
        except FileNotFoundError:
            known = {}
    if not isinstance(known, dict):
        raise InputError(
            f"{beside} is not a JSON object", expected="a JSON object of datasets", todo="write into another folder"
        )
    tools = any("tools" in row for row in rows)  # a column that is named is read in every row
    entry = {
        "file_name": target.name,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", **({"tools": "tools"} if tools else {})},
        "tags": TAGS,
    }
    return {**known, target.name.split(".")[0]: entry}
