"""Conditional ratios by a language model: against its own logits, scored once, and on real instructions."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import syngain
from selection_rows import jsonl
from syngain.cli import main
from syngain.core.errors import UsageError
from syngain.models.catalog import installed
from syngain.selection.conditional import ConditionalRatio, LanguageModel
from syngain.selection.methods import method_named

SMOLLM2 = installed().get("smollm2")  # asked at collection: during the tests the home is an empty one
PAIRS = [("what is it?", "a cat."), ("", "yes"), ("say it", "it it it"), ("one two three", "four five six seven")]


@pytest.fixture(autouse=True, scope="module")
def libraries():
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[local]'")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from tiny_causal import CHAT, make

    return str(make(tmp_path_factory.mktemp("model") / "tiny", template=CHAT))


def of(pairs):
    prompts, texts = (list(side) for side in zip(*pairs, strict=True))
    return SimpleNamespace(prompts=prompts, texts=texts, anchor_prompts=prompts, anchor_texts=texts)


def slowly(folder, context, text):
    """Nats of the letters of a text after a context, one forward pass per letter."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    ids, nats = tokenizer(context, add_special_tokens=False)["input_ids"], 0.0
    for token in tokenizer(text, add_special_tokens=False)["input_ids"]:
        with torch.no_grad():
            nats -= float(torch.log_softmax(model(torch.tensor([ids])).logits[0, -1].double(), 0)[token])
        ids.append(token)
    return nats


def test_surprisals_are_those_of_the_model_letter_by_letter(folder):
    found = LanguageModel(folder, dtype="float32").surprisals(of(PAIRS))
    for i, (prompt, text) in enumerate(PAIRS):
        assert found.after[i] == pytest.approx(slowly(folder, f"<s>u\n{prompt}</s><s>a\n", text), abs=1e-4)
        assert found.before[i] == pytest.approx(slowly(folder, "<s>", text), abs=1e-4)
        assert found.length[i] == len(text)


@pytest.mark.parametrize(("prompt", "text"), [("a" * 200, "b" * 9), ("a" * 9, "b" * 200), ("", "b" * 200)])
def test_what_does_not_fit_is_left_out_of_both_sides_alike(folder, prompt, text):
    found = LanguageModel(folder, max_tokens=64, dtype="float32").surprisals(of([(prompt, text)]))
    read = int(found.length[0])
    assert read == len(text) if len(text) < 20 else 20 < read < 64
    assert found.before[0] == pytest.approx(slowly(folder, "<s>", text[:read]), abs=1e-4)


def test_a_response_is_scored_once_whatever_the_folds_are(folder):
    said = []
    judge = LanguageModel(folder, progress=lambda stage, _: said.append(stage))
    first = judge.surprisals(of(PAIRS))
    scored = len([stage for stage in said if stage.startswith("scoring")])
    again = judge.surprisals(of([PAIRS[2], PAIRS[0], PAIRS[2]]))
    assert scored == len([stage for stage in said if stage.startswith("scoring")]) == 1
    assert again.after.tolist() == first.after[[2, 0, 2]].tolist()


def test_the_ratio_no_longer_follows_the_length(folder):
    rng = np.random.default_rng(0)
    pairs = [("say", "".join(rng.choice(list("abc "), size))) for size in rng.integers(1, 40, 60)]
    judge = LanguageModel(folder)
    score = ConditionalRatio(judge).rank(of(pairs), 30, rng).score
    assert abs(np.corrcoef(score, np.log1p(judge.surprisals(of(pairs)).length))[0, 1]) < 1e-6


def test_only_the_conditional_ratio_asks_a_language_model():
    with pytest.raises(UsageError, match="random with the language model smollm2"):
        method_named("random", model="smollm2")


def test_the_command_chooses_by_a_model_of_choice(folder, monkeypatch, tmp_path, capsys):
    rng = np.random.default_rng(1)
    made = [
        {"instruction": f"say {word}", "output": f"{word} it is {'abc'[k % 3]}", "from": str(k % 30)}
        for k, word in enumerate("".join(rng.choice(list("abcdef"), 6)) for _ in range(60))
    ]
    real = [{"id": str(k), "instruction": row["instruction"] + "?", "output": row["output"]}
            for k, row in enumerate(made[:30])]  # fmt: skip
    files = [jsonl(tmp_path / f"{name}.jsonl", rows) for name, rows in (("real", real), ("made", made))]
    command = ["syngain", "select", *map(str, files), "--source", "from", "--method", "conditional_ratio"]

    def run(*more):
        monkeypatch.setattr(sys, "argv", [*command, *map(str, more)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr()

    code, said = run("--model", folder, "-o", tmp_path / "out", "-q")
    assert code == 0, said
    kept = [json.loads(line) for line in (tmp_path / "out" / "kept.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(kept) == 30
    assert "surprisal with prompt" in kept[0]["syngain_reason"]
    code, said = run("--model", tmp_path / "absent", "-o", tmp_path / "no")
    assert code != 0
    assert "absent" in said.err
    assert not (tmp_path / "no").exists()


@pytest.mark.slow
def test_smollm2_finds_real_responses_easier_after_their_own_prompts(shared_data):
    if SMOLLM2 is None:
        pytest.skip("smollm2 is absent: syngain models add smollm2")
    real = syngain.read(shared_data / "self_instruct_seed_tasks.jsonl.gz")
    pairs = [pair for pair in zip(real.sides["prompt"], real.sides["response"], strict=True) if 20 < len(pair[1]) < 150]
    pairs = pairs[:8]
    judge = LanguageModel(str(SMOLLM2), max_tokens=192)
    own = judge.surprisals(of(pairs))
    swapped = judge.surprisals(of([(pairs[k - 1][0], text) for k, (_, text) in enumerate(pairs)]))
    assert np.mean(own.after / own.before < swapped.after / swapped.before) > 0.8
