"""Tables: which columns count, what is a number, what is missing, and what REAL decides."""

from __future__ import annotations

import math
from array import array

import numpy as np
import pytest

from syngain.core import InputError
from syngain.data import Dataset, Kind, RoleOptions, read


def table(content, folder, name="t.csv", **options):
    path = folder / name
    path.write_text(content)
    dataset = read(path, **options)
    assert dataset.kind is Kind.TABLE
    return dataset


def test_csv_cells_become_numbers_and_categories(tmp_path):
    dataset = table("age,job,class\n3,a,x\n4.5,b,y\n,a,x\n1e3,,y\n", tmp_path)
    assert list(dataset.columns) == ["age", "job"]
    assert isinstance(dataset.columns["age"], array)
    assert np.asarray(dataset.columns["age"])[[0, 1, 3]].tolist() == [3, 4.5, 1000]
    assert math.isnan(dataset.columns["age"][2])
    assert dataset.columns["job"] == ["a", "b", "a", ""]
    assert dataset.labels == ["x", "y", "x", "y"]
    assert dataset.numeric == ("age",)
    assert dataset.sides == {}
    assert dataset.records[1] == {"age": "4.5", "job": "b", "class": "y"}


def test_split_ids_log_probabilities_and_provenance_are_never_features():
    never = (
        "split",
        "id",
        "user_id",
        "token_logprobs",
        "tokens",
        "top_logprobs",
        "logprob_mode",
        "temperature",
        "top_p",
    )
    row = dict.fromkeys(never, 1) | {
        "sum_logprob": -1,
        "source": "s",
        "generator": "g",
        "label": 1,
        "x": 2,
        "deep": {"a": 1},
    }
    dataset = Dataset.from_rows([row])
    assert list(dataset.columns) == ["x"]
    assert set(dataset.roles.ignored) == {*never, "sum_logprob", "deep"}
    assert dataset.roles.sentence().startswith("features from `x`, label from `label`, source from `source`, generator")


def test_a_column_the_rows_are_filtered_by_is_no_feature(tmp_path):
    (tmp_path / "t.csv").write_text("x,origin\n1,a\n2,b\n")
    assert list(read(f"{tmp_path / 't.csv'}::origin=a").columns) == ["x"]


def test_missing_numbers_are_nan_however_they_are_written(tmp_path):
    dataset = table("x,y\n1,1\nNaN,1\nnull,1\nNA,1\n,1\nNone,1\n", tmp_path)
    assert np.isnan(dataset.columns["x"]).tolist() == [False, True, True, True, True, True]
    lines = table('{"x": 1, "y": 2}\n{"x": NaN, "y": 2}\n{"y": 1}\n{"x": null, "y": 1}\n', tmp_path, "t.jsonl")
    assert np.isnan(lines.columns["x"]).tolist() == [False, True, True, True]


@pytest.mark.parametrize("cells", [[None, None], [math.nan, math.nan], ["", ""], ["nan", "NA"]])
def test_a_column_without_any_value_is_named(cells):
    with pytest.raises(InputError, match="the column `x` is empty or NaN in all 2 rows"):
        Dataset.from_rows([{"x": cell, "y": 1} for cell in cells])


@pytest.mark.parametrize("cell", [math.inf, -math.inf, 10**400])
def test_infinite_numbers_are_refused(cell):
    with pytest.raises(InputError, match="row 2: the number in `x` is infinite or too large"):
        Dataset.from_rows([{"x": 1}, {"x": cell}])


def test_a_column_of_numbers_and_text_is_read_as_categories_and_said(tmp_path):
    dataset = table("x,y\n1,1\n2,2\nabc,3\n1,1\n", tmp_path)
    assert dataset.columns["x"] == ["1", "2", "abc", "1"]
    assert 'line 4 contains text ("abc")' in dataset.notes[0]


def test_digits_with_underscores_are_no_numbers(tmp_path):
    assert table("x,y\n1_000,1\n1_000,2\n", tmp_path).columns["x"] == ["1_000", "1_000"]


def test_true_and_false_are_categories_in_json_and_csv(tmp_path):
    lines = table('{"x": 1, "b": true}\n{"x": 2, "b": false}\n', tmp_path, "t.jsonl")
    cells = table("x,b\n1,True\n2,False\n", tmp_path)
    assert lines.columns["b"] == cells.columns["b"] == ["true", "false"]
    assert lines.fingerprint == cells.fingerprint


