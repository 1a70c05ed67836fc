"""What a GGUF file says of its special tokens holds, whatever the version of transformers makes of it."""

from __future__ import annotations

import pytest

import tiny_causal

WORDS = ["<pad>", "<s>", "</s>", "<unk>", *tiny_causal.LETTERS]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    for name in ("torch", "transformers", "gguf"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[local]'")
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_causal.make(tmp_path_factory.mktemp("tiny")))


def written(path, **numbers):
    import gguf

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_token_list(WORDS)
    for name, number in numbers.items():
        getattr(writer, f"add_{name}_token_id")(number)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_special_tokens_are_those_of_the_file(tokenizer, tmp_path):
    from syngain.models.checkpoints import name_special_tokens

    tokenizer.eos_token, tokenizer.pad_token = "<s>", None
    name_special_tokens(tokenizer, written(tmp_path / "a.gguf", eos=2, pad=0, bos=1))
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 0)
    name_special_tokens(tokenizer, written(tmp_path / "b.gguf", eos=10_000))  # a number of no token changes nothing
    assert tokenizer.eos_token_id == 2


def test_a_response_ends_in_the_added_special_token_of_its_template(tokenizer):
    """Base models name another end of text than the one their chat template closes a turn with."""
    from syngain.data import Kind
    from syngain.learners.completions import Reader

    tokenizer.add_tokens(["<turn>"], special_tokens=True)
    tokenizer.chat_template = (
        "{% for message in messages %}{{ message['role'][0] + message['content'] + '<turn>' }}{% endfor %}"
        "{% if add_generation_prompt %}a{% endif %}"
    )
    turn = tokenizer.convert_tokens_to_ids("<turn>")
    assert turn not in (tokenizer.eos_token_id, tokenizer.unk_token_id)
    reader = Reader.of(tokenizer, Kind.PAIR, max_tokens=64, chat=True)
    assert reader.layout.end == (turn,)
    assert reader.read("hi", "yes").ids[-1] == turn
