"""``convert``: files between layouts and formats, other tools' files, and what trainers read."""

import json
import sys

import pyarrow.parquet as pq
import pytest

import syngain
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.data.layouts import LAYOUTS, detect_layout, layout_named
from syngain.data.layouts.convert import READ_ONLY

DISTILABEL = {
    "instruction": "Name a river.",
    "generation": "The Oder.",
    "model_name": "llama",
    "distilabel_metadata": {
        "raw_input_text_generation_0": [{"role": "system", "content": "Short."}, {"role": "user", "content": "..."}],
        "raw_output_text_generation_0": "The Oder.",
        "statistics_text_generation_0": {"input_tokens": 9, "output_tokens": 3},
        "logprobs_text_generation_0": [
            [{"token": "The", "logprob": -0.1}, {"token": "A", "logprob": -3.0}],
            [{"token": " Oder", "logprob": -0.7}],
        ],
    },
}
DESIGNER = {
    "topic": "rivers",
    "answer": "The Oder.",
    "answer__trace": [
        {"role": "system", "content": [{"type": "text", "text": "Short."}]},
        {"role": "user", "content": [{"type": "text", "text": "Name a river."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "The Oder."}], "reasoning_content": "Near."},
    ],
}
CURATOR = {"prompt": "Name a river.", "response": "The Oder.", "reasoning": "Near.", "model": "gpt", "topic": "rivers"}
EASY = {
    "question": "Name a river.",
    "answer": "The Oder.",
    "cot": "Near.",
    "chunkName": "part-1",
    "chunkContent": "The Oder flows.",
    "questionLabel": "geography",
    "model": "qwen",
    "confirmed": True,
}
FOREIGN = dict(zip(READ_ONLY, (DISTILABEL, DESIGNER, CURATOR, EASY), strict=True))


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", READ_ONLY)
def test_files_of_other_tools_are_known_by_their_fields_and_become_conversations(tmp_path, name):
    done = syngain.convert(jsonl(tmp_path / "in.jsonl", [FOREIGN[name]]), tmp_path / "out.jsonl", to="messages")
    row = lines(tmp_path / "out.jsonl")[0]
    assert (done.source, done.rows, done.lost) == (name, 1, {})
    by_role = {message["role"]: message["content"] for message in row["messages"]}
    assert by_role["user"] == "Name a river."
    assert by_role["assistant"] == "The Oder."


def test_provenance_and_log_probabilities_are_kept_and_named_as_syngain_reads_them():
    row = LAYOUTS["distilabel"].parse(DISTILABEL)
    assert row.extra["generator"] == "llama"
    assert row.extra["token_logprobs"] == [-0.1, -0.7]
    assert row.extra["tokens"] == ["The", " Oder"]
    assert row.extra["distilabel_metadata"] == DISTILABEL["distilabel_metadata"]
    assert row.messages[0] == {"role": "system", "content": "Short."}
    nested = {**DISTILABEL, "distilabel_metadata": {"logprobs_x_0": [[[{"token": "a", "logprob": -1.0}]]]}}
    assert LAYOUTS["distilabel"].parse(nested).extra["token_logprobs"] == [-1.0]
    easy = LAYOUTS["easy_dataset"].parse(EASY)
    assert (easy.extra["source"], easy.extra["generator"], easy.extra["label"]) == (
        "The Oder flows.",
        "qwen",
        "geography",
    )
    assert easy.messages[1]["reasoning_content"] == "Near."
    assert LAYOUTS["data_designer"].parse(DESIGNER).messages[2]["reasoning_content"] == "Near."
    assert LAYOUTS["curator"].parse(CURATOR).messages[1]["reasoning_content"] == "Near."


def test_the_custom_export_of_easy_dataset_has_its_own_names():
    row = {"question": "Name a river.", "answer": "The Oder.", "labels": "geography", "chunk": "The Oder flows."}
    assert detect_layout(row) == "easy_dataset"
    extra = LAYOUTS["easy_dataset"].parse(row).extra
    assert (extra["source"], extra["label"], extra["chunk"]) == ("The Oder flows.", "geography", "The Oder flows.")


def test_a_data_designer_row_without_a_trace_takes_its_columns():
    row = {"question": "q", "answer": "a", "answer__reasoning_content": "r"}
    assert [m["content"] for m in LAYOUTS["data_designer"].parse(row).messages] == ["q", "a"]
    named = layout_named("data_designer", prompt="ask", response="reply")
    assert [m["content"] for m in named.parse({"ask": "x", "reply": "y"}).messages] == ["x", "y"]


