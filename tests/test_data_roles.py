"""Which field plays which role: found by name, named by hand, or refused with both names and the flag."""

from __future__ import annotations

import pytest

from syngain.core import InputError, UsageError
from syngain.data import Dataset, Kind, RoleOptions

U, A, S = ({"role": role, "content": role[0]} for role in ("user", "assistant", "system"))


def of(*rows, **options):
    return Dataset.from_rows(list(rows), roles=RoleOptions(**options))


def pair(row, **options):
    dataset = of(row, **options)
    assert dataset.kind is Kind.PAIR
    return dataset.sides["prompt"][0], dataset.sides["response"][0]


def test_held_out_is_another_word_for_the_pool_and_messages_name_flags():
    given = {"label": "real=a,held_out=b", "source": "x"}
    assert RoleOptions.parse(given, "pool").label == "b"
    with pytest.raises(UsageError, match="pool \\(or held_out\\)"):
        RoleOptions.parse({"label": "real=a,made=b,test=c,test=d"}, "real")
    with pytest.raises(InputError, match="--source-id"):
        of({"text": "a", "label": "b"}, source="absent")


PAIRS = {
    "one turn": ({"messages": [U, A]}, ("u", "a")),
    "system": ({"messages": [S, U, A]}, ("system: s\nuser: u", "a")),
    "turns": ({"messages": [U, A, U, A]}, ("user: u\nassistant: a\nuser: u", "a")),
    "trailing user": ({"messages": [U, A, U]}, ("u", "a")),
    "answer only": ({"messages": [A]}, ("", "a")),
    "sharegpt": ({"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "r"}]}, ("q", "r")),
    "as text": ({"messages": '[{"role": "user", "content": "q"}, {"role": "assistant", "content": "r"}]'}, ("q", "r")),
    "parts": ({"messages": [{"role": "user", "content": [{"type": "text", "text": "q"}]}, A]}, ("q", "a")),
    "tools": ({"messages": [U, {"role": "assistant", "content": None, "tool_calls": [{"f": 1}]}]}, ("u", '[{"f": 1}]')),
    "completion": ({"prompt": "p", "completion": "c"}, ("p", "c")),
    "completion wins": ({"prompt": "p", "completion": "c", "chosen": "d", "rejected": "e"}, ("p", "c")),
    "preference": ({"prompt": "p", "chosen": "d", "rejected": "e"}, ("p", "d")),
    "trl": ({"prompt": [U], "completion": [A]}, ("u", "a")),
    "alpaca": ({"instruction": "i", "input": "n", "output": "o"}, ("i\n\nn", "o")),
    "alpaca without input": ({"instruction": "i", "input": "", "output": "o"}, ("i", "o")),
    "no input": ({"instruction": "i", "output": "o"}, ("i", "o")),
    "instances": ({"instruction": "i", "instances": [{"input": "n", "output": "o"}, {"output": "x"}]}, ("i\n\nn", "o")),
    "answer": ({"question": "q", "answer": "a"}, ("q", "a")),
    "solution": ({"question": "q", "solution": "a", "ground_truth": "g"}, ("q", "a")),
    "response": ({"question": "q", "response": "a"}, ("q", "a")),
    "messages first": ({"messages": [U, A], "prompt": "p", "completion": "c", "text": "t"}, ("u", "a")),
    "pair before text": ({"prompt": "p", "completion": "c", "text": "t"}, ("p", "c")),
    "capitals": ({"Instruction": "i", "Output": "o"}, ("i", "o")),
}


@pytest.mark.parametrize("case", PAIRS)
def test_pairs_are_found(case):
    row, expected = PAIRS[case]
    assert pair(row) == expected


@pytest.mark.parametrize("name", ["text", "sentence", "content", "utterance", "review", "Text"])
def test_texts_are_found(name):
    dataset = of({name: "a", "other": "b"})
    assert dataset.kind is Kind.TEXT
    assert dataset.sides["text"] == ["a"]
    assert dataset.roles.sentence() == f"text from `{name}`"


@pytest.mark.parametrize("name", ["label", "labels", "target", "class", "intent", "category", "sentiment", "Sentiment"])
def test_labels_are_found(name):
    assert of({"text": "a", name: 0}).labels == ["0"]


@pytest.mark.parametrize("name", ["source", "source_id", "source_text", "anchor_id", "seed", "parent"])
def test_sources_are_found(name):
    assert of({"text": "a", name: 7}, {"text": "b", name: None}).sources == ["7", None]


@pytest.mark.parametrize("name", ["generator", "model"])
def test_generators_are_found(name):
    assert of({"text": "a", name: "gpt"}).generators == ["gpt"]


def test_the_sentence_says_all_roles():
    dataset = of({"sentence": "s", "label": 1, "source_text": "t", "model": "m", "uid": 4}, id="uid")
    assert dataset.roles.sentence() == (
        "text from `sentence`, label from `label`, source from `source_text`, generator from `model`, id from `uid`"
    )
    assert dataset.ids == ["4"]


@pytest.mark.parametrize(
    ("row", "names", "flag"),
    [
        ({"text": "a", "review": "b"}, ("text", "review"), "--text"),
        ({"text": "a", "label": 1, "category": 2}, ("label", "category"), "--label"),
        ({"text": "a", "source": 1, "seed": 2}, ("source", "seed"), "--source"),
        ({"text": "a", "generator": "x", "model": "y"}, ("generator", "model"), "--generator"),
        ({"question": "q", "answer": "a", "solution": "b"}, ("answer", "solution"), "--text question+"),
        ({"instruction": "i", "output": "a", "instances": [1]}, ("output", "instances"), "--text instruction+"),
    ],
)
def test_two_candidates_are_an_error_that_names_both_and_the_flag(row, names, flag):
    with pytest.raises(InputError) as caught:
        of(row)
    for part in (*(f"`{name}`" for name in names), flag):
        assert part in str(caught.value)


def test_fields_that_are_always_empty_are_no_candidates():
    assert of({"text": "a", "sentence": None, "review": ""}).roles.text == ("text",)


def test_naming_a_field_settles_it():
    row = {"text": "a", "review": "b", "label": 1, "category": 2, "chat": [U, A], "q": "x", "r": "y"}
    named = of(row, text="review", label="category")
    assert named.sides["text"] == ["b"]
    assert named.labels == ["2"]
    assert pair(row, text="q+r", label="") == ("x", "y")
    assert pair(row, text="q+text+r", label="") == ("x\n\na", "y")
    assert pair(row, text="chat", label="") == ("u", "a")
    assert of(row, text="text", label="").labels is None


def test_a_named_field_must_be_there():
    with pytest.raises(InputError, match=r"no field `Sentiment`.*`text`.*--label real=A,synthetic=B"):
        of({"text": "a"}, label="Sentiment")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ([U], "no assistant message"),
        ([U, 3], "a number as message 2"),
        ([{"content": "x"}], "no role in message 1"),
        ([U, {"role": "assistant", "content": None}], "no text in message 2"),
        ("prose", "is text"),
        (5, "is a number"),
    ],
)
def test_broken_conversations_are_named(cell, problem):
    with pytest.raises(InputError, match=f"row 2: `messages`.*{problem}"):
        of({"messages": [U, A]}, {"messages": cell})


