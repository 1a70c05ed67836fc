"""A sentence encoder: unit vectors in the order of the rows, whatever the batches; unusable models are refused."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from syngain.core import InputError, MissingDependencyError, UsageError
from syngain.data.encoders.sentences import SentenceEncoder
from syngain.models.catalog import installed

MINILM = installed().get("minilm")  # asked at collection: during the tests the home is an empty one
HAVE_TORCH = all(find_spec(name) for name in ("torch", "transformers"))
needs_torch = pytest.mark.skipif(
    not HAVE_TORCH, reason="torch or transformers is absent: pip install 'syngain[encoder]'"
)
TEXTS = ["one", "", "two two", "a b c d e f g h i j", "one", " ", "zebra \ud800", "b " * 60, "two"]
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A random network with a tokenizer of letters, both made here: the mechanics need no trained weights."""
    if not HAVE_TORCH:
        pytest.skip("torch or transformers is absent")
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz"]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))  # noqa: S106
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, **special)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=40,
        initializer_range=0.5,
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    BertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def minilm():
    if not HAVE_TORCH:
        pytest.skip("torch or transformers is absent")
    if MINILM is None:
        pytest.skip("minilm is absent: syngain models add minilm")
    return SentenceEncoder(str(MINILM)).fit([], RNG)


