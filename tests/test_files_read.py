"""Files as people have them: wrapped, without a header, in folders, in other encodings, with an odd row."""

from __future__ import annotations

import json
import os
import random
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strategies import as_lines
from syngain.core import InputError, UsageError
from syngain.core.errors import MissingDependencyError
from syngain.data import Dataset, Kind, RoleOptions, read, write_records
from syngain.data.files import formats

CASES = Path(os.environ.get("SYNGAIN_DATA", "../shared/data")).parent / "cases"
ROWS = [{"text": f"The tide of day {i} is low", "label": "ab"[i % 2]} for i in range(8)]
TEXTS = [row["text"] for row in ROWS]
WRAPPERS = {
    "data": {"data": ROWS},
    "version": {"version": "1.0", "data": ROWS},
    "examples": {"description": "made up", "examples": ROWS},
    "rows": {"rows": ROWS},
    "train": {"train": ROWS},
    "splits": {"test": ROWS[:2], "train": ROWS},
    "own name": {"meta": {"n": 3}, "tides": ROWS},
    "hub viewer": {"features": [], "rows": [{"row_idx": i, "row": row} for i, row in enumerate(ROWS)]},
    "columns": {"text": TEXTS, "label": [row["label"] for row in ROWS]},
    "pandas columns": {
        "text": {str(i): row["text"] for i, row in enumerate(ROWS)},
        "label": {str(i): row["label"] for i, row in enumerate(ROWS)},
    },
    "pandas index": {str(i): row for i, row in enumerate(ROWS)},
    "pandas split": {"columns": ["text", "label"], "index": [], "data": [list(row.values()) for row in ROWS]},
    "pandas table": {"schema": {"fields": [{"name": "text"}]}, "data": ROWS},
}


def put(path, content):
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", WRAPPERS)
def test_rows_inside_of_an_object(tmp_path, name, indent):
    dataset = read(put(tmp_path / "rows.json", json.dumps(WRAPPERS[name], indent=indent)))
    assert list(dataset.sides["text"]) == TEXTS
    assert list(dataset.labels) == [row["label"] for row in ROWS]
    assert [dict(record) for record in dataset.records] == ROWS


def test_another_split_of_an_object_is_named_by_the_filter(tmp_path):
    path = put(tmp_path / "rows.json", json.dumps(WRAPPERS["splits"]))
    assert list(read(f"{path}::split=test").sides["text"]) == TEXTS[:2]
    assert "the split `train` of rows.json is read, not `test`" in read(path).notes[0]


def test_one_row_of_json_lines_stays_one_row(tmp_path):
    row = {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}
    assert len(read(put(tmp_path / "r.jsonl", json.dumps(row)))) == 1
    row = {"text": "a", "data": [{"x": 1}, {"x": 2}]}
    assert len(read(put(tmp_path / "r.json", json.dumps(row)))) == 1


@pytest.mark.parametrize("mark", [",", "\t", ";", "|"])
def test_a_table_without_a_header_says_so(tmp_path, mark):
    lines = "".join(f"{row['text']}{mark}{row['label']}\n" for row in ROWS)
    dataset = read(put(tmp_path / "rows.csv", lines))
    assert list(dataset.sides["text"]) == TEXTS
    assert dataset.roles.label == "label"
    assert dataset.notes == ("no header line: the columns are called `text`, `label`, the first row is a row",)
    assert dataset.ids[0] == "rows.csv:1"


@pytest.mark.parametrize(
    "header", ["sentence,kind", "What happened?,day", "2019,2020", "x,y", "0,1", "body,", "Region,a", "kind,b"]
)
def test_a_header_stays_a_header(tmp_path, header):
    draw = random.Random(3)
    values = [f"{draw.random():.3f},{draw.random():.3f}" for _ in range(20)]
    if "." not in header and not header[0].isdigit() and header != "x,y":
        values = [f"the tide of day {i} is low,{'ab'[i % 2]}" for i in range(20)]
    path = put(tmp_path / "rows.csv", header + "\n" + "\n".join(values) + "\n")
    loaded = formats.load(path, path.name, {})
    assert len(loaded) == 20
    assert list(loaded.fields) == header.split(",")
    assert not loaded.notes