@pytest.mark.parametrize(
    ("fields", "layout"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [], "metadata": {}}, "oumi"),
        ({"conversations": []}, "sharegpt"),
        ({"prompt": [], "completion": []}, "trl"),
        ({"prompt": "", "completion": ""}, "prompt_completion"),
        ({"prompt": "", "chosen": "", "rejected": ""}, "preference"),
        ({"instruction": "", "output": ""}, "alpaca"),
        ({"instruction": "", "instances": []}, "self_instruct"),
        ({"question": "", "solution": ""}, "qa"),
        ({"sentence": ""}, "text"),
        ({"text": ""}, "text"),
    ],
)
def test_layouts_are_found_by_their_fields(fields, layout):
    assert detect_layout(fields) == layout


def test_unknown_fields_ask_for_a_name():
    with pytest.raises(InputError, match="no known layout"):
        detect_layout({"a": 1, "b": 2})


def test_llama_factory_gets_an_entry_beside_those_that_are_there(tmp_path):
    source = jsonl(tmp_path / "in.jsonl", [{"instruction": "i", "input": "", "output": "o"}])
    (tmp_path / "dataset_info.json").write_text('{"mine": {"file_name": "mine.json"}}', encoding="utf-8")
    done = syngain.convert(source, tmp_path / "rivers.json", to="llama_factory")
    info = json.loads((tmp_path / "dataset_info.json").read_text(encoding="utf-8"))
    assert set(info) == {"mine", "rivers"}
    entry = info["rivers"]
    row = json.loads((tmp_path / entry["file_name"]).read_text(encoding="utf-8"))[0]
    turn = row[entry["columns"]["messages"]][0]
    assert turn[entry["tags"]["role_tag"]] == entry["tags"]["user_tag"]
    assert turn[entry["tags"]["content_tag"]] == "i"
    assert len(done.files) == 2


def test_formats_change_without_a_layout_and_parquet_comes_back(tmp_path):
    rows = [
        {
            "messages": [{"role": "user", "content": "é"}, {"role": "assistant", "content": "a", "name": "n"}],
            "label": None,
        }
    ]
    source = jsonl(tmp_path / "in.jsonl", [*rows, {"messages": rows[0]["messages"][::1], "label": "x"}])
    syngain.convert(source, tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2
    syngain.convert(tmp_path / "out.parquet", tmp_path / "back.jsonl", to="messages")
    assert lines(tmp_path / "back.jsonl") == [rows[0], {**rows[0], "label": "x"}]


def test_converted_rows_are_read_by_the_audit(tmp_path):
    syngain.convert(jsonl(tmp_path / "in.jsonl", [DISTILABEL]), tmp_path / "out.jsonl", to="messages")
    dataset = syngain.read(tmp_path / "out.jsonl")
    assert dataset.sides["response"][0] == "The Oder."


def test_real_files_go_to_trainers_and_back(shared_data, tmp_path):
    source = shared_data / "alpaca_random_9k.jsonl.gz"
    first = syngain.convert(source, tmp_path / "chat.jsonl.gz", to="messages")
    syngain.convert(tmp_path / "chat.jsonl.gz", tmp_path / "trl.parquet", to="trl")
    syngain.convert(tmp_path / "trl.parquet", tmp_path / "back.jsonl", to="alpaca")
    before, back = syngain.read(source), syngain.read(tmp_path / "back.jsonl")
    assert first.rows == len(back) == len(before)
    assert list(back.sides["prompt"]) == list(before.sides["prompt"])
    assert list(back.sides["response"]) == list(before.sides["response"])


def test_instances_of_self_instruct_go_to_messages_and_back(shared_data, tmp_path):
    source = shared_data / "self_instruct_user252.jsonl.gz"
    syngain.convert(source, tmp_path / "chat.jsonl", to="messages")
    syngain.convert(tmp_path / "chat.jsonl", tmp_path / "back.jsonl", to="self_instruct")
    before, back = syngain.read(source), syngain.read(tmp_path / "back.jsonl")
    assert len(back) == 252
    assert list(back.sides["prompt"]) == list(before.sides["prompt"])
    assert [dict(row) for row in back.records] == [dict(row) for row in before.records]


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", "convert", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_the_command_names_what_it_left_out(monkeypatch, capsys, tmp_path):
    source = jsonl(tmp_path / "in.jsonl", [{"question": "q", "answer": "a", "label": "x"}] * 3)
    code, _, err = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "openai")
    assert code == 2
    assert "row 1: OpenAI would lose `label`" in err
    assert not (tmp_path / "out.jsonl").exists()
    code, out, _ = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "openai", "--lossy")
    assert code == 0
    assert "left out: label (3 rows)" in out
    assert set(lines(tmp_path / "out.jsonl")[0]) == {"messages"}
    assert run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "qa")[0] == 2  # it is there
    code, out, _ = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "qa", "--force", "--json")
    assert json.loads(out)["to"] == "qa"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--to", "curator"), "--to curator"),
        (("--to", "messages", "--from", "chatml"), "layout chatml"),
        (("--to", "messages", "--from", "alpaca"), "row 1: `instruction`"),
        (("--to", "messages", "--from", "text", "--prompt", "a"), "--prompt or --response for text"),
        (("--to", "text"), "row 1: the row is a conversation"),
    ],
)
def test_wrong_use_is_exit_2(monkeypatch, capsys, tmp_path, more, said):
    source = jsonl(tmp_path / "in.jsonl", [{"question": "q", "answer": "a"}])
    code, _, err = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", *more)
    assert code == 2
    assert said in err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_broken_dataset_info_is_not_replaced(tmp_path):
    source = jsonl(tmp_path / "in.jsonl", [{"question": "q", "answer": "a"}])
    (tmp_path / "dataset_info.json").write_text("[1", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        syngain.convert(source, tmp_path / "out.json", to="llama_factory")
    assert not (tmp_path / "out.json").exists()
    with pytest.raises(UsageError, match="--to curator"):
        syngain.convert(source, tmp_path / "out.json", to="curator")


USER, GOOD, BAD = (
    {"role": role, "content": text} for role, text in (("user", "2+2?"), ("assistant", "4"), ("assistant", "5"))
)


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "2+2?", "chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    ],
)
def test_the_question_of_a_preference_stands_in_it_once(row):
    layout = LAYOUTS[detect_layout(row)]
    assert layout.emit(layout.parse(row)).row == {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]}


