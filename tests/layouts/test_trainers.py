"""What trainers read is what was meant: rules of each trainer, by kinds of rows and as properties."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from conversion_rows import HARD, IMAGE, OSLO, PARALLEL, ROME, SWAPPED, TOOL, call, result, says, user
from reading_layouts import LAYOUTS as PUBLISHED
from reading_layouts import ROWS
from strategies import thorough, unicode_text
from syngain.core.errors import InputError, UsageError
from syngain.data.layouts import LAYOUTS, LayoutError, convert_rows, target_named
from syngain.data.layouts.trainers import TRAINERS
from syngain.data.layouts.trainers.meaning import differences, meaning_of

TARGETS = ("trl", "llama_factory", "axolotl", "oumi", "openai", "unsloth", "nemo", "messages", "distilabel")
BACK = {"trl": "trl", "llama_factory": "sharegpt", "oumi": "oumi", "openai": "openai", "messages": "messages"}
CASES = Path(os.environ.get("SYNGAIN_DATA", "../shared/data")).parent / "cases" / "commands"


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


SOURCES = {name: [make(i) for i in range(ROWS)] for name, (make, _) in PUBLISHED.items()} | HARD


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_source_is_written_as_meant_or_says_what_is_not(tmp_path, source, target):
    file = jsonl(tmp_path / "in.jsonl", SOURCES[source])
    try:
        done = syngain.convert(file, tmp_path / "out.jsonl", to=target, lossy=True)
    except InputError:
        assert not (tmp_path / "out.jsonl").exists()
        return
    assert len(lines(tmp_path / "out.jsonl")) == done.written == len(SOURCES[source]) - sum(done.skipped.values())
    if done.lost or done.skipped:
        with pytest.raises(InputError, match=r"in\.jsonl, row \d+: "):
            syngain.convert(file, tmp_path / "strict.jsonl", to=target)


def converted(row, target, source="messages"):
    return convert_rows([row], LAYOUTS[source], target_named(target)).rows[0]


@pytest.mark.parametrize("target", ["trl", "axolotl", "nemo", "messages", "unsloth"])
def test_arguments_are_objects_where_templates_encode_them(target):
    row = converted({"messages": PARALLEL, "tools": [TOOL]}, target)
    spoken = row.get("messages") or row["prompt"] + row["completion"]
    calls = [one["function"]["arguments"] for turn in spoken for one in turn.get("tool_calls", [])]
    assert calls == [{"city": "Rome"}, {"city": "Oslo"}]
    assert row["tools"] == [TOOL]


@pytest.mark.parametrize("target", ["openai", "oumi"])
def test_arguments_are_text_where_the_loader_takes_text(target):
    objects = [*PARALLEL[:1], says(None, tool_calls=[call("weather", {"city": "Rome"})]), *PARALLEL[2:3], says("20")]
    row = converted({"messages": objects}, target)
    assert row["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"city": "Rome"}'


def test_parallel_results_are_one_observation_in_the_order_of_their_calls():
    for messages in (PARALLEL, SWAPPED):
        row = converted({"messages": messages}, "llama_factory")
        assert [turn["from"] for turn in row["conversations"]] == ["human", "function_call", "observation", "gpt"]
        assert row["conversations"][2]["value"] == "20\n</tool_response>\n<tool_response>\n5"


def test_the_completion_keeps_its_calls_and_many_answers_stay_in_the_loss(tmp_path):
    row = HARD["completion_with_tools"][0]
    made = converted(row, "trl", "trl")
    assert [turn["role"] for turn in made["completion"]] == ["assistant", "tool", "tool", "assistant"]
    done = syngain.convert(jsonl(tmp_path / "in.jsonl", HARD["one_and_many_turns"]), tmp_path / "out.jsonl", to="trl")
    assert done.lost == {}
    assert all(set(row) == {"messages"} for row in lines(tmp_path / "out.jsonl"))


@pytest.mark.parametrize("target", ["llama_factory", "oumi", "nemo", "unsloth", "distilabel"])
def test_turns_outside_of_the_loss_are_named_where_a_trainer_would_train_them(target):
    with pytest.raises(InputError, match="loss mask"):
        convert_rows(HARD["weights"], LAYOUTS["messages"], target_named(target))


def test_turns_outside_of_the_loss_are_marked_where_a_trainer_reads_marks():
    source, row = LAYOUTS["trl"], HARD["untrained_history"]
    assert convert_rows(row, source, target_named("openai")).rows[0]["messages"][1]["weight"] == 0
    assert convert_rows(row, source, target_named("axolotl")).rows[0]["messages"][1]["training"] is False
    assert set(convert_rows(row, source, target_named("trl")).rows[0]) == {"prompt", "completion"}


def test_tool_results_in_a_compared_answer_are_named_because_dpo_and_kto_count_them():
    call = {"type": "function", "function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    answer = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "weather", "content": "4 degrees"},
        {"role": "assistant", "content": "It is cold."},
    ]
    asked = [{"role": "user", "content": "And Oslo?"}]
    rows = [
        {"prompt": asked, "chosen": answer, "rejected": [{"role": "assistant", "content": "No idea."}]},
        {"prompt": asked, "completion": answer, "label": True},
    ]
    for row, source in zip(rows, (LAYOUTS["preference"], LAYOUTS["trl"]), strict=True):
        with pytest.raises(InputError, match="loss mask"):
            convert_rows([row], source, target_named("trl"))
        alone = {name: value[-1:] if value == answer else value for name, value in row.items()}
        assert not convert_rows([alone], source, target_named("trl")).lost


@pytest.mark.parametrize(
    "name", ["sharegpt_double_human", "sharegpt_ends_human", "sharegpt_gpt_first", "sharegpt_two_system"]
)
def test_rows_that_llama_factory_skips_are_an_error_or_are_counted(tmp_path, name):
    file = CASES / "07-llama-factory-skips-rows" / f"{name}.jsonl"
    if not file.exists():
        pytest.skip("the shared cases are absent")
    with pytest.raises(InputError, match="LLaMA-Factory does not take it"):
        syngain.convert(file, tmp_path / "out.jsonl", to="llama_factory")
    both = jsonl(
        tmp_path / "both.jsonl",
        [*lines(file), {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "r"}]}],
    )
    done = syngain.convert(both, tmp_path / "out.jsonl", to="llama_factory", lossy=True)
    assert (done.rows, done.written, sum(done.skipped.values())) == (2, 1, 1)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [{"prompt": "q", "chosen": "a", "rejected": "b"}],
            {"ranking": True, "chosen": "chosen", "rejected": "rejected"},
        ),
        ([{"prompt": "q", "completion": "a", "label": True}], {"kto_tag": "kto_tag"}),
        (HARD["image_column"], {"images": "images"}),
        (HARD["tools_as_text"], {"tools": "tools"}),
    ],
)
@pytest.mark.parametrize("target", ["llama_factory", "llama_factory_alpaca"])
def test_dataset_info_names_every_column_that_is_read(tmp_path, rows, expected, target):
    if target.endswith("alpaca") and "tools" in expected:
        pytest.skip("calls have no place in alpaca rows")
    syngain.convert(jsonl(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl", to=target)
    entry = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))["out"]
    assert {**entry["columns"], "ranking": entry.get("ranking")}.items() >= expected.items()
    assert set(entry["columns"].values()) <= set(lines(tmp_path / "out.jsonl")[0])


@pytest.mark.parametrize("target", ["trl", "axolotl", "oumi", "openai", "nemo", "messages"])
def test_bare_functions_are_declared_as_services_and_templates_take_them(target):
    row = {"messages": PARALLEL, "tools": json.dumps([TOOL["function"]])}
    made = converted(row, target)
    assert read_tools(made["tools"]) == [TOOL]


@pytest.mark.parametrize("target", ["llama_factory", "axolotl", "openai", "trl"])
@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_system_column_is_no_system_text(target, empty):
    row = {"system": empty, "prompt": "q", "chosen": "a", "rejected": "b"}
    assert "system" not in json.dumps(converted(row, target, "preference"))


MARKED = [
    ({"messages": [user("What is <image>?"), says("A tag.")]}, "`<image>` 1 times for 0 images"),
    ({"messages": [user("Which tag?"), says("<audio>")]}, "`<audio>` 1 times for 0 audios"),
    ({"messages": [user([{"type": "text", "text": "<image>"}, IMAGE]), says("A cat.")]}, "2 times for 1 images"),
    (
        {"messages": [user("q"), says("", tool_calls=[call("draw", {"tag": "<video>"})]), result("ok"), says("r")]},
        "`<video>` 1 times for 0 videos",
    ),
    ({"prompt": "a", "chosen": "<image>", "rejected": "b"}, "`<image>` 1 times for 0 images"),
    ({"prompt": "a", "chosen": "b", "rejected": "<video>"}, "`<video>` 1 times for 0 videos"),
    ({"prompt": "a", "completion": "<image>", "label": True}, "`<image>` 1 times for 0 images"),
]


@pytest.mark.parametrize(("row", "message"), MARKED)
def test_marks_of_media_in_plain_text_are_named_because_multimodal_templates_stop(tmp_path, row, message):
    plain = json.loads(json.dumps(row).replace("<", "["))
    file = jsonl(tmp_path / "in.jsonl", [plain, row, plain])
    with pytest.raises(InputError, match=rf"row 2: .*{message}"):
        syngain.convert(file, tmp_path / "out.jsonl", to="llama_factory")
    done = syngain.convert(file, tmp_path / "out.jsonl", to="llama_factory", lossy=True)
    assert (done.written, list(done.skipped.values())) == (2, [1])


@pytest.mark.parametrize("target", ["llama_factory", "llama_factory_alpaca"])
@pytest.mark.parametrize("words", ["<img>", "<Image>", "image", "< image >", "<images>"])
def test_other_tags_and_the_system_text_are_no_marks(tmp_path, target, words):
    row = {"messages": [{"role": "system", "content": "No <image>."}, user(f"What is {words}?"), says(words)]}
    done = syngain.convert(jsonl(tmp_path / "in.jsonl", [row]), tmp_path / "out.jsonl", to=target)
    assert (done.written, dict(done.lost), dict(done.skipped)) == (1, {}, {})


def test_two_files_of_one_stem_have_two_entries(tmp_path):
    file = jsonl(tmp_path / "in.jsonl", [{"prompt": "q", "completion": "a"}])
    for name in ("train.a.jsonl", "train.b.jsonl", "train.json", "train.jsonl"):
        syngain.convert(file, tmp_path / name, to="llama_factory")
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))
    assert {name: entry["file_name"] for name, entry in info.items()} == {
        "train.a": "train.a.jsonl",
        "train.b": "train.b.jsonl",
        "train": "train.json",
        "train.jsonl": "train.jsonl",
    }


def test_a_file_that_the_trainer_does_not_open_is_refused(tmp_path):
    file = jsonl(tmp_path / "in.jsonl", [{"prompt": "q", "completion": "a"}])
    for name in ("out.parquet", "out.jsonl.gz"):
        with pytest.raises(UsageError, match="Oumi does not open"):
            syngain.convert(file, tmp_path / name, to="oumi")


def test_tools_with_types_outside_of_json_schema_are_refused_for_oumi():
    odd = {"type": "function", "function": {"name": "f", "parameters": {"type": "dict"}}}
    with pytest.raises(InputError, match="Oumi does not take it"):
        convert_rows([{"messages": PARALLEL, "tools": [odd]}], LAYOUTS["messages"], TRAINERS["oumi"])


texts = st.one_of(unicode_text, unicode_text, st.sampled_from(["<image>", "a <video> tag", "<audio> <image>"]))
one_call = st.sampled_from([ROME, OSLO, call("add", {"n": 2, "of": [1, {"x": None}]}, 2)])
calling = st.lists(one_call, min_size=1, max_size=2, unique_by=lambda one: one["id"]).map(
    lambda calls: [
        says(None, tool_calls=calls),
        *({"role": "tool", "tool_call_id": c["id"], "content": "5"} for c in calls),
    ]
)
image = texts.map(
    lambda text: {
        "role": "user",
        "content": [
            {"type": "text", "text": text},
            {"type": "image_url", "image_url": {"url": "https://a.example/x.png"}},
        ],
    }
)
rounds = st.tuples(
    st.one_of(texts.map(user), image),
    st.one_of(st.just([]), calling),
    st.tuples(texts, st.sampled_from([{}, {"weight": 0}, {"weight": 1}])).map(lambda one: says(one[0], **one[1])),
).map(lambda one: [one[0], *one[1], one[2]])
conversations = st.tuples(
    st.one_of(st.just([]), texts.map(lambda text: [{"role": "system", "content": text}])),
    st.lists(rounds, min_size=1, max_size=3),
).map(lambda one: [*one[0], *(turn for turns in one[1] for turn in turns)])


@pytest.mark.parametrize("target", BACK)
def test_to_a_trainer_and_back_keeps_the_meaning_or_names_the_loss(target):
    seen = {"kept": 0, "named": 0}

    @thorough(60)
    @given(conversations, st.booleans())
    def check(messages, tools):
        row = {"messages": messages, **({"tools": [TOOL]} if tools else {})}
        before = meaning_of(LAYOUTS["messages"].parse(row))[0]
        try:
            made = convert_rows([row], LAYOUTS["messages"], TRAINERS[target]).rows[0]
        except InputError:
            seen["named"] += 1
            return
        seen["kept"] += 1
        layout = "messages" if target == "trl" and "messages" in made else BACK[target]
        after = meaning_of(LAYOUTS[layout].parse(json.loads(json.dumps(made))))[0]
        assert differences(before, after) == []

    check()
    assert seen["kept"] > 0, seen


replies = st.tuples(st.one_of(st.just([]), calling), texts.map(says)).map(lambda one: [*one[0], one[1]])
compared = st.tuples(conversations, texts.map(user), replies, replies).map(
    lambda one: {"prompt": [*one[0], one[1]], "chosen": one[2], "rejected": one[3]}
)
judged = st.tuples(conversations, texts.map(user), replies, st.booleans()).map(
    lambda one: {"prompt": [*one[0], one[1]], "completion": one[2], "label": one[3]}
)


@pytest.mark.parametrize("target", ["trl", "llama_factory", "llama_factory_alpaca", "axolotl", "nemo", "unsloth"])
def test_preferences_and_judged_answers_reach_a_trainer_as_meant_or_with_their_loss_named(target):
    """What is written without a named loss is read by the trainer's rule as the row was meant."""
    seen = {"kept": 0, "named": 0}

    @thorough(60)
    @given(st.one_of(compared, judged), st.booleans())
    def check(row, with_tools):
        layout = LAYOUTS["preference" if "chosen" in row else "trl"]
        row = {**row, "tools": [TOOL]} if with_tools else row
        before = meaning_of(layout.parse(json.loads(json.dumps(row))))[0]
        trainer = target_named(target)
        try:
            made = convert_rows([row], layout, trainer).rows[0]
        except (InputError, LayoutError):
            seen["named"] += 1
            return
        seen["kept"] += 1
        readings = [
            read for form in {f for forms in trainer.forms.values() for f in forms} if (read := taken(form, made))
        ]
        assert any(differences(before, after) == [] for after in readings)

    check()
    assert seen["kept"] > 0, seen


