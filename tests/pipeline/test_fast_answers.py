"""Reading and writing answers quickly gives what the slow ways give: JSON, log-probabilities, decimals, connections."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from strategies import thorough
from syngain.generators import wire
from syngain.generators.protocol import FailedError, Reply
from syngain.generators.servers.lanes import Lanes
from syngain.generators.servers.secrets import loaded
from syngain.pipeline.export import _decimals
from syngain.pipeline.store.codec import packed_reply, unpacked_reply

logs = st.floats(-50, 0) | st.integers(-9, 0)
steps = st.lists(
    st.fixed_dictionaries(
        {
            "token": st.text(max_size=4),
            "logprob": logs,
            "top_logprobs": st.lists(
                st.fixed_dictionaries({"token": st.text(max_size=3), "logprob": logs}), max_size=3
            ),
        }
    ),
    min_size=1,
    max_size=5,
)


def answered(content, text=None):
    spelled = "".join(step["token"] for step in content) if text is None else text
    choice = {"message": {"content": spelled or "x"}, "logprobs": {"content": content}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": len(content)}
    body = json.dumps({"choices": [choice], "usage": usage, "model": "m"}).encode()
    return same_both_ways(body)


def same_both_ways(body):
    """The reply, or the error, read through structures; it is what plain JSON gives."""
    results = []
    for typed in (False, True):
        try:
            results.append(wire.reply(loaded((), body, steps=typed), api="chat", mode="raw"))
        except FailedError as error:
            results.append(error)
    plain, typed = results
    if isinstance(plain, FailedError):
        assert (type(typed), typed.reason, typed.usage) == (type(plain), plain.reason, plain.usage)
        raise typed
    assert packed_reply(typed) == packed_reply(plain)
    return typed


@thorough(200)
@given(steps)
def test_log_probabilities_are_those_of_every_step_and_alternative(content):
    reply = answered(content)
    assert reply.tokens == tuple(step["token"] for step in content)
    np.testing.assert_array_equal(reply.logprobs, np.array([step["logprob"] for step in content], dtype=np.float32))
    flat = [item for step in content for item in step["top_logprobs"]]
    if not flat:
        assert reply.top is None
        return
    assert reply.top.counts == tuple(len(step["top_logprobs"]) for step in content)
    assert reply.top.tokens == tuple(item["token"] for item in flat)
    np.testing.assert_array_equal(reply.top.logprobs, np.array([item["logprob"] for item in flat], dtype=np.float32))


@pytest.mark.parametrize("wrong", [None, "-1", True, math.nan, -math.inf, -1e31, 0.5, [1.0], {"a": 1}, 10**400])
def test_what_is_no_log_probability_is_a_failed_attempt(wrong):
    good = {"token": "a", "logprob": -1.0}
    bad = {"token": "b", "logprob": wrong}
    with pytest.raises(FailedError):
        answered([good, bad])
    if wrong != 0.5:  # an alternative may round above 0
        with pytest.raises(FailedError):
            answered([{**good, "top_logprobs": [bad]}])


def test_probabilities_in_place_of_log_probabilities_are_read_and_an_impossible_alternative_is_kept():
    top = [{"token": "a", "prob": 0.5}, {"token": "z", "prob": 0}]
    reply = answered([{"token": "a", "prob": 0.5, "top_probs": top}])
    assert reply.logprobs.tolist() == pytest.approx([math.log(0.5)])
    assert reply.top.logprobs.tolist() == [pytest.approx(math.log(0.5)), -math.inf]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@thorough(200)
@given(json_values, st.booleans())
def test_an_answer_is_read_as_json_reads_it(value, plain):
    content = json.dumps(value, ensure_ascii=plain).encode("utf-8", "surrogatepass")
    assert repr(loaded((), content)) == repr(json.loads(content))


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": NaN}',
        b'{"a": -1e400}',
        b'{"a": 1, "a": 2}',
        b'{"a": "\\ud800"}',
        b"[" * 500 + b"]" * 500,
        "\ufeff{}".encode(),
    ],
)
def test_what_the_fast_parser_refuses_is_read_by_the_other(content):
    assert repr(loaded((), content)) == repr(json.loads(content))


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 01}', b'{"a": 1} x', b'{"a": "\xff"}', b"9" * 5000])
def test_what_is_no_json_is_an_error(content):
    with pytest.raises(ValueError):
        loaded((), content)


fields = st.sampled_from(
    ["choices", "message", "content", "logprobs", "token", "logprob", "top_logprobs", "top_probs", "prob", "text", "id"]
)
wrong_answers = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1) | st.sampled_from(["a", "", "\ud800", math.nan, -1e400, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=20,
)
wrong_steps = st.lists(
    st.fixed_dictionaries(
        {"token": st.just("a"), "logprob": st.just(-1.0)},
        optional={"top_logprobs": wrong_answers, "top_probs": wrong_answers, "bytes": wrong_answers},
    ),
    max_size=3,
)


@thorough(300)
@given(wrong_steps | wrong_answers, wrong_answers)
def test_wrong_answers_fail_the_same_way_through_structures(content, more):
    choice = {"message": {"content": "a"}, "finish_reason": "stop", "logprobs": {"content": content, "more": more}}
    for answer in ({"choices": [choice]}, {"choices": more}, {"choices": [{**choice, "logprobs": more}, more]}, more):
        with suppress(FailedError):
            same_both_ways(json.dumps(answer).encode())


def test_usage_is_read_from_an_answer_in_structures():
    content = [{"token": "a", "logprob": -1, "top_logprobs": None, "bytes": [97]}]
    reply = answered(content)
    assert (reply.prompt_tokens, reply.completion_tokens, reply.extra) == (1, 1, {"model": "m"})
    assert reply.logprobs.tolist() == [-1.0]
    assert reply.top is None


@thorough(200)
@given(st.text(st.characters(codec=None), max_size=9))
def test_texts_with_lone_surrogates_keep_in_the_store(text):
    reply = Reply(text=text, finish="stop", tokens=(text,), logprobs=np.zeros(1, dtype=np.float32))
    again = unpacked_reply(*packed_reply(reply))
    assert (again.text, again.tokens) == (text, (text,))


@thorough(200)
@given(arrays.arrays(np.float32, st.integers(0, 30), elements=st.floats(width=32)))
def test_decimals_are_the_shortest_that_give_the_number_again(values):
    slow = tuple(float(str(value)) if np.isfinite(value) else None for value in values)
    assert repr(_decimals(values)) == repr(slow)


def test_decimals_of_many_numbers_and_of_round_ones():
    rng = np.random.default_rng(0)
    made = [np.round(-rng.exponential(size=500), places) for places in range(1, 8)]
    values = np.concatenate([*made, 2.0 ** np.arange(-30, 30), -(10.0 ** np.arange(-12, 12))]).astype(np.float32)
    assert repr(_decimals(values)) == repr(tuple(float(str(value)) for value in values))


def test_connections_are_used_again_and_never_more_than_allowed():
    lanes, used, most = Lanes(), set(), [0, 0]

    async def request():
        async with lanes.one(3, 5.0) as client:
            used.add(id(client))
            most[0] += 1
            most[1] = max(most)
            await asyncio.sleep(0)
            most[0] -= 1

    async def run():
        await asyncio.gather(*(request() for _ in range(20)))
        first = len(used)
        await request()
        await lanes.close()
        return first, lanes._free

    first, left = asyncio.run(run())
    assert first == len(used) == 3
    assert most[1] == 3
    assert left == []
    asyncio.run(run())  # in another loop, after it was closed
