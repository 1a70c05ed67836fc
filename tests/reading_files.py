"""Broken files of every layout and format, for the fuzz test and the fuzz benchmark."""

from __future__ import annotations

import io
import json
import random

from reading_layouts import LAYOUTS
from strategies import as_lines
from syngain.core import SyngainError
from syngain.data import read

SPICE = [
    b"\0",
    b"\xff",
    b'"',
    b"\n",
    b"\r",
    b"[",
    b"{",
    b"}",
    b"]",
    b",",
    b":",
    b"\\ud800",
    b"9" * 5000,
    b"NaN",
    b"null",
]
SPICE += [b"\x1f\x8b", b"\xff\xfe", b"|", b";", b"\t", b'"text":', b"=1+1", b"\xef\xbb\xbf"]
ODD = [None, 3, "", [], {}, [None], {"role": 1}, [[]], True, -1.5, "[", '{"a":', [{"role": "user", "content": None}]]
WRAPPERS = ["data", "train", "rows", "examples", "items", "own"]


def changed(draw, value, depth=0):
    """A value with one part of it replaced, doubled or removed."""
    if depth > 3 or draw.random() < 0.25 or not isinstance(value, (dict, list)) or not value:
        return draw.choice(ODD)
    copy = dict(value) if isinstance(value, dict) else list(value)
    key = draw.choice(list(copy)) if isinstance(copy, dict) else draw.randrange(len(copy))
    if draw.random() < 0.15:
        del copy[key]
    elif draw.random() < 0.1 and isinstance(copy, list):
        copy.append(copy[key])
    else:
        copy[key] = changed(draw, copy[key], depth + 1)
    return copy


def broken_file(seed):
    """A suffix and the bytes of a broken file; the same for the same seed."""
    draw = random.Random(seed)
    make, _ = LAYOUTS[draw.choice(sorted(LAYOUTS))]
    rows = [make(i) for i in range(draw.randrange(1, 7))]
    for _ in range(draw.randrange(3)):
        rows[draw.randrange(len(rows))] = changed(draw, draw.choice(rows))
    suffix = draw.choice([".jsonl", ".json", ".csv", ".tsv", "", ".txt", ".parquet"])
    content = written(draw, rows, suffix)
    for _ in range(draw.randrange(4) if draw.random() < 0.6 else 0):
        place = draw.randrange(len(content) + 1)
        content = content[:place] + draw.choice(SPICE) + content[place + draw.choice([0, 0, 1, 5]) :]
    if draw.random() < 0.1:
        content = content[: draw.randrange(len(content) + 1)]
    if draw.random() < 0.1:
        content = content.decode(errors="replace").encode(draw.choice(["utf-16", "utf-16-le", "utf-8-sig"]))
    return suffix, content


def written(draw, rows, suffix):
    """The rows as bytes of a format."""
    if suffix == ".json":
        style = draw.choice(["array", "wrapped", "lines", "columns"])
        if style == "columns":
            names = {name: None for row in rows if isinstance(row, dict) for name in row}
            rows = {name: [row.get(name) if isinstance(row, dict) else row for row in rows] for name in names}
        if style == "wrapped":
            rows = {"version": 1, draw.choice(WRAPPERS): rows}
        return as_lines(rows) if style == "lines" else json.dumps(rows, indent=draw.choice([None, 1])).encode()
    if suffix in {".csv", ".tsv", ".txt"}:
        import csv

        out = io.StringIO()
        writer = csv.writer(out, delimiter=draw.choice(",\t;|"))
        kept = [row for row in rows if isinstance(row, dict)]
        if draw.random() < 0.7 and kept:
            writer.writerow(kept[0])
        for row in kept:
            writer.writerow([cell if isinstance(cell, str) else json.dumps(cell) for cell in row.values()])
        return out.getvalue().encode(errors="replace")
    if suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table, file = pa.Table.from_pylist([row for row in rows if isinstance(row, dict)]), io.BytesIO()
            pq.write_table(table, file)
            return file.getvalue()
        except (pa.ArrowException, TypeError, OverflowError):
            return b"PAR1" + as_lines(rows)
    return as_lines(rows)


def outcome(folder, seed):
    """What reading a broken file comes to: ``read``, or ``refused`` with an error in three parts."""
    suffix, content = broken_file(seed)
    path = folder / f"rows{suffix}"
    path.write_bytes(content)
    problem = None
    try:
        dataset = read(path)
    except SyngainError as error:
        problem = error
    if problem is not None:
        assert problem.came
        assert problem.expected
        assert problem.todo
        return "refused"
    size = len(dataset)
    assert size == len(list(dataset.records)) == len(list(dataset.ids)) > 0
    for values in (*dataset.sides.values(), *dataset.columns.values(), dataset.labels, dataset.rejected):
        assert values is None or len(values) == size
    assert len(dataset.fingerprint) == 16
    dataset.roles.sentence()
    return "read"