def one_by_one(folder, texts, length):
    """The slow twin: a row at a time, so without padding; the mean of the last states over its length."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    out = []
    for text in texts:
        clean = text.encode("utf-8", "replace").decode()
        inputs = tokenizer(clean, truncation=True, max_length=length, return_tensors="pt")
        with torch.no_grad():
            mean = network(**inputs).last_hidden_state[0].numpy().astype(np.float64).mean(axis=0)
        out.append(mean / np.linalg.norm(mean))
    return np.array(out)


@pytest.mark.parametrize("arguments", [{"batch": 0}, {"max_tokens": 2}])
def test_a_batch_or_length_of_nothing_is_refused(arguments):
    with pytest.raises(UsageError, match="at least"):
        SentenceEncoder(**arguments)


def test_an_absent_catalog_model_is_named_with_its_line():
    with pytest.raises(MissingDependencyError, match="syngain models add minilm"):
        SentenceEncoder().fit([], RNG)


@pytest.mark.skipif(HAVE_TORCH, reason="torch is here")
def test_without_torch_the_optional_part_is_named(tmp_path):
    with pytest.raises(MissingDependencyError, match=r"pip install 'syngain\[encoder\]'"):
        SentenceEncoder(str(tmp_path)).fit([], RNG)


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_it_equals_the_slow_twin_whatever_the_batch(tiny, batch):
    found = SentenceEncoder(str(tiny), batch=batch).fit([], RNG)(TEXTS)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, one_by_one(tiny, TEXTS, 40), atol=1e-5)


def test_vectors_have_unit_length_and_keep_the_order(tiny):
    encode = SentenceEncoder(str(tiny), batch=3).fit([], RNG)
    vectors = encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-12)
    order = np.random.default_rng(1).permutation(len(TEXTS))
    np.testing.assert_allclose(encode([TEXTS[i] for i in order]), vectors[order], atol=1e-5)


def test_equal_rows_have_equal_vectors_and_the_same_call_the_same_bytes(tiny):
    encode = SentenceEncoder(str(tiny), batch=2).fit([], RNG)
    vectors = encode(TEXTS)
    assert (vectors[TEXTS.index("one")] == vectors[4]).all()
    assert encode(TEXTS).tobytes() == vectors.tobytes()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_cores_changes_no_bit_and_torch_keeps_its_threads(tiny, monkeypatch, workers):
    import torch

    encode = SentenceEncoder(str(tiny), batch=2).fit([], RNG)
    before, expected = torch.get_num_threads(), encode(TEXTS)
    monkeypatch.setattr("syngain.core.threads.workers", lambda: workers)
    assert encode(TEXTS).tobytes() == expected.tobytes()
    assert torch.get_num_threads() == before


def test_no_rows_give_no_vectors(tiny):
    assert SentenceEncoder(str(tiny)).fit([], RNG)([]).shape == (0, 16)


def test_a_row_without_a_token_is_zero_like_a_row_without_an_ngram(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "bare")
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"post_processor": None}))
    vectors = SentenceEncoder(str(folder)).fit([], RNG)(["", "abc"])
    assert not vectors[0].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1)


def test_rows_that_are_cut_are_counted_in_the_log(tiny, caplog):
    encode = SentenceEncoder(str(tiny), max_tokens=12).fit([], RNG)
    with caplog.at_level(logging.WARNING):
        vectors = encode(["a" * 30, "a" * 10, "a" * 9, "b"])
    assert "2 of 4 rows reach the limit of 12 tokens" in caplog.text
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-12)


def test_it_reads_no_more_than_the_model_can(tiny):
    assert SentenceEncoder(str(tiny), max_tokens=500).fit([], RNG).length == 40


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def cut_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:2000])


def another_layer(folder):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 3}))


def no_tokenizer(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


def half_a_config(folder):
    (folder / "config.json").write_text("{")


def no_config(folder):
    (folder / "config.json").unlink()


@pytest.mark.parametrize("damage", [no_weights, cut_weights, another_layer, no_tokenizer, half_a_config, no_config])
def test_a_folder_that_is_no_encoder_is_refused_in_three_parts(tiny, tmp_path, damage):
    folder = shutil.copytree(tiny, tmp_path / "bad")
    damage(folder)
    with pytest.raises(InputError, match="cannot be used as a sentence encoder") as caught:
        SentenceEncoder(str(folder)).fit([], RNG)
    assert caught.value.expected
    assert caught.value.todo


@needs_torch
def test_an_unreachable_hub_is_an_unfinished_job_that_names_the_model(tmp_path):
    code = (
        "from syngain.cli.app import complain; from syngain.core import UnfinishedError\n"
        "from syngain.data.encoders.sentences import SentenceEncoder\n"
        "try: SentenceEncoder('owner/no-such-model').fit([], None)\n"
        "except UnfinishedError as error: complain(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    lines = ended.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == ["error", "expected", "fix"], ended.stderr
    assert "owner/no-such-model" in lines[0]
    assert "syngain models add minilm" in lines[2]


def test_loading_says_nothing_and_leaves_the_settings_of_transformers(tiny, capfd):
    from transformers.utils import logging as talk

    before = talk.get_verbosity(), talk.is_progress_bar_enabled()
    SentenceEncoder(str(tiny)).fit([], RNG)
    assert (talk.get_verbosity(), talk.is_progress_bar_enabled()) == before
    assert capfd.readouterr().err == ""


def test_minilm_puts_paraphrases_nearer_than_strangers(minilm):
    pairs = [
        ("How old are you?", "What is your age?"),
        ("The cat sat on the mat.", "A cat was sitting on a rug."),
        ("My card payment was declined.", "The shop did not accept my credit card."),
        ("The stock market fell sharply.", "Shares dropped a lot today."),
    ]
    left, right = (minilm([pair[side] for pair in pairs]) for side in (0, 1))
    similarity = left @ right.T
    assert (similarity.argmax(axis=1) == np.arange(len(pairs))).all()
    assert np.diag(similarity).min() > 0.4
    assert similarity[~np.eye(len(pairs), dtype=bool)].max() < 0.35


def test_minilm_equals_the_slow_twin_on_words_of_the_world(minilm):
    texts = ["Grüße aus Köln", "今日はいい天気ですね", "😀", "x" * 5000, "", "A b. C?"]
    np.testing.assert_allclose(minilm(texts), one_by_one(MINILM, texts, 256), atol=1e-5)
    assert minilm.length == 256
