"""Wrong recipes: the place, what came, what is expected and an example; no words of the parser, no key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syngain.core.errors import InputError, SyngainError
from syngain.generators.servers.statuses import remedy
from syngain.pipeline.recipe import read_recipe
from syngain.pipeline.store.connect import endpoint

SERVER = {"kind": "openai", "model": "m", "base_url": "http://h/v1"}
PARSER = ("Input should", "Field required", "model_type", "pydantic", "union_tag", "Extra inputs")


def wrong(**changes):
    whole = {"generator": SERVER, "strategies": [{"kind": "few_shot", "rows": 4}]} | changes
    with pytest.raises(SyngainError) as error:
        endpoint(read_recipe(whole).generator)
    assert error.value.expected
    assert error.value.todo
    assert not any(words in str(error.value) for words in PARSER)
    return error.value


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"generator": "toy"}, "`generator` is 'toy'"),
        ({"generator": None}, "`generator` is empty"),
        ({"generator": {}}, "`generator` has no `kind`"),
        ({"generator": {"kind": "opnai"}}, "`generator.kind` is 'opnai'"),
        ({"generator": {"kind": "openai"}}, "`generator.model` is missing"),
        ({"strategies": "few_shot"}, "`strategies` is 'few_shot'"),
        ({"strategies": []}, "`strategies` is []"),
        ({"strategies": [{"kind": "fewshot", "rows": 1}]}, "`strategies.0.kind` is 'fewshot'"),
        ({"sampling": {"temperature": 99}}, "`sampling.temperature` is 99"),
        ({"curate": [{}]}, "`curate.0` has no `step`"),
    ],
)
def test_a_wrong_part_is_named_with_what_came(changes, words):
    assert words in wrong(**changes).came


@pytest.mark.parametrize(
    ("field", "value", "words", "example"),
    [
        ("omit", "seed", "`generator.omit` is 'seed'", "omit: [seed, logprobs]"),
        ("omit", [1], "`generator.omit.0` is 1", "omit: [seed, logprobs]"),
        ("omit", ["max_tokens"], "omit: [max_tokens]", "rename"),
        ("omit", ["nonsense"], "names nonsense", "correct the name"),
        ("rename", ["a"], "`generator.rename` is ['a']", "rename: {max_tokens: max_completion_tokens}"),
        ("rename", {"max_tokens": "seed"}, "rename: {max_tokens: seed}", "correct the name"),
        ("rename", {"nonsense": "x"}, "names nonsense", "correct the name"),
        ("extra_body", "x", "`generator.extra_body` is 'x'", "extra_body: {reasoning_effort: low}"),
        ("headers", {"A": 5}, "`generator.headers.A` is 5", "headers:"),
        ("headers", {"X": "a\nb"}, "the header 'X' has the value", "correct it"),
        ("headers", {"Authorization": "Bearer sk-secret-123"}, "contains a key", "${MY_KEY}"),
        ("key_env", "sk-secret-123", "key_env holds something else", "export MY_KEY"),
        ("key_env", "$MY_KEY", "key_env holds something else", "export MY_KEY"),
        ("timeout", "soon", "`generator.timeout` is 'soon'", "correct this field"),
        ("prices", 5, "`generator.prices` is 5", "prices: {prompt: 0.15"),
    ],
)
def test_a_wrong_field_of_a_server_is_named_with_an_example(field, value, words, example):
    error = wrong(generator={**SERVER, field: value})
    assert words in error.came
    assert example in error.todo
    assert "sk-secret" not in str(error)


FIELDS = ["omit", "rename", "extra_body", "headers", "timeout", "prices", "api", "model", "key_env"]
JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
)


@given(st.sampled_from(FIELDS), JUNK)
def test_no_value_ends_in_the_words_of_a_parser(field, value):
    whole = {"generator": {**SERVER, field: value}, "strategies": [{"kind": "few_shot", "rows": 4}]}
    said = None
    try:
        read_recipe(whole)
    except InputError as error:
        said = (error.came, error.expected, error.todo)
    assert said is None or all(said)
    assert not any(words in str(said) for words in PARSER)


def test_the_remedy_fits_the_reason():
    assert "start the server" in remedy("no connection: refused")
    assert "start" not in remedy("the answer is not JSON, or was cut")
    assert "tools" in remedy("the model called a tool in place of a text")