def test_equal_labels_are_equal_however_they_are_written():
    values = [0, "0", 0.0, " 0 ", "0.0", True, "True", "true", 1.5, "1.50", "a b "]
    expected = ["0", "0", "0", "0", "0", "true", "true", "true", "1.5", "1.50", "a b"]
    assert of(*({"text": "t", "label": value} for value in values)).labels == expected


def test_the_other_side_must_be_of_the_same_kind():
    real = of({"sentence": "a"})
    with pytest.raises(InputError, match=r"contains pairs of prompt and response.*Expected: texts.*`sentence`"):
        Dataset.from_rows([{"prompt": "p", "completion": "c"}], name="synthetic", like=real)
    with pytest.raises(InputError, match=r"no text field; the fields are `x`"):
        Dataset.from_rows([{"x": 3}], like=real)


def test_the_other_side_offers_the_kind_it_can():
    text, both = of({"sentence": "a"}), {"prompt": "p", "completion": "c", "text": "t"}
    assert Dataset.from_rows([both], like=text).sides["text"] == ["t"]
    assert Dataset.from_rows([both], like=of({"question": "q", "answer": "a"})).kind is Kind.PAIR


def test_the_names_of_real_settle_what_is_open_on_the_other_side():
    real = of({"text": "a", "label": "x"})
    other = Dataset.from_rows([{"text": "b", "review": "c", "label": "y", "category": "z"}], like=real)
    assert other.sides["text"] == ["b"]
    assert other.labels == ["y"]
    named = of({"body": "a", "sort": "x"}, text="body", label="sort")
    other = Dataset.from_rows([{"body": "b", "sort": "y"}], like=named)
    assert (other.sides["text"], other.labels) == (["b"], ["y"])


