"""Every format gives the same rows; rows keep their place, their id and their original form."""

from __future__ import annotations

import gzip
import json
import pickle
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strategies import as_lines
from syngain.core import InputError, UsageError
from syngain.data import Dataset, Kind, read, write_records
from syngain.data.rows import in_memory

ROWS = [{"text": "one", "label": "a"}, {"text": "zwei ü", "label": "b"}, {"text": "drei\nvier", "label": "a"}]


def file(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        f"r{suffix}{packed}"
        for suffix in (".jsonl", ".json", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow")
        for packed in ("", ".gz", ".zst")
    ]
    + ["folder"],
)
def test_all_formats_give_the_same_rows(tmp_path, name):
    write_records(tmp_path / name, ROWS)
    dataset = read(tmp_path / name)
    assert dataset.kind is Kind.TEXT
    assert list(dataset.sides["text"]) == ["one", "zwei ü", "drei\nvier"]
    assert dataset.labels == ["a", "b", "a"]
    assert [dict(record) for record in dataset.records] == ROWS
    assert dataset.fingerprint == Dataset.from_rows(ROWS).fingerprint


@pytest.mark.parametrize("name", ["rows.bin", "rows", "rows.txt"])
@pytest.mark.parametrize(
    "written", ["r.jsonl", "r.json", "r.csv", "r.tsv", "r.parquet", "r.arrow", "r.jsonl.gz", "r.csv.zst"]
)
def test_files_without_a_known_name_are_recognized_by_their_first_bytes(tmp_path, name, written):
    write_records(tmp_path / written, ROWS)
    path = file(tmp_path, name, (tmp_path / written).read_bytes())
    assert list(read(path).sides["text"]) == [row["text"] for row in ROWS]


def test_ids_are_file_name_and_physical_line(tmp_path):
    path = file(tmp_path, "r.jsonl", b'\n{"text": "a"}\n\n  \r\n{"text": "b"}')
    dataset = read(path)
    assert list(dataset.ids) == ["r.jsonl:2", "r.jsonl:5"]
    assert dataset.name == "r.jsonl"


def test_ids_of_csv_rows_are_the_lines_on_which_they_start(tmp_path):
    path = file(tmp_path, "r.csv", b'text,label\r\n"a\r\nb",1\r\n\r\nc,2\r\n')
    dataset = read(path)
    assert list(dataset.ids) == ["r.csv:2", "r.csv:5"]
    assert list(dataset.sides["text"]) == ["a\r\nb", "c"]


def test_ids_in_a_json_array_are_the_lines_of_its_elements(tmp_path):
    path = file(
        tmp_path, "r.jsonl", b'\xef\xbb\xbf[\n  {"text": "a",\n   "label": 1},\n\n  {"text": "b", "label": 2}\n]\n'
    )
    assert list(read(path).ids) == ["r.jsonl:2", "r.jsonl:5"]


def test_ids_in_parquet_are_row_numbers_before_the_filter(tmp_path):
    write_records(tmp_path / "r.parquet", [{"text": str(i), "split": "ab"[i % 2]} for i in range(6)])
    dataset = read(tmp_path / "r.parquet", where={"split": "b"})
    assert list(dataset.ids) == ["r.parquet:2", "r.parquet:4", "r.parquet:6"]
    assert list(dataset.sides["text"]) == ["1", "3", "5"]
    assert dataset.records[2] == {"text": "5", "split": "b"}


def test_byte_order_mark_and_carriage_returns_are_accepted(tmp_path):
    lines = file(tmp_path, "r.jsonl", b'\xef\xbb\xbf{"text": "a"}\r\n{"text": "b"}\r\n')
    table = file(tmp_path, "r.csv", b"\xef\xbb\xbftext,label\r\na,1\r\n")
    assert list(read(lines).sides["text"]) == ["a", "b"]
    assert read(table).roles.text == ("text",)


def test_filter_in_the_path_and_in_python_are_the_same(tmp_path):
    rows = [{"text": str(i), "split": "abc"[i % 3], "n": i % 2} for i in range(12)]
    path = file(tmp_path, "r.jsonl", as_lines(rows))
    written = read(f"{path}::split=a,b::n=0")
    given = read(path, where={"split": ["a", "b"], "n": "0"})
    assert list(written.sides["text"]) == list(given.sides["text"]) == ["0", "4", "6", "10"]
    assert written.name == given.name == "r.jsonl::split=a,b::n=0"
    assert written.ids[1] == "r.jsonl:5"


def test_a_file_whose_name_holds_the_mark_is_found(tmp_path):
    path = file(tmp_path, "a::b=c.jsonl", b'{"text": "a"}\n')
    assert len(read(path)) == 1


@pytest.mark.parametrize("item", ["split", "=a", " =a", ""])
def test_a_filter_without_column_or_value_is_refused(tmp_path, item):
    path = file(tmp_path, "r.jsonl", b'{"text": "a"}\n')
    with pytest.raises(UsageError, match="filter"):
        read(f"{path}::{item}")


def test_nothing_left_by_the_filter_says_which_values_there_are(tmp_path):
    path = file(tmp_path, "r.jsonl", as_lines([{"text": "a", "split": "dev"}, {"text": "b", "split": "test"}]))
    with pytest.raises(InputError, match=r"`split` contains dev \(1\), test \(1\)"):
        read(f"{path}::split=train")
    with pytest.raises(InputError, match=r"no column `fold`.*`text`, `split`"):
        read(f"{path}::fold=1")