def taken(form, row):
    """What a form's rule reads in a row; None where it is not of the form."""
    try:
        return form.read(json.loads(json.dumps(row)))
    except (LayoutError, KeyError, TypeError):
        return None


@pytest.mark.parametrize("target", ["trl", "messages", "nemo", "unsloth", "llama_factory", "axolotl"])
def test_parquet_keeps_each_tool_schema_as_it_was(tmp_path, target):
    """Arrow would merge the schemas: nulls in the parameters of other tools."""
    pq = pytest.importorskip("pyarrow.parquet")
    rows = [{**row, "n": place} for place, row in enumerate([*HARD["tools_as_objects"], *HARD["tools_as_text"]])]
    file = jsonl(tmp_path / "in.jsonl", rows)
    syngain.convert(file, tmp_path / "out.jsonl", to=target)
    syngain.convert(file, tmp_path / "out.parquet", to=target)
    assert pq.read_table(tmp_path / "out.parquet").num_rows == len(rows)
    syngain.convert(tmp_path / "out.parquet", tmp_path / "again.jsonl")
    again, wanted = lines(tmp_path / "again.jsonl"), lines(tmp_path / "out.jsonl")
    for one, other in zip(again, wanted, strict=True):
        before, after = (read_tools(row.get("tools")) for row in (other, one))
        assert after == before
        assert "null" not in json.dumps(after)
    for name in ("out.jsonl", "out.parquet"):
        syngain.convert(tmp_path / name, tmp_path / f"back-{name}.jsonl", to="messages")
    assert lines(tmp_path / "back-out.jsonl.jsonl") == lines(tmp_path / "back-out.parquet.jsonl")


