"""Real servers: probed, generated with, stopped by a budget, resumed; and the embeddings of one."""

import asyncio
import contextlib
import json

import httpx
import numpy as np
import pytest

import real_servers
import tiny_causal
from syngain.core.documents.warned import collected
from syngain.core.errors import UnfinishedError
from syngain.generators.embedding_server import EmbeddingServer
from syngain.generators.openai import OpenAIGenerator
from syngain.generators.probe import probe
from syngain.models.catalog import installed
from syngain.workflows.generate.generate import Limits, generate

SMOLLM2 = installed().get("smollm2")  # asked at collection: during the tests the home is an empty one
ROWS = 6


@pytest.fixture(scope="module")
def gguf():
    pytest.importorskip("xllamacpp", reason="xllamacpp is absent: pip install 'syngain[llamacpp]'")
    if SMOLLM2 is None:
        pytest.skip("smollm2 is absent: syngain models add smollm2")
    return next(SMOLLM2.glob("*.gguf"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model of random weights: what `transformers serve` answers means nothing, and comes fast."""
    if why := real_servers.why_no_transformers():
        pytest.skip(why)
    return tiny_causal.make(tmp_path_factory.mktemp("tiny"), template=tiny_causal.CHAT)


def recipe(url):
    model = httpx.get(f"{url}/models", timeout=60).json()["data"][0]["id"]
    return {
        "generator": {"kind": "openai", "model": model, "base_url": url},
        "strategies": [{"kind": "few_shot", "rows": ROWS, "shots": 1, "system": "Answer briefly."}],
        "sampling": {"samples": 3, "max_tokens": 12, "temperature": 0.8, "top_logprobs": 2},
        "engine": {"concurrency": 2},
        "curate": [],
    }


def used(url, real, tmp_path):
    """Probe, a budget that ends the run, and its continuation; gives the probe's answer and the result."""
    made = recipe(url)

    async def probed():
        generator = OpenAIGenerator(base_url=url, model=made["generator"]["model"])
        try:
            return await probe(generator)
        finally:
            await generator.close()

    found, work = asyncio.run(probed()), tmp_path / "run.work"
    with contextlib.suppress(UnfinishedError):
        generate(made, real, work=work, limits=Limits(max_tokens=700))
    result = generate(made, real, work=work, limits=Limits(max_tokens=100_000), resume=True)
    said = next(note for note in result.notes if note.startswith("billed"))
    assert "ceiling 100,000" in said
    return found, result


def test_llama_cpp_server_gives_rows_with_log_probabilities_within_a_budget(gguf, real, tmp_path):
    with real_servers.llamacpp(gguf) as url:
        found, result = used(url, real, tmp_path)
    assert found.capabilities.chosen
    assert found.capabilities.schema
    rows = list(result.files["rows.jsonl"].records)
    assert len(rows) == ROWS
    assert all(row["text"] for row in rows)
    assert all(json.dumps(row).count("logprob") for row in rows)


def test_llama_cpp_server_gives_embeddings_of_any_length(gguf):
    with real_servers.llamacpp(gguf, embeddings=True) as url, collected() as said:
        fitted = EmbeddingServer("smollm2", url, batch=2).fit([], np.random.default_rng(0))
        found = fitted(["a red dog", "", "a red dog ", "word " * 900])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 0, 1, 1])
    assert found[0] @ found[2] > 0.5
    assert said.all() == ("1 of 3 texts were cut before their embedding: smollm2 takes no longer ones",)


def test_transformers_serve_gives_rows_within_a_budget(folder, real, tmp_path):
    with real_servers.transformers(folder) as url:
        found, result = used(url, real, tmp_path)
    assert not found.capabilities.chosen  # it sends none
    assert len(list(result.files["rows.jsonl"].records)) + len(list(result.files["dropped.jsonl"].records)) == ROWS
