"""Every kind of server: probed, generated with, resumed, and kept within a budget."""

import contextlib
import sqlite3

import pytest

import syngain
from generating import lines, server_recipe
from server_kinds import SERVERS, THOUGHT, KindServer
from syngain.core.errors import UnfinishedError
from syngain.pipeline.recipe import read_recipe
from syngain.pipeline.store.connect import endpoint
from syngain.pipeline.store.spending import spent
from syngain.workflows.generate.generate import Limits, generate

ROWS = 16
SCHEMA = {
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}


def recipe(server, **changes):
    made = server_recipe(server, ROWS, curate=[], **changes)
    made["generator"] |= server.kind.recipe
    made["strategies"] = [
        {"kind": "few_shot", "rows": ROWS, "system": "Answer briefly."},
        {"kind": "persona", "rows": 4, "output": "json", "json_schema": SCHEMA},
    ]
    made["sampling"] = {"samples": 4, "max_tokens": 40, "temperature": 0.7, "top_logprobs": 8}
    return made


def bounds(work):
    with contextlib.closing(sqlite3.connect(work / "store.sqlite")) as store:
        found = spent(store)
    return found.least[0], found.most[0]


@pytest.fixture(params=SERVERS)
def server(request, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-1234567890")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    assert SERVERS[request.param].source
    with KindServer(kind=SERVERS[request.param], says="top", keep_bodies=True) as running:
        yield running


def test_a_kind_of_server_gives_every_row_within_a_budget_and_is_asked_without_a_lesson_again(server, real, tmp_path):
    work = tmp_path / "run.work"
    with contextlib.suppress(UnfinishedError):
        generate(recipe(server), real, work=work, limits=Limits(max_tokens=12_000))
    refused = server.refused
    assert server.truth <= bounds(work)[1] <= 12_000
    result = generate(recipe(server), real, work=work, limits=Limits(max_tokens=200_000), resume=True)
    least, most = bounds(work)
    assert least <= server.truth <= most
    rows = list(result.files["rows.jsonl"].records)
    assert len(rows) == ROWS + 4
    assert server.refused - refused <= 1 + refused  # what the first call had learned is not learned again
    said = " ".join((*result.warnings, *result.notes))
    for words in server.kind.learns:
        assert words in said
    if server.kind.reasoning not in {"", "hidden"} or server.kind.inline:
        assert {row["reasoning_content"] for row in rows} == {THOUGHT}
    assert not any("<think>" in row["text"] for row in rows)
    if "is always 1" in said:
        assert {row["temperature"] for row in rows} == {1.0}


def test_a_probe_of_each_kind_says_what_it_learned(server):
    import asyncio

    from syngain.generators.probe import probe

    spec = read_recipe(recipe(server)).generator

    async def probed():
        generator = endpoint(spec)
        try:
            return await probe(generator), generator.learner.dialect
        finally:
            await generator.close()

    found, dialect = asyncio.run(probed())
    assert (found.reasoning > 0) == bool(server.kind.reasoning or server.kind.inline)
    assert dialect.structured == server.kind.structured
    assert found.learned == dialect.sentences


def test_the_key_of_a_header_is_not_sent_as_a_bearer_and_is_in_no_file(real, tmp_path, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key-1234567890")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    with KindServer(kind=SERVERS["azure"], keep_bodies=True) as server:
        syngain.generate(recipe(server), real, folder=tmp_path / "run")
        assert {one.get("api-key") for one in server.headers} == {"azure-key-1234567890"}
        assert not any("authorization" in one for one in server.headers)
    for path in (file for file in (tmp_path / "run").rglob("*") if file.is_file()):
        assert b"azure-key" not in path.read_bytes()


def test_a_reasoning_server_with_refusals_and_cut_answers_gives_all_good_rows(real, tmp_path):
    kind = SERVERS["vllm"]
    with KindServer(kind=kind, declines=0.04) as server:
        made = server_recipe(server, 300, curate=[])
        made["sampling"] = {"samples": 4, "max_tokens": 40}
        work = tmp_path / "run.work"
        result = generate(made, real, work=work, limits=Limits(max_tokens=900_000))
        least, most = bounds(work)
        assert least <= server.truth <= most
        cut, refused = server.lost["cut"], server.lost["refusal"]
        good = server.lost[""]
    assert min(cut, refused) > 4
    assert len(result.files["rows.jsonl"].records) == good == 300 - cut - refused
    said = " ".join(result.warnings)
    assert f"{refused} of 300 ({100 * refused / 300:.2g}%): the model refused to answer" in said
    assert f"{cut} of 300 ({100 * cut / 300:.2g}%): cut inside the reasoning" in said
    assert result.to_json().count("the model refused to answer") == 1
    reasons = {row["syngain_reasons"][0] for row in result.files["dropped.jsonl"].records}
    assert reasons == {"the model refused to answer", "cut inside the reasoning, before any text"}


@pytest.mark.parametrize(("keep", "content"), [("think", f"<think>\n{THOUGHT}\n</think>\n\n"), ("no", "")])
def test_reasoning_is_kept_in_the_text_or_left_out(keep, content, real, tmp_path):
    with KindServer(kind=SERVERS["vllm"]) as server:
        made = server_recipe(server, 8, curate=[])
        made["generator"]["keep_reasoning"] = keep
        made["sampling"] = {"max_tokens": 40}
        syngain.generate(made, real, folder=tmp_path / "run")
    rows = lines(tmp_path / "run" / "rows.jsonl")
    assert len(rows) == 8
    assert all(row["text"].startswith(content) and "reasoning_content" not in row for row in rows)


def test_a_dead_end_still_ends_a_run(real, tmp_path):
    with KindServer(kind=SERVERS["vllm"], declines=0.5) as server, pytest.raises(UnfinishedError, match="has a text"):
        made = server_recipe(server, 100, curate=[])
        made["sampling"] = {"max_tokens": 40}
        generate(made, real, work=tmp_path / "run.work")
