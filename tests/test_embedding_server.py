"""Embeddings of a server: the vectors of the texts in their order; every wrong answer is an error with its cause."""

from __future__ import annotations

import copy
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syngain
from embedding_kinds import KEY, KINDS, WIDTH, EmbeddingKindServer, bomb, embedded, truth
from syngain.cli import main
from syngain.core.documents.warned import collected
from syngain.core.errors import InputError, SyngainError, UnfinishedError, UsageError
from syngain.data.text.texts import Texts
from syngain.generators.embedding_server import EmbeddingServer, server_named
from syngain.generators.protocol import RetryableError
from syngain.generators.servers.embeddings import vectors
from syngain.settings import AuditSettings

RNG = np.random.default_rng(0)
TEXTS = ["one", "", "two two", "one", " \n", "zebra \ud800", "three words here", "é ü", "x" * 500]


def unit(text):
    made = truth(text.encode("utf-8", "replace").decode())
    return made / np.linalg.norm(made) if text.strip() else made


@pytest.fixture(params=KINDS)
def server(request, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with EmbeddingKindServer(KINDS[request.param]) as running:
        yield running


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with EmbeddingKindServer() as running:
        yield running


def rows(count, words, label=True):
    rng = np.random.default_rng(count)
    made = []
    for i in range(count):
        kind = int(rng.integers(2))
        chosen = rng.choice(words[kind], size=6)
        made.append({"text": f"{' '.join(chosen)} {i}"} | ({"label": str(kind)} if label else {}))
    return made


WORDS = ("red green blue gray pink cyan brown black".split(), "dog cat cow hen fox owl bee ant".split())


@pytest.fixture
def files(tmp_path):
    for name, count in (("real", 80), ("synthetic", 120), ("other", 90), ("test", 60)):
        lines = (json.dumps(row) for row in rows(count, WORDS))
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


@pytest.fixture
def cli(monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capsys.readouterr()
        return SimpleNamespace(returncode=stop.value.code, stdout=out, stderr=err)

    return run


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_the_vectors_are_those_of_the_texts_in_their_order_at_unit_length(server, batch):
    fitted = EmbeddingServer("m", server.url, batch=batch).fit([], RNG)
    found = fitted(TEXTS)
    np.testing.assert_allclose(found, [unit(text) for text in TEXTS], atol=1e-6)
    assert found[0].tobytes() == found[3].tobytes()
    assert fitted([]).shape == (0, WIDTH)
    assert fitted(["", " "]).tolist() == [[0.0] * WIDTH] * 2
    assert sorted(set(server.texts)) == sorted(
        {"a", *(t.encode("utf-8", "replace").decode() for t in TEXTS if t.strip())}
    )


@pytest.mark.parametrize("name", ["openai", "llama.cpp", "tei"])
def test_a_text_that_is_too_long_is_cut_and_counted(name):
    long = " ".join(f"w{i}" for i in range(9_000))
    with EmbeddingKindServer(KINDS[name]) as server, collected() as said:
        found = EmbeddingServer("m", server.url, batch=8).fit([], RNG)(["short one", long, "other"])
        kept = next(text for text in server.texts if text.startswith("w0 "))
    assert long.startswith(kept)
    np.testing.assert_allclose(found, [unit("short one"), unit(kept), unit("other")], atol=1e-6)
    assert said.all() == ("1 of 3 texts were cut before their embedding: m takes no longer ones",)


def test_texts_are_sent_once_whatever_asks_for_them(plain):
    encoder = EmbeddingServer("m", plain.url)
    texts = Texts(["b c", "c d", "d e", "b c"])
    fitted = encoder.fit(texts, RNG)
    whole = fitted(texts)
    assert fitted(texts.take([2, 0])).tolist() == whole[[2, 0]].tolist()
    assert encoder.fit(texts, RNG)(texts).tolist() == whole.tolist()
    assert sorted(plain.texts) == ["a", "b c", "c d", "d e"]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 408])
def test_a_failure_that_may_pass_is_tried_again(plain, status):
    plain.faults = [(status, {"error": {"message": "busy"}}, {"retry-after": "0"})]
    encoder = EmbeddingServer("m", plain.url)
    np.testing.assert_allclose(encoder.fit([], RNG)(["red dog"]), [unit("red dog")], atol=1e-6)


