"""What errors of servers teach, and what no error can change: the limit of the output is in every request."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syngain.core.errors import InputError, UsageError
from syngain.generators import wire
from syngain.generators.protocol import CUT, EMPTY, REFUSAL, Call, DeclinedError, Reply, RetryableError, Sampling
from syngain.generators.servers.dialect import LIMITS, Dialect, dialect_of
from syngain.generators.servers.lessons import DialectLearner, Problem, guesses, lesson
from syngain.pipeline.recipe import read_recipe

SAMPLING = Sampling(temperature=0.7, top_p=0.9, max_tokens=64, top_logprobs=8, stop=("END",))
SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}
MESSAGES = (("system", "Be brief."), ("user", "Say it."))


def call(**changes):
    return Call(**{"key": "k", "messages": MESSAGES, "sampling": SAMPLING, "seed": 3, "schema": SCHEMA, **changes})


def sent(dialect=None):
    return (dialect or Dialect()).worded(wire.body(call(), model="m", api="chat"))


def taught(body, dialect=None):
    known = dialect or Dialect()
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return lesson(known, Problem.of(content, lambda text: text), sent(known))


def said(message, **fields):
    return {"error": {"message": message, "type": "invalid_request_error", **fields}}


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (said("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", param="max_tokens"),
         {"renamed": {"max_tokens": "max_completion_tokens"}}),
        (said("max_tokens is deprecated, please use max_output_tokens"),
         {"renamed": {"max_tokens": "max_output_tokens"}}),
        (said("`max_tokens` is not supported"), {"renamed": {"max_tokens": "max_completion_tokens"}}),
        ({"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, {"omitted": ("seed",)}),
        ({"object": "error", "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs "
          "are not permitted', 'input': 7}]"}, {"omitted": ("seed",)}),
        (said("Unrecognized request argument supplied: seed"), {"omitted": ("seed",)}),
        (said("seed is not supported; use random_seed"), {"renamed": {"seed": "random_seed"}}),
        (said("'temperature' does not support 0.7. Only the default (1) value is supported."),
         {"values": {"temperature": 1.0}}),
        (said("temperature and top_p cannot both be specified for this model."), {"omitted": ("top_p",)}),
        (said("logprobs is not supported by this model"), {"omitted": ("logprobs", "top_logprobs")}),
        (said("Invalid 'top_logprobs': must be less than or equal to 5", param="top_logprobs"),
         {"most": {"top_logprobs": 5}}),
        (said("Requested sample logprobs of 8, which is greater than max allowed: 5"), {"most": {"top_logprobs": 5}}),
        (said("'stop' is not supported with this model", param="stop"), {"omitted": ("stop",)}),
        (said("This response_format type is unavailable now"), {"structured": "json_object"}),
        ({"error": "'response_format.type' must be 'text'"}, {"structured": "json_object"}),
        (said("Unsupported value: 'messages[0].role' does not support 'system' with this model.",
              param="messages[0].role"), {"folded": True}),
        (said("System role not supported"), {"folded": True}),
        (b"Conversation roles must alternate user/assistant/user/assistant/...", {"folded": True}),
        ({"error": {"message": "Provider returned error", "metadata": {"raw": json.dumps(said(
            "Unknown parameter: 'seed'.", param="seed"))}}}, {"omitted": ("seed",)}),
    ],
)  # fmt: skip
def test_an_error_changes_the_one_thing_that_it_names(body, change):
    found = taught(body)
    stored = {name: getattr(found, name) for name in ("renamed", "omitted", "values", "most", "folded", "structured")}
    usual = {name: getattr(Dialect(), name) for name in stored}
    assert stored == {**usual, **change}
    assert found.sentences
    assert Dialect.from_json(json.loads(json.dumps(found.as_json()))) == found


@pytest.mark.parametrize(
    "message",
    [
        "max_tokens is too large: 64. This model supports at most 16 completion tokens",
        "This model's maximum context length is 16 tokens. However, you requested 80 tokens",
        "temperature must be at most 0.5",
        "the model stops supporting nothing",
        "bad request",
        "",
    ],
)
def test_a_limit_of_a_value_and_an_error_without_a_name_teach_nothing(message):
    assert taught(said(message)) is None


WORDS = st.sampled_from(
    ["not supported", "unsupported", "use", "instead", "max_tokens", "'max_tokens'", "max_completion_tokens", "n",
     "'seed'", "system role", "response_format", "temperature", "<= 5", "extra", "param", "default (1)", "stop", "both"]
)  # fmt: skip


@given(st.lists(st.tuples(st.lists(WORDS, max_size=8), st.sampled_from(["", *LIMITS, "seed", "messages[0].role"]))))
def test_no_error_leaves_out_the_limit_of_the_output_and_learning_ends(errors):
    dialect = Dialect()
    for words, param in errors:
        body = sent(dialect)
        limits = [name for name in body if name in LIMITS]
        assert [body[name] for name in limits] == [64]
        found = lesson(dialect, Problem.of(json.dumps(said(" ".join(words), param=param)).encode(), str), body)
        assert found != dialect
        dialect = found or dialect
    text = " ".join(message["content"] for message in sent(dialect)["messages"])
    assert "Be brief." in text
    assert "Say it." in text


def test_a_limit_cannot_be_left_out_by_a_recipe_or_renamed_to_something_else():
    with pytest.raises(UsageError, match="max_tokens"):
        dialect_of({}, ["max_tokens"])
    with pytest.raises(UsageError, match="max_tokens"):
        dialect_of({"max_tokens": "n"}, [])
    generator = {"kind": "openai", "model": "m", "omit": ["max_tokens"]}
    with pytest.raises(InputError, match="limit of the output"):
        read_recipe({"generator": generator, "strategies": [{"kind": "few_shot", "rows": 1}]})


def test_trials_go_one_step_after_the_other_and_keep_the_limit():
    found = list(guesses(Dialect()))
    assert [sorted(one.omitted) for one in found] == [
        ["seed"],
        ["seed", "top_p"],
        ["seed", "temperature", "top_p"],
        ["seed", "temperature", "top_p"],
    ]
    assert all(any(name in LIMITS for name in sent(one)) for one in found)


def test_a_stop_text_that_is_left_out_is_applied_here_and_unknown_values_are_null():
    dialect = Dialect().omitting("stop").omitting("temperature").fixing("top_p", 1.0)
    reply = dialect.adapted(Reply(text="one END two", finish="length"), SAMPLING)
    assert (reply.text, reply.finish) == ("one ", "stop")
    assert reply.extra["sampled"] == {"temperature": None, "top_p": 1.0}


def test_a_dialect_that_changed_meanwhile_is_tried_before_anything_is_learned():
    learner, old = DialectLearner(), Dialect()
    learner.dialect = old
    learner.change(old.omitting("seed"))
    assert learner.learns(Problem("nonsense"), sent(old), old, frozenset())
    assert not learner.learns(Problem("nonsense"), sent(learner.dialect), learner.dialect, frozenset())


def test_schemas_stand_in_the_prompt_where_the_server_takes_none():
    for way, form in (("json_object", {"type": "json_object"}), ("prompt", None)):
        body = sent(Dialect().structuring(way))
        assert body.get("response_format") == form
        assert json.dumps(SCHEMA) in body["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("message", "cut", "error"),
    [
        ({"content": None, "refusal": "I cannot."}, False, (DeclinedError, REFUSAL)),
        ({"content": "", "refusal": "I cannot."}, False, (DeclinedError, REFUSAL)),
        ({"content": None, "reasoning_content": "hm"}, True, (DeclinedError, CUT)),
        ({"content": ""}, True, (DeclinedError, CUT)),
        ({"content": "<think>\nhm, I"}, True, (DeclinedError, CUT)),
        ({"content": None}, False, (RetryableError, EMPTY)),
    ],
)
def test_an_answer_without_a_text_says_why(message, cut, error):
    with pytest.raises(error[0], match=error[1]):
        wire.read_message(message, cut=cut)


@pytest.mark.parametrize(
    "message",
    [
        {"content": "yes", "reasoning_content": "hm"},
        {"content": "yes", "reasoning": "hm"},
        {"content": "<think>\nhm\n</think>\n\nyes"},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                     {"type": "text", "text": "yes"}]},
    ],
)  # fmt: skip
def test_reasoning_is_read_wherever_it_stands(message):
    assert wire.read_message(message, cut=False) == ("yes", "hm")


def test_a_server_whose_errors_contradict_each_other_is_not_followed_for_ever():
    learner, requests = DialectLearner(), 0
    while requests < 100:
        requests += 1
        dialect = learner.dialect
        limit = dialect.renamed.get("max_tokens", "max_tokens")
        other = "max_output_tokens" if limit != "max_output_tokens" else "max_completion_tokens"
        body = json.dumps(said(f"'{limit}' is not supported, use '{other}'", param=limit)).encode()
        if not learner.learns(Problem.of(body, lambda text: text), sent(dialect), dialect, frozenset()):
            break
    assert requests < 30
