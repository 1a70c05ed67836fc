"""``syngain convert``: write a file in another layout or format."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.documents.json_documents import json_file
from syngain.core.errors import InputError, UsageError
from syngain.data import write_records
from syngain.data.columns.build import opened_fields
from syngain.data.columns.options import RoleOptions
from syngain.data.columns.roles import Kind, detect
from syngain.data.files import formats
from syngain.data.files.formats import format_suffix
from syngain.data.files.spreadsheet import check_delimited, covered, is_delimited, uncovered
from syngain.data.files.streams import COMPRESSED, checked_encoding
from syngain.data.files.write import write_text
from syngain.data.layouts import WRITTEN, Rewriting, detect_layout, layout_named, target_named
from syngain.data.layouts.columns import ColumnLayout
from syngain.data.layouts.trainers import TrainerFormat
from syngain.data.layouts.trainers.llama_factory import described
from syngain.data.read import split_location
from syngain.data.rows import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from syngain.data.columns.roles import Roles
    from syngain.data.layouts.entry import Layout, Row
    from syngain.data.rows import Loaded

INFO = "dataset_info.json"
DESCRIBED = ("llama_factory", "llama_factory_alpaca")
OWN_COLUMNS = {"prompt_completion", "qa", "curator", "text"}  # layouts that leave further columns of a prompt outside


@dataclass(frozen=True, slots=True)
class Conversion:
    """Result of a conversion.

    Attributes:
        rows: how many were read. source, target: layouts; equal where only the format changed.
        lost: what was left out, to the number of rows that had it. files: what was written.
        skipped: reasons of rows that were left out as a whole, to their number. entry: the name of the dataset in
            ``dataset_info.json``; empty for other targets. warnings: how the file was read, where that needs attention.
    """

    rows: int
    source: str
    target: str
    lost: Mapping[str, int]
    files: tuple[Path, ...]
    skipped: Mapping[str, int] = field(default_factory=dict)
    entry: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def written(self) -> int:
        """The number of rows that were written."""
        return self.rows - sum(self.skipped.values())


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
        lossy: leave out what has no place or would not be read as it is meant, and rows that the trainer would skip,
            and count both; else they are an error.
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
    kind = None if to is None else target_named(to)
    if isinstance(kind, TrainerFormat):
        _check_suffix(kind, target)
    loaded = _loaded(path, encoding)
    covering = _covering(loaded, target) if spreadsheet_safe else None
    if kind is None:
        write_records(target, loaded.rows if covering is None else [covering(row) for row in loaded.rows])
        return Conversion(len(loaded), "rows", "rows", {}, (target,), warnings=loaded.notes)
    said = loaded.notes
    found, loaded, layout = _source(loaded, source, prompt, response)
    inert = covering is not None and is_delimited(Path(loaded.file))
    rewriting = Rewriting(
        [uncovered(row) for row in loaded.rows] if inert else loaded.rows, layout, kind, lossy, loaded.name
    )
    entry = _rewritten(rewriting, target, to, spreadsheet_safe=covering is not None)
    files, lost = (target, target.with_name(INFO)) if entry else (target,), dict(sorted(rewriting.lost.items()))
    return Conversion(rewriting.read, found, to or "", lost, files, dict(rewriting.skipped), entry, said)


NAMED = {"data_designer", "curator", "prompt_completion", "qa"}  # layouts whose columns may be named


def _of_columns(fields: Mapping[str, object], prompt: str | None, response: str | None, name: str) -> str:
    """The layout of rows whose columns are named: the one they have where it takes names, else that of two columns."""
    try:
        found = detect_layout(fields, name)
    except InputError:
        if prompt not in fields or response not in fields:
            raise
        found = ""
    return found if found in NAMED or prompt not in fields or response not in fields else "qa"


def _rewritten(rewriting: Rewriting, target: Path, to: str | None, *, spreadsheet_safe: bool) -> str:
    """Write the rows, and the description next to them; returns its entry, empty where there is none."""
    closed = covered if spreadsheet_safe and is_delimited(target) else _unchanged
    if to in DESCRIBED:
        _known(target)  # an unreadable file is an error before the rows are written
    rewriting.run(lambda made: write_records(target, map(closed, made) if spreadsheet_safe else made))
    if to not in DESCRIBED:
        return ""
    entry, info = _described(target, rewriting.fields)
    write_text(target.with_name(INFO), json.dumps(info, indent=2, ensure_ascii=False) + "\n")
    return entry


def _check_suffix(trainer: TrainerFormat, target: Path) -> None:
    """Raise UsageError for a file that the trainer does not open."""
    packed = target.suffix.lower() in COMPRESSED
    if trainer.suffixes and (packed or format_suffix(target) not in trainer.suffixes):
        raise UsageError(
            f"{target.name}: {trainer.title} does not open such a file",
            expected=f"a name that ends in {', '.join(trainer.suffixes)}",
            todo=f"name OUT {target.name.split('.')[0]}{trainer.suffixes[0]}",
        )


def _covering(loaded: Loaded, target: Path) -> Callable[[Row], Mapping[str, object]]:
    """How cells change where a spreadsheet would run them."""
    read = Path(loaded.file)
    check_delimited(read, target)
    opened = uncovered if is_delimited(read) else _unchanged
    closed = covered if is_delimited(target) else _unchanged
    return lambda row: closed(dict(opened(row)))


def _unchanged(row: Row) -> Mapping[str, object]:
    return row


def _loaded(path: str | Path, encoding: str | None = None) -> Loaded:
    file, where = split_location(path)
    filters = "".join(f"::{column}={','.join(values)}" for column, values in where.items())
    loaded = formats.load(file, file.name + filters, where, checked_encoding(encoding))
    if loaded.odd.first is not None:  # nothing is left out in silence where rows are written again
        raise loaded.odd.first
    return loaded


def _source(loaded: Loaded, source: str | None, prompt: str | None, response: str | None) -> tuple[str, Loaded, Layout]:
    """The layout of the rows, the rows with the fields that it reads, and how to read them."""
    fields = _fields(loaded)
    if source is not None or prompt is not None or response is not None:
        found = source or _of_columns(fields, prompt, response, loaded.name)
        return found, loaded, layout_named(found, prompt=prompt, response=response)
    try:
        found = detect_layout(fields, loaded.name)
    except InputError:
        found = ""
    if found and found not in OWN_COLUMNS:
        return found, loaded, layout_named(found)
    opened, roles = _roles(loaded)
    if roles is None or roles.kind is Kind.TABLE or roles.shape in {"tokens", "triplet"}:
        found = found or detect_layout(fields, loaded.name)
        return found, loaded, layout_named(found)
    if found and len(roles.text) <= 2 and roles.rejected is None:
        return found, loaded, layout_named(found)
    named = [*roles.text, *([roles.rejected] if roles.rejected else [])]
    return f"columns ({', '.join(map(show, named))})", opened, ColumnLayout(roles, frozenset(opened.fields))


def _roles(loaded: Loaded) -> tuple[Loaded, Roles | None]:
    """The rows with computed fields, and the role of each field as the audit finds them."""
    options = RoleOptions()
    try:
        opened, _ = opened_fields(loaded, options, None)
        return opened, detect(opened, options, None)
    except InputError:
        return loaded, None


def _fields(loaded: Loaded) -> dict[str, object]:
    """Fields with the first value of each that is not null."""
    return {
        name: loaded.rows[found.first].get(name) for name, found in loaded.fields.items() if found.first >= 0
    } or dict.fromkeys(loaded.fields)


def _known(target: Path) -> dict[str, object]:
    """The datasets of ``dataset_info.json`` next to a file.

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
    return known


def _described(target: Path, fields: Iterable[str]) -> tuple[str, dict[str, object]]:
    """The name of the dataset, and ``dataset_info.json`` with its entry; those of other files are kept.

    The name is that of the file without its suffix; with it where another file has this name.
    """
    known = _known(target)
    name = target.name[: -len(format_suffix(target))] or target.name
    there = known.get(name)
    if isinstance(there, dict) and there.get("file_name") not in {target.name, None}:
        name = target.name
    return name, {**known, name: described(target.name, fields)}
