"""TRL's steps are our own steps: the same weights from the same rows, stopped and resumed, and nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest

import tiny_causal

pytest.importorskip("trl")

from syngain.data.columns.roles import Kind
from syngain.learners import adapting
from syngain.learners.adapting import Material, Schedule, adapt, plain
from syngain.learners.causal import CausalProxy
from syngain.training.trl_sft import supervised

PLAN = Schedule(steps=6, rates=(0.02, 0.1), race=2, checks=3)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tiny_causal.make(tmp_path_factory.mktemp("tiny"), template=tiny_causal.CHAT)
    return CausalProxy(model=str(folder), rank=4, batch=4, max_tokens=48, dtype="float32").open()


def material(model, stepper=supervised):
    reader = model.reader(Kind.PAIR)
    rows = [reader.read(a * (i % 3 + 1), (a + b) * (i % 4 + 1)) for i, a in enumerate("abcdef") for b in "xyz"]
    held = rows[::4]
    untrained = float(model.score(held).sum()) / sum(row.scored for row in held)
    return Material(lambda step: [rows[(5 * step + i) % len(rows)] for i in range(4)], held, untrained, stepper)


def weights(model):
    return [weight.numpy() for weight in adapting.copied(model)]


def test_trl_takes_the_same_steps_to_rounding(model, tmp_path):
    given = material(model)
    ours = adapt(model, material(model, plain), PLAN, seed=3, state=tmp_path / "a.state", watch=lambda: None)
    expected = weights(model)
    theirs = adapt(model, given, PLAN, seed=3, state=tmp_path / "b.state", watch=lambda: None)
    assert (theirs.rate, theirs.step) == (ours.rate, ours.step)
    assert theirs.loss == pytest.approx(ours.loss, abs=1e-5)
    assert [step for step, _ in theirs.curve] == [step for step, _ in ours.curve]
    moved = max(np.abs(found).max() for found in expected)
    for found, wanted in zip(weights(model), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4 * moved)


def test_a_stopped_run_goes_on_and_the_network_is_left_as_it_was(model, tmp_path):
    given, count = material(model), 0
    whole = adapt(model, given, PLAN, seed=5, state=tmp_path / "w.state", watch=lambda: None)
    expected = weights(model)

    def stop():
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapt(model, given, PLAN, seed=5, state=tmp_path / "p.state", watch=stop)
    base = model.network.get_base_model()
    assert "forward" not in vars(base)
    assert not model.network.training
    again = adapt(model, given, PLAN, seed=5, state=tmp_path / "p.state", watch=stop)
    assert count == PLAN.total
    assert again.step == whole.step
    assert again.loss == pytest.approx(whole.loss, abs=1e-6)
    for found, wanted in zip(weights(model), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-6)
