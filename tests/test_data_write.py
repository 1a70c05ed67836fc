"""Writing then reading is identity; a file is written whole or not at all."""

from __future__ import annotations

import datetime as dt
import decimal
import errno
import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import ROLE_NAMES, arrow_tables, csv_tables, json_records, thorough
from syngain.core import UnfinishedError, UsageError
from syngain.data import Dataset, read, write_records, write_rows
from syngain.data.columns import roles
from syngain.data.files import formats

# names with a role of their own, which random values need not fit; hypothesis draws them from the code it tests
OTHER_ROLES = {*roles.TEXT, *roles.LABEL, *roles.SOURCE, *roles.GENERATOR, *roles.CHATS, "response", "rejected"}
TAGGED = {"text": "found by this"}  # so that every written file can be read as a dataset


def back(path):
    return [dict(record) for record in formats.load(path, path.name, {}).rows]


@pytest.mark.parametrize("name", ["r.jsonl", "r.json", "r.jsonl.gz", "r.json.zst"])
@thorough(150)
@given(rows=st.lists(json_records, min_size=1, max_size=4))
def test_json_holds_everything(tmp_path_factory, name, rows):
    path = tmp_path_factory.mktemp("w") / name
    write_records(path, [row | TAGGED for row in rows])
    assert back(path) == [row | TAGGED for row in rows]
    if not {key.casefold() for row in rows for key in row} & (set(ROLE_NAMES) | OTHER_ROLES):
        assert [dict(record) for record in read(path).records] == [row | TAGGED for row in rows]


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.csv.gz"])
@thorough(150)
@given(rows=csv_tables())
def test_csv_holds_flat_text(tmp_path_factory, name, rows):
    path = tmp_path_factory.mktemp("w") / name
    write_records(path, rows)
    assert back(path) == rows


@pytest.mark.parametrize("name", ["r.parquet", "r.arrow", "r.parquet.zst", "folder"])
@thorough(80)
@given(rows=arrow_tables())
def test_columnar_files_hold_one_type_per_column(tmp_path_factory, name, rows):
    path = tmp_path_factory.mktemp("w") / name
    write_records(path, rows)
    assert back(path) == rows


def test_written_rows_are_the_originals_with_extra_columns(tmp_path):
    (tmp_path / "in.csv").write_text("text,label,keep\na,1,ü\nb,2,\nc,3,z\n")
    dataset = read(tmp_path / "in.csv")
    write_rows(
        tmp_path / "out.jsonl", dataset, np.array([2, 0]), {"reasons": [["copy"], None], "score": np.array([1.5, 2])}
    )
    assert back(tmp_path / "out.jsonl") == [
        {"text": "c", "label": "3", "keep": "z", "reasons": ["copy"], "score": 1.5},
        {"text": "a", "label": "1", "keep": "ü", "reasons": None, "score": 2.0},
    ]
    with pytest.raises(UsageError, match="1 values for the column"):
        write_rows(tmp_path / "out.jsonl", dataset, [1, 2], {"score": [1]})


def test_no_rows_are_written_as_an_empty_file(tmp_path):
    for name in ("r.jsonl", "r.json", "r.csv", "r.parquet"):
        write_records(tmp_path / name, [])
        assert (tmp_path / name).exists()
    assert json.loads((tmp_path / "r.json").read_text()) == []


def test_the_same_rows_are_the_same_bytes(tmp_path):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        write_records(tmp_path / name, [{"text": "x"}] * 10)
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).count(b"\n") == 10


def test_values_without_a_json_form_are_written_as_text_or_numbers(tmp_path):
    row = {
        "date": dt.date(2024, 1, 2),
        "money": decimal.Decimal("1.50"),
        "bytes": b"\xff",
        "number": np.int64(3),
        "tuple": (1, 2),
    }
    write_records(tmp_path / "r.jsonl", [row])
    assert json.loads((tmp_path / "r.jsonl").read_text()) == {
        "date": "2024-01-02",
        "money": "1.50",
        "bytes": "/w==",
        "number": 3,
        "tuple": [1, 2],
    }


DEEP: list = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("r.csv", {"a": {"b": 1}}),
        ("r.csv", {"a": "x\0"}),
        ("r.csv", {"a": "\ud800"}),
        ("r.parquet", {"a": "\ud800"}),
        ("r.parquet", {"a": 2**70}),
        ("r.parquet", {"a": [1, "x"]}),
        ("r.parquet", {"a": {}}),
        ("r.jsonl", {"a": DEEP}),
        ("r.jsonl", {(1, 2): 3}),
        ("r.xlsx", {"a": 1}),
        ("r.jsonl.bz2", {"a": 1}),
    ],
)
def test_what_a_format_cannot_hold_is_said_and_leaves_nothing(tmp_path, name, row):
    with pytest.raises(UsageError, match=r"cannot (store|write)"):
        write_records(tmp_path / name, [row])
    assert list(tmp_path.iterdir()) == []


def test_a_failing_write_keeps_the_old_file(tmp_path):
    write_records(tmp_path / "r.csv", [{"a": "old"}])
    with pytest.raises(UsageError):
        write_records(tmp_path / "r.csv", [{"a": "new"}, {"a": {"nested": 1}}])
    assert back(tmp_path / "r.csv") == [{"a": "old"}]
    assert [path.name for path in tmp_path.iterdir()] == ["r.csv"]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    class Interrupting:
        def __len__(self):
            return 2

        def __iter__(self):
            yield {"text": "a"}
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_records(tmp_path / "r.jsonl", Interrupting())
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be written"):
        write_records(tmp_path / "nowhere" / "r.jsonl", [])
    (tmp_path / "full" / "inside").mkdir(parents=True)
    with pytest.raises(UsageError, match="cannot be written"):
        write_records(tmp_path / "full", [{"text": "a"}])
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_a_full_disk_is_not_the_fault_of_the_user(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UnfinishedError, match="No space left"):
        write_records(tmp_path / "r.jsonl", [{"text": "a"}])


def test_a_dataset_of_rows_in_memory_is_written_back(tmp_path):
    rows = [{"text": str(i), "meta": {"i": i}} for i in range(5)]
    write_rows(tmp_path / "r.parquet", Dataset.from_rows(rows), range(5))
    assert back(tmp_path / "r.parquet") == rows
