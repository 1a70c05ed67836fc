"""On a GPU the numbers are those of the CPU; skipped on a machine without one."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

import tiny_causal
from syngain.data import Dataset, Kind
from syngain.data.study import Study
from syngain.generators.local import LocalGenerator
from syngain.generators.protocol import Call, Sampling
from syngain.learners import adapting
from syngain.learners.adapting import Material, Schedule, adapt
from syngain.learners.causal import CausalProxy
from syngain.training.repair.sampling import say
from syngain.training.student import StudentSettings, language_gain
from syngain.training.student.time_budget import StudentLimits

PAIRS = [(a, (a + b) * 4) for a in "abcdef" for b in "xyz"]
ASK = (("user", "say a word"),)


@pytest.fixture(autouse=True, scope="module")
def gpu():
    torch = pytest.importorskip("torch", reason="torch is absent: pip install 'syngain[local]'")
    for name in ("transformers", "peft"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[local]'")
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_causal.make(tmp_path_factory.mktemp("tiny"), template=tiny_causal.CHAT)


def proxy(folder, device, **settings):
    fixed = {"rank": 4, "rates": (0.02, 0.1), "batch": 4, "max_tokens": 48, "dtype": "float32"}
    return CausalProxy(model=str(folder), device=device, **fixed | settings)


def on_both(tiny, work):
    return tuple(work(proxy(tiny, device).open()) for device in ("cpu", "cuda"))


def rows_of(model):
    reader = model.reader(Kind.PAIR)
    return [reader.read(*pair) for pair in [*PAIRS, ("say nothing", ""), ("one two three", "four five six")]]


def test_auto_takes_the_gpu_and_bf16(tiny):
    import torch

    model = proxy(tiny, "auto", dtype="auto").open()
    assert model.device == "cuda"
    assert model.network.get_input_embeddings().weight.dtype == torch.bfloat16
    full = proxy(tiny, "cuda").open()
    scored = np.array([row.scored for row in rows_of(full)])
    assert np.abs(model.score(rows_of(model)) - full.score(rows_of(full))).max() < 0.05 * scored.max()


def test_scores_matches_and_slopes(tiny):
    def begun(model):
        model.reset(0)
        return model

    one, two = on_both(tiny, lambda model: model.scorer.score_and_match(rows_of(model)))
    assert two[0] == pytest.approx(one[0], abs=1e-3)
    np.testing.assert_array_equal(two[1], one[1])
    one, two = on_both(tiny, lambda model: begun(model).slopes(rows_of(model)))
    assert two[0] == pytest.approx(one[0], abs=1e-4)
    for cpu, cuda in zip(one[1], two[1], strict=True):
        np.testing.assert_allclose(cuda.cpu().numpy(), cpu.numpy(), atol=1e-4)


def test_labels_are_judged_side_by_side(tiny):
    def alternatives(model):
        reader = model.reader(Kind.PAIR)
        groups = [reader.alternatives(prompt, ["cat", "a dog", ""]) for prompt in "abcdefgh"]
        return model.scorer.score_alternatives(groups)

    one, two = on_both(tiny, alternatives)
    np.testing.assert_allclose(two, one, atol=1e-3)


def test_training(tiny, tmp_path):
    def trained(model):
        rows = rows_of(model)
        held = rows[::4]
        untrained = float(model.score(held).sum()) / sum(row.scored for row in held)
        material = Material(lambda step: [rows[(4 * step + i) % len(rows)] for i in range(4)], held, untrained)
        plan = Schedule(steps=12, rates=(0.02, 0.1), race=3, checks=4)
        kept = adapt(model, material, plan, seed=5, state=tmp_path / f"{model.device}.state", watch=lambda: None)
        assert kept.loss < untrained
        assert all(weight.isfinite().all() for weight in adapting.copied(model))
        return kept

    one, two = on_both(tiny, trained)
    assert (two.rate, two.step) == (one.rate, one.step)
    assert two.loss == pytest.approx(one.loss, rel=1e-2)


def test_what_a_student_says(tiny):
    one, two = on_both(
        tiny, lambda model: say(model, model.reader(Kind.PAIR), ["what is it?", "yes", ""] * 8, tokens=12, seed=3)
    )
    assert two == one


def test_two_runs_of_students_agree(tiny, tmp_path):
    real, synthetic, test = (
        Dataset.from_rows([{"prompt": a, "completion": b} for a, b in pairs], name=name)
        for name, pairs in (("real", PAIRS[:14]), ("synthetic", PAIRS * 2), ("test", PAIRS[10:]))
    )
    found = [
        language_gain(
            Study.of(real, synthetic, test=test),
            folder=tmp_path / name,
            settings=StudentSettings(
                proxy=proxy(tiny, "cuda", dtype="auto"),
                minutes=30,
                limits=StudentLimits(steps=(6, 6), seeds=2, rows=8),
            ),
        )
        for name in ("one", "two")
    ]
    for arm, outcomes in found[0].outcomes.items():
        for one, two in zip(outcomes, found[1].outcomes[arm], strict=True):
            np.testing.assert_allclose(two.loss, one.loss, rtol=0.02)  # not to the bit: some sums have no order there


def test_a_generator_draws_and_scores_the_same(tiny):
    asked = [Call(key="k", messages=ASK, sampling=Sampling(max_tokens=12, top_logprobs=3), seed=i) for i in range(40)]
    said, scored = [], []
    for device in ("cpu", "cuda"):
        model = LocalGenerator.load(str(tiny), device=device)
        said.append(asyncio.run(model.generate(asked)))
        scored.append(asyncio.run(model.score(ASK, ["ab", "", "cd ef gh ij"], temperature=1.3)))
    for one, two in zip(*said, strict=True):
        assert two.text == one.text
        assert two.logprobs == pytest.approx(one.logprobs, abs=1e-4)
        assert two.entropies == pytest.approx(one.entropies, abs=1e-4)
    for one, two in zip(*scored, strict=True):
        assert two.logprobs == pytest.approx(one.logprobs, abs=1e-4)
