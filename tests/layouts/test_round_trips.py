"""Layouts: what a layout can express comes back as it was; what it cannot is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough, unicode_text, values
from syngain.core.errors import InputError
from syngain.data.layouts import LAYOUTS, LayoutError, convert_rows
from syngain.data.layouts.convert import READ_ONLY

STORED = tuple(name for name in LAYOUTS if name not in READ_ONLY)
NAMES = st.sampled_from(
    ["label", "source", "model", "token_logprobs", "system", "tools", "id", "été", "text", "prompt"]
)
extras = st.dictionaries(NAMES, values, max_size=3)
plain_extras = st.dictionaries(st.sampled_from(["label", "source", "model", "id", "x"]), values, max_size=3)
call = st.fixed_dictionaries(
    {
        "function": st.fixed_dictionaries(
            {"name": unicode_text}, optional={"arguments": values, "strict": st.booleans()}
        )
    },
    optional={"id": unicode_text, "type": st.just("function")},
)
message = st.one_of(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "user", "assistant", "tool", "developer"]), "content": unicode_text},
        optional={
            "name": st.none() | unicode_text,
            "tool_call_id": unicode_text,
            "weight": st.none() | st.integers(0, 1),
        },
    ),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "tool_calls": st.lists(call, min_size=1, max_size=2)},
        optional={"content": st.none() | unicode_text},
    ),
    st.fixed_dictionaries(
        {"role": st.just("user"), "content": st.lists(st.fixed_dictionaries({"text": unicode_text}))}
    ),
)
tools = st.one_of(st.none(), unicode_text, st.lists(values, max_size=2))
asked = st.fixed_dictionaries({"role": st.just("user"), "content": unicode_text})
answer = st.fixed_dictionaries({"role": st.just("assistant"), "content": unicode_text})
turns = st.lists(st.tuples(asked, answer), min_size=1, max_size=3).map(
    lambda pairs: [m for pair in pairs for m in pair]
)


def without_system(rows):
    """Rows without a system column, which makes them rows of another layout: it is a turn of the conversation."""
    return rows.map(lambda row: {name: value for name, value in row.items() if name != "system"})


def with_extra(content):
    return st.tuples(extras, content).map(lambda parts: parts[0] | parts[1])


ROWS = {
    "messages": with_extra(
        st.fixed_dictionaries(
            {"messages": st.one_of(turns, st.lists(message, min_size=1, max_size=4))}, optional={"tools": tools}
        )
    ),
    "sharegpt": with_extra(
        st.fixed_dictionaries(
            {
                "conversations": st.lists(
                    st.fixed_dictionaries(
                        {"from": st.sampled_from(["human", "gpt", "system", "observation"]), "value": unicode_text}
                    ),
                    min_size=1,
                    max_size=4,
                ),
                "system": st.none() | unicode_text,
            },
            optional={"tools": tools},
        )
    ),
    "alpaca": without_system(
        with_extra(
            st.fixed_dictionaries(
                {"instruction": unicode_text, "output": unicode_text},
                optional={
                    "input": st.none() | unicode_text,
                    "history": st.none() | st.lists(st.lists(unicode_text, min_size=2, max_size=2), max_size=2),
                },
            )
        )
    ),
    "prompt_completion": without_system(
        with_extra(st.fixed_dictionaries({"prompt": unicode_text, "completion": unicode_text}))
    ),
    "self_instruct": with_extra(
        st.fixed_dictionaries(
            {
                "instruction": unicode_text,
                "instances": st.fixed_dictionaries(
                    {"output": unicode_text}, optional={"input": st.none() | unicode_text}
                ).map(lambda one: [one]),
            }
        )
    ),
    "qa": without_system(with_extra(st.fixed_dictionaries({"question": unicode_text, "answer": unicode_text}))),
    "trl": with_extra(
        st.fixed_dictionaries(
            {"prompt": st.lists(message, max_size=3), "completion": answer.map(lambda one: [one])},
            optional={"tools": tools},
        )
    ),
    "preference": with_extra(
        st.fixed_dictionaries(
            {
                "prompt": st.lists(asked, max_size=2),
                "chosen": answer.map(lambda one: [one]),
                "rejected": answer.map(lambda one: [one]),
            }
        )
    ),
    "text": with_extra(st.fixed_dictionaries({"text": unicode_text})),
    "oumi": st.fixed_dictionaries(
        {"messages": turns, "metadata": plain_extras}, optional={"conversation_id": unicode_text}
    ),
    "openai": st.fixed_dictionaries({"messages": st.lists(message, min_size=1, max_size=3)}, optional={"tools": tools}),
}


def written(name, entry):
    """The row in a layout and what it lost, or None and why it cannot be written at all."""
    try:
        return LAYOUTS[name].emit(entry), None
    except LayoutError as error:
        return None, error


def parsed(name, row):
    return LAYOUTS[name].parse(dict(row))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_written_in_its_own_layout_reads_the_same(name):
    @thorough(200)
    @given(ROWS[name])
    def check(row):
        entry = parsed(name, row)
        emitted, error = written(name, entry)
        assert error is None
        if not emitted.lost:
            assert parsed(name, emitted.row) == entry

    check()


@pytest.mark.parametrize("source", ROWS)
def test_through_every_layout_and_back_is_the_identity_or_an_error_that_names_fields(source):
    seen = {"kept": 0, "lost": 0, "refused": 0}

    @thorough(2200 // len(ROWS))
    @given(ROWS[source], st.sampled_from(STORED))
    def check(row, target):
        entry = parsed(source, row)
        emitted, error = written(target, entry)
        if error is not None:
            assert error.problem
            assert error.expected
            seen["refused"] += 1
            return
        if emitted.lost:
            seen["lost"] += 1
            with pytest.raises(InputError, match="no place for `"):
                convert_rows([row], LAYOUTS[source], LAYOUTS[target])
            loose = convert_rows([row], LAYOUTS[source], LAYOUTS[target], lossy=True)
            assert loose.lost == loose.lost | dict.fromkeys(emitted.lost, 1)
            return
        seen["kept"] += 1
        back = LAYOUTS[source].emit(parsed(target, emitted.row))
        assert not back.lost
        assert parsed(source, back.row) == entry

    check()
    assert seen["kept"] > 0, seen
    assert sum(seen.values()) == 2200 // len(ROWS)


@pytest.mark.parametrize("name", STORED)
def test_what_is_left_out_is_all_that_is_missing(name):
    """Writing loosely, reading, and writing again changes nothing more."""

    @thorough(100)
    @given(ROWS["messages"])
    def check(row):
        emitted, error = written(name, parsed("messages", row))
        if error is not None:
            return
        again = LAYOUTS[name].emit(parsed(name, emitted.row))
        assert again.row == emitted.row
        assert not again.lost

    check()


def test_tools_that_calls_name_survive_sharegpt():
    row = {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "weather in Łódź?"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "w", "arguments": '{"city": "Łódź"}'}}]},
            {"role": "tool", "content": "rain"},
            {"role": "assistant", "content": "It rains."},
        ],
        "tools": [{"type": "function", "function": {"name": "w", "parameters": {"type": "object"}}}],
        "token_logprobs": [-0.5, None],
    }
    made = convert_rows([row], LAYOUTS["messages"], LAYOUTS["sharegpt"]).rows[0]
    assert [turn["from"] for turn in made["conversations"]] == [
        "system",
        "human",
        "function_call",
        "observation",
        "gpt",
    ]
    assert parsed("sharegpt", made) == parsed("messages", row)


def test_ids_of_calls_are_named_when_sharegpt_has_no_place_for_them():
    call = {"id": "c1", "type": "function", "function": {"name": "w", "arguments": "{}"}}
    row = {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "tool_calls": [call]}]}
    with pytest.raises(InputError, match=r"no place for `messages\[\]\.tool_calls\[\]\.id`"):
        convert_rows([row], LAYOUTS["messages"], LAYOUTS["sharegpt"], name="a.jsonl")
    lost = convert_rows([row, row], LAYOUTS["messages"], LAYOUTS["sharegpt"], lossy=True).lost
    assert lost == {"messages[].tool_calls[].id": 2}


def test_the_input_of_an_instruction_comes_back_on_its_own():
    row = {"instruction": "Sort.", "input": "b\na", "output": "a\nb", "label": "x"}
    chat = convert_rows([row], LAYOUTS["alpaca"], LAYOUTS["messages"]).rows[0]
    assert chat["messages"][0]["content"] == "Sort.\nb\na"
    assert convert_rows([chat], LAYOUTS["messages"], LAYOUTS["alpaca"]).rows[0] == row


@pytest.mark.parametrize("name", READ_ONLY)
def test_what_other_tools_write_is_not_written(name):
    with pytest.raises(LayoutError, match="read-only"):
        LAYOUTS[name].emit(parsed("qa", {"question": "q", "answer": "a"}))
