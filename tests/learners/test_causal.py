"""The causal proxy: only responses are scored, what is scored is the model's own surprisal, a run can stop anywhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import tiny_causal
from syngain.core import InputError, UnfinishedError, UsageError
from syngain.data import Kind
from syngain.learners import adapting
from syngain.learners.adapting import Material, Schedule, adapt
from syngain.learners.causal import CausalProxy
from syngain.learners.completions import Reader
from syngain.models import checkpoints
from syngain.models.catalog import installed
from syngain.training.repair.sampling import say

SMOLLM2 = installed().get("smollm2")  # asked at collection: during the tests the home is an empty one
PAIRS = [("what is it?", "a cat."), ("", "yes"), ("say nothing", ""), ("one two three", "four five six seven")]


@pytest.fixture(autouse=True, scope="module")
def libraries():
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[local]'")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_causal.make(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def chatty(tmp_path_factory):
    return tiny_causal.make(tmp_path_factory.mktemp("chatty"), template=tiny_causal.CHAT)


def proxy(folder, **settings):
    fixed = {"rank": 4, "rates": (0.02, 0.1), "batch": 4, "max_tokens": 48, "device": "cpu", "dtype": "float32"}
    return CausalProxy(model=str(folder), **fixed | settings)


@pytest.fixture
def model(tiny):
    return proxy(tiny).open()


@pytest.mark.parametrize("temperature", [1.0, 1.7])
def test_a_context_that_is_read_once_changes_no_score(chatty, temperature):
    model = proxy(chatty).open()
    reader = model.reader(Kind.PAIR)
    rows = [reader.read("what is it?", text) for text in ("a cat.", "", "a very long dog", "yes", "no. no.")]
    assert model.scorer.score_after(rows, temperature=temperature) == pytest.approx(
        model.score(rows, temperature=temperature), abs=1e-4
    )
    assert model.scorer.score_after(rows[:1]) == pytest.approx(model.score(rows[:1]))
    with pytest.raises(UsageError, match="different contexts"):
        model.scorer.score_after([*rows, reader.read("another question", "yes")])


def test_alternatives_are_scored_group_by_group(chatty):
    model = proxy(chatty).open()
    reader = model.reader(Kind.PAIR)
    groups = [reader.alternatives("what is it?", ["a cat.", "yes"]), reader.alternatives("who?", ["a cat.", "", "no"])]
    found = model.scorer.score_alternatives(groups)
    assert [nats.shape for nats in found] == [(2,), (3,)]
    for nats, rows in zip(found, groups, strict=True):
        assert nats == pytest.approx(model.score(rows), abs=1e-4)
    assert model.scorer.score_alternatives([]) == []


def read_all(model, pairs, kind=Kind.PAIR):
    reader = model.reader(kind)
    return [reader.read(*pair) for pair in pairs]


def by_hand(folder, context, scored):
    """The slow twin: one row, no adapter, no padding; surprisal of the scored tokens after their context."""
    import torch
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.tensor([[*context, *scored]])
    with torch.no_grad():
        logs = network(ids).logits[0].double().log_softmax(dim=-1)
    return -sum(float(logs[len(context) + i - 1, token]) for i, token in enumerate(scored))


def spelled(text):
    return [4 + tiny_causal.LETTERS.index(letter) for letter in text]


def test_the_score_of_a_pair_is_the_surprisal_of_its_response_and_end(tiny, model):
    found = model.score(read_all(model, PAIRS))
    for nats, (prompt, response) in zip(found, PAIRS, strict=True):
        context = [1, *spelled(prompt + "\n\n")]
        assert nats == pytest.approx(by_hand(tiny, context, [*spelled(response), 2]), abs=1e-4)


def test_of_a_text_everything_after_the_start_is_scored(tiny, model):
    rows = read_all(model, [("", "plain text.")], Kind.TEXT)
    assert model.score(rows)[0] == pytest.approx(by_hand(tiny, [1], [*spelled("plain text."), 2]), abs=1e-4)
    assert (rows[0].scored, rows[0].size) == (12, 11)


def test_pairs_stand_in_the_chat_template_of_the_model(chatty):
    model = proxy(chatty).open()
    row = read_all(model, [("hi", "yes")])[0]
    assert model.tokenizer.decode(row.ids) == "<s>u\nhi</s><s>a\nyes</s>"
    assert model.tokenizer.decode(row.ids[row.start :]) == "yes</s>"
    assert model.score([row])[0] == pytest.approx(by_hand(chatty, row.ids[: row.start], row.ids[row.start :]), abs=1e-4)
    plain = proxy(chatty, chat=False).open()
    assert plain.tokenizer.decode(read_all(plain, [("hi", "yes")])[0].ids) == "<s>hi\n\nyes</s>"


def test_prompts_and_neighbors_in_the_batch_do_not_add_to_a_score(model):
    rows = read_all(model, PAIRS)
    alone = np.concatenate([model.score([row]) for row in rows])
    np.testing.assert_allclose(model.score(rows), alone, atol=1e-4)
    np.testing.assert_allclose(model.score(rows[::-1]), alone[::-1], atol=1e-4)


def test_long_rows_are_cut_and_say_so_and_bytes_follow_the_cut(model):
    short, response, prompt = read_all(model, [("ab", "c"), ("ab", "c" * 60), ("d" * 60, "e")])
    assert [row.cut for row in (short, response, prompt)] == [False, True, True]
    assert max(len(row.ids) for row in (short, response, prompt)) <= 48
    assert response.size == response.scored  # letters of one byte, and no end token after a cut
    assert (prompt.size, prompt.scored) == (1, 2)


def test_bytes_are_those_of_utf8(model):
    assert read_all(model, [("", "äß€")])[0].size == 7


def test_learning_lowers_the_surprisal_and_a_fresh_adapter_is_the_base_again(model):
    rows = read_all(model, [("a", "bcbc bcbc"), ("b", "bcbc")])
    base = model.score(rows)
    model.reset(1)
    np.testing.assert_array_equal(model.score(rows), base)
    optimizer = model.optimizer()
    means = [model.learn(rows, optimizer, 0.02) for _ in range(15)]
    assert means[-1] < 0.6 * means[0]
    assert model.score(rows).sum() < 0.7 * base.sum()
    model.reset(1)
    np.testing.assert_array_equal(model.score(rows), base)


def test_only_scored_tokens_are_learned(model):
    """Rows that differ in the prompt alone: its letters get no likelier as targets."""
    rows = read_all(model, [("zzzz", "b")])
    target = read_all(model, [("", "zzzz")], Kind.TEXT)
    before = model.score(target)[0]
    model.reset(0)
    optimizer = model.optimizer()
    for _ in range(10):
        model.learn(rows, optimizer, 0.02)
    assert model.score(target)[0] > before


@pytest.mark.parametrize("workers", [1, 3])
def test_cores_change_no_bit_and_torch_keeps_its_threads(model, monkeypatch, workers):
    import torch

    rows = read_all(model, [(letter * 20, letter * 20) for letter in "abcdefghijklmnop"])

    def trained():
        model.reset(3)
        optimizer = model.optimizer()
        for _ in range(3):
            model.learn(rows, optimizer, 0.01)
        return model.score(rows)

    before, expected = torch.get_num_threads(), trained()
    monkeypatch.setattr("syngain.core.threads.workers", lambda: workers)
    assert trained().tobytes() == expected.tobytes()
    assert torch.get_num_threads() == before


def material(model):
    rows = read_all(model, [(a, (a + b) * 4) for a in "abcdef" for b in "xyz"])
    held = rows[::4]
    untrained = float(model.score(held).sum()) / sum(row.scored for row in held)
    return Material(lambda step: [rows[(4 * step + i) % len(rows)] for i in range(4)], held, untrained)


PLAN = Schedule(steps=12, rates=(0.02, 0.1), race=3, checks=4)


class StopError(Exception):
    pass


@pytest.mark.parametrize(("steps", "average"), [(1, 0.0), (2, 0.0), (3, 0.0), (5, 0.0), (14, 0.0), (2, 3.0), (14, 3.0)])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(model, tmp_path, steps, average):
    given, plan = material(model), replace(PLAN, average=average)
    whole = adapt(model, given, plan, seed=5, state=tmp_path / "whole.state", watch=lambda: None)
    expected = [weight.numpy() for weight in adapting.copied(model)]
    assert PLAN.total == 15
    count = 0

    def stop():
        nonlocal count
        count += 1
        if count == steps:
            raise StopError

    with pytest.raises(StopError):
        adapt(model, given, plan, seed=5, state=tmp_path / "part.state", watch=stop)
    model.reset(99)
    again = adapt(model, given, plan, seed=5, state=tmp_path / "part.state", watch=stop)
    assert again == whole
    assert count == PLAN.total  # nothing is done twice
    for found, weight in zip(adapting.copied(model), expected, strict=True):
        np.testing.assert_array_equal(found.numpy(), weight)


def test_the_best_rate_and_step_are_kept_and_no_training_takes_part(model, tmp_path):
    given = material(model)
    kept = adapt(model, given, PLAN, seed=0, state=tmp_path / "a.state", watch=lambda: None)
    assert kept.loss < given.untrained
    assert kept.step in PLAN.check_at()
    held = float(model.score(given.held).sum()) / sum(row.scored for row in given.held)
    assert held == pytest.approx(kept.loss)
    useless = Schedule(steps=8, rates=(1e-30,), checks=2)  # nothing learned: no step is better than none
    found = adapt(model, given, useless, seed=0, state=tmp_path / "b.state", watch=lambda: None)
    assert (found.rate, found.step, found.loss) == (1e-30, 0, given.untrained)


def test_averaged_weights_are_the_weighted_mean_of_the_steps(model, tmp_path):
    """Weights of polynomial-decay averaging with t = 1 grow as the step: (1 w1 + 2 w2 + 3 w3) / 6."""
    given, steps = material(model), []
    for count in (1, 2, 3):
        one = Schedule(steps=count, rates=(0.02,), checks=0)
        adapt(model, given, one, seed=0, state=tmp_path / f"{count}.state", watch=lambda: None)
        steps.append(adapting.copied(model))
    plan = Schedule(steps=3, rates=(0.02,), checks=0, average=1.0)
    adapt(model, given, plan, seed=0, state=tmp_path / "mean.state", watch=lambda: None)
    for found, *parts in zip(adapting.copied(model), *steps, strict=True):
        expected = sum(at * part for at, part in enumerate(parts, start=1)) / 6
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-6)


def test_a_damaged_state_starts_the_run_anew(model, tmp_path):
    state = tmp_path / "x.state"
    state.write_bytes(b"PK\x03\x04 nonsense")
    kept = adapt(
        model, material(model), Schedule(steps=2, rates=(0.02,), checks=1), seed=0, state=state, watch=lambda: None
    )
    assert np.isfinite(kept.loss)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ messages[0]['content'] }}", "does not contain the prompt once"),
        ("{% for m in messages %}", "cannot be used"),
        ("{{ raise_exception('only tools') }}", "only tools"),
        ("x" * 60 + tiny_causal.CHAT, "uses"),
    ],
)
def test_a_bad_template_is_refused_before_the_first_step(tmp_path, template, why):
    model = proxy(tiny_causal.make(tmp_path, template=template)).open()
    with pytest.raises(InputError, match=why) as caught:
        model.reader(Kind.PAIR)
    assert caught.value.todo


def test_a_table_is_refused(model):
    with pytest.raises(InputError, match="table"):
        model.reader(Kind.TABLE)


@pytest.mark.parametrize(
    "settings", [{"rank": 0}, {"batch": 0}, {"max_tokens": 3}, {"rates": ()}, {"rates": (-1.0,)}, {"dtype": "int4"}]
)
def test_impossible_settings_are_refused(settings):
    with pytest.raises(UsageError, match="Expected"):
        CausalProxy(**settings)


def test_modules_that_are_not_there_are_named(tiny):
    with pytest.raises(InputError, match="cannot take an adapter on nowhere"):
        proxy(tiny, modules="nowhere").open()
    assert len(proxy(tiny, modules="q_proj,v_proj").open().weights()) == 8


def test_a_model_larger_than_the_memory_is_refused(tiny, monkeypatch):
    monkeypatch.setattr(checkpoints, "available_memory", lambda: 60_000)
    with pytest.raises(InputError, match="of memory for its weights"):
        proxy(tiny).open()


def no_config(folder):
    (folder / "config.json").unlink()


def no_weights(folder):
    (folder / "model.safetensors").unlink()


def another_layer(folder):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"num_hidden_layers": 3}))


@pytest.mark.parametrize("damage", [no_config, no_weights, another_layer])
def test_a_folder_that_is_no_model_is_refused_in_three_parts(tiny, tmp_path, damage):
    folder = shutil.copytree(tiny, tmp_path / "bad")
    damage(folder)
    with pytest.raises(InputError, match="cannot be used as a causal language model") as caught:
        proxy(folder).open()
    assert caught.value.expected
    assert caught.value.todo


def test_models_are_told_apart(tiny, chatty, tmp_path):
    other = tiny_causal.make(tmp_path, seed=1)
    assert proxy(tiny).open().identity == proxy(chatty).open().identity != proxy(other).open().identity


def test_bf16_is_close_to_float32(tiny, model):
    rows = read_all(model, PAIRS)
    coarse = proxy(tiny, dtype="bf16").open().score(rows)
    np.testing.assert_allclose(coarse, model.score(rows), rtol=0.03)
    fitting = proxy(tiny, dtype="auto").open()
    assert fitting.identity in {model.identity, proxy(tiny, dtype="bf16").open().identity}


def test_in_bf16_the_adapter_learns_in_float32_and_its_slopes_are_close(tiny, model):
    torch = pytest.importorskip("torch")
    rows = read_all(model, [("a question", "an answer that goes on"), ("b", "no"), ("what", "that")])
    coarse = proxy(tiny, dtype="bf16").open()
    found = []
    for own in (model, coarse):
        own.reset(5)
        optimizer = own.optimizer()
        for _ in range(3):
            own.learn(rows, optimizer, 1e-2)
        slopes = own.slopes(rows)[1]
        assert {weight.dtype for weight in own.weights()} == {slope.dtype for slope in slopes} == {torch.float32}
        found.append(torch.cat([slope.flatten() for slope in slopes]))
    fine, rough = found
    assert float((rough - fine).norm()) < 0.1 * float(fine.norm())
    assert say(coarse, coarse.reader(Kind.PAIR), ["a question"], tokens=3, seed=0)[0].text is not None


def test_loading_says_nothing_and_importing_loads_no_torch(tiny, capfd):
    proxy(tiny).open()
    assert capfd.readouterr().err == ""
    code = "import sys, syngain.learners.causal, syngain.training.student; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_a_reader_without_a_start_token_scores_from_the_second(model):
    reader = model.reader(Kind.TEXT)
    bare = Reader(reader.tokenizer, type(reader.layout)("", "", (2,), ()), 48)
    row = bare.read("", "abc")
    assert (row.start, row.scored) == (1, 3)


@pytest.mark.slow
def test_smollm2_is_converted_once_and_knows_english(capfd):
    pytest.importorskip("gguf", reason="gguf is absent: pip install 'syngain[local]'")
    if SMOLLM2 is None:
        pytest.skip("smollm2 is absent: syngain models add smollm2")
    settings = CausalProxy(model=str(SMOLLM2), device="cpu", max_tokens=64)
    said = []
    model = settings.open(lambda stage, _: said.append(stage))
    assert [stage.split()[0] for stage in said] == ["converting"]
    said.clear()
    assert settings.open(lambda stage, _: said.append(stage)).identity == model.identity
    assert said == []
    assert capfd.readouterr().err == ""
    good, bad = read_all(
        model,
        [("What is the capital of France?", "The capital of France is Paris."), ("Why?", "zqx vvk jjw qqp xxo wzz")],
    )
    nats = model.score([good, bad])
    assert nats[0] / good.scored < 1.0
    assert nats[1] / bad.scored > 4.0


@pytest.mark.parametrize("error", [RuntimeError("unable to mmap 5 bytes: Cannot allocate memory (12)"), MemoryError()])
def test_memory_that_runs_out_while_loading_is_not_blamed_on_the_model(tiny, monkeypatch, error):
    def full(*_, **__):
        raise error

    monkeypatch.setattr(checkpoints, "_from", full)
    with pytest.raises(UnfinishedError, match="not enough memory to load"):
        proxy(tiny).open()