def test_separators_are_found_by_the_rows(tmp_path):
    path = put(tmp_path / "r.csv", "text;price, in euros\nlow today;3\nhigh, later;4\n")
    assert read(path).sides["text"] == ["low today", "high, later"]
    assert read(put(tmp_path / "p.csv", "text|label\na, b|x\nc|y\n")).sides["text"] == ["a, b", "c"]


def test_cells_that_begin_like_formulas_are_read_as_they_are(tmp_path):
    cells = ["=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)"]
    path = put(tmp_path / "r.csv", "text,label\n" + "".join(f"{cell},a\n" for cell in cells))
    assert read(path).sides["text"] == cells


def shards(folder, split, rows):
    for shard in range(2):
        table = pa.Table.from_pylist(rows[shard * len(rows) // 2 : (shard + 1) * len(rows) // 2])
        pq.write_table(table, folder / f"{split}-0000{shard}-of-00002.parquet")


def test_a_folder_and_a_pattern_of_parquet_files(tmp_path):
    folder = tmp_path / "set" / "data"
    folder.mkdir(parents=True)
    shards(folder, "train", ROWS)
    shards(folder, "test", ROWS[:2])
    whole = read(tmp_path / "set")
    assert list(whole.sides["text"]) == TEXTS
    assert "not `test`" in whole.notes[0]
    assert list(read(f"{tmp_path / 'set'}::split=test").sides["text"]) == TEXTS[:2]
    assert list(read(f"{folder}/train-*.parquet").sides["text"]) == TEXTS
    assert whole.ids[5] == "set:6"
    with pytest.raises(InputError, match="no file matches"):
        read(f"{folder}/dev-*.parquet")


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.gz", "csv", "json"])
def test_a_folder_of_text_files(tmp_path, suffix):
    write_records(tmp_path / f"b.{suffix}", ROWS[4:])
    write_records(tmp_path / f"a.{suffix}", ROWS[:4])
    dataset = read(tmp_path)
    assert list(dataset.sides["text"]) == TEXTS
    assert [dict(record) for record in dataset.records] == ROWS
    assert len(set(dataset.ids)) == len(ROWS)
    write_records(tmp_path / "c.parquet", ROWS)
    with pytest.raises(InputError, match="several formats"):
        read(tmp_path)


def test_a_saved_dict_of_splits(tmp_path):
    for split, rows in (("train", ROWS), ("test", ROWS[:2])):
        write_records(tmp_path / split, rows)
    put(tmp_path / "dataset_dict.json", '{"splits": ["train", "test"]}')
    assert list(read(tmp_path).sides["text"]) == TEXTS
    assert len(read(f"{tmp_path}::split=test")) == 2
    with pytest.raises(InputError, match="2 splits"):
        read(f"{tmp_path}::split=dev")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "cp1252", "gb18030", "utf-8-sig"])
@pytest.mark.parametrize("name", ["r.jsonl", "r.csv", "r.json"])
def test_encodings(tmp_path, encoding, name):
    words = "潮汐 low" if encoding.startswith(("utf", "gb")) else "café là"
    rows = [{"text": words, "label": "a"}, {"text": words * 2, "label": "b"}]
    write_records(tmp_path / name, rows)
    path = put(tmp_path / name, (tmp_path / name).read_text("utf-8").replace("\\u", "\\u").encode(encoding))
    assert list(read(path, encoding=encoding).sides["text"]) == [words, words * 2]
    if encoding in {"utf-16", "utf-8-sig"}:
        assert list(read(path).sides["text"]) == [words, words * 2]