def test_llama_factory_is_told_of_tools_where_there_are_any(tmp_path):
    for name, tools in (("plain", None), ("tools", [{"type": "function", "function": {"name": "f"}}])):
        row = {"messages": [USER, GOOD]} | ({"tools": tools} if tools else {})
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
        (tmp_path / name).mkdir()
        syngain.convert(tmp_path / f"{name}.jsonl", tmp_path / name / "out.jsonl", to="llama_factory")
        info = json.loads((tmp_path / name / "dataset_info.json").read_text(encoding="utf-8"))
        assert ("tools" in info["out"]["columns"]) == (tools is not None)


def test_arguments_of_calls_are_objects_for_sharegpt_and_texts_for_chats():
    call = {"type": "function", "function": {"name": "w", "arguments": '{"city": "Łódź"}'}}
    row = {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [call]}]}
    written = LAYOUTS["sharegpt"].emit(LAYOUTS["messages"].parse(row))
    assert json.loads(written.row["conversations"][1]["value"]) == {"name": "w", "arguments": {"city": "Łódź"}}
    assert written.lost == ()
    assert LAYOUTS["messages"].emit(LAYOUTS["sharegpt"].parse(written.row)).row == row
    tight = {"type": "function", "function": {"name": "w", "arguments": '{"city":"x"}'}}
    row = {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [tight]}]}
    lost = LAYOUTS["sharegpt"].emit(LAYOUTS["messages"].parse(row)).lost
    assert lost == ("messages[].tool_calls[].function.arguments (how they are written)",)


def test_most_rows_decide_the_form_not_the_first(monkeypatch, capsys, tmp_path):
    full = [
        {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "a"}]} for i in range(9)
    ]
    source = jsonl(tmp_path / "in.jsonl", [{"messages": [{"role": "user", "content": "alone"}]}, *full])
    code, _, err = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "trl")
    assert code == 2
    assert "row 1: TRL does not take it: the answer does not end with the assistant" in err
    code, out, _ = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "trl", "--lossy")
    assert code == 0
    assert "1 row" in out
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["completion"][0]["content"] for row in rows] == ["a"] * 9


def test_judged_answers_are_not_written_as_good_ones(monkeypatch, capsys, tmp_path):
    rows = [{"prompt": f"p{i}", "completion": "c", "label": bool(i % 2)} for i in range(6)]
    source = jsonl(tmp_path / "in.jsonl", rows)
    code, _, err = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "messages")
    assert code == 2
    assert "bad answers would train as good ones" in err


def test_a_row_without_a_response_is_named_and_left_out(monkeypatch, capsys, tmp_path):
    rows = [{"prompt": f"p{i}", "response": None if i == 3 else "a"} for i in range(6)]
    source = jsonl(tmp_path / "in.jsonl", rows)
    code, _, err = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "trl")
    assert code == 2
    assert "row 4: TRL does not take it: `response` is null" in err
    code, _, _ = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "trl", "--lossy")
    assert code == 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 5


def test_named_columns_need_no_layout(monkeypatch, capsys, tmp_path):
    source = jsonl(tmp_path / "in.jsonl", [{"Frage": f"f{i}", "Antwort": "a", "k": 1} for i in range(4)])
    code, _, err = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "trl")
    assert code == 2
    assert "--prompt Frage --response Antwort" in err
    named = ("--prompt", "Frage", "--response", "Antwort")
    code, _, _ = run(monkeypatch, capsys, source, tmp_path / "out.jsonl", "--to", "trl", *named)
    assert code == 0
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["completion"][0]["content"] == "a"
