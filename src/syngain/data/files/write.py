"""Write rows to files, complete or not at all; the name gives the format."""

from __future__ import annotations

import base64
import csv
import errno
import gzip
import io
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from syngain.core.errors import UnfinishedError, UsageError
from syngain.data.files.formats import COLUMNAR, DELIMITED, JSON, format_suffix
from syngain.data.files.ragged import json_array, ragged
from syngain.data.files.streams import COMPRESSED
from syngain.data.rows import Lazy, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pyarrow as pa

    from syngain.data.dataset import Dataset

Row = dict[str, object]
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_rows(
    path: str | Path,
    dataset: Dataset,
    rows: Sequence[int],
    extra: Mapping[str, Sequence[object]] | None = None,
) -> None:
    """Write the original records of ``rows``, with ``extra`` columns if given.

    An extra column has one value per written row. The name gives the format: ``.jsonl``, ``.json``, ``.csv``, ``.tsv``,
    ``.parquet``, ``.arrow``, each also with ``.gz`` or ``.zst``; a name without a suffix is a folder for ``datasets``.
    An extra column replaces one of its name.

    Raises:
        UsageError: when the format cannot store the rows or the file cannot be written.
        UnfinishedError: when the disk is full.
    """
    write_records(path, _with_columns(dataset, rows, extra or {}))


def _with_columns(dataset: Dataset, rows: Sequence[int], extra: Mapping[str, Sequence[object]]) -> Lazy[Row]:
    for name, values in extra.items():
        if len(values) != len(rows):
            raise UsageError(
                f"{len(values)} values for the column `{name}`",
                expected=f"{len(rows)}, one per row",
                todo="pass one value per row",
            )
    chosen = [int(row) for row in rows]

    def record(index: int) -> Row:
        return dict(dataset.records[chosen[index]]) | {name: values[index] for name, values in extra.items()}

    return Lazy(len(chosen), record)


def write_records(path: str | Path, records: Iterable[Mapping[str, object]]) -> None:
    """Write rows to a temporary file and rename it to ``path`` at the end.

    Readers never see a partial file. JSON is written row by row; other formats take all rows into memory.

    Raises:
        UsageError: when the format cannot store the rows or the file cannot be written.
        UnfinishedError: when the disk is full.
    """
    target = Path(path)
    write = _writer(target)
    try:
        _replaced(target, lambda beside: write(beside, records))
    except RecursionError as error:
        raise _cannot_hold(target, "a row that is nested too deep") from error


def write_text(path: str | Path, text: str) -> None:
    """Write a text file to a temporary name and rename it to ``path`` at the end.

    Lone surrogates become question marks.

    Raises:
        UsageError: when the file cannot be written. UnfinishedError: when the disk is full.
    """
    _replaced(Path(path), lambda beside: _write_text(beside, "", [text.encode("utf-8", errors="replace")]))


@dataclass(frozen=True)
class RowFile:
    """Rows of a dataset as a run file, with extra columns (one value per row).

    Attributes:
        rows: positions in the dataset, in the order they are written.
    """

    dataset: Dataset
    rows: Sequence[int]
    extra: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def records(self) -> Sequence[Mapping[str, object]]:
        """The records."""
        return _with_columns(self.dataset, self.rows, self.extra)

    def origin(self) -> str:
        """The fingerprint of the rows it was taken from, every column of them."""
        return self.dataset.records_fingerprint

    def write(self, path: Path) -> None:
        """Write the rows; see :func:`write_rows`."""
        write_rows(path, self.dataset, self.rows, self.extra)


@dataclass(frozen=True)
class RecordFile:
    """Records as a file of the run folder."""

    records: Sequence[Mapping[str, object]]

    def write(self, path: Path) -> None:
        """Write the records; see :func:`write_records`."""
        write_records(path, self.records)


@dataclass(frozen=True)
class TextFile:
    """A text as a file of the run folder."""

    text: str

    @property
    def records(self) -> Sequence[Mapping[str, object]]:
        """No rows: this file is a text."""
        return ()

    def write(self, path: Path) -> None:
        """Write the text; see :func:`write_text`."""
        write_text(path, self.text)


def _replaced(target: Path, write: Callable[[Path], None]) -> None:
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        write(beside)
        beside.replace(target)
    except OSError as error:
        raise _unwritten(target, error) from error
    finally:
        _remove(beside)


def _writer(target: Path) -> Callable[[Path, Iterable[Mapping[str, object]]], None]:
    suffix = format_suffix(target)
    packed = COMPRESSED.get(target.suffix.lower(), "")
    if suffix in JSON:
        lines = suffix != ".json"
        return lambda beside, records: _write_text(beside, packed, _json_text(records, target, lines=lines))
    if suffix in DELIMITED:
        mark = DELIMITED[suffix] or ","
        return lambda beside, records: _write_text(beside, packed, _delimited_text(_held(records), target, mark))
    if suffix in COLUMNAR:
        return lambda beside, records: _write_columnar(beside, packed, COLUMNAR[suffix], _table(_held(records), target))
    if not suffix and not packed:
        return lambda beside, records: _write_folder(beside, _table(_held(records), target))
    raise UsageError(
        f"cannot write to {target.name}: unknown suffix `{suffix}`",
        expected="a name that ends in .jsonl, .json, .csv, .tsv, .parquet or .arrow, optionally with .gz or .zst",
        todo="rename the output",
    )


