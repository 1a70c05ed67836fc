"""Anthropic's Messages and Google's Gemini: the same ledger, the same removal of keys, the same rows."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_servers import SCHEMA, bounds

import syngain
from generating import server_recipe
from other_wires import KINDS, OtherServer
from server_kinds import THOUGHT
from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.generators import wire
from syngain.generators.protocol import Call, FailedError, Sampling
from syngain.generators.servers.wires import WIRES
from syngain.pipeline.recipe import read_recipe
from syngain.workflows.generate.generate import Limits, generate

KEYS = {"anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}
ROWS = 24


def recipe(server, **generator):
    made = server_recipe(server, ROWS, curate=[])
    made["generator"] |= {**server.kind.recipe, **generator}
    made["strategies"] = [
        {"kind": "few_shot", "rows": ROWS, "system": "Answer briefly."},
        {"kind": "persona", "rows": 4, "output": "json", "json_schema": SCHEMA},
    ]
    made["sampling"] = {"samples": 4, "max_tokens": 40, "temperature": 0.7, "top_p": 0.9, "stop": ["END"]}
    return made


@pytest.fixture(params=KINDS)
def server(request, monkeypatch):
    monkeypatch.setenv(KEYS[request.param], "secret-key-0123456789")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    with OtherServer(kind=KINDS[request.param]) as running:
        yield running


def test_every_row_within_a_budget_and_a_resumed_run_pays_nothing_twice(server, real, tmp_path):
    work = tmp_path / "run.work"
    with contextlib.suppress(UnfinishedError):
        generate(recipe(server), real, work=work, limits=Limits(max_tokens=10_000))
    assert server.truth <= bounds(work)[1] <= 10_000
    result = generate(recipe(server), real, work=work, limits=Limits(max_tokens=200_000), resume=True)
    least, most = bounds(work)
    assert least <= server.truth <= most
    rows = list(result.files["rows.jsonl"].records)
    assert len(rows) == ROWS + 4
    assert {row["reasoning_content"] for row in rows} == {THOUGHT}
    assert all(body.get("max_tokens") or body["generationConfig"]["maxOutputTokens"] for body in server.bodies)
    name = "x-goog-api-key" if server.gemini else "x-api-key"
    assert {one.get(name) for one in server.headers} == {"secret-key-0123456789"}
    assert not any("authorization" in one for one in server.headers)
    for path in (file for file in tmp_path.rglob("*") if file.is_file()):
        assert b"secret-key" not in path.read_bytes()


def test_refusals_and_filters_are_dropped_rows(server, real, tmp_path):
    server.declines = 0.2
    result = syngain.generate(recipe(server), real, folder=tmp_path / "run")
    held = len(result.files["rows.jsonl"].records)
    assert 0.5 * ROWS < held < ROWS + 4
    assert any("answers without a row" in warning for warning in result.warnings)


def test_what_is_added_to_a_request_keeps_its_limit(server, real, tmp_path):
    inner = {"thinkingConfig": {"thinkingLevel": "low"}}
    extra = {"generationConfig": inner} if server.gemini else {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    syngain.generate(recipe(server, extra_body=extra), real, folder=tmp_path / "run")
    sent = server.bodies[-1]
    assert (sent["generationConfig"] if server.gemini else sent).items() >= (inner if server.gemini else extra).items()
    assert (sent["generationConfig"]["maxOutputTokens"] if server.gemini else sent["max_tokens"]) == 40
    wrong = {"generationConfig": {"maxOutputTokens": 9_000}} if server.gemini else {"max_tokens": 9_000}
    with pytest.raises(UsageError, match="output limit"):
        generate(recipe(server, extra_body=wrong), real, work=tmp_path / "w", limits=Limits(max_tokens=9_999))


def test_the_api_of_a_kind_is_its_own():
    generator = {"kind": "gemini", "model": "m", "api": "completions"}
    with pytest.raises(InputError, match="kind: openai"):
        read_recipe({"generator": generator, "strategies": [{"kind": "few_shot", "rows": 1}]})


def test_gemini_log_probabilities_are_those_of_a_chat():
    chosen = [{"token": "a", "logProbability": -0.5}, {"token": "b", "logProbability": -1.0}]
    top = [{"candidates": [{"token": "a", "logProbability": -0.5}, {"token": "c", "logProbability": -2.0}]}] * 2
    candidate = {
        "content": {"parts": [{"text": "ab"}]},
        "finishReason": "STOP",
        "logprobsResult": {"chosenCandidates": chosen, "topCandidates": top},
    }
    answer = WIRES["gemini"].restored({"candidates": [candidate]})
    found = wire.reply(answer, api="chat", mode="raw")
    assert found.tokens == ("a", "b")
    assert found.logprobs.tolist() == [-0.5, -1.0]
    assert found.top.counts == (2, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["content", "type", "text", "thinking", "usage", "stop_reason", "input_tokens", "candidates", "parts",
             "finishReason", "promptFeedback", "usageMetadata", "promptTokenCount", "logprobsResult",
             "chosenCandidates", "topCandidates", "thought", "id", "output_tokens"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.sampled_from(["anthropic", "gemini"]))
def test_an_answer_of_any_shape_is_a_reply_or_a_failed_call(answer, api):
    with contextlib.suppress(FailedError):
        wire.reply(WIRES[api].restored(answer), api="chat", mode="raw")


@given(st.sampled_from(["anthropic", "gemini"]), st.integers(1, 99), st.floats(0, 1), st.booleans())
def test_a_request_of_any_parameters_holds_its_limit_and_its_texts(api, limit, temperature, schema):
    sampling = Sampling(max_tokens=limit, temperature=temperature, top_logprobs=2)
    messages = (("system", "S"), ("user", "U"), ("assistant", "A"), ("user", "V"))
    call = Call(key="k", messages=messages, sampling=sampling, seed=1, schema=SCHEMA if schema else None)
    body = WIRES[api].translated(wire.body(call, model="m", api="chat"))
    text = json.dumps(body)
    assert all(f'"{letter}"' in text for letter in "SUAV")
    assert (body.get("max_tokens") or body["generationConfig"]["maxOutputTokens"]) == limit
    assert ('"properties"' in text) == schema
