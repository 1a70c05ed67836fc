"""What a run says when money is at stake: causes of an early end, bills, keys in recipes, impossible amounts."""

import contextlib
import json
import re
import sqlite3
import sys

import pytest

from fake_server import FakeServer
from generating import server_recipe, toy_recipe
from lying_server import LyingServer
from syngain.cli import main
from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.generators.openai import OpenAIGenerator
from syngain.generators.servers.secrets import key_places
from syngain.pipeline.export import STORE
from syngain.pipeline.recipe import read_recipe
from syngain.pipeline.store.spending import spent
from syngain.workflows.generate.generate import Limits, generate
from syngain.workflows.generate.recover import recover

BROKEN = {
    "html": ("not JSON", "curl shows what it answers"),
    "refusal_field": ("refused to answer", "--preview 1"),
    "null_content": ("(before any|has no) text", "max_tokens|server's log"),
}


def billed(work):
    with contextlib.closing(sqlite3.connect(work / STORE)) as store:
        found = spent(store)
    return found.least[0], found.most[0]


@pytest.mark.parametrize("ceiling", [6_000, 60_000])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_server_that_answers_nothing_usable_costs_little_and_is_named(kind, ceiling, real, tmp_path):
    with LyingServer(faults={kind: 1.0}, spare=1) as server:
        with pytest.raises(UnfinishedError) as error:
            generate(server_recipe(server, 400), real, work=tmp_path / "w", limits=Limits(max_tokens=ceiling))
        truth = server.truth
    cause, fix = BROKEN[kind]
    assert re.search(cause, str(error.value))
    assert re.search(fix, str(error.value))
    assert "raise --max-tokens" not in str(error.value)
    least, most = billed(tmp_path / "w")
    assert least <= truth <= most < (0.8 if ceiling == 6_000 else 0.2) * ceiling
    assert f"at most {most:,}, ceiling {ceiling:,}" in str(error.value)


def test_a_budget_reached_by_good_answers_names_the_flag_and_the_amount(real, tmp_path):
    with FakeServer() as server:
        with pytest.raises(UnfinishedError) as error:
            generate(server_recipe(server, 60), real, work=tmp_path / "w", limits=Limits(max_tokens=3_000))
        said = str(error.value)
        assert "the budget is reached" in said
        assert f"raise --max-tokens (above {billed(tmp_path / 'w')[1]:,})" in said
        assert "gave no answer" not in said
        before = server.requests
        with pytest.raises(UnfinishedError, match="nothing was sent") as error:
            generate(server_recipe(server, 60), real, work=tmp_path / "w", limits=Limits(max_tokens=100), resume=True)
        assert "0 new answers" in str(error.value)
        assert server.requests == before


def test_an_impossible_usage_in_the_answer_to_the_probe_is_named(real, tmp_path):
    with LyingServer(faults={"usage_huge": 1.0}, spare=0) as server:
        with pytest.raises(UnfinishedError, match="in its answer to the probe") as error:
            generate(server_recipe(server), real, work=tmp_path / "w", limits=Limits(max_tokens=10_000))
        assert "--distrust-usage" in str(error.value)
        assert "billed at least 0, at most 4,000,0" in str(error.value)
        assert server.requests == 1


@pytest.mark.parametrize("kind", ["refusal_field", "filtered"])
def test_a_model_that_refuses_everything_is_asked_a_few_times_and_the_bill_is_said(kind, real, tmp_path):
    with LyingServer(faults={kind: 1.0}, spare=0) as server:
        with pytest.raises(UnfinishedError, match="no text for a simple question, 4 times") as error:
            generate(server_recipe(server), real, work=tmp_path / "w", limits=Limits(max_tokens=10_000))
        assert server.requests <= 4 * 3
        truth = server.truth
    least, most = billed(tmp_path / "w")
    assert f"billed at least {least:,}, at most {most:,}, ceiling 10,000 tokens" in str(error.value)
    assert least <= truth <= most
    assert "omit" not in str(error.value)
    with FakeServer(port=server.port) as server:  # the same address, and the model works
        done = generate(server_recipe(server), real, folder=tmp_path / "done", work=tmp_path / "w")
    assert billed(tmp_path / "done")[1] > most
    assert f"at least {billed(tmp_path / 'done')[0]:,}" in done.notes[-1]