def read_tools(value):
    return json.loads(value) if isinstance(value, str) else value


def test_kept_rows_of_an_audit_convert_like_their_source(tmp_path):
    file = jsonl(tmp_path / "in.jsonl", HARD["tools_as_text"])
    data = syngain.read(file)
    from syngain.data.files.write import write_rows

    write_rows(tmp_path / "kept.jsonl", data, range(len(data)))
    for target in ("trl", "llama_factory", "openai"):
        for name in ("in", "kept"):
            (tmp_path / name).mkdir(exist_ok=True)
            syngain.convert(tmp_path / f"{name}.jsonl", tmp_path / name / f"{target}.jsonl", to=target)
        assert lines(tmp_path / "in" / f"{target}.jsonl") == lines(tmp_path / "kept" / f"{target}.jsonl")


def test_a_layout_error_names_what_is_expected():
    with pytest.raises(LayoutError) as stop:
        TRAINERS["openai"].fitting(LAYOUTS["text"].parse({"text": "t"}))
    assert stop.value.expected


@pytest.mark.parametrize("target", ["axolotl", "distilabel"])
def test_an_answer_that_only_calls_a_tool_is_no_empty_answer(tmp_path, target):
    (called,) = HARD["preference_with_tools"]
    spoken = {**called, "chosen": [{"role": "assistant", "content": "Sunny."}]}
    rows = [called, {name: value for name, value in spoken.items() if name != "tools"}]
    source, place = tmp_path / "pairs.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match="a call and no text"):
        syngain.convert(source, place, to=target)
    found = syngain.convert(source, place, to=target, lossy=True)
    assert len(place.read_text().splitlines()) == 1
    assert found.skipped == {"an answer that is a call and no text": 1}
