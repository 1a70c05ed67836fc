"""What a model says, and the estimates of pattern overfitting: against models and worlds whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tiny_repair
from syngain.core import InputError
from syngain.learners.adapting import Material, Schedule, adapt
from syngain.training.repair.losses import replay
from syngain.training.repair.openings import template_of
from syngain.training.repair.pattern_metrics import State, measures, opening_entropy, real_loss, state_of
from syngain.training.repair.sampling import SampledResponse, say


@pytest.fixture(scope="module")
def model(taught):
    return tiny_repair.proxy(taught).open()


def prompts(count, seed=3):
    return list(tiny_repair.rows(count, seed).sides["prompt"])


def test_what_is_said_depends_on_seed_and_row_alone(model):
    model.reset(0)
    reader, asked = model.reader(tiny_repair.rows(1, 0).kind), prompts(20)
    for weight in model.weights():  # away from what it knows by heart
        weight.data.add_(0.15)
    whole = say(model, reader, asked, tokens=8, seed=1)
    assert say(model, reader, asked[:5], tokens=8, seed=1) == whole[:5]
    assert say(model, reader, asked, tokens=8, seed=2) != whole
    assert say(model, reader, [], tokens=8, seed=1) == []


def test_first_tokens_are_drawn_from_the_law_of_the_model(model):
    """Chi-square of 2,000 first tokens against the law of the network, the rare tokens together."""
    import torch
    from scipy import stats

    model.reset(0)
    for weight in model.weights():
        weight.data.add_(0.15)
    reader = model.reader(tiny_repair.rows(1, 0).kind)
    with torch.no_grad():
        logits = model.network(input_ids=torch.tensor([reader.context("sun")])).logits[0, -1].double()
    law = logits.softmax(0).numpy()
    letters = [model.tokenizer.decode([token]) for token in range(law.size)]
    said = say(model, reader, ["sun"] * 2000, tokens=1, seed=7)
    counts = np.array([sum(one.text == letter for one in said) for letter in letters])
    common = (law * 2000 > 8) & np.array([letter not in {"<pad>", "<s>", "</s>", "<unk>"} for letter in letters])
    assert common.sum() >= 3
    observed = [*counts[common], 2000 - counts[common].sum()]
    expected = [*law[common] * 2000, 2000 * (1 - law[common].sum())]
    assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_answers_end_at_the_end_token_and_say_so(model):
    model.reset(0)
    said = say(model, model.reader(tiny_repair.rows(1, 0).kind), prompts(20), tokens=30, seed=0)
    assert sum(one.ended for one in said) >= 18
    assert not any("</s>" in one.text for one in said)


def test_the_template_share_is_one_for_a_model_that_says_nothing_else(model, tmp_path):
    reader = model.reader(tiny_repair.rows(1, 0).kind)
    rows = [reader.read(prompt, "oh so") for prompt in prompts(16, 2)]
    lesson = replay(lambda step: [rows[(8 * step + i) % 16] for i in range(8)])
    adapt(
        model,
        Material(lesson.batch, (), math.nan, lesson.stepper),
        Schedule(steps=80, rates=(0.01,), checks=0),
        seed=0,
        state=tmp_path / "a.state",
        watch=lambda: None,
    )
    judged = [reader.read(*pair) for pair in zip(*tiny_repair.rows(40, 3).sides.values(), strict=True)]
    state = state_of(model, reader=reader, rows=judged, prompts=prompts(40), tokens=12, seed=0)
    found = measures([state], [np.arange(40)], template_of(["oh so"] * 16))
    assert found["pattern.template_share"].value == 1.0
    assert 0.9 < found["pattern.template_share"].interval(0.95)[0] < 1.0
    assert found["pattern.template_share"].references["synthetic rows"] == 1.0
    assert found["pattern.opening_entropy"].value == pytest.approx(0.0, abs=1e-9)
    assert found["pattern.format"].value == 1.0
    assert found["pattern.real_loss"].value == pytest.approx(state.loss.sum() / state.tokens.sum())


def spoken(texts):
    said = tuple(SampledResponse(text, ended=False, broken=False) for text in texts)
    return State(np.ones(len(said)), np.full(len(said), 2), said)


def test_the_jackknife_removes_most_of_the_bias_and_its_interval_holds_the_entropy():
    law = np.array([0.4, 0.2, 0.1, 0.1, *[0.02] * 10])
    truth = float(-(law * np.log(law)).sum())
    rng = np.random.default_rng(0)
    found = [
        opening_entropy([spoken([f"w{i}" for i in rng.choice(law.size, 64, p=law)])], [np.arange(64)])
        for _ in range(200)
    ]
    plain = np.mean([one.references["plug-in"] for one in found]) - truth
    corrected = np.mean([one.value for one in found]) - truth
    assert plain < -0.05
    assert abs(corrected) < 0.3 * abs(plain)
    held = np.mean([one.interval(0.9)[0] <= truth <= one.interval(0.9)[1] for one in found])
    assert 0.84 < held < 0.97


def test_an_entropy_of_words_that_are_nearly_all_different_is_marked():
    assert opening_entropy([spoken([f"w{i}" for i in range(30)])], [np.arange(30)]).marks == ("saturated",)
    assert opening_entropy([spoken(["a", "b"] * 15)], [np.arange(30)]).marks == ()


def test_repeated_prompts_are_one_unit():
    texts = ["yes sir"] * 10 + ["no"] * 10
    template = template_of(["yes sir"] * 2)
    apart = measures([spoken(texts)], [np.arange(20)], template)["pattern.template_share"]
    together = measures([spoken(texts)], [np.repeat([0, 1, 2, 3], 5)], template)["pattern.template_share"]
    assert apart.value == together.value == 0.5
    assert (apart.clusters, together.clusters) == (20, 4)
    assert together.interval(0.9)[1] - together.interval(0.9)[0] > apart.interval(0.9)[1] - apart.interval(0.9)[0]


def test_silence_and_foreign_special_tokens_are_no_format():
    said = (
        SampledResponse("well", ended=True, broken=False),
        SampledResponse("", ended=True, broken=False),
        SampledResponse("so", False, True),
    )
    state = State(np.ones(3), np.ones(3, dtype=np.int64), said)
    assert measures([state], [np.arange(3)], template_of(["x"]))["pattern.format"].value == pytest.approx(1 / 3)


def test_seeds_that_differ_widen_the_interval_of_the_loss():
    rng = np.random.default_rng(0)
    base, tokens = rng.normal(10, 1, 50), np.full(50, 5)
    alike = real_loss([State(base, tokens, ())] * 3, [np.arange(50)] * 3)
    apart = real_loss([State(base + shift, tokens, ()) for shift in (-3, 0, 3)], [np.arange(50)] * 3)
    assert alike.value == pytest.approx(apart.value)
    assert apart.interval(0.9)[1] - apart.interval(0.9)[0] > 3 * (alike.interval(0.9)[1] - alike.interval(0.9)[0])


def test_a_model_that_breaks_down_is_named(model):
    import torch

    model.reset(0)
    row = model.reader(tiny_repair.rows(1, 0).kind).read("a", "b")
    with torch.no_grad():
        model.weights()[0].fill_(math.nan)
    with pytest.raises(InputError, match="no finite surprisal"):
        state_of(model, reader=None, rows=[row], prompts=[], tokens=4, seed=0)
    model.reset(0)
