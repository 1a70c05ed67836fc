"""Read Parquet files, Arrow files and folders of `datasets`.

Rows are numbered from 1; there are no lines.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syngain.core.errors import InputError
from syngain.data.files.ragged import json_columns
from syngain.data.rows import BLOCK, Cells, FieldCount, Record, show, show_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa

BATCH = 10_000
PARQUET, ARROW_FILE, ARROW_STREAM = b"PAR1", b"ARROW1", b"\xff\xff\xff\xff"


@dataclass(slots=True)
class ArrowRows:
    """Rows of an Arrow table, converted in blocks; the last block is kept."""

    table: Any
    name: str = "rows"
    of_json: frozenset[str] = frozenset()
    _block: tuple[int, list[Record]] = field(default=(-1, []))

    def record(self, index: int) -> Record:
        """Row ``index`` as Python values."""
        number, inside = divmod(index, BLOCK)
        held, block = self._block
        if held != number:
            block = self._python(self.table.slice(number * BLOCK, BLOCK), number * BLOCK)
            self._block = (number, block)
        found = dict(block[inside])
        for column in self.of_json:
            text = found.get(column)
            if isinstance(text, str):
                found[column] = json.loads(text)
        return found

    def values(self, names: Sequence[str], rows: slice | None = None) -> Iterator[Cells]:
        """The values of some columns, row after row."""
        present = set(self.table.column_names)
        chosen = rows or slice(0, self.table.num_rows)
        for start in range(chosen.start, chosen.stop, BATCH):
            part = self.table.slice(start, min(BATCH, chosen.stop - start))
            none = [None] * part.num_rows
            columns = [self._python(part[name], start) if name in present else none for name in names]
            for place, name in enumerate(names):
                if name in self.of_json:
                    columns[place] = [None if one is None else json.loads(one) for one in columns[place]]
            yield from zip(*columns, strict=True)

    def fields(self) -> dict[str, FieldCount]:
        """Fields and their number of values."""
        return {name: _field(self.table[name]) for name in self.table.column_names}

    def kept(self, rows: Sequence[int]) -> ArrowRows:
        """Some of the rows, in ascending order."""
        import numpy as np
        import pyarrow as pa

        mask = np.zeros(self.table.num_rows, dtype=bool)
        mask[np.asarray(rows, dtype=np.int64)] = True
        return ArrowRows(
            self.table.filter(pa.array(mask)), self.name, self.of_json
        )  # unlike take, never joins the chunks of a long column

    def _python(self, part: Any, start: int) -> list[Any]:  # noqa: ANN401  (a table or a column of one)
        import pyarrow as pa

        try:
            values: list[Any] = part.to_pylist()
        except (pa.ArrowException, ValueError, OverflowError) as error:  # dates beyond the year 9999, for example
            raise InputError(
                f"{self.name}: a value near row {start + 1} cannot be represented in Python ({_first_line(error)})",
                expected="text, numbers, dates, and nested values of these",
                todo="convert the column, for example to text",
            ) from error
        return values


def parquet_rows(file: Any, name: str) -> ArrowRows:  # noqa: ANN401  (a path, a buffer or a list of paths)
    """The rows of a Parquet file, or of several.

    Raises:
        InputError: when it is not a valid Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    def load() -> pa.Table:
        if isinstance(file, list):
            return pa.concat_tables([pq.ParquetFile(one).read() for one in file], promote_options="default")
        return pq.ParquetFile(file).read()

    return _checked(load, name, "a Parquet file")


def arrow_rows(file: Any, name: str, *, stream: bool) -> ArrowRows:  # noqa: ANN401  (a path or a buffer)
    """The rows of an Arrow file, in its stream or random-access form.

    Raises:
        InputError: when it is not a valid Arrow file.
    """
    return _checked(lambda: _arrow_table(file, stream=stream), name, "an Arrow file")


def folder_rows(folder: Path, name: str) -> ArrowRows:
    """The rows of a folder written by ``save_to_disk`` of ``datasets``.

    Raises:
        InputError: when the folder has no Arrow files.
    """
    files = _folder_files(folder)
    if not files:
        raise not_a_folder_of_rows(folder)
    return _checked(lambda: _joined(files), name, "a folder of Arrow stream files")


def _arrow_table(file: Any, *, stream: bool) -> pa.Table:  # noqa: ANN401  (a path or a buffer)
    import pyarrow as pa

    source = pa.OSFile(str(file)) if isinstance(file, Path) else file
    reader = pa.ipc.open_stream(source) if stream else pa.ipc.open_file(source)
    return reader.read_all()


def _joined(files: Sequence[Path]) -> pa.Table:
    import pyarrow as pa

    tables = []
    for file in files:
        with file.open("rb") as opened:
            stream = not opened.read(len(ARROW_FILE)).startswith(ARROW_FILE)
        tables.append(_arrow_table(file, stream=stream))
    return pa.concat_tables(tables)


def _checked(load: Callable[[], pa.Table], name: str, what: str) -> ArrowRows:
    import pyarrow as pa

    try:
        table = load()
        table.validate(full=True)  # a corrupted file can pass the reader and crash on access to its values
        names = list(table.column_names)
        table.slice(0, 1).to_pylist()  # the names inside of nested columns are decoded here, too
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        # ValueError covers UnicodeDecodeError: names of columns are decoded outside of Arrow
        raise InputError(
            f"{name}: cannot be read as {what} ({_first_line(error)})",
            expected="a complete file of that format",
            todo="write or download it again",
        ) from error
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise InputError(
            f"{name}: the columns {show_names(twice)} appear more than once",
            expected="one name per column",
            todo="rename one of the columns",
        )
    return ArrowRows(table, name, of_json=json_columns(table.schema))


def _first_line(error: BaseException) -> str:
    return show((str(error).splitlines() or [type(error).__name__])[0])


def _field(column: pa.ChunkedArray) -> FieldCount:
    import pyarrow.compute as pc

    valid = column.is_valid()
    if str(column.type) in {"string", "large_string"}:
        valid = pc.and_kleene(valid, pc.not_equal(column, ""))
    count = int(pc.sum(valid).as_py() or 0)
    return FieldCount(count, int(pc.index(valid, value=True).as_py()) if count else -1)


def _folder_files(folder: Path) -> list[Path]:
    state = folder / "state.json"
    try:
        listed = json.loads(state.read_bytes())["_data_files"] if state.is_file() else []
        return [folder / Path(entry["filename"]).name for entry in listed] or sorted(folder.glob("*.arrow"))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return sorted(folder.glob("*.arrow"))  # the order of the names is the order of the shards


def is_saved_split(folder: Path) -> bool:
    """Whether ``datasets`` saved one split in this folder."""
    return any(folder.glob("*.arrow"))


def not_a_folder_of_rows(folder: Path) -> InputError:
    """The error of a folder without files of rows."""
    return InputError(
        f"{folder}: a folder without Arrow files or other files of rows",
        expected="a file, a folder of files of one format, or a folder that `datasets` wrote with save_to_disk",
        todo="name a file in this folder",
    )
