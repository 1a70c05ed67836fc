"""Ten thousand broken inputs: a dataset whose rows are all there, or an InputError; never anything else."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import VALID_FILES, VALID_ROWS, as_lines, json_records, mutations, role_rows, thorough, values
from syngain.core import InputError
from syngain.data import Dataset, match_sources, read, write_rows


def columnar(kind):
    table, out = pa.Table.from_pylist(VALID_ROWS), io.BytesIO()
    if kind == "parquet":
        pq.write_table(table, out)
    else:
        with (pa.ipc.new_stream if kind == "stream" else pa.ipc.new_file)(out, table.schema) as writer:
            writer.write_table(table)
    return out.getvalue()


FILES = VALID_FILES | {
    "rows.parquet": columnar("parquet"),
    "rows.arrow": columnar("stream"),
    "rows.ipc": columnar("file"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


def survives(path, content):
    """Read ``content``; what can be read can be used in every way, and nothing but an InputError is raised."""
    path.write_bytes(content)
    dataset, problem = None, None
    try:
        dataset = read(path)
    except InputError as error:
        problem = error
    if dataset is None:
        assert path.name in str(problem)
        assert problem.expected
        assert problem.todo
        return None
    check_whole(dataset)
    return dataset


def check_whole(dataset):
    size = len(dataset)
    assert size > 0
    assert all(len(side) == size for side in dataset.sides.values())
    assert all(len(column) == size for column in dataset.columns.values())
    assert len(list(dataset.records)) == len(list(dataset.ids)) == size
    for text in [text for side in dataset.sides.values() for text in side] + list(dataset.labels or ()):
        text.encode()
    assert len(dataset.fingerprint) == 16
    assert dataset.take([0]).ids[0] == dataset.ids[0]
    match_sources(dataset, dataset)
    dataset.roles.sentence()


@pytest.mark.parametrize("name", FILES)
def test_changed_bytes(folder, name):
    @thorough(700)
    @given(content=mutations(FILES[name]))
    def check(content):
        survives(folder / name, content)

    assert survives(folder / name, FILES[name]) is not None
    check()


@pytest.mark.parametrize("name", ["r.jsonl", "r.json", "r.csv", "r.tsv", "r.bin", "r.gz", "r.zst", "r.parquet"])
def test_random_bytes(folder, name):
    @thorough(150)
    @given(content=st.binary(max_size=200))
    def check(content):
        survives(folder / name, content)

    check()


@thorough(600)
@given(rows=st.lists(st.one_of(json_records, values), max_size=5))
def test_random_values_on_each_line(folder, rows):
    survives(folder / "r.jsonl", "\n".join(json.dumps(row) for row in rows).encode())


@pytest.mark.parametrize("name", ["r.jsonl", "r.json"])
def test_random_values_in_known_fields(folder, name):
    @thorough(900)
    @given(rows=role_rows)
    def check(rows):
        content = as_lines([]) if not rows else json.dumps(rows).encode()
        dataset = survives(
            folder / name, content if name == "r.json" else b"\n".join(json.dumps(r).encode() for r in rows)
        )
        if dataset is not None:
            records = [dict(record) for record in dataset.records]
            left_out = any("rows left out" in note for note in dataset.notes)
            assert records == rows or (left_out and 2 * len(records) > len(rows))
            assert all(record in rows for record in records)
            write_rows(folder / "out.jsonl", dataset, range(len(records)))

    check()


@thorough(600)
@given(real=role_rows, other=role_rows)
def test_random_rows_beside_random_real_rows(real, other):
    with contextlib.suppress(InputError):
        first = Dataset.from_rows(real, name="real")
        second = Dataset.from_rows(other, name="other", like=first)
        assert second.kind is first.kind
        assert list(second.columns) == list(first.columns)
        assert second.numeric == first.numeric
        match_sources(second, first)


@thorough(500)
@given(text=st.text(alphabet='ab,"\n\r\t; \ud800\0é1', max_size=60))
def test_random_cells_and_quotes(folder, text):
    survives(folder / "r.csv", b"text,label\n" + text.encode("utf-8", "surrogatepass"))


def test_valid_rows_are_all_read(folder):
    for name in ("rows.jsonl", "rows.json", "rows.jsonl.gz", "rows.parquet", "rows.arrow", "rows.ipc"):
        dataset = survives(folder / name, FILES[name])
        assert list(dataset.sides["text"]) == [row["text"] for row in VALID_ROWS]
        assert dataset.labels == [str(row["label"]) for row in VALID_ROWS]
        assert [record["extra"] for record in dataset.records] == [row["extra"] for row in VALID_ROWS]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files the Linux way")
def test_nothing_is_left_open(folder):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        survives(folder / "r.jsonl.gz", FILES["rows.jsonl.gz"][:30])
        survives(folder / "rows.parquet", FILES["rows.parquet"])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