WRONG = {
    "HTML": ((200, b"<html><body>Sign in</body></html>"), "not JSON"),
    "cut": ((200, b'{"data": [{"index": 0, "embe'), "not JSON"),
    "a list": ((200, [1]), "no list `data`"),
    "null": ((200, {"data": None}), "no list `data`"),
    "none": ((200, {"data": []}), "0 embeddings for 1 texts"),
    "many": ((200, embedded(["x", "y"])), "2 embeddings for 1 texts"),
    "an empty one": ((200, {"data": [{"index": 0, "embedding": []}]}), "embeddings of 0 numbers"),
    "words": ((200, {"data": [{"index": 0, "embedding": ["a", "b"]}]}), "not a list of numbers"),
    "nulls": ((200, {"data": [{"index": 0, "embedding": [None, 1]}]}), "not finite"),
    "nested": ((200, {"data": [{"index": 0, "embedding": [[1, 2]]}]}), "not a list of numbers"),
    "an object": ((200, {"data": [{"index": 0, "embedding": {"0": 1}}]}), "not a list of numbers"),
    "NaN": ((200, b'{"data": [{"index": 0, "embedding": [NaN, 1]}]}'), "not finite"),
    "infinite": ((200, b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}'), "not finite"),
    "a large integer": (
        (200, b'{"data": [{"index": 0, "embedding": [1' + b"0" * 400 + b"]}]}"),
        "not a list of numbers",
    ),
    "broken base64": ((200, {"data": [{"index": 0, "embedding": "###"}]}), "not a list of numbers"),
    "the index": ((200, {"data": [{"index": 3, "embedding": [1, 2]}]}), "`index`"),
    "true": ((200, {"data": [{"index": False, "embedding": [1, 2]}]}), "`index`"),
    "a bomb": (bomb(), "larger than"),
    "a redirect": ((302, b"", {"location": "/elsewhere"}), "HTTP 302"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_answer_ends_with_its_cause(plain, name):
    fault, words = WRONG[name]
    plain.faults = [fault] * 9
    with pytest.raises(UnfinishedError, match="returned no usable answer") as error:
        EmbeddingServer("m", plain.url, attempts=2).check()
    assert words in error.value.came
    assert plain.url in error.value.came
    assert error.value.todo


def test_another_length_in_a_later_answer_is_an_error(plain):
    fitted = EmbeddingServer("m", plain.url, attempts=1).fit([], RNG)
    plain.faults = [(200, {"data": [{"index": 0, "embedding": [1.0, 2.0]}]})]
    with pytest.raises(UnfinishedError, match=f"embeddings of 2 numbers, where {WIDTH} were expected"):
        fitted(["red"])


def test_refusals_of_the_key_the_model_and_the_place_name_the_cause(plain, monkeypatch):
    plain.key = KEY
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        EmbeddingServer("m", plain.url).check()
    monkeypatch.setenv("MY_KEY", "sk-wrong-0987654321")
    with pytest.raises(UsageError, match="refused the key in MY_KEY") as error:
        EmbeddingServer("m", plain.url, key_env="MY_KEY").check()
    assert "sk-wrong" not in str(error.value)
    monkeypatch.setenv("MY_KEY", KEY)
    EmbeddingServer("m", plain.url, key_env="MY_KEY").check()
    with pytest.raises(UsageError, match="The model `other` does not exist"):
        EmbeddingServer("other", plain.url, key_env="MY_KEY").check()
    with pytest.raises(UsageError, match="HTTP 404"):
        EmbeddingServer("m", f"{plain.url}/more", key_env="MY_KEY").check()
    plain.faults = [
        (501, {"error": {"message": "This server does not support embeddings. Start it with --embeddings"}})
    ]
    with pytest.raises(InputError, match="does not support embeddings"):
        EmbeddingServer("m", plain.url, key_env="MY_KEY").check()


def test_an_unreachable_server_is_an_error_before_the_rows_are_read(cli, files, monkeypatch):
    with pytest.raises(UnfinishedError, match="no connection"):
        EmbeddingServer("m", "http://127.0.0.1:9/v1").check()
    done = cli("audit", files / "absent.jsonl", files / "synthetic.jsonl", "--encoder", "m@http://127.0.0.1:9/v1")
    assert (done.returncode, "no connection" in done.stderr) == (3, True)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(UsageError, match="no address"):
        EmbeddingServer("m").check()


def test_a_server_is_named_by_a_flag_a_file_and_in_python(tmp_path):
    made = server_named("vendor/model@v2@http://h:8000/v1")
    assert (made.model, made.address) == ("vendor/model@v2", "http://h:8000/v1")
    assert server_named("minilm") is None
    assert server_named("someone/model") is None
    with pytest.raises(UsageError, match="names no model"):
        server_named("http://h:8000/v1")
    file = tmp_path / "encoder.yaml"
    file.write_text("{model: m, base_url: http://h/v1, key_env: K, extra_body: {dimensions: 256}, batch: 8}")
    assert server_named(str(file)) == EmbeddingServer(
        "m", "http://h/v1", key_env="K", extra_body={"dimensions": 256}, batch=8
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("model", "the whole` is 'model'"),
        ("{base_url: http://h/v1}", "`model` is missing"),
        ("{model: 5}", "`model` is 5"),
        ("{model: m, batch: 0}", "`batch` is 0"),
        ("{model: m, dimension: 3}", "`dimension` is unknown"),
        ("{model: m, headers: [a]}", "`headers` is ['a']"),
        ("{model: m, base_url: host}", "base_url 'host'"),
        ("{model: m, base_url: http://h/v1, key_env: sk-proj-123}", "key_env holds something else"),
        ("{model: m, base_url: http://h/v1, headers: {Authorization: secret}}", "contains a key"),
        ("{model: m, extra_body: {input: x}}", "extra_body sets input"),
        ("{model: [}", "cannot be read as YAML"),
    ],
)
def test_a_wrong_description_is_an_error_with_three_parts(tmp_path, content, words):
    (tmp_path / "e.yaml").write_text(content)
    with pytest.raises(SyngainError) as error:
        server_named(str(tmp_path / "e.yaml")).check()
    assert words in error.value.came
    assert error.value.expected
    assert error.value.todo
    assert "sk-proj" not in str(error.value)


def test_command_line_and_python_give_the_same_run_with_the_key_in_no_file(cli, plain, files, tmp_path, monkeypatch):
    plain.key = KEY
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    name = f"m@{plain.url}"
    done = cli("audit", files / "real.jsonl", files / "synthetic.jsonl", "--encoder", name, "-o", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert len(plain.texts) == len(set(plain.texts))  # the letter of the check, and each text once
    made = syngain.audit(
        files / "real.jsonl", files / "synthetic.jsonl", settings=AuditSettings(encoder=EmbeddingServer("m", plain.url))
    )
    assert (tmp_path / "run" / "report.json").read_text() == made.to_json()
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not any(KEY.encode() in path.read_bytes() for path in written)
    options = tmp_path / "options.yaml"
    options.write_text(json.dumps({"encoder": name, "resume": True, "output": str(tmp_path / "run")}))
    again = cli("audit", files / "real.jsonl", files / "synthetic.jsonl", "-c", options)
    assert again.returncode == 0, again.stderr


@pytest.mark.parametrize("command", ["gain", "select", "compare", "mix", "ggmi"])
def test_every_command_with_an_encoder_takes_a_server_and_sends_each_text_once(cli, plain, files, tmp_path, command):
    named = [files / "synthetic.jsonl"] + ([files / "other.jsonl"] if command in {"compare", "mix"} else [])
    quick = ["--no-measures"] if command == "compare" else []
    done = cli(command, files / "real.jsonl", *named, "--encoder", f"m@{plain.url}", "-o", tmp_path / "run", *quick)
    assert done.returncode == 0, done.stderr
    assert len(plain.texts) > 200
    assert len(plain.texts) == len(set(plain.texts))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_damage_to_an_answer_gives_other_vectors(data):
    answer = embedded(["red dog", "blue", "one two three"])
    damaged = copy.deepcopy(answer)
    junk = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.floats()))
    item = damaged["data"][data.draw(st.integers(0, 2))]
    place = data.draw(st.sampled_from(["index", "embedding", "number", "item", "none"]))
    if place in {"index", "embedding"}:
        item[place] = data.draw(junk)
    elif place == "number":
        item["embedding"][data.draw(st.integers(0, WIDTH - 1))] = data.draw(junk)
    elif place == "item":
        damaged["data"][data.draw(st.integers(0, 2))] = data.draw(junk)
    try:
        found = vectors(damaged, 3, WIDTH)
    except RetryableError:
        return
    assert found.shape == (3, WIDTH)
    assert np.isfinite(found).all()
    if place in {"index", "none"}:
        np.testing.assert_array_equal(found, vectors(answer, 3, WIDTH))


@pytest.mark.parametrize("name", ["openai", "vllm", "llama.cpp", "tei", "ollama", "ollama, zeros"])
def test_a_text_beyond_the_context_is_cut_and_counted_whatever_the_server_says(name, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    texts = ["short one", "word " * 9_000, "another one"]
    with EmbeddingKindServer(KINDS[name]) as server, collected() as said:
        found = EmbeddingServer("m", server.url).fit(texts, RNG)(texts)
    assert found.any(axis=1).all()
    assert np.allclose(found[[0, 2]], [unit(text) for text in (texts[0], texts[2])])
    assert any("1 of 3 texts were cut" in one for one in said.all())


@pytest.mark.parametrize(("name", "form"), [("litellm, bge", "float"), ("voyage", None), ("base64 alone", "base64")])
def test_a_format_that_a_server_wants_is_learned_once(name, form, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    texts = [f"text {number}" for number in range(200)]
    with EmbeddingKindServer(KINDS[name]) as server:
        encoder = EmbeddingServer("m", server.url, batch=16)
        encoder.fit(texts, RNG)(texts)
        encoder.fit(texts, RNG)([f"more {number}" for number in range(200)])
        asked = [body.get("encoding_format") for body in server.bodies]
    assert asked[-1] == form
    assert asked.count(form) == 1 + 2 * 13
    assert len(asked) - asked.count(form) <= 2


def test_a_format_may_be_set_and_one_that_nobody_takes_is_an_error(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with EmbeddingKindServer(KINDS["base64 alone"]) as server:
        encoder = EmbeddingServer("m", server.url, extra_body={"encoding_format": "base64"})
        assert encoder.fit(["a b"], RNG)(["a b"]).any()
        assert {body["encoding_format"] for body in server.bodies} == {"base64"}
        with pytest.raises(InputError, match="encoding_format"):
            EmbeddingServer("m", server.url, extra_body={"encoding_format": "md5"}).fit(["a b"], RNG)
