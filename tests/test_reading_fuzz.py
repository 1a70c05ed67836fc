"""Broken files are read or refused with an error in three parts, and layouts keep their meaning in every form."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reading_files import outcome
from reading_layouts import LAYOUTS, ROWS
from strategies import as_lines, thorough
from syngain.core import InputError, UsageError
from syngain.data import Dataset, read, write_records
from test_layouts_read import meanings

BATCH = 100
words = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20).map(str.strip).filter(bool)
roles = st.sampled_from(
    [("role", "content", "user", "assistant"), ("from", "value", "human", "gpt"), ("role", "value", "human", "gpt")]
)
pieces = st.sampled_from(["text", "parts text", "parts value", "parts content"])


@pytest.mark.parametrize("start", range(0, 400, BATCH))
def test_broken_files(tmp_path, start):
    counts = {"read": 0, "refused": 0}
    for seed in range(start, start + BATCH):
        counts[outcome(tmp_path, seed)] += 1
    assert min(counts.values()) > 10


@pytest.mark.parametrize("form", ["r.json", "r.parquet", "wrapped.json", "memory", "utf16.jsonl"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_mean_the_same_in_every_format(tmp_path, layout, form):
    rows = [LAYOUTS[layout][0](i) for i in range(ROWS)]
    expected = meanings(Dataset.from_rows(rows))
    path = tmp_path / form
    if form == "memory":
        assert meanings(Dataset.from_rows(rows)) == expected
        return
    if form == "wrapped.json":
        path.write_text(json.dumps({"version": 1, "data": rows}))
    elif form == "utf16.jsonl":
        path.write_bytes(as_lines(rows).decode().encode("utf-16"))
    else:
        try:
            write_records(path, rows)
        except UsageError as error:
            pytest.skip(f"this format cannot store these rows: {error}")
    assert meanings(read(path)) == expected


def spoken(text, form):
    if form == "text":
        return text
    return [{"type": "text", form.split()[1]: text}, {"type": "image_url", "image_url": {"url": "a.png"}}]


@thorough(300)
@given(
    turns=st.lists(st.tuples(words, words), min_size=1, max_size=3),
    style=st.tuples(roles, pieces, st.sampled_from(["messages", "conversations", "conversation"])),
    system=st.none() | words,
    extra=st.tuples(st.booleans(), st.none() | st.sampled_from(["null", "number", "lacking"])),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_conversations_keep_their_meaning(tmp_path_factory, turns, style, system, extra, encoding):
    tools, odd = extra
    (role, content, asks, answers), form, field = style
    messages = [{role: "system", content: system}] if system else []
    for asked, answered in turns:
        messages += [{role: asks, content: spoken(asked, form)}, {role: answers, content: spoken(answered, form)}]
    rows = [{field: messages, **({"tools": "[]"} if tools else {})} for _ in range(4)]
    wrong = {"null": {field: None}, "number": {field: 3}, "lacking": {"other": "x"}}
    rows[1:1] = [wrong[odd]] if odd else []
    path = tmp_path_factory.mktemp("c") / "r.jsonl"
    path.write_bytes(as_lines(rows).decode().encode(encoding))
    dataset = read(path)
    prompt = [f"system: {system}"] if system else []
    for asked, answered in turns:
        prompt += [f"user: {asked}", f"assistant: {answered}"]
    del prompt[-1]
    expected = "\n".join(prompt) if len(prompt) > 1 else turns[0][0]
    assert list(dataset.sides["prompt"]) == [expected] * 4
    assert list(dataset.sides["response"]) == [turns[-1][1]] * 4
    assert [note for note in dataset.notes if "1 of 5 rows left out" in note] == list(dataset.notes[:1]) * bool(odd)


@thorough(300)
@given(
    texts=st.lists(st.tuples(words, words, words), min_size=3, max_size=5),
    names=st.sampled_from(
        [
            ("prompt", "chosen", "rejected"),
            ("question", "response_j", "response_k"),
            ("instruction", "chosen", "rejected"),
        ]
    ),
    chat=st.booleans(),
    lost=st.sampled_from([None, 1, 2]),
)
def test_preferences_keep_their_meaning_or_lose_one_row_by_name(texts, names, chat, lost):
    assume(not any(text.startswith(("[", "{")) for row in texts for text in row))
    assume(all(not {"Human:", "Assistant:"} & set(text.split()) for row in texts for text in row))
    rows = [dict(zip(names, row, strict=True)) for row in texts]
    if chat:
        for row in rows:
            row[names[1]], row[names[2]] = ([{"role": "assistant", "content": row[name]}] for name in names[1:])
    if lost is not None:
        rows[1][names[lost]] = None
    dataset = Dataset.from_rows(rows)
    kept = [row for place, row in enumerate(texts) if lost is None or place != 1]
    assert list(dataset.sides["response"]) == [row[1] for row in kept]
    assert list(dataset.rejected) == [row[2] for row in kept]
    if lost is not None:
        assert f"`{names[lost]}` is null (1)" in dataset.notes[0]


@thorough(200)
@given(rows=st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3), min_size=1), min_size=1, max_size=4))
def test_repeated_keys_are_found_wherever_they_are(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("d") / "r.jsonl"
    inner = ", ".join(f'"{key}" : {value}' for row in rows for key, value in row.items())
    path.write_text('{"text": "a: b", "x": [{' + inner + "}]}\n")
    keys = [key for row in rows for key in row]
    if len(keys) == len(set(keys)):
        assert len(read(path)) == 1
        return
    with pytest.raises(InputError, match="appear more than once") as caught:
        read(path)
    assert all(f"`{key}`" in str(caught.value) for key in keys if keys.count(key) > 1)
