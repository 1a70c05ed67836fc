"""Detect the format of a file and read the rows that pass the filter."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.core.errors import InputError
from syngain.data.columns.values import NotPlainError, plain
from syngain.data.files import choices, columnar, delimited, jsonrows, spreadsheets, wrapped
from syngain.data.files.columnar import ARROW_FILE, ARROW_STREAM, PARQUET
from syngain.data.files.joined_rows import joined
from syngain.data.files.streams import BOM, COMPRESSED, Source, decoded, opened, transcoded, unpacked
from syngain.data.raw_rows import RawRows
from syngain.data.rows import Lazy, ListRows, Loaded, OddRows, Tally, show, show_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.rows import Codec, Record

JSON = {".jsonl", ".ndjson", ".jsonlines", ".json"}
LINES = JSON - {".json"}
DELIMITED = {".csv": None, ".tsv": "\t", ".tab": "\t"}
COLUMNAR = {".parquet": "parquet", ".pq": "parquet", ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow"}
KNOWN = (
    "JSON lines, a JSON array or object, CSV, TSV, Parquet, Arrow, .xlsx, .ods, or a folder of these; .gz and .zst are "
    "unpacked"
)
LONG = 1_000_000  # bytes of a first row of JSON lines that no wrapper is looked for in
TRACKED = 1000  # values of a filter column that are remembered for the message

Where = dict[str, tuple[str, ...]]
Reader = Callable[[Path], Iterable[Mapping[str, object]]]
READERS: dict[str, Reader] = {}
"""Readers of further formats by suffix (``.xlsx``). Add a format here."""


def load(path: Path, name: str, where: Where, encoding: str | None = None) -> Loaded:
    """The rows of a file, a folder or a pattern that pass the filter.

    Raises:
        InputError: when a file or one of its rows cannot be read, or no row passes the filter.
    """
    suffix = format_suffix(path)
    if suffix in READERS:
        with unpacked(path, name) as plain_file:
            return _from_records(READERS[suffix](plain_file), path, name, where)
    if suffix in spreadsheets.SUFFIXES and not _is_folder(path):
        return _from_sheets(path, name, where)
    if _is_folder(path):
        return _from_folder(path, name, where, encoding)
    if choices.is_pattern(path) and not exists(path):
        return _from_files(choices.files_of_pattern(path, name), (path, name), where, encoding)
    with opened(path, name) as source:
        return _from_source(source, path, where, encoding)


def _from_sheets(path: Path, name: str, where: Where) -> Loaded:
    with unpacked(path, name) as plain_file:
        found = spreadsheets.sheets(plain_file, name)
    if len(found) > 1 and "sheet" not in where:
        first, *others = found
        note = f"the sheet `{first}` is read, not {show_names(others)} ({name}::sheet={others[0]})"
        return replace(_from_records(found[first], path, name, where), notes=(note,))
    chosen, rest, _ = choices.choose(found, where, name, "sheet")
    return _from_records(found[chosen], path, name, dict(rest))


def _from_folder(path: Path, name: str, where: Where, encoding: str | None) -> Loaded:
    """The rows of a folder: of one split that `datasets` saved, of several, or of its files."""
    if columnar.is_saved_split(path):
        return _from_table(columnar.folder_rows(path, name), path, name, where)
    folders = choices.saved_splits(path)
    if folders:
        chosen, rest, notes = choices.choose(folders, where, name, "split")
        rows = columnar.folder_rows(folders[chosen], name)
        return replace(_from_table(rows, path, name, dict(rest)), notes=tuple(notes))
    files = choices.split_files(path, {*JSON, *DELIMITED, *COLUMNAR}, name)
    if not files:
        raise columnar.not_a_folder_of_rows(path)
    chosen, rest, notes = choices.choose(files, where, name, "split")
    loaded = _from_files(files[chosen], (path, name), dict(rest), encoding)
    return replace(loaded, notes=(*notes, *loaded.notes))


def _from_files(files: list[Path], whole: tuple[Path, str], where: Where, encoding: str | None) -> Loaded:
    """The rows of several files of one format, one after the other."""
    path, name = whole
    if all(format_suffix(file) in COLUMNAR and file.suffix.lower() not in COMPRESSED for file in files):
        kinds = {COLUMNAR[format_suffix(file)] for file in files}
        if kinds == {"parquet"}:
            return _from_table(columnar.parquet_rows(files, name), path, name, where)
    loaded = [_part(file, where, encoding) for file in files]
    if len(loaded) == 1:
        return replace(loaded[0], file=path.name, name=name)
    return joined(loaded, path.name, name)


def _part(file: Path, where: Where, encoding: str | None) -> Loaded:
    with opened(file, file.name) as source:
        return _from_source(source, file, where, encoding)


def exists(path: Path) -> bool:
    """Whether there is something at a path; False for one that the system does not take."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def format_suffix(path: Path) -> str:
    """The format suffix: the one before ``.gz`` or ``.zst``, in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for the system; opening it raises the error
        return False


def _from_source(source: Source, path: Path, where: Where, encoding: str | None) -> Loaded:
    if not source.look().startswith((PARQUET, ARROW_FILE, ARROW_STREAM)):
        source = transcoded(source, encoding)
    kind, odd = _kind(source.look(), format_suffix(path), source.name), OddRows()
    head = source.look().removeprefix(BOM)
    long_row = (
        format_suffix(path) in LINES and len(head) >= LONG and b"\n" not in head
    )  # JSON lines are never read whole
    if kind == "lines" and not long_row and wrapped.may_be_wrapped(head):
        return _from_object(source, path, where)
    if kind == "lines":
        lines = _Parsed(jsonrows.json_lines(source, odd), jsonrows.JsonCodec(), odd)
        return _collected(lines, source.name, path, where)
    if kind == "array":
        return _collected(
            _Parsed(jsonrows.json_array(source, odd), jsonrows.JsonCodec(), odd), source.name, path, where
        )
    if kind in {"parquet", "arrow"}:
        return _from_buffer(source, path, kind, where)
    reader = delimited.DelimitedReader.open(source, "\t" if kind == "tsv" else None)
    loaded = _collected(_Parsed(reader, reader.codec, odd), source.name, path, where)
    return replace(loaded, notes=reader.notes) if reader.notes else loaded


def _from_object(source: Source, path: Path, where: Where) -> Loaded:
    """The rows of a JSON file that begins as one object over several lines, or as one with a list."""
    content, name, odd = source.whole(), source.name, OddRows()
    text = decoded(content.removeprefix(BOM), name, 1)
    found = wrapped.unwrapped(text, where, name, lines=format_suffix(path) in LINES)
    if found is None:
        again = Source(name, BytesIO(content).read)
        lines = _Parsed(jsonrows.json_lines(again, odd), jsonrows.JsonCodec(), odd)
        return _collected(lines, name, path, where)
    return _unwrapped(found, text, path, name)


def _unwrapped(found: wrapped.Wrapped, text: str, path: Path, name: str) -> Loaded:
    rest, odd = dict(found.rest), OddRows()
    if found.start < 0:
        return replace(_from_records(found.rows, path, name, rest), notes=found.notes)
    rows = _Parsed(jsonrows.array_rows(text, found.start, name, odd), jsonrows.JsonCodec(), odd)
    return replace(_collected(rows, name, path, rest), notes=found.notes)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """Rows as they are parsed, their codec, and the count of values that are no rows."""

    rows: Iterable[tuple[int, bytes, Record]]
    codec: Codec
    odd: OddRows


def _kind(head: bytes, suffix: str, name: str) -> str:
    """The format by the first bytes, then the name, then the first line."""
    if not head:
        raise InputError(f"{name}: empty, no rows", expected=KNOWN, todo="write rows to this file, or name another")
    magic = {PARQUET: "parquet", ARROW_FILE: "arrow", ARROW_STREAM: "arrow"}
    for mark, kind in magic.items():
        if head.startswith(mark):
            return kind
    if suffix in COLUMNAR:
        raise InputError(
            f"{name}: does not begin like {COLUMNAR[suffix].capitalize()} data",
            expected=f"{COLUMNAR[suffix].capitalize()} data in a file named `{suffix}`",
            todo="write it again, or rename it to match its format",
        )
    _refuse_binary(head, name)
    first = head.removeprefix(BOM).lstrip()[:1]
    if suffix in JSON or (suffix not in DELIMITED and first in {b"{", b"["}):
        return "array" if first == b"[" else "lines"
    if suffix in DELIMITED:
        return "tsv" if DELIMITED[suffix] else "csv"
    return _by_first_line(head, name)


def _by_first_line(head: bytes, name: str) -> str:
    line = head.removeprefix(BOM).lstrip().split(b"\n", 1)[0]
    if b"\t" in line:
        return "tsv"
    if b"," in line or b";" in line or b"|" in line:
        return "csv"
    raise InputError(
        f"{name}: unknown format (begins with {show(line[:60].decode('utf-8', 'replace'))!r})",
        expected=KNOWN,
        todo="name the file after its format, for example rows.jsonl or rows.csv",
    )


PACKED = {
    b"PK\x03\x04": "zip archive",
    b"%PDF": "PDF",
    b"7z\xbc\xaf": "7z archive",
    b"BZh91AY&SY": "bzip2 file",
    b"\xfd7zXZ": "xz file",
    b"SQLite format 3": "SQLite database",
    b"\x80\x04": "pickle",
    b"\x93NUMPY": "NumPy array",
}


def _refuse_binary(head: bytes, name: str) -> None:
    start = head[:4096]
    packed = next((what for mark, what in PACKED.items() if start.startswith(mark)), None)
    if packed is not None:
        raise InputError(
            f"{name}: a {packed}", expected=KNOWN, todo="unpack it, or export its rows as JSON lines, CSV or Parquet"
        )
    if b"\0" in start and start[::2].count(0) + start[1::2].count(0) > 0.3 * len(start):
        guess = "utf-16-be" if start[::2].count(0) > start[1::2].count(0) else "utf-16-le"
        raise InputError(
            f"{name}: text in UTF-16 without a byte-order mark, or a binary file",
            expected=KNOWN,
            todo=f"name the encoding: --encoding {guess} (Python: encoding={guess!r})",
        )
    if b"\0" in start:
        raise InputError(
            f"{name}: a binary file of unknown format", expected=KNOWN, todo="name a file in one of these formats"
        )


def _collected(parsed: _Parsed, name: str, path: Path, where: Where) -> Loaded:
    kept, tally, wanted = RawRows(parsed.codec), Tally(), Filter(where)
    position, seen = 0, 0
    for number, raw, record in parsed.rows:
        seen += 1
        if not where or wanted.keeps(record):
            kept.append(raw, number)
            tally.add(record, position)
            position += 1
        elif not position:
            wanted.note(record)
    parsed.odd.check(seen + len(parsed.odd))
    if not position:
        raise wanted.nothing(name)
    return Loaded(
        file=path.name,
        name=name,
        unit="line",
        numbers=kept.numbers,
        rows=Lazy(position, kept.record),
        values=kept.values,
        fields=tally.fields(),
        written=isinstance(parsed.codec, delimited.DelimitedCodec),
        filtered=frozenset(where),
        odd=parsed.odd,
    )


def _from_records(records: Iterable[Mapping[str, object]], path: Path, name: str, where: Where) -> Loaded:
    kept: list[Mapping[str, object]] = []
    numbers, tally, wanted = array("q"), Tally(), Filter(where)
    for number, record in enumerate(records, 1):
        if not where or wanted.keeps(dict(record)):
            tally.add(record, len(kept))
            kept.append(record)
            numbers.append(number)
        elif not kept:
            wanted.note(dict(record))
    if not kept:
        raise wanted.nothing(name)
    rows = ListRows(kept)
    return Loaded(
        file=path.name,
        name=name,
        unit="row",
        numbers=numbers,
        rows=Lazy(len(kept), rows.record),
        values=rows.values,
        fields=tally.fields(),
        filtered=frozenset(where),
    )


def _from_buffer(source: Source, path: Path, kind: str, where: Where) -> Loaded:
    import pyarrow as pa

    stream = not source.look().startswith(ARROW_FILE)
    plain_file = path.is_file() and path.suffix.lower() not in COMPRESSED
    file = path if plain_file else pa.BufferReader(source.whole())  # the former is read without a copy
    if kind == "parquet":
        rows = columnar.parquet_rows(file, source.name)
    else:
        rows = columnar.arrow_rows(file, source.name, stream=stream)
    return _from_table(rows, path, source.name, where)


def _from_table(rows: columnar.ArrowRows, path: Path, name: str, where: Where) -> Loaded:
    numbers: Sequence[int] = range(1, rows.table.num_rows + 1)
    wanted = Filter(where)
    if where:
        chosen = []
        for index, cells in enumerate(rows.values(list(where))):
            record = {column: cell for column, cell in zip(where, cells, strict=True) if cell is not None}
            if wanted.keeps(record):
                chosen.append(index)
            elif not chosen:
                wanted.note(record)
        wanted.names.update(dict.fromkeys(rows.table.column_names))
        rows, numbers = rows.kept(chosen), [index + 1 for index in chosen]
    if not numbers:
        raise wanted.nothing(name)
    return Loaded(
        file=path.name,
        name=name,
        unit="row",
        numbers=numbers,
        rows=Lazy(len(numbers), rows.record),
        values=rows.values,
        fields=rows.fields(),
        filtered=frozenset(where),
    )


@dataclass(slots=True)
class Filter:
    """Keeps rows whose columns have a wanted value; counts the other values."""

    where: Mapping[str, tuple[str, ...]]
    names: dict[str, None] = field(default_factory=dict)
    seen: dict[str, Counter[str]] = field(default_factory=dict)

    def keeps(self, record: Mapping[str, object]) -> bool:
        """Whether every column of the filter has a wanted value in this row."""
        return all(_word(record.get(column)) in wanted for column, wanted in self.where.items())

    def note(self, record: Mapping[str, object]) -> None:
        """Count the value of a dropped row."""
        self.names.update(dict.fromkeys(record))
        for column in self.where:
            word, seen = _word(record.get(column)), self.seen.setdefault(column, Counter())
            if word is not None and (word in seen or len(seen) < TRACKED):
                seen[word] += 1

    def nothing(self, name: str) -> InputError:
        """The error for a file without kept rows."""
        if not self.where or not self.names:
            return InputError(
                f"{name}: empty, no rows", expected="at least one row", todo="write rows to this file, or name another"
            )
        for column in self.where:
            if column not in self.names:
                return InputError(
                    f"{name}: no column `{show(column)}`",
                    expected=f"one of {show_names(list(self.names))}",
                    todo="correct the filter after `::`",
                )
        holds = "; ".join(f"`{show(column)}` contains {_listed(seen)}" for column, seen in self.seen.items())
        return InputError(f"{name}: no row passes the filter", expected=holds, todo="correct the filter after `::`")


def _word(value: object) -> str | None:
    try:
        return plain(value)
    except NotPlainError:
        return None


def _listed(seen: Counter[str]) -> str:
    shown = [f"{show(word)} ({count})" for word, count in seen.most_common(20)]
    return ", ".join(shown) + (", ..." if len(seen) > len(shown) else "") if shown else "nothing"
