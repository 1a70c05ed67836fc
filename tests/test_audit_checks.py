"""What a response holds: tool calls, code, arithmetic, personal data, secrets, and items of public benchmarks."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import syngain
from syngain.audit.frame import Frame
from syngain.audit.measures.benchmarks import BenchmarkItems
from syngain.audit.responses.checks.arithmetic import wrong_arithmetic, wrong_equations
from syngain.audit.responses.checks.code_blocks import code_fails
from syngain.audit.responses.checks.credentials import secrets
from syngain.audit.responses.checks.personal_data import iban, luhn, personal_data
from syngain.audit.responses.health import response_health
from syngain.audit.responses.kinds import KINDS
from syngain.audit.responses.prompt_response import Response
from syngain.core.errors import InputError, UsageError
from syngain.data.benchmarks import read_benchmarks
from syngain.data.dataset import Dataset
from syngain.data.study import Study
from syngain.data.tool_calls.arguments import INVALID, MISSING, problems
from syngain.data.tool_calls.conversations import conversations
from syngain.data.tool_calls.problems import JSON, RESULT, TOOL, call_problems
from syngain.data.tool_calls.tools import normal_schema

CASES = Path(os.environ.get("SYNGAIN_DATA", "../shared/data")).parent / "cases"
SCHEMA = {
    "type": "object",
    "properties": {"base": {"type": "string"}, "amount": {"type": "integer"}, "kind": {"enum": ["spot", "fix"]}},
    "required": ["base"],
}
TOOL_LIST = [{"type": "function", "function": {"name": "get_rate", "parameters": SCHEMA}}]
GOOD = {"base": "EUR", "amount": 2}


def turn(role, content=None, **more):
    return {"role": role, "content": content, **more}


def openai(name="get_rate", arguments=GOOD, *, text=True, result_id="c1", tools=TOOL_LIST):
    written = arguments if isinstance(arguments, str) or not text else json.dumps(arguments)
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": written}}
    return {
        "messages": [
            turn("user", "Rate?"), turn("assistant", tool_calls=[call]), turn("tool", "1.1", tool_call_id=result_id),
            turn("assistant", "It is 1.1."),
        ],
        "tools": tools,
    }  # fmt: skip


def sharegpt(name="get_rate", arguments=GOOD):
    flat = [{"name": "get_rate", "parameters": SCHEMA}]
    call = f'{{"name": "{name}", "arguments": {arguments if isinstance(arguments, str) else json.dumps(arguments)}}}'
    said = (("human", "Rate?"), ("function_call", call), ("observation", "1.1"), ("gpt", "It is 1.1."))
    return {"conversations": [{"from": role, "value": text} for role, text in said], "tools": json.dumps(flat)}


def hermes(name="get_rate", arguments=GOOD):
    body = f'{{"name": "{name}", "arguments": {arguments if isinstance(arguments, str) else json.dumps(arguments)}}}'
    system = f"You call functions. <tools>\n{json.dumps(TOOL_LIST[0])}\n</tools> Use <tool_call></tool_call> tags."
    return {
        "messages": [
            turn("system", system), turn("user", "Rate?"), turn("assistant", f"<tool_call>\n{body}\n</tool_call>"),
            turn("tool", "<tool_response>\n1.1\n</tool_response>"), turn("assistant", "It is 1.1."),
        ]
    }  # fmt: skip


def xlam(name="get_rate", arguments=GOOD):
    call = f'[{{"name": "{name}", "arguments": {arguments if isinstance(arguments, str) else json.dumps(arguments)}}}]'
    flat = {"base": {"type": "str"}, "amount": {"type": "int, optional"}, "kind": {"type": "str", "default": "spot"}}
    tools = json.dumps([{"name": "get_rate", "description": "a rate", "parameters": flat}])
    return {"query": "What is the rate?", "answers": call, "tools": tools}


def anthropic(name="get_rate", arguments=GOOD):
    parts = [{"type": "text", "text": "I look."}, {"type": "tool_use", "id": "t1", "name": name, "input": arguments}]
    result = [{"type": "tool_result", "tool_use_id": "t1", "content": "1.1"}]
    messages = [turn("user", "Rate?"), turn("assistant", parts), turn("user", result), turn("assistant", "It is 1.1.")]
    return {"messages": messages, "tools": [{"name": "get_rate", "input_schema": SCHEMA}]}


LAYOUTS = {
    "openai": openai, "objects": lambda *a: openai(*a, text=False), "sharegpt": sharegpt, "hermes": hermes, "xlam": xlam,
}  # fmt: skip


def problems_of(*rows):
    found = conversations(Dataset.from_rows(list(rows), "rows"))
    return [set(call_problems(one)) for one in found]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tool_calls_are_read_in_every_layout(layout):
    make = LAYOUTS[layout]
    assert problems_of(make()) == [set()]
    assert problems_of(make("get_rates")) == [{TOOL}]
    assert problems_of(make("get_rate", {"amount": 3})) == [{MISSING}]
    assert problems_of(make("get_rate", {"base": "EUR", "amount": "three"})) == [{INVALID}]
    assert problems_of(make("get_rate", {"base": "EUR", "speed": 1})) == [{INVALID}]
    assert problems_of(make("get_rate", '{"base": "EUR", "amo')) == [{JSON}]


def test_tool_calls_in_parts_of_messages():
    assert problems_of(anthropic(), anthropic("other"), anthropic("get_rate", {})) == [set(), {TOOL}, {MISSING}]


def test_a_mapping_of_names_is_a_list_of_tools_and_broken_tools_are_named():
    row = openai(tools={"get_rate": {"parameters": SCHEMA}})
    assert problems_of(row, {**row, "tools": '[{"name": "get_r'}) == [set(), {JSON}]


def test_results_follow_their_calls():
    good, wrong = openai(), openai(result_id="c7")
    without_call, without_result = openai(), openai()
    del without_call["messages"][1]
    del without_result["messages"][2]
    assert problems_of(good, wrong, without_call, without_result) == [set(), {RESULT}, {RESULT}, {RESULT}]
    at_the_end = openai()
    at_the_end["messages"] = at_the_end["messages"][:2]
    assert problems_of(at_the_end) == [set()]


def test_one_message_may_hold_the_results_of_several_calls():
    row = sharegpt()
    call = {"name": "get_rate", "arguments": GOOD}
    row["conversations"][1]["value"] = json.dumps([call, call])
    assert problems_of(row) == [set()]
    row["conversations"].insert(3, {"from": "observation", "value": "1.2"})
    assert problems_of(row) == [set()]


def test_a_call_is_no_bad_text():
    """Rows that end in a call are not judged as texts: neither cut, nor repeated, nor in another language."""
    real = [
        {"messages": [turn("user", f"Explain tides, case {i}."), turn("assistant", f"Tides rise {i} times a day.")]}
        for i in range(100)
    ]
    ending = openai()
    ending["messages"] = ending["messages"][:2]
    rows = [*real[:50], *([ending] * 50)]
    study = Study.of(Dataset.from_rows(real, "real"), Dataset.from_rows(rows, "synthetic"))
    found = response_health(Frame.of(study))
    assert not any(flags[50:].any() for flags in found.flags.values())


def test_rows_without_calls_are_not_read_again():
    rows = [{"prompt": f"What is the function of tool {i}?", "completion": "It cuts."} for i in range(30)]
    assert conversations(Dataset.from_rows(rows, "rows")) is None


def test_an_empty_content_next_to_a_call_is_the_call():
    row = openai()
    row["messages"] = [row["messages"][0], {**row["messages"][1], "content": ""}]
    assert "get_rate" in Dataset.from_rows([row], "rows").sides["response"][0]


def test_the_case_of_tool_calls():
    folder = CASES / "tool_calls"
    if not folder.exists():
        pytest.skip("needs ../shared/cases")
    result = syngain.audit(folder / "real.jsonl", folder / "syn.jsonl", gain=False)
    for kind in ("call_json", "call_tool", "call_missing"):
        assert sum(f"bad_responses: {kind}" in row.reasons for row in result.dropped) == 30
        assert result.estimates[f"responses.{kind}"].value == pytest.approx(30 / 180)
    assert len(result.dropped) == 90
    assert result.verdict.decision != "use"


# --- arguments: the package jsonschema as an oracle -----------------------------------------------------------------

values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["a", "b", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)
schemas = st.recursive(
    st.fixed_dictionaries({}, optional={
        "type": st.sampled_from(["string", "integer", "number", "boolean", "null", ["string", "null"]]),
        "enum": st.lists(st.sampled_from(["a", 1, None]), min_size=1, max_size=2), "minimum": st.integers(-1, 1),
    }),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3)},
        optional={"required": st.lists(st.sampled_from("abc"), max_size=2, unique=True)},
    ) | st.fixed_dictionaries({"type": st.just("array"), "items": inner}),
    max_leaves=5,
)  # fmt: skip


def closed(schema):
    """The schema as jsonschema must be told: arguments that no property names are wrong."""
    out = {
        key: {name: closed(part) for name, part in value.items()} if key == "properties" else value
        for key, value in schema.items()
    }
    if "properties" in out:
        out["additionalProperties"] = False
    return {**out, "items": closed(out["items"])} if "items" in out else out


@given(schemas, values)
def test_arguments_agree_with_jsonschema(schema, value):
    jsonschema = pytest.importorskip("jsonschema")
    errors = list(jsonschema.Draft202012Validator(closed(schema)).iter_errors(value))
    assert bool(problems(value, normal_schema(schema))) == bool(errors)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [("str, optional", "a", 1), ("List[int]", [1], "1"), ("STRING", "a", 1), ("float", 1.5, "x"), ("dict", {}, []),
     ("quaternion", 7, None)],
)  # fmt: skip
def test_types_are_known_in_other_spellings(kind, good, bad):
    schema = normal_schema({"type": kind})
    assert not problems(good, schema)
    assert bad is None or problems(bad, schema) == {INVALID}


def test_references_are_local_and_never_loop():
    schema = {
        "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}},
        "$ref": "#/$defs/node",
    }
    assert not problems({"next": {"next": {}}}, normal_schema(schema))
    assert problems({"next": 3}, normal_schema(schema)) == {INVALID}
    assert not problems({}, normal_schema({"$ref": "#"}))
    assert not problems({}, normal_schema({"$ref": "https://example.com/schema"}))


# --- code -----------------------------------------------------------------------------------------------------------

RIGHT_CODE = {
    "js": "const f = (a) => `x ${a} }`;\nlet re = /[(]/g; // it's (fine\nconsole.log('a\\'(');",
    "tsx": "export const A = () => (<p>It's {name}</p>);",
    "java": "class A { char c = '{'; String s = \"}\"; /* ( */ }",
    "cpp": "auto s = R\"x(a ( \" b)x\"; int n = 1'000; char c = '\\'';",
    "rust": "fn f<'a>(x: &'a str) -> char { let s = \"(\n\"; '}' }",
    "go": "s := `{`\nr := '{'\nif x { f(1) }",
    "sql": "SELECT 'a(' FROM t -- (\nWHERE x IN (1, 2);",
    "php": "<?php # it's\n$a = ['x' => \"}\"];",
    "json": '{"a": [1, 2], "b": null}',
    "css": "a::before { content: '{'; }",
}  # fmt: skip


@pytest.mark.parametrize("language", RIGHT_CODE)
def test_right_code_of_other_languages(language):
    assert not code_fails(Response("", f"See:\n```{language}\n{RIGHT_CODE[language]}\n```"))


@pytest.mark.parametrize(
    ("language", "code"),
    [("js", "function f() {\n  return [1, 2;\n}"), ("java", "class A { void f() { g(; }\n}"), ("c", 'char *s = "abc;\n'),
     ("go", "func f() {\n  if x {\n}"), ("rust", "fn f() { (1 + 2 }"), ("json", '{"a": 1,, "b": 2}'), ("json", '{"a": [1, 2}'),
     ("typescript", "const x = { a: 1 ];"), ("cpp", "int f() { return 1; }}"), ("csharp", 'var s = "a;')],
)  # fmt: skip
def test_broken_code_of_other_languages(language, code):
    assert code_fails(Response("", f"See:\n```{language}\n{code}\n```"))


@pytest.mark.parametrize(
    "text", ['{"a": 1, ...}', '{"a": 1 // one\n}', '{"a": <value>}', '{"a": 1}\n{"a": 2}', '"a": 1, "b": 2']
)
def test_sketches_of_data_are_not_judged(text):
    assert not code_fails(Response("", f"```json\n{text}\n```"))


# --- arithmetic -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["12 * 3 = 36", "48/2 = <<48/2=24>>24 clips", "$1,200 + 300 = $1,500", "20% of 50 = 10", "100 + 10% = 110", "10/3 = 3.33",
     "3 x 4 = 12 apples", "2+3=5=10/2", "2+3=5*4=20", "2x + 3 = 7", "f(3) = 3 * 2 = 6", "3/2 = 1 1/2", "1. 3 * 4 = 12",
     "1) 3 * 4 = 12", "2(3 + 4) = 14", "17 / 5 = 3 remainder 2", "1/2 + 1/4 = 3/4", "3 * 4 = **12**", "1.000 + 500 = 1.500",
     "3,5 + 1,5 = 5", "$3 \\times 4 = 12$", "10 ÷ 4 = 2.5", "5 − 2 = 3", "2/3 = 66.7%", "1 + 1 = 10 in binary", "3 * 4 = 12x",
     "3 million + 2 million = 5 million", "2 + 3 == 6", "10:30 + 1 = 11:30", "the other 72 miles * 3/4 = 54", "2 + 1 1/2 = 3 1/2",
     "Day 4=6*15 = 90", "0900 - 0130 = 0730", "version 1.2 + 3 = x", "2020-2024 = four years", "`1 + 1 = 3`", "we get p + p/2 + 3 = 69", "all 100 balls x (20 / 100) = 40", "400 000*2 = 800 000"],
)  # fmt: skip
def test_right_arithmetic_and_what_is_none(text):
    assert not wrong_arithmetic(Response("", text))


@pytest.mark.parametrize(
    "text",
    ["12 * 3 = 37", "48/2 = <<48/2=25>>24 clips", "$1,200 + 300 = $1,600", "20% of 50 = 12", "(5 + 3) * 2 = 17", "12 × 3 = 35",
     "10 ÷ 4 = 2.6", "So 3 * 4 = 13, and", "**3 * 4 = 13**", "$12.50 * 4 = $51", "7 + 8 = 15 = 5 * 4", "1.5 + 2.5 = 4.5"],
)  # fmt: skip
def test_wrong_arithmetic(text):
    assert wrong_arithmetic(Response("", text))


def test_equations_of_the_prompt_are_not_judged():
    assert not wrong_arithmetic(Response("If 2 + 3 = 10, what is 7 + 2?", "As 2 + 3 = 10, 7 + 2 = 63."))


numbers = st.integers(1, 10_000)


@given(numbers, numbers, st.sampled_from("+-*"), numbers)
def test_equations_hold_exactly_where_the_numbers_do(a, b, sign, other):
    result = {"+": a + b, "-": a - b, "*": a * b}[sign]
    assume(set(f"{a}{b}{abs(result) + other}") - set("01"))  # else they may be binary
    assert not list(wrong_equations(f"We get {a:,} {sign} {b} = {result:,} pieces."))
    wrong = abs(result) + other
    assert list(wrong_equations(f"We get {a} {sign} {b} = {wrong} pieces."))


@given(st.text(alphabet="0123456789.,$%()+-*/=x <>\n", max_size=60))
def test_arithmetic_never_fails(text):
    wrong_arithmetic(Response("", text))


# --- personal data and secrets --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["Write to maria.lopez84@gmail.com.", "Call (415) 867-2309.", "+49 171 2834756", "Tel.: 0171 2834756", "My number is 415-867-2309.",
     "Card 4539 1488 0343 6467", "DE44 5001 0517 5407 3249 31", "SSN 536-22-8726", "CPF 529.982.247-25", "手机：13812739465"],
)  # fmt: skip
def test_personal_data(text):
    assert personal_data(Response("", text))
    assert personal_data(Response(text, "Done."))


@pytest.mark.parametrize(
    "text",
    ["Write to john.doe@example.com.", "user@yourdomain.com", "info@citylibrary.org", "Call 555-0123 or (212) 555-0187.", "+1 800 867 2309",
     "Card 4242 4242 4242 4242", "GB82 WEST 1234 5698 7654 32", "SSN 123-45-6789", "The phone holds 50*50=2500, 10800-2500=8300 photos.",
     "2023-10-12, 10-20-30", "3.14159265358979", "ISBN 978-3-16-148410-0", "1234567890", "Regex: \\d{3}-\\d{3}", "git@github.com",
     "1, 2, 3, 4, 5, 6, 7, 8, 9", "password of ftp://bob:x8Kd92mQ@host.net"],
)  # fmt: skip
def test_placeholders_are_no_personal_data(text):
    assert not personal_data(Response("", text))


def test_check_digits():
    assert luhn("4539148803436467")
    assert not luhn("4539148803436468")
    assert iban("DE44500105175407324931")
    assert not iban("DE44500105175407324932")


KEYS = (  # built here, so that no scanner of secrets takes this file for a leak
    "AKIA" + "Q3EGRS4TXWLNB7ZD", "ghp_" + "9hT2mKx7QwLp4RzVb8NcYd3FgJs6A1eUo0Xi", "sk-" + "Tz8Qm3LxVw7RbK2nYp5Hc9DfJg4Sa6Ue1Xo0",
    'api_key = "' + 'f83kZqP0xYt72LmVw9RbKd41"', "xoxb-" + "482913746501-Kd82mQpZx7Rt4LwVb9Nc", "https://bob:" + "x8Kd92mQpZ7rT@host.net/x",
    "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEpAIBAAKCAQEAwq83KdPz0xYt72LmVw9RbKd41Tz8Qm3LxVw7RbK2nYp5Hc9D\n-----END",
)  # fmt: skip


@pytest.mark.parametrize("text", KEYS)
def test_secrets(text):
    assert secrets(Response("", f"Use {text} here."))


@pytest.mark.parametrize(
    "text",
    ["AKIAIOSFODNN7EXAMPLE", "api_key = 'your_api_key_here'", "password: hunter2", "token = os.environ['API_TOKEN_2024']",
     "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "The key is MyCompany2023Project45.", "SECRET=changeme12345678", "key: value123, other: 4"],
)  # fmt: skip
def test_documented_examples_are_no_secrets(text):
    assert not secrets(Response("", text))


@given(st.text(max_size=80))
def test_no_text_makes_a_check_fail(text):
    for kind in KINDS.values():
        if kind.of_row is not None:
            kind.of_row(Response(text, text))


# --- benchmarks -----------------------------------------------------------------------------------------------------

ITEMS = [
    f"A depot holds {n} crates of lemons and every week {n + 2} of them are sent to the harbor of Genoa; how many are left?"
    for n in range(20, 80)
]


def pairs(number, start=0):
    return [
        {
            "prompt": f"Explain how bridge {i} in town {i * 7 % 31} carries {i + 3} trucks at once.",
            "completion": f"It has {i} beams.",
        }
        for i in range(start, start + number)
    ]


@pytest.fixture
def folder(tmp_path):
    lines = [json.dumps({"question": item, "answer": 3}) for item in ITEMS]
    (tmp_path / "depots.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "sub").mkdir()
    rows = [f'"Which of the {i} listed rivers of Europe is the longest one?",a,b,c,A' for i in range(40)]
    (tmp_path / "sub" / "rivers.csv").write_text("\n".join(["question,A,B,C,answer", *rows]), encoding="utf-8")
    (tmp_path / "README.md").write_text("two benchmarks", encoding="utf-8")
    return tmp_path


def test_benchmarks_are_read_in_their_layouts(folder):
    found = read_benchmarks(folder)
    assert [(item.name, item.items) for item in found] == [("depots", 60), ("sub/rivers", 40)]
    assert list(found[0].texts) == ITEMS


def test_benchmark_items_are_named_with_their_rows(folder):
    rows = pairs(200, 1_000)
    for place in range(0, 60, 3):
        rows[place]["prompt"] = f"Solve this.\n\n{ITEMS[place]}\nShow your work." if place % 2 else ITEMS[place]
    real, synthetic = Dataset.from_rows(pairs(120), "real"), Dataset.from_rows(rows, "synthetic")
    result = syngain.audit(real, synthetic, gain=False, benchmarks=folder)
    found = next(item for item in result.findings if item.id == "contamination")
    assert found.severity == "high"
    assert "depots: 20 rows, 20 of 60 items" in found.message
    assert {row.row for row in result.dropped if "contamination: depots" in row.reasons} == set(range(0, 60, 3))
    assert result.estimates["contamination.benchmark_fraction"].value == pytest.approx(0.1)
    assert "rows of depots 20" in result.verdict.sentence


def test_real_rows_that_match_as_often_are_the_background(folder):
    def planted(number, start):
        rows = pairs(number, start)
        for place in range(0, number, 10):
            rows[place]["prompt"] = ITEMS[place // 10]
        return rows

    real, synthetic = Dataset.from_rows(planted(150, 0), "real"), Dataset.from_rows(planted(200, 1_000), "synthetic")
    result = syngain.audit(real, synthetic, gain=False, benchmarks=folder)
    assert not [item for item in result.findings if item.id == "contamination"]


def test_without_benchmarks_nothing_changes():
    real, synthetic = Dataset.from_rows(pairs(60), "real"), Dataset.from_rows(pairs(60, 500), "synthetic")
    result = syngain.audit(real, synthetic, gain=False)
    assert "contamination.benchmark_fraction" not in result.estimates
    assert "benchmarks" not in result.settings


def test_words_that_many_items_share_are_no_match(tmp_path):
    template = "Read the following passage with care and then choose the one best answer from the list:"
    lines = [json.dumps({"question": f"{template} item {n} of a {n * n} test"}) for n in range(30)]
    (tmp_path / "choice.jsonl").write_text("\n".join(lines), encoding="utf-8")
    items = BenchmarkItems.of(read_benchmarks(tmp_path))
    asked = [f"{template} something else entirely, about rivers and their names in old maps of the world"]
    assert items.matches(asked, asked).tolist() == [-1]


def test_scripts_without_spaces_match_by_characters(tmp_path):
    item = "小明有三十二个苹果，他把其中一半送给了邻居，又买了十个，请问他现在一共有多少个苹果？"
    (tmp_path / "zh.jsonl").write_text(json.dumps({"question": item}, ensure_ascii=False), encoding="utf-8")
    items = BenchmarkItems.of(read_benchmarks(tmp_path))
    rows = [f"请解答下面的题目，并写出每一步的过程。{item[3:]}谢谢！", "请介绍一下潮汐的成因和它对城市的影响。"]
    assert items.matches(rows, rows).tolist() == [0, -1]


@pytest.mark.parametrize(
    ("make", "words"),
    [(lambda p: p / "none", "no such folder"), (lambda p: p / "file.jsonl", "is a file"), (lambda p: p / "empty", "no file with rows"),
     (lambda p: p / "broken", "broken.jsonl"), (lambda p: p / "short", "at least 5 words")],
)  # fmt: skip
def test_bad_folders_are_clear_errors(tmp_path, make, words):
    (tmp_path / "file.jsonl").write_text('{"question": "a"}')
    for name in ("empty", "broken", "short"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "broken.jsonl").write_text('{"question": "a"\n{')
    (tmp_path / "short" / "short.jsonl").write_text('{"question": "a b"}')
    with pytest.raises(InputError, match=words) as caught:
        read_benchmarks(make(tmp_path))
    assert caught.value.todo


def test_benchmarks_need_texts_and_a_path(folder):
    table = Dataset.from_rows([{"a": float(i), "b": i % 3} for i in range(40)], "table")
    with pytest.raises(InputError, match="table"):
        syngain.audit(table, table, benchmarks=folder)
    with pytest.raises(UsageError):
        read_benchmarks(3)


def test_rows_of_a_block_and_of_all_rows_agree(folder):
    items = BenchmarkItems.of(read_benchmarks(folder))
    rows = [
        ITEMS[i % 60] if i % 100 == 0 else f"Something about river {i}, and nothing else at all." for i in range(9_000)
    ]
    found = items.matches(rows, rows)
    assert np.array_equal(np.flatnonzero(found >= 0), np.arange(0, 9_000, 100))