def test_other_encodings_are_named_in_the_fix(tmp_path):
    path = put(tmp_path / "r.csv", "text,label\ncafé,a\n".encode("latin-1"))
    with pytest.raises(InputError, match="--encoding latin-1"):
        read(path)
    with pytest.raises(UsageError, match="encoding latin-7"):
        read(path, encoding="latin-7")
    with pytest.raises(InputError, match="not ascii"):
        read(path, encoding="ascii")


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def workbook(path, sheets):
    """A minimal Excel file."""
    numbered = list(enumerate(sheets, 1))
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, name in numbered)
    links = "".join(
        f'<Relationship Id="r{n}" Type="{OFFICE}/worksheet" Target="worksheets/s{n}.xml"/>' for n, _ in numbered
    )
    with zipfile.ZipFile(path, "w") as out:
        root = f'<Relationship Id="r0" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
        out.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{root}</Relationships>')
        out.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"/>')
        out.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>'
        )
        out.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'
        )
        for n, name in numbered:
            cells = [
                "<row>" + "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row) + "</row>"
                for row in sheets[name]
            ]
            content = f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(cells)}</sheetData></worksheet>'
            out.writestr(f"xl/worksheets/s{n}.xml", content)


def test_sheets(tmp_path):
    pytest.importorskip("python_calamine", reason="the extra `sheets` is not installed")
    grid = [["text", "label"], *([row["text"], row["label"]] for row in ROWS)]
    path = tmp_path / "r.xlsx"
    workbook(path, {"tides": grid, "others": grid[:3]})
    dataset = read(path)
    assert list(dataset.sides["text"]) == TEXTS
    assert [dict(record) for record in dataset.records] == ROWS
    assert "the sheet `tides` is read, not `others`" in dataset.notes[0]
    assert len(read(f"{path}::sheet=others")) == 2
    titled = tmp_path / "titled.xlsx"
    workbook(titled, {"tides": [["Answers of March", ""], *grid]})
    assert list(read(titled).sides["text"]) == TEXTS
    with pytest.raises(InputError, match="cannot be read as a spreadsheet"):
        read(put(tmp_path / "broken.xlsx", b"PK no sheet"))


def test_sheets_without_their_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'syngain\[sheets\]'"):
        read(put(tmp_path / "r.ods", b"PK"))


ODD = [3, None, [1], {"text": None, "label": "a"}, {"text": 5, "label": "a"}, {"label": "a"}, {"text": "x"}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", ["r.jsonl", "r.json"])
def test_one_odd_row_is_left_out_with_its_reason(tmp_path, name, odd):
    rows = [*ROWS[:3], odd, *ROWS[3:]]
    content = json.dumps(rows) if name == "r.json" else as_lines(rows)
    dataset = read(put(tmp_path / name, content))
    assert list(dataset.sides["text"]) == TEXTS
    assert list(dataset.labels) == [row["label"] for row in ROWS]
    assert [dict(record) for record in dataset.records] == ROWS
    assert len(dataset) == len(list(dataset.ids)) == len(ROWS)
    assert dataset.notes[0].startswith("1 of 9 rows left out: ")


def test_half_of_the_rows_odd_is_an_error_with_one_row(tmp_path):
    rows = [{"prompt": "p", "completion": None if i % 2 else "c"} for i in range(200)]
    with pytest.raises(InputError, match=r"line 2: `completion` is null.*100 of 200 rows cannot be read"):
        read(put(tmp_path / "r.jsonl", as_lines(rows)))


def test_a_role_that_reads_as_empty_is_an_error_with_one_row(tmp_path):
    part = [{"type": "text", "words": "a"}]
    rows = [{"messages": [{"role": "user", "content": part}, {"role": "assistant", "content": part}]}] * 200
    with pytest.raises(InputError, match=r'reads as empty, as in 200 of 200 rows; the row: \{"messages"'):
        read(put(tmp_path / "r.jsonl", as_lines(rows)))


def test_parts_that_are_no_text_are_counted_and_kept():
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "a.png"}}]
    sound = [{"type": "input_audio", "input_audio": {"data": ""}}, {"type": "text", "text": "And this?"}]
    rows = [
        {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "a"}]}
        for content in (parts, parts, sound)
    ]
    dataset = Dataset.from_rows(rows)
    assert dataset.notes == ("2 image parts, 1 audio part in messages: kept in the rows, not measured",)
    assert [dict(record) for record in dataset.records] == rows
    with_column = [{"instruction": "<image> what?", "output": "a", "images": ["a.png"]}]
    assert "`images` in 1 rows" in Dataset.from_rows(with_column).notes[0]


