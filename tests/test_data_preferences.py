"""Preference rows: every published shape is read without flags, and an odd row is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import any_text, thorough
from syngain.core import InputError
from syngain.data import Dataset, RoleOptions
from syngain.data.columns.preferences import Preferences


def said(role, text, names=("role", "content")):
    return {names[0]: role, names[1]: text}


U, C, R = said("user", "q"), said("assistant", "c"), said("assistant", "r")
HUMAN, BETTER, WORSE = (said(r, t, ("from", "value")) for r, t in (("human", "q"), ("gpt", "c"), ("gpt", "r")))
FILLED = "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n"
SHAPES = {
    "flat": ({"prompt": "q", "chosen": "c", "rejected": "r"}, "q"),
    "transcripts": ({"chosen": "\n\nHuman: q\n\nAssistant: c", "rejected": "\n\nHuman: q\n\nAssistant: r"}, "q"),
    "transcripts of turns": (
        {side: f"\n\nHuman: a\n\nAssistant: b\n\nHuman: q\n\nAssistant: {side[0]}" for side in ("chosen", "rejected")},
        "user: a\nassistant: b\nuser: q",
    ),
    "templates": ({"chosen": f"{FILLED}c", "rejected": f"{FILLED}r"}, FILLED.strip()),
    "conversations": ({"chosen": [U, C], "rejected": [U, R]}, "q"),
    "conversations with prompt": ({"prompt": "q", "chosen": [U, C], "rejected": [U, R]}, "q"),
    "conversations with messages": (
        {"prompt": "q", "messages": [U, C], "chosen": [U, C], "rejected": [U, R], "score_chosen": 8},
        "q",
    ),
    "conversational": ({"prompt": [U], "chosen": [C], "rejected": [R]}, "q"),
    "whole conversations": ({"prompt": [U], "chosen": [U, C], "rejected": [U, R]}, "q"),
    "sharegpt": ({"conversations": [HUMAN], "chosen": BETTER, "rejected": WORSE}, "q"),
    "messages and texts": ({"messages": [U], "chosen": "c", "rejected": "r"}, "q"),
    "messages and one": ({"messages": [U], "chosen": C, "rejected": R}, "q"),
    "messages and lists": ({"messages": [U], "chosen": [C], "rejected": [R]}, "q"),
    "instruction": ({"instruction": "q", "chosen": "c", "rejected": "r"}, "q"),
    "instruction and input": ({"instruction": "i", "input": "n", "chosen": "c", "rejected": "r"}, "i\n\nn"),
    "question": ({"question": "q", "chosen": "c", "rejected": "r"}, "q"),
    "system": ({"system": "s", "question": "q", "chosen": "c", "rejected": "r"}, "s\n\nq"),
    "named responses": ({"instruction": "q", "chosen_response": "c", "rejected_response": "r"}, "q"),
    "stack exchange": ({"question": "q", "response_j": "c", "response_k": "r"}, "q"),
    "openai": ({"input": {"messages": [U], "tools": []}, "preferred_output": [C], "non_preferred_output": [R]}, "q"),
    "as text": ({"prompt": "q", "chosen": '[{"role": "assistant", "content": "c"}]', "rejected": "r"}, "q"),
    "no prompt": ({"chosen": "c", "rejected": "r"}, ""),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_read(shape):
    row, prompt = SHAPES[shape]
    found = Dataset.from_rows([row])
    assert (found.sides["prompt"][0], found.sides["response"][0], found.rejected[0]) == (prompt, "c", "r")
    assert found.preferences.prompts[0] == prompt
    assert "rejected from" in found.roles.sentence()


def test_the_sentence_names_all_fields():
    row = {"prompt": "q", "chosen": "c", "rejected": "r", "chosen_rating": 5, "rejected_rating": "3"}
    found = Dataset.from_rows([row, {**row, "rejected_rating": None}])
    assert found.roles.sentence() == (
        "prompt from `prompt`, chosen from `chosen`, rejected from `rejected`, "
        "scores from `chosen_rating`, `rejected_rating`"
    )
    assert found.preferences.margins[0] == 2
    assert found.preferences.margins[1] != found.preferences.margins[1]


def test_fields_of_other_names_are_named_by_hand():
    rows = [{"q": "q", "good": "c", "bad": "r"}]
    found = Dataset.from_rows(rows, roles=RoleOptions(text="q+good/bad"))
    assert (found.sides["response"][0], found.rejected[0]) == ("c", "r")
    pair = Dataset.from_rows([{"prompt": "q", "chosen": "c", "rejected": "r"}], roles=RoleOptions(text="prompt+chosen"))
    assert pair.rejected is None


def test_prompts_that_differ_are_kept_apart():
    other = said("user", "z")
    found = Dataset.from_rows([{"chosen": [U, C], "rejected": [other, R]}])
    assert (found.sides["prompt"][0], found.preferences.prompts[0]) == ("q", "z")


def test_answers_of_several_turns_are_compared_from_where_they_differ():
    more = said("user", "and?")
    found = Dataset.from_rows([{"chosen": [U, C, more, C], "rejected": [U, R, more, R]}])
    assert found.sides["prompt"][0] == found.preferences.prompts[0] == "q"
    assert found.rejected[0] == "assistant: r\nuser: and?\nassistant: r"


def test_labels_of_single_responses_stay_labels():
    found = Dataset.from_rows([{"prompt": "q", "completion": "c", "label": True}])
    assert found.rejected is None
    assert found.labels == ["true"]


def test_numbers_named_alike_stay_a_table():
    assert Dataset.from_rows([{"chosen": 4, "rejected": 2}, {"chosen": 1, "rejected": 7}]).rejected is None
    counts = [{"chosen": str(i % 3), "rejected": str(i % 2)} for i in range(20)]
    assert Dataset.from_rows(counts).rejected is None
    assert Dataset.from_rows([{"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}]).rejected == ["5"]


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"prompt": "q", "chosen": "c"}, "row 2: `rejected` is missing"),
        ({"prompt": "q", "chosen": "c", "rejected": None}, "row 2: `rejected` is null"),
        ({"prompt": "q", "chosen": 5, "rejected": "r"}, "row 2: `chosen` is a number"),
        ({"prompt": None, "chosen": "c", "rejected": "r"}, "row 2: `prompt` is null"),
        ({"prompt": "q", "chosen": "c", "rejected": [U]}, "row 2: `rejected` has no assistant message"),
        ({"prompt": "q", "chosen": "c", "rejected": [{"text": "r"}]}, "row 2: `rejected` has no role in message 1"),
    ],
)  # fmt: skip
def test_one_odd_row_is_named(odd, words):
    with pytest.raises(InputError, match=words):
        Dataset.from_rows([SHAPES["flat"][0], odd])


def test_rows_like_preferences_must_be_preferences():
    real = Dataset.from_rows([SHAPES["flat"][0]], "real")
    with pytest.raises(InputError, match="no chosen and rejected response"):
        Dataset.from_rows([{"prompt": "q", "completion": "c"}], like=real)
    assert Dataset.from_rows([SHAPES["sharegpt"][0]], like=real).rejected == ["r"]
    pairs = Dataset.from_rows([{"prompt": "q", "completion": "c"}], "real")
    assert Dataset.from_rows([SHAPES["flat"][0]], like=pairs).rejected is None


@thorough(50)
@given(st.lists(st.tuples(any_text, any_text, any_text), min_size=1, max_size=5))
def test_taken_rows_keep_their_rejected_response(texts):
    rows = [{"prompt": f"q{p}", "chosen": f"c{c}", "rejected": f"r{r}"} for p, c, r in texts]
    whole = Dataset.from_rows(rows)
    order = list(range(len(rows)))[::-1]
    part = whole.take(order)
    assert list(part.rejected) == list(whole.rejected)[::-1]
    assert whole.take(list(range(len(rows)))).fingerprint == whole.fingerprint
    plain = Dataset.from_rows(rows, roles=RoleOptions(text="prompt+chosen"))
    assert plain.fingerprint != whole.fingerprint
    joined = Preferences.joined([whole.preferences, part.preferences])
    assert len(joined) == 2 * len(rows)