def test_records_are_the_rows_untouched(tmp_path):
    rows = [{"text": "a", "z": {"deep": [1, None, {"x": "ü"}]}, "n": 1.0, "none": None, "\ud800": "\udc00"}]
    path = file(tmp_path, "r.jsonl", json.dumps(rows[0]).encode())
    assert read(path).records[0] == rows[0]
    assert list(read(path).records[0]) == list(rows[0])


def test_lone_surrogates_are_replaced_in_what_is_measured_and_said(tmp_path):
    path = file(
        tmp_path, "r.jsonl", b'{"text": "a \\ud800", "label": "\\udfff"}\n{"text": "\\ud83d\\ude00", "label": "b"}\n'
    )
    dataset = read(path)
    assert list(dataset.sides["text"]) == ["a \ufffd", "😀"]
    assert dataset.labels == ["\ufffd", "b"]
    assert dataset.notes == ("texts with lone surrogates, read as U+FFFD and written back as they are: 1",)
    assert dataset.records[0]["text"] == "a \ud800"


def test_take_selects_repeats_and_can_be_pickled(tmp_path):
    path = file(tmp_path, "r.jsonl", as_lines([{"text": str(i), "label": i, "source": "s"} for i in range(5)]))
    taken = read(path).take([4, 0, 0]).take([1, 0])
    copy = pickle.loads(pickle.dumps(taken))
    for dataset in (taken, copy):
        assert list(dataset.ids) == ["r.jsonl:1", "r.jsonl:5"]
        assert dataset.sides["text"] == ["0", "4"]
        assert dataset.labels == ["0", "4"]
        assert [record["label"] for record in dataset.records] == [0, 4]
        assert len(dataset) == 2


def test_fingerprint_tells_content_labels_and_sources_but_not_names():
    def of(**change):
        return Dataset.from_rows([{"text": "a", "label": "x", "source": "s", **change}]).fingerprint

    assert of() == of(other=3)
    assert len({of(), of(text="b"), of(label="y"), of(source="t")}) == 4


def test_lazy_sequences_behave_like_lists(tmp_path):
    ids = read(file(tmp_path, "r.jsonl", as_lines([{"text": "a"}] * 3))).ids
    assert ids[-1] == "r.jsonl:3"
    assert ids[1:] == ["r.jsonl:2", "r.jsonl:3"]
    assert next(reversed(ids)) == "r.jsonl:3"
    with pytest.raises(IndexError):
        ids[3]


def test_rows_in_memory_become_a_dataset():
    dataset = Dataset.from_rows([{"text": "a", "label": 0}, {"text": "b", "label": 1.0}], name="mine")
    assert list(dataset.ids) == ["mine:1", "mine:2"]
    assert dataset.labels == ["0", "1"]


def test_a_wide_csv_field_is_read(tmp_path):
    text = "x" * 500_000
    assert read(file(tmp_path, "r.csv", f"text,label\n{text},1\n".encode())).sides["text"][0] == text


def test_semicolons_separate_where_the_header_says_so(tmp_path):
    assert read(file(tmp_path, "r.csv", b"text;label\na,b;1\n")).sides["text"] == ["a,b"]


def test_shards_of_a_folder_are_joined_in_order(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for shard in range(2):
        table = pa.table({"text": [f"{shard}-{i}" for i in range(2)]})
        with (
            pa.OSFile(str(folder / f"data-0000{shard}-of-00002.arrow"), "wb") as out,
            pa.ipc.new_stream(out, table.schema) as s,
        ):
            s.write_table(table)
    dataset = read(folder)
    assert list(dataset.sides["text"]) == ["0-0", "0-1", "1-0", "1-1"]
    assert list(dataset.ids)[3] == "set:4"


def test_columnar_rows_convert_in_blocks_without_mixing_them(tmp_path):
    pq.write_table(pa.table({"text": [f"t{i}" for i in range(300)]}), tmp_path / "r.parquet")
    records = read(tmp_path / "r.parquet").records
    assert [records[i]["text"] for i in (299, 0, 64, 63, 299)] == ["t299", "t0", "t64", "t63", "t299"]


def test_compressed_parts_one_after_the_other_are_one_file(tmp_path):
    parts = [gzip.compress(as_lines([{"text": name}])) for name in "ab"]
    assert list(read(file(tmp_path, "r.jsonl.gz", b"".join(parts))).sides["text"]) == ["a", "b"]


def test_importing_the_dataset_loads_no_columnar_library():
    code = "import sys, syngain.data.dataset; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_fields_of_some_rows_know_their_first_row():
    rows = [{"a": 1}, {"a": 2, "b": 3}, {"a": 3}, {"a": 4, "b": 5, "c": {"d": 1}}]
    taken = in_memory(rows, "rows").take([0, 2, 3])
    assert {name: found.first for name, found in taken.fields.items()} == {"a": 0, "b": 2, "c": 2}
    assert {name: found.first for name, found in taken.take([0, 1]).fields.items()} == {"a": 0, "b": -1, "c": -1}