def test_inner_fields_by_dotted_names(tmp_path):
    rows = [{"meta": {"ask": {"q": f"q{i}"}, "topic": "ab"[i % 2]}, "out": [{"a": f"a{i}"}]} for i in range(4)]
    path = put(tmp_path / "r.jsonl", as_lines(rows))
    options = RoleOptions(text="meta.ask.q+out.0.a", label="meta.topic")
    dataset = read(path, roles=options)
    assert list(dataset.sides["prompt"]) == ["q0", "q1", "q2", "q3"]
    assert list(dataset.sides["response"]) == ["a0", "a1", "a2", "a3"]
    assert dataset.labels == ["a", "b", "a", "b"]
    assert [dict(record) for record in dataset.records] == rows
    assert list(read(path, like=dataset).sides["prompt"]) == ["q0", "q1", "q2", "q3"]
    table = put(tmp_path / "r.csv", 'meta,n\n"{""q"": ""asked""}",1\n')
    assert read(table, roles=RoleOptions(text="meta.q")).sides["text"] == ["asked"]
    with pytest.raises(InputError, match=r"no field `meta.none`"):
        read(path, roles=RoleOptions(text="meta.none"))


def test_a_source_that_names_no_real_row_is_not_used(tmp_path):
    real = read(put(tmp_path / "real.jsonl", as_lines(ROWS)))
    models = put(tmp_path / "syn.jsonl", as_lines([{**row, "source": f"model {i}"} for i, row in enumerate(ROWS)]))
    dataset = read(models, like=real)
    assert dataset.sources is None
    assert dataset.roles.source is None
    assert "`source` is not used as the source column" in dataset.notes[0]
    assert read(models, like=real, roles=RoleOptions(source="source")).sources is not None
    ids = put(
        tmp_path / "ids.jsonl", as_lines([{**row, "source_id": f"real.jsonl:{i + 1}"} for i, row in enumerate(ROWS)])
    )
    assert read(ids, like=real).roles.source == "source_id"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        (("content_parts/real_value.jsonl", "content_parts/syn_value.jsonl"), Kind.PAIR),
        (("preference/real_sharegpt.jsonl", "preference/syn_sharegpt.jsonl"), Kind.PAIR),
        (("preference/real_flat.jsonl", "preference/syn_flat.jsonl"), Kind.PAIR),
        (("no_header/real.tsv", "no_header/syn.tsv"), Kind.TEXT),
        (("wrapped/real.json", "wrapped/syn.json"), Kind.PAIR),
    ],
)
def test_shared_cases_are_read(files, kind):
    if not CASES.is_dir():
        pytest.skip("the shared cases are absent")
    real = read(CASES / files[0])
    synthetic = read(CASES / files[1], like=real)
    assert real.kind is synthetic.kind is kind
    assert all(text for dataset in (real, synthetic) for side in dataset.sides.values() for text in side)
    if "content_parts" in files[0]:
        other = read(CASES / "content_parts/real_text.jsonl")
        assert list(real.sides["response"]) == list(other.sides["response"])