SECRETS = ["sk-abcdefghijklmnop1234", "Bearer abcdefghijklmnop1234", "hf_abcdefghijklmnop", "AIza" + "b" * 35]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_in_plain_text_is_refused_wherever_it_stands_and_never_written(secret, real, tmp_path):
    for generator in (
        {"headers": {"X-Note": secret}},
        {"headers": {"X-My-Token": "whatever"}},
        {"extra_body": {"metadata": {"note": [secret]}}},
        {"extra_body": {"api_key": "whatever"}},
        {"model": secret},
    ):
        with FakeServer() as server:
            made = server_recipe(server)
            made["generator"] |= generator
            with pytest.raises(UsageError) as error:
                generate(made, real, folder=tmp_path / "run")
            assert server.requests == 0
        assert secret not in str(error.value)
        assert "MY_KEY" in str(error.value)
        assert not list(tmp_path.glob("run*"))


def test_ordinary_fields_and_headers_are_no_keys(monkeypatch):
    ordinary = {
        "prompt_cache_key": "batch-7", "stop": ["</s>"], "max_completion_tokens": 7, "user": "sk-learn",
        "reasoning": {"effort": "low"}, "stop_token_ids": [1, 2], "tokenizer": "risk-averse-model-name",
    }  # fmt: skip
    assert not list(key_places(ordinary))
    monkeypatch.setenv("MY_KEY", "sk-abcdefghijklmnop1234")
    OpenAIGenerator(
        base_url="http://h/v1",
        model="scikit/sk-learn",
        extra=ordinary,
        headers={"X-Key": "${MY_KEY}", "OpenAI-Organization": "org-abcdefghijklmnopqrstuvwx"},
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategies": [{"kind": "few_shot", "rows": True}]}, "`rows` is true"),
        ({"seed": False}, "`seed` is false"),
        ({"sampling": {"temperature": True}}, "`temperature` is true"),
        ({"curate": [{"step": "verify", "template": "x", "accept": True}]}, "`accept` is true"),
        ({"strategies": [{"kind": "few_shot", "rows": 10**12}]}, "1,000,000,000,000 rows are more than"),
        ({"strategies": [{"kind": "few_shot", "rows": 9_000_000, "name": n} for n in "ab"]}, "18,000,000 rows"),
    ],
)
def test_impossible_amounts_are_refused_at_once(changes, said):
    with pytest.raises(InputError) as error:
        read_recipe(toy_recipe(**changes))
    assert said in str(error.value)


def _missing(store):
    store.unlink()


def _emptied(store):
    store.write_bytes(b"")


def _truncated(store):
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])


@pytest.fixture
def stopped(real, tmp_path):
    with FakeServer() as server, contextlib.suppress(UnfinishedError):
        generate(server_recipe(server, 60), real, work=tmp_path / "w", limits=Limits(max_tokens=3_000))
    return tmp_path / "w"


@pytest.mark.parametrize("damage", [_missing, _emptied, _truncated])
def test_what_is_recovered_of_a_damaged_store_claims_no_bill_and_no_completeness(damage, stopped):
    damage(stopped / STORE)
    said = " ".join(recover(stopped).sentences())
    assert "at most" not in said
    assert "not known" in said
    assert "no answer is" not in said


def test_what_is_recovered_of_a_whole_store_has_its_bill(stopped):
    least, most = billed(stopped)
    said = recover(stopped).sentences()
    assert any(f"billed at least {least:,}, at most {most:,} tokens" in one for one in said)
    assert said[-1] == "no answer is lost"


def test_a_finished_run_without_its_store_says_so_when_it_is_resumed(real, tmp_path, monkeypatch, capsys):
    (tmp_path / "r.yaml").write_text(json.dumps(toy_recipe()))
    flags = ["generate", str(tmp_path / "r.yaml"), "--real", str(real), "-o", str(tmp_path / "run"), "-q"]
    for more in ([], ["--resume"], ["--resume"]):
        monkeypatch.setattr(sys, "argv", ["syngain", *flags, *more])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == 0
        said = capsys.readouterr().err
        assert ("'store.sqlite' is missing" in said) == (not (tmp_path / "run" / STORE).exists())
        if more:
            (tmp_path / "run" / STORE).unlink(missing_ok=True)
