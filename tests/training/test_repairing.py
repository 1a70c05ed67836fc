"""The forgetting loss: bounded below and in its slope, and what it is in closed form; the losses of each repair."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny_repair
from syngain.core import InputError
from syngain.learners.adapting import Material, OptimizerSteps, Schedule, adapt, copied
from syngain.learners.completions import Completion
from syngain.training.repair.losses import both, forget, forgettable, forgetting, replay

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

SURPRISALS = st.floats(0, 60)


def loss_and_slope(surprisal, cap):
    given_ = torch.tensor([surprisal], dtype=torch.float64, requires_grad=True)
    loss = forgetting(given_, cap)
    loss.sum().backward()
    return float(loss.detach()), float(given_.grad)


@given(SURPRISALS, st.floats(1, 1000))
def test_the_forgetting_loss_is_never_negative_and_its_slope_never_steeper_than_the_cap(surprisal, cap):
    loss, slope = loss_and_slope(surprisal, cap)
    assert loss >= 0
    assert -cap * (1 + 1e-9) <= slope <= 0
    if surprisal < 30:
        assert slope < 0


@given(SURPRISALS, SURPRISALS)
def test_the_forgetting_loss_falls_as_the_token_becomes_less_probable(one, two):
    low, high = sorted((one, two))
    assert loss_and_slope(high, 100)[0] <= loss_and_slope(low, 100)[0]


@given(st.floats(0.02, 30))
def test_away_from_certainty_it_is_minus_the_log_of_one_minus_p(surprisal):
    loss, slope = loss_and_slope(surprisal, 100)
    assert loss == pytest.approx(-math.log1p(-math.exp(-surprisal)), rel=1e-9)
    assert slope == pytest.approx(-1 / math.expm1(surprisal), rel=1e-6)


def test_at_certainty_it_goes_on_as_its_tangent():
    assert loss_and_slope(0.0, 100) == (pytest.approx(math.log(101) + 100 * math.log(1.01)), pytest.approx(-100))


@pytest.mark.parametrize("chance", [0.3, 0.9, 0.995, 0.9999])
def test_in_logits_the_slope_is_at_most_one(chance):
    logits = torch.tensor([math.log(chance / (1 - chance)), 0.0], dtype=torch.float64, requires_grad=True)
    forgetting(-logits.log_softmax(0)[:1], 100.0).sum().backward()
    assert 0 < float(logits.grad[0]) <= 1
    expected = chance if chance < 100 / 101 else 100 * (1 - chance)
    assert float(logits.grad[0]) == pytest.approx(expected, rel=1e-9)


@pytest.fixture(scope="module")
def model(taught):
    return tiny_repair.proxy(taught).open()


def completions(model, data):
    reader = model.reader(data.kind)
    return [reader.read(*pair) for pair in zip(*data.sides.values(), strict=True)]


@pytest.fixture(scope="module")
def real(model):
    return completions(model, tiny_repair.rows(8, 1))


@pytest.fixture(scope="module")
def made(model):
    return completions(model, tiny_repair.rows(8, 2, tiny_repair.TEMPLATE))


def by_hand(model, row):
    """The slow twin: one row, no padding; surprisals of its scored tokens in float64."""
    with torch.no_grad():
        logits = model.network(input_ids=torch.tensor([row.ids])).logits[0].double().log_softmax(dim=-1)
    return np.array([-float(logits[i - 1, row.ids[i]]) for i in range(row.start, len(row.ids))])


def unlikelihood(surprisals):
    bend = math.log1p(1 / 100)
    curved = -np.log(-np.expm1(-np.maximum(surprisals, bend)))
    return np.where(surprisals < bend, math.log(101) + 100 * (bend - surprisals), curved)


def first_loss(lesson, model, monkeypatch):
    """The loss of step 0 that the lesson's stepper hands to TRL."""
    seen = []
    whole = type(model).slopes

    def slopes(self, rows, weigh=None):
        found = whole(self, rows, weigh)
        seen.append(found)
        return found

    monkeypatch.setattr(type(model), "slopes", slopes)
    lesson.stepper(model, OptimizerSteps(lesson.batch, model.optimizer(), 0.0, range(1), lambda: None))
    return seen[0][0]


def test_forgetting_is_the_closed_form_over_the_tokens_of_the_opening(model, made, monkeypatch):
    model.reset(0)
    rows = forgettable(made)
    expected = np.concatenate([unlikelihood(by_hand(model, row)) for row in rows]).mean()
    assert first_loss(forget(lambda _: rows), model, monkeypatch) == pytest.approx(expected, rel=1e-4)


def test_both_adds_the_means_over_the_tokens_of_either_side(model, real, made, monkeypatch):
    model.reset(0)
    rows = forgettable(made)[:3]
    replayed = np.concatenate([by_hand(model, row) for row in real]).mean()
    forgotten = np.concatenate([unlikelihood(by_hand(model, row)) for row in rows]).mean()
    lesson = both(lambda _: real, lambda _: rows, weight=0.7)
    assert first_loss(lesson, model, monkeypatch) == pytest.approx(replayed + 0.7 * forgotten, rel=1e-4)


def test_only_the_shared_opening_is_still_scored(model, made):
    rows = forgettable(made)
    said = {model.tokenizer.decode(list(row.ids[row.start :])) for row in rows}
    assert said == {tiny_repair.TEMPLATE}
    assert [row.ids[: row.start] for row in rows] == [row.ids[: row.start] for row in made]
    assert forgettable(made, whole=True) == made


def test_rows_that_have_nothing_of_the_opening_go_and_without_one_it_is_an_error():
    rows = [Completion((1, 5, 6, last), 1, 3, cut=False) for last in (7, 8, 9)]
    other = Completion((1, 4, 4), 1, 2, cut=False)
    assert [row.ids for row in forgettable([*rows, other])] == [(1, 5, 6)] * 3
    with pytest.raises(InputError, match="no common first token"):
        forgettable([Completion((1, last), 1, 1, cut=False) for last in (4, 5, 6)])


def trained(model, lesson, steps, start=None):
    adapt(
        model,
        Material(lesson.batch, (), math.nan, lesson.stepper, start),
        Schedule(steps=steps, rates=(0.02,), checks=0),
        seed=1,
        state=model_state(),
        watch=lambda: None,
    )
    return copied(model)


def model_state():
    import tempfile
    from pathlib import Path

    return Path(tempfile.mkdtemp()) / "a.state"


def test_a_run_can_start_from_an_adapter_and_forgetting_lowers_what_was_learned(model, made):
    learned = trained(model, replay(lambda _: made), 12)
    rows = forgettable(made)
    high = float(model.score(rows).sum()) / sum(row.scored for row in rows)
    same = trained(model, replay(lambda _: made), 0, start=learned)
    assert all(torch.equal(one, two) for one, two in zip(learned, same, strict=True))
    trained(model, forget(lambda _: rows), 6, start=learned)
    assert float(model.score(rows).sum()) / sum(row.scored for row in rows) > high + 0.5