def test_a_repeated_key_is_an_error_that_names_it():
    path = CASES / "commands/24-dup-keys-csv/dup.jsonl"
    if not path.exists():
        pytest.skip("the shared cases are absent")
    with pytest.raises(InputError, match="the keys `text` appear more than once"):
        read(path)


def test_fields_keep_their_first_row_when_rows_are_left_out(tmp_path):
    rows = [
        {"messages": [{"role": "user", "content": f"question {i}"}, {"role": "assistant", "content": "a"}]}
        for i in range(9)
    ]
    rows[0]["messages"] = 7
    rows.append({**rows[1], "image": "a.png"})
    (tmp_path / "chats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert len(read(tmp_path / "chats.jsonl")) == 9


def test_digits_of_other_alphabets_are_no_numbers_of_classes(tmp_path):
    (tmp_path / "powers.csv").write_text(
        "text,label\n" + "".join(f"row {i} of many,{'²³'[i % 2]}\n" for i in range(30))
    )
    assert set(read(tmp_path / "powers.csv").labels) == {"²", "³"}
    (tmp_path / "bare.csv").write_text("".join(f"²,³,{i}\n" for i in range(30)))
    read(tmp_path / "bare.csv", roles=RoleOptions(text=""))


@pytest.mark.parametrize("opening", ['{"ok": true, ', '{"a-b": null, ', '{"version": -1, ', "{"])
def test_a_split_of_rows_in_one_line_is_chosen(opening, tmp_path):
    rows = {name: [{"text": f"{name} {i}", "label": "a"} for i in range(3)] for name in ("train", "test")}
    (tmp_path / "whole.json").write_text(opening + json.dumps(rows)[1:])
    assert read(f"{tmp_path / 'whole.json'}::split=train").sides["text"][0] == "train 0"


def test_a_long_first_row_is_no_wrapper(tmp_path, monkeypatch):
    rows = [{"text": "x" * 1_500_000, "label": "a"}, {"text": "short", "label": "b"}]
    (tmp_path / "long.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setattr("syngain.data.files.streams.WHOLE_LIMIT", 1_000)
    assert len(read(tmp_path / "long.jsonl")) == 2


def test_texts_inside_of_objects_are_offered_by_their_dotted_names(tmp_path):
    rows = [{"id": i, "meta": {"q": {"body": f"question {i}"}, "n": 3}} for i in range(5)]
    (tmp_path / "nested.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"inside of them: `meta\.q\.body`"):
        read(tmp_path / "nested.jsonl")
    found = read(tmp_path / "nested.jsonl", roles=RoleOptions(text="meta.q.body"))
    assert found.sides["text"][0] == "question 0"


TITLED = [
    ("sep=;\ntext;label\n{rows}", ";"),
    ("SEP=,\r\ntext,label\r\n{rows}", ","),
    ("Answers of March\n\ntext;label\n{rows}", ";"),
    ("Answers of March,\nexported by the team,\ntext,label\n{rows}", ","),
    ("sep=\t\nAnswers\ntext\tlabel\n{rows}", "\t"),
]


@pytest.mark.parametrize(("form", "mark"), TITLED)
def test_titles_and_separators_above_a_header_are_no_rows(tmp_path, form, mark):
    rows = "".join(f"the answer number {i}{mark}{'ab'[i % 2]}\n" for i in range(8))
    (tmp_path / "export.csv").write_text(form.format(rows=rows))
    found = read(tmp_path / "export.csv")
    assert found.sides["text"][0] == "the answer number 0"
    assert list(found.labels[:2]) == ["a", "b"]
    assert len(found) == 8


@pytest.mark.parametrize("first", ["text", "review", "label"])
def test_a_name_above_rows_with_one_more_cell_is_no_title(tmp_path, first):
    (tmp_path / "rows.csv").write_text(f"{first}\n" + "".join(f"one part {i}, and another\n" for i in range(8)))
    with pytest.raises(InputError, match="2 fields, the header has 1"):
        read(tmp_path / "rows.csv")
