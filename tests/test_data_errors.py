"""What is wrong with a file is said with the file and the line, never with a traceback."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strategies import as_lines
from syngain.core import InputError
from syngain.data import Dataset, read, write_records
from syngain.data.files import streams

GOOD = b'{"text": "a", "label": 1}\n'


def message(folder, name, content, **options):
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path, **options)
    return str(caught.value)


LINES = {
    "not JSON": (GOOD + b"\n{oops}\n", r"r.jsonl, line 3: not JSON \(Expecting property name"),
    "half a row": (GOOD + b'{"text": "a', "line 2: not JSON (Unterminated string"),
    "two values": (GOOD + b'{"text": "a"} {"text": "b"}\n', "line 2: not JSON (more text after the first value"),
    "number": (GOOD + b"3\n", "line 2: a number, not an object"),
    "list": (GOOD + b"[1]\n", "line 2: a list, not an object"),
    "null": (GOOD + b"null\n", "line 2: null, not an object"),
    "null text": (GOOD + b'{"text": null, "label": 1}\n', "line 2: `text` is null; this row has `label`"),
    "number as text": (GOOD + b'{"text": 5, "label": 1}\n', "line 2: `text` is a number"),
    "object as text": (GOOD + b'{"text": {"a": 1}, "label": 1}\n', "line 2: `text` is an object"),
    "lacks text": (GOOD + b'{"foo": "x", "label": 1}\n', "line 2: `text` is missing; this row has `foo`, `label`"),
    "kinds mixed": (b'{"prompt": "a", "completion": "b"}\n' + GOOD, "line 2: `prompt` is missing; this row has `text`"),
    "no label": (GOOD + b'{"text": "b"}\n', "line 2: the label in `label` is missing (1 of 2 rows have one)"),
    "null label": (GOOD + b'{"text": "b", "label": null}\n', "line 2: the label in `label` is missing"),
    "blank label": (GOOD + b'{"text": "b", "label": " "}\n', "line 2: the label in `label` is missing"),
    "label object": (b'{"text": "b", "label": {"a": 1}}\n', "line 1: the label in `label` is an object"),
    "no text field": (b'{"foo": "long prose without a name"}\n', "no text field; the fields are `foo`"),
    "empty object": (b"{}\n", "no text field; the fields are none"),
    "blank lines": (b"\n \n\r\n", "empty, no rows"),
    "latin1": (GOOD + b'{"text": "caf\xe9"}\n', "line 2: not UTF-8 (byte 0xe9"),
    "utf16 without mark": (
        '{"text": "a", "label": "an ordinary word"}\n'.encode("utf-16-le"),
        "text in UTF-16 without a byte-order mark",
    ),
    "binary": (b"\x7fELF\0\0\0\x01", "a binary file"),
    "NUL in a row": (b'{"text": "a' + b"b" * 5000 + b'\0"}\n', "line 1: not JSON (Invalid control character"),
    "deep": (b'{"text": "a", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", "line 1: nested more than 100 levels"),
    "rather deep": (b'{"text": "a", "x": ' + b"[" * 150 + b"]" * 150 + b"}\n", "line 1: nested more than 100 levels"),
    "endless number": (
        GOOD + b'{"text": "a", "label": ' + b"9" * 5000 + b"}\n",
        "line 2: not JSON (a number with thousands",
    ),
    "object over lines": (b'{\n "data": [\n{"text": "a"}]\n', "line 1: not JSON"),
    "one key twice": (
        GOOD + b'{"text": "a", "text": "b", "label": 2}\n',
        "line 2: the keys `text` appear more than once",
    ),
    "inner keys twice": (b'{"text": "a: b", "x": {"k" : 1, "k": 2}}\n', "line 1: the keys `k` appear more than once"),
    "open array": (b'[{"text": "a"},\n{"text": "b"}\n', "line 3: not JSON (the array has neither"),
    "array of numbers": (b'[{"text": "a"},\n 2]', "line 2: a number, not an object"),
    "array and more": (b'[{"text": "a"}]\n[]', "line 2: not JSON (more text after the closing bracket"),
    "bad element": (b'[\n{"text": "a"},\n{"text": tru}\n]', "line 3: not JSON (Expecting value at character 10)"),
    "empty array": (b"[]", "empty, no rows"),
    "empty": (b"", "empty, no rows"),
}


@pytest.mark.parametrize("case", LINES)
def test_bad_rows_are_named_by_file_and_line(tmp_path, case):
    content, expected = LINES[case]
    said = message(tmp_path, "r.jsonl", content)
    assert said.startswith("r.jsonl")
    assert expected.replace("\\", "") in said
    assert "Expected: " in said
    assert "Fix: " in said


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty, no rows"),
        (b"text,label\n", "empty, no rows"),
        (b"\n\n", "empty, no rows"),
        (b"text,label\na,1\nb\n", "line 3: 1 field, the header has 2"),
        (b'text,label\n"a\nb",1\nb,2,3\n', "line 4: 3 fields, the header has 2"),
        (b'text,label\n"a"x,1\n', "line 2: malformed"),
        (b'text,label\na,1\n"open,2\nb,3\n', "line 3: malformed (unexpected end of data)"),
        (b"text,text\na,b\n", "line 1: the header names `text` more than once"),
        (b"text,label\na\rb,1\n", "line 2: malformed"),
        (b"text,label\n" + b"a" * 5000 + b",1\nb\0,2\n", "line 3: a NUL byte"),
        (b"text,label\n\xff,1\n", "line 2: not UTF-8"),
        (b"text,label\n,1\n", "the column `text` is empty or NaN in all 1 rows"),
        (
            b"body,title\nlong enough to be taken for prose by anybody,x\nand again such a long line of it,y\n",
            "no text field",
        ),
    ],
)
def test_bad_csv_is_named_by_file_and_line(tmp_path, content, expected):
    assert expected in message(tmp_path, "r.csv", content)


def test_missing_file_suggests_the_one_that_is_there(tmp_path):
    (tmp_path / "rows.jsonl").write_bytes(GOOD)
    with pytest.raises(InputError, match=r"no such file: .*row.jsonl; there is `rows.jsonl`"):
        read(tmp_path / "row.jsonl")
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "nowhere" / "rows.jsonl::split=a")


def test_folder_without_rows_and_folder_of_splits(tmp_path):
    with pytest.raises(InputError, match="a folder without Arrow files"):
        read(tmp_path)
    for name in ("first", "second"):
        write_records(tmp_path / name, [{"text": name}])
    with pytest.raises(InputError, match=r"2 splits \(`first`, `second`\).*::split=first"):
        read(tmp_path)
    assert read(f"{tmp_path}::split=second").sides["text"] == ["second"]


def test_a_path_beyond_what_the_system_takes_is_an_input_error():
    for path in ("a\0b", "x" * 5000, "rows.jsonl/inside"):
        with pytest.raises(InputError):
            read(path)


@pytest.mark.skipif(not os.access("/proc/self/mem", os.R_OK), reason="needs a file that opens but cannot be read")
def test_a_file_that_opens_but_cannot_be_read():
    with pytest.raises(InputError, match="cannot be opened"):
        read("/proc/self/mem")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be opened"):
        read(path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_truncated_and_misnamed_compression(tmp_path, suffix):
    write_records(tmp_path / f"good.jsonl{suffix}", [{"text": os.urandom(20).hex()} for _ in range(2000)])
    data = (tmp_path / f"good.jsonl{suffix}").read_bytes()
    for cut in (10, len(data) // 2, len(data) - 1):
        assert "broken after line" in message(tmp_path, f"r.jsonl{suffix}", data[:cut])
    assert "its content is not" in message(tmp_path, f"r.jsonl{suffix}", GOOD)
    if suffix == ".gz":  # it has a checksum; zst written without one may hide a changed byte inside of a text
        middle = data[: len(data) // 2] + b"xxxx" + data[len(data) // 2 + 4 :]
        assert "r.jsonl" in message(tmp_path, f"r.jsonl{suffix}", middle)


def test_corrupted_parquet(tmp_path):
    pq.write_table(pa.table({"text": ["a"] * 100}), tmp_path / "good.parquet")
    data = (tmp_path / "good.parquet").read_bytes()
    assert "cannot be read as a Parquet file" in message(tmp_path, "r.parquet", data[: len(data) // 2])
    assert "cannot be read as a Parquet file" in message(tmp_path, "r.parquet", b"PAR1" + b"\0" * 50)
    assert "does not begin like Parquet data" in message(tmp_path, "r.parquet", GOOD)
    assert "cannot be read as an Arrow file" in message(tmp_path, "r.arrow", b"ARROW1\0\0xx")


def test_parquet_rows_are_named_by_number(tmp_path):
    write_records(tmp_path / "r.parquet", [{"text": "a"}, {"text": None}])
    with pytest.raises(InputError, match=r"r.parquet, row 2: `text` is null"):
        read(tmp_path / "r.parquet")


def test_columnar_values_that_python_has_no_form_for(tmp_path):
    far = pa.array([0, 2**60], pa.timestamp("s"))
    with (
        pa.OSFile(str(tmp_path / "r.arrow"), "wb") as out,
        pa.ipc.new_stream(out, pa.schema([("text", far.type)])) as s,
    ):
        s.write_table(pa.table({"text": far}))
    with pytest.raises(InputError, match="cannot be represented in Python"):
        read(tmp_path / "r.arrow")


def test_names_inside_of_nested_columns_must_be_utf8(tmp_path):
    write_records(tmp_path / "good.arrow", [{"text": "a", "extra": {"innername": 1}}])
    data = (tmp_path / "good.arrow").read_bytes().replace(b"innername", b"\x8bnnername")
    assert "cannot be read as an Arrow file" in message(tmp_path, "r.arrow", data)


def test_unknown_format(tmp_path):
    assert "unknown format (begins with 'hello')" in message(tmp_path, "r.txt", b"hello\nworld\n")


def test_line_beyond_the_limit_is_refused_at_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "LINE_LIMIT", 3 << 20)
    long = json.dumps({"text": "x" * (4 << 20)}).encode() + b"\n"
    assert "r.jsonl, line 3: longer than 3 MiB" in message(tmp_path, "r.jsonl", GOOD * 2 + long + GOOD)
    assert "line 1: longer than" in message(tmp_path, "r.jsonl", long)


LIMITED = """
import resource, sys
from syngain.core import InputError
from syngain.data import read
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
try:
    read(sys.argv[1])
except InputError as error:
    print(error)
"""


def test_a_line_of_200_mb_is_refused_without_being_held(tmp_path):
    path = tmp_path / "r.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        out.write(GOOD + b'{"text": "')
        for _ in range(200):
            out.write(b"x" * (1 << 20))
        out.write(b'"}\n')
    done = subprocess.run([sys.executable, "-c", LIMITED, path], capture_output=True, text=True, check=False)
    assert "r.jsonl.gz, line 2: longer than 64 MiB" in done.stdout, done.stderr


def test_rows_in_memory_are_checked_like_files():
    for rows in ([], [3], [{1: "a"}], [{"text": None}], [{"text": "a"}, {"other": "b"}]):
        with pytest.raises(InputError, match="rows"):
            Dataset.from_rows(rows)


def test_foreign_text_in_messages_is_short_and_harmless(tmp_path):
    said = message(
        tmp_path, "r.jsonl", as_lines([{"\x1b[31m" + "x" * 500: "prose that has no name and is long enough"}])
    )
    assert "\x1b" not in said
    assert len(said) < 800