def test_columns_of_categories_alone_are_a_table():
    dataset = Dataset.from_rows([{"cap": "flat", "odor": "none"}, {"cap": "bell", "odor": "foul"}] * 3)
    assert dataset.kind is Kind.TABLE
    assert dataset.numeric == ()


@pytest.mark.parametrize("cells", [["x" * 50, "y " * 30] * 3, ["short", "texts", "all", "different"], ["one"]])
def test_strings_that_are_no_categories_ask_for_the_text(cells):
    with pytest.raises(InputError, match=r"no text field; the fields are `foo`, `split`.*name the columns: --text foo"):
        Dataset.from_rows([{"foo": cell, "split": "a"} for cell in cells])


def test_prose_next_to_many_numbers_is_a_table_with_a_note():
    more = dict.fromkeys("abc", 1.5)
    dataset = Dataset.from_rows([{"x": -i, **more, "body": f"{i} " + "words " * 20} for i in range(3)])
    assert dataset.kind is Kind.TABLE
    assert "--text body" in dataset.notes[0]


@pytest.mark.parametrize("others", [{}, {"topic": "a"}, {"topic": "a", "age": 3}])
def test_sentences_with_a_row_number_are_not_read_as_a_table_in_silence(others):
    """A row number made a table of texts: copies, labels and contamination were not checked, without a word."""
    rows = [{"no.": i, "question": f"{i} " + "words " * 20, **others} for i in range(3)]
    with pytest.raises(InputError, match=r"`question` looks like text.*--text question.*--text none"):
        Dataset.from_rows(rows)
    assert Dataset.from_rows(rows, roles=RoleOptions(text="")).kind is Kind.TABLE


def test_an_empty_text_option_asks_for_a_table():
    dataset = Dataset.from_rows([{"text": "a", "x": 1}, {"text": "a", "x": 2}], roles=RoleOptions(text=""))
    assert list(dataset.columns) == ["text", "x"]


def test_real_decides_which_columns_count_and_what_they_hold():
    real = Dataset.from_rows(
        [{"x": 1, "job": "a", "y": "p"}, {"x": 2, "job": "b", "y": "q"}], roles=RoleOptions(label="y")
    )
    other = Dataset.from_rows(
        [{"job": 7, "x": "3.5", "new": 1, "y": "p"}, {"job": 8, "x": "NA", "new": 2, "y": "p"}],
        roles=RoleOptions(label="y"),
        like=real,
    )
    assert list(other.columns) == ["x", "job"]
    assert other.columns["x"][0] == 3.5
    assert other.columns["job"] == ["7", "8"]
    assert other.roles.ignored == ("new",)


def test_columns_that_real_has_must_be_there_and_hold_the_same():
    real = Dataset.from_rows([{"x": 1, "z": 2}])
    with pytest.raises(InputError, match=r"lacks the columns `z`.*columns of rows"):
        Dataset.from_rows([{"x": 1}], name="other", like=real)
    with pytest.raises(InputError, match=r'row 2: `z` is text \("abc"\)'):
        Dataset.from_rows([{"x": 1, "z": 2}, {"x": 1, "z": "abc"}], name="other", like=real)
    with pytest.raises(InputError, match="`z` is empty or NaN"):
        Dataset.from_rows([{"x": 1, "z": None}], name="other", like=real)


def test_nested_cells_after_plain_ones_are_named():
    with pytest.raises(InputError, match="row 2: `x` is a list"):
        Dataset.from_rows([{"x": "a", "y": 1}, {"x": [1], "y": 1}])


def test_take_keeps_numbers_numbers():
    taken = Dataset.from_rows([{"x": i, "job": "ab"[i % 2]} for i in range(4)]).take([3, 1])
    assert taken.columns["x"] == array("d", [3, 1])
    assert taken.columns["job"] == ["b", "b"]


def test_large_tables_convert_batch_by_batch():
    rows = [{"x": str(i) if i != 15_000 else "1_0", "y": i} for i in range(20_000)]
    dataset = Dataset.from_rows(rows)
    assert list(dataset.columns["y"]) == list(range(20_000))
    assert dataset.columns["x"][15_000] == "1_0"


def test_rows_without_any_label_say_that(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b,k\n1,2,\n3,4,\n")
    with pytest.raises(InputError, match="no row has a label"):
        read(path, roles=RoleOptions(label="k"))