def test_flags_are_read_per_side():
    flags = {"label": "real=Sentiment,synthetic=label", "text": "body", "source": "parent_text", "id": None}
    real, synthetic = (RoleOptions.parse(flags, side) for side in ("real", "synthetic"))
    assert (real.label, real.text, real.source, real.id) == ("Sentiment", "body", None, None)
    assert (synthetic.label, synthetic.text, synthetic.source) == ("label", "body", "parent_text")
    assert RoleOptions.parse(flags, "test").label is None
    assert RoleOptions.parse({"label": ""}, "pool").label == ""
    assert RoleOptions.parse({"label": "a=b"}, "real").label == "a=b"


@pytest.mark.parametrize("value", ["real=a,label", "real=a,real=b", "real=a,other=b"])
def test_flags_that_cannot_be_read_are_refused(value):
    with pytest.raises(UsageError, match="SIDE=FIELD"):
        RoleOptions.parse({"label": value}, "real")
    with pytest.raises(UsageError, match="side"):
        RoleOptions.parse({}, "left")
    with pytest.raises(UsageError, match="role"):
        RoleOptions.parse({"txt": "a"}, "real")


def test_a_response_beside_its_prompt_is_a_pair():
    rows = [{"prompt": f"What is {i} and {i}?", "response": f"{i + i} it is"} for i in range(5)]
    found = Dataset.from_rows(rows)
    assert list(found.sides) == ["prompt", "response"]
    both = [{**row, "completion": "another"} for row in rows]
    assert Dataset.from_rows(both).sides["response"][0] == "another"


def test_a_column_that_looks_like_a_label_is_named_and_not_taken():
    rows = [
        {"Tweet": f"a tweet of words, number {i}", "Emotion": f"mood {i % 4}", "split": "train", "user": f"u{i}"}
        for i in range(60)
    ]
    dataset = of(*rows, text="Tweet")
    assert dataset.labels is None
    assert dataset.roles.label_like == ("Emotion",)
    assert "no label" in dataset.roles.sentence()
    assert dataset.roles.hint == "labels were not checked; `Emotion` may contain them (--label Emotion)"
    assert of(*rows, text="Tweet", label="").roles.label_like == ()
    assert of(*rows, text="Tweet", label="Emotion").roles.label_like == ()


@pytest.mark.parametrize("spelling", ["text", "value", "content", "nested"])
def test_parts_of_messages_are_read_in_every_spelling(spelling):
    """Parts under ``value`` read as empty: all rows looked like repeats."""

    def part(text):
        return {"type": "text", "text": {"value": text}} if spelling == "nested" else {"type": "text", spelling: text}

    image = {"type": "image_url", "image_url": {"url": "a.png"}}
    rows = [
        {
            "messages": [
                {"role": "user", "content": [image, part(f"ask {i}")]},
                {"role": "assistant", "content": [part(f"say {i}")]},
            ]
        }
        for i in range(3)
    ]
    sides = Dataset.from_rows(rows).sides
    assert list(sides["response"]) == ["say 0", "say 1", "say 2"]
    assert "ask 1" in sides["prompt"][1]