def _held(records: Iterable[Mapping[str, object]]) -> Sequence[Mapping[str, object]]:
    return records if isinstance(records, Sequence) else list(records)


def _json_text(records: Iterable[Mapping[str, object]], target: Path, *, lines: bool) -> Iterator[bytes]:
    if lines:
        for record in records:
            yield _json(record, target) + b"\n"
        return
    mark = b"[\n"
    for record in records:
        yield mark + _json(record, target)
        mark = b",\n"
    yield b"\n]\n" if mark == b",\n" else b"[]\n"


def _json(record: Mapping[str, object], target: Path) -> bytes:
    try:
        try:
            return _as_json(record).encode()
        except UnicodeEncodeError:  # lone surrogates need an escape
            return json.dumps(record, default=_json_value).encode()
    except (TypeError, ValueError) as error:
        raise _cannot_hold(target, str(error)) from error


def _json_value(value: object) -> object:
    """Convert values without a JSON form: dates to text, binary to base64.

    Numbers of other libraries become numbers.
    """
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    item = getattr(value, "item", None)
    if callable(item):
        return item()
    return str(value)


_as_json = json.JSONEncoder(ensure_ascii=False, default=_json_value).encode


def _delimited_text(records: Sequence[Mapping[str, object]], target: Path, mark: str) -> Iterator[bytes]:
    header = list(dict.fromkeys(name for record in records for name in record))
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=mark)
    rows: Iterable[list[str]] = ([_cell(record.get(name), name, target) for name in header] for record in records)
    for cells in _chained(header, rows) if header else ():
        writer.writerow(cells)
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        try:
            yield text.encode()
        except UnicodeEncodeError as error:
            raise _cannot_hold(target, "a lone surrogate") from error


def _chained(header: list[str], rows: Iterable[list[str]]) -> Iterator[list[str]]:
    yield header
    yield from rows


def _cell(value: object, name: str, target: Path) -> str:
    if value is None:
        return ""
    if isinstance(value, (dict, list, tuple, set, bytes)):
        raise _cannot_hold(target, f"the nested field `{show(name)}`")
    text = value if isinstance(value, str) else str(_json_value(value)) if not isinstance(value, bool) else str(value)
    if "\0" in text:
        raise _cannot_hold(target, f"a NUL character in `{show(name)}`")
    return text


def _table(records: Sequence[Mapping[str, object]], target: Path) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, list[object]] = {}
    for index, record in enumerate(records):
        for name, value in record.items():
            column = columns.setdefault(name, [])
            column.extend([None] * (index - len(column)))
            column.append(value)
    arrays = {}
    for name, values in columns.items():
        values.extend([None] * (len(records) - len(values)))
        try:
            if ragged(values):
                arrays[name] = json_array([None if value is None else _as_json(value) for value in values])
            else:
                arrays[name] = pa.array(values)
        except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
            raise _cannot_hold(target, f"the column `{show(name)}` ({show(str(error))})") from error
    return pa.table(arrays)


def _write_text(beside: Path, packed: str, parts: Iterable[bytes]) -> None:
    with _opened(beside, packed) as file:
        for part in parts:
            file.write(part)


def _write_columnar(beside: Path, packed: str, kind: str, table: pa.Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with _opened(beside, packed) as file:
            if kind == "parquet":
                pq.write_table(table, file)
            else:
                with pa.ipc.new_stream(file, table.schema) as stream:
                    stream.write_table(table)
    except (pa.ArrowException, UnicodeEncodeError) as error:
        raise _cannot_hold(beside, show(str(error))) from error


def _write_folder(beside: Path, table: pa.Table) -> None:
    """Write the layout of ``datasets.save_to_disk``, for ``load_from_disk``."""
    beside.mkdir()
    name = "data-00000-of-00001.arrow"
    _write_columnar(beside / name, "", "arrow", table)
    state: dict[str, object] = {
        "_data_files": [{"filename": name}],
        "_fingerprint": "syngain",
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    (beside / "state.json").write_text(json.dumps(state, indent=2) + "\n")
    (beside / "dataset_info.json").write_text("{}\n")


@contextmanager
def _opened(path: Path, packed: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    import pyarrow as pa

    with path.open("wb") as raw:
        if packed == "gzip":
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:  # equal rows give equal bytes
                yield file
        elif packed == "zstd":
            with pa.CompressedOutputStream(pa.PythonFile(raw, mode="w"), "zstd") as stream:
                yield stream
        else:
            yield raw


def _remove(beside: Path) -> None:
    if beside.is_dir():
        shutil.rmtree(beside, ignore_errors=True)
    else:
        beside.unlink(missing_ok=True)


def _cannot_hold(target: Path, what: str) -> UsageError:
    return UsageError(
        f"{target.name}: this format cannot store {what}",
        expected="rows that fit the format (CSV: flat text; Parquet and Arrow: one type per column)",
        todo="write to a .jsonl file",
    )


def _unwritten(target: Path, error: OSError) -> UsageError | UnfinishedError:
    problem = error.strerror or str(error)
    if error.errno in FULL:
        return UnfinishedError(
            f"{target}: {problem}", expected="enough disk space", todo="free disk space and run again"
        )
    return UsageError(
        f"{target}: cannot be written ({problem})", expected="a writable path", todo="name another output file"
    )
