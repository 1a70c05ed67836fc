"""Numbers as people write them: decimal commas, thousands; and files that are no rows."""

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syngain.core.errors import InputError
from syngain.data import read
from syngain.data.columns.roles import Kind
from syngain.data.columns.values import written_number


def german(value, decimals):
    return f"{value:,.{decimals}f}".replace(",", "_").replace(".", ",").replace("_", ".")


@given(st.integers(-(10**9), 10**9), st.sampled_from([1, 2, 4]))
def test_a_number_with_a_decimal_comma_is_that_number(whole, decimals):
    value = whole / 10**decimals
    assert written_number(german(value, decimals)) == pytest.approx(value, abs=1e-9)
    assert written_number(f"{value:.{decimals}f}".replace(".", ",")) == pytest.approx(value, abs=1e-9)


@given(st.floats(1000, 1e12), st.integers(1, 4))
def test_a_number_with_thousands_and_a_point_is_that_number(value, decimals):
    assert written_number(f"{value:,.{decimals}f}") == pytest.approx(round(value, decimals), rel=1e-12)


@pytest.mark.parametrize("text", ["1,234", "-12,500", "a,b", "1,2,3", "12,", ",5", "1.2.3,4"])
def test_what_has_two_meanings_or_none_is_no_number(text):
    assert written_number(text) is None


def test_a_european_table_has_numbers(tmp_path):
    path = tmp_path / "eu.csv"
    lines = [f"{20 + i};{german(1000.5 * i + 0.25, 2)};{'ja' if i % 3 else 'nein'}" for i in range(60)]
    path.write_text("alter;preis;gekauft\n" + "\n".join(lines) + "\n", encoding="utf-8")
    found = read(path)
    assert found.kind is Kind.TABLE
    assert list(found.columns["preis"])[:3] == [0.25, 1000.75, 2001.25]
    again = read(path, like=found)
    assert list(again.columns["preis"]) == list(found.columns["preis"])


def test_lists_of_rows_inside_of_rows_are_named(tmp_path):
    path = tmp_path / "squad.json"
    asked = [{"id": str(i), "question": f"why {i}", "answers": [{"text": "so", "answer_start": 0}]} for i in range(3)]
    rows = [{"title": f"t{i}", "paragraphs": [{"context": "so it is", "qas": asked}]} for i in range(12)]
    path.write_text(json.dumps({"version": "2.0", "data": rows}))
    with pytest.raises(InputError, match="`paragraphs` holds a list of objects") as error:
        read(path)
    assert "`context`, `qas`" in str(error.value)


def zipped():
    place = io.BytesIO()
    with zipfile.ZipFile(place, "w") as file:
        file.writestr("a.jsonl", '{"text": "x"}\n')
    return place.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("rows.zip", zipped(), "zip archive"),
        ("rows.jsonl", zipped(), "zip archive"),
        ("rows.csv", b"%PDF-1.7 rows", "PDF"),
        ("rows.db", b"SQLite format 3\0" + bytes(100), "SQLite database"),
        ("rows.npy", b"\x93NUMPY" + bytes(100), "NumPy array"),
    ],
)
def test_a_file_that_is_no_text_is_called_what_it_is(name, content, what, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=what):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("shift_jis", "質問,これは日本語の文章です。"),
        ("gb18030", "问题,这是一个中文句子，非常好。"),  # noqa: RUF001  (the comma of Chinese)
        ("euc-kr", "질문,이것은 한국어 문장입니다"),
        ("cp1251", "вопрос,Это русское предложение"),
        ("cp1252", "naïve café, “quoted” señor"),
        ("latin-1", "café, señor, Größe"),
    ],
)
def test_the_encoding_that_is_named_reads_the_file(encoding, text, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("text,label\n" + f'"{text}",a\n"{text} 2",b\n' * 10, encoding=encoding)
    with pytest.raises(InputError, match=f"--encoding {encoding}") as error:
        read(path)
    assert "UTF-8" in str(error.value)
    assert read(path, encoding=encoding).sides["text"][0] == text


def test_one_row_without_a_response_does_not_turn_chats_into_texts(tmp_path):
    full = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}]} for i in range(9)
    ]
    cut = {"messages": [{"role": "user", "content": "alone"}]}
    for name, rows in (("first", [cut, *full]), ("last", [*full, cut])):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        found = read(path)
        assert found.roles.sentence() == "prompt and response from `messages`"
        assert len(found) == 9
        assert any("no assistant message" in note for note in found.notes)
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text("".join(json.dumps(cut) + "\n" for _ in range(5)))
    assert read(prompts).roles.sentence() == "text from `messages`"
