"""``syngain check``: five servers, what accounting each allows, and why not more."""

import json
import sys

import pytest

import syngain
from fake_server import FakeServer
from syngain.cli import main
from syngain.core.errors import UnfinishedError, UsageError


def found(result):
    return {item.quantity: (item.allowed, item.why) for item in result.accounting}


def test_a_server_with_chosen_tokens_only_allows_the_plain_gain():
    with FakeServer(says="chosen") as server:
        result = syngain.check(server.url)
    assert (result.model, result.capabilities.chosen, result.capabilities.top) == ("fake", True, 0)
    allowed = found(result)
    assert allowed["information gain"][0] == "estimate"
    assert "no Rao-Blackwell" in allowed["information gain"][1]
    assert "top_logprobs is not supported" in allowed["information gain"][1]
    assert allowed["prompt information"][0] == allowed["entropy of outputs"][0] == "no"


def test_a_server_with_alternatives_allows_an_interval_too():
    with FakeServer(says="top") as server:
        result = syngain.check(server.url)
    allowed = found(result)
    assert result.capabilities.top == 20
    assert result.capabilities.mode == "raw"
    assert "Rao-Blackwell interval from the top 20" in allowed["information gain"][1]
    assert "upper bound (cross-entropy), because the mode is raw" in allowed["information gain"][1]
    assert allowed["prompt information"][0] == "no"
    assert "cannot be scored" in allowed["prompt information"][1]


def test_a_server_with_prompt_log_probabilities_allows_the_lower_end_of_the_bracket():
    with FakeServer(says="prompt") as server:
        result = syngain.check(server.url)
    allowed = found(result)
    assert result.capabilities.prompt
    assert allowed["prompt information"][0] == "lower"
    assert "only the lower end" in allowed["prompt information"][1]
    assert allowed["entropy of outputs"][0] == "interval"


@pytest.mark.parametrize("says", ["top", "chosen"])
def test_a_server_in_processed_mode_is_recognized(says):
    with FakeServer(says=says, mode="processed") as server:
        result = syngain.check(server.url)
    assert result.capabilities.mode == "processed"
    assert "at every temperature: the mode is processed" in found(result)["information gain"][1]


def test_a_server_without_log_probabilities_allows_no_information_and_says_so():
    with FakeServer(says="none", schema=False) as server:
        result = syngain.check(server.url)
    allowed = found(result)
    assert result.capabilities.chosen is False
    assert allowed["information gain"][0] == "no"
    assert "does not support logprobs" in allowed["information gain"][1]
    assert result.capabilities.schema is False
    assert "response_format is not supported" in result.reasons["schema"]
    assert allowed["novelty under a proxy"][0] == allowed["divergence of curation"][0] == "estimate"
    assert allowed["semantic split"][0] == "lower"


def test_raw_log_probabilities_of_chosen_tokens_are_recognized():
    with FakeServer(says="chosen", mode="raw") as server:
        assert syngain.check(server.url).capabilities.mode == "raw"


@pytest.mark.parametrize(("says", "each"), [("prompt", -1.5), ("echo", -1.25)])
def test_given_texts_are_scored_by_prompt_log_probabilities_or_by_echo(says, each):
    import asyncio

    from syngain.generators.openai import OpenAIGenerator

    with FakeServer(says=says) as server:
        result = syngain.check(server.url, api="completions")
        assert (result.capabilities.chosen, result.capabilities.top, result.capabilities.prompt) == (True, 20, True)

        async def scored():
            generator = OpenAIGenerator(base_url=server.url, model="fake", api="completions")
            try:
                return await generator.score((("user", "Say it."),), ["one", "two words"])
            finally:
                await generator.close()

        one, two = asyncio.run(scored())
    assert ("".join(one.tokens), "".join(two.tokens)) == ("one", "two words")
    assert one.logprobs.tolist() == [each] * 3
    assert (one.mode, one.end_included) == ("raw", False)


def test_the_toy_allows_everything():
    assert {item.allowed for item in syngain.check("toy").accounting} == {"estimate", "interval", "lower"}


def test_a_few_faults_do_not_spoil_the_answer_and_a_dead_server_is_named():
    with FakeServer(faults={"500": 0.2, "429_after": 0.1}, seed=3) as server:
        assert syngain.check(server.url).capabilities.top == 20
    with pytest.raises(UnfinishedError, match="returned no usable answer"):
        syngain.check(server.url)


def test_several_models_must_be_named_and_a_wrong_key_is_said():
    with FakeServer(models=("one", "two")) as server:
        with pytest.raises(UsageError, match="lists one, two"):
            syngain.check(server.url)
        assert syngain.check(server.url, model="two").models == ("one", "two")
        with pytest.raises(UsageError, match="404"):
            syngain.check(server.url, model="three")
    with FakeServer(key="right") as server, pytest.raises(UsageError, match="OPENAI_API_KEY"):
        syngain.check(server.url)


def test_the_command_line_prints_a_table_or_json(monkeypatch, capsys):
    with FakeServer() as server:
        for flags in ((), ("--json",)):
            monkeypatch.setattr(sys, "argv", ["syngain", "check", server.url, "-q", *flags])
            with pytest.raises(SystemExit) as stop:
                main()
            assert stop.value.code == 0
            out = capsys.readouterr().out
            if flags:
                assert json.loads(out)["capabilities"]["top_k"] == 20
            else:
                assert "information gain" in out
                assert "usable" in out
