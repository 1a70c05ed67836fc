"""Decisions by equivalence: a gain, no gain, harm, or inconclusive; and one sentence."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.core.estimate import Estimate
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import effect
from syngain.gain.outcome.narrative import unsure
from syngain.gain.outcome.verdict import of_statistic


def gain(low, high):
    return Estimate(value=(low + high) / 2, unit="nats", method="m", estimand="e", intervals={0.9: (low, high)})


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((0.02, 0.3), "gain"),
        ((0.001, 0.02), "gain"),
        ((0.001, 0.009), "no_gain"),
        ((-0.005, 0.005), "no_gain"),
        ((-0.2, 0.005), "no_gain"),
        ((-0.2, -0.05), "harm"),
        ((-0.02, -0.001), "harm"),
        ((-0.005, -0.001), "no_gain"),
        ((-0.1, 0.1), "cannot_tell"),
    ],
)
def test_the_interval_is_judged_against_the_smallest_gain_that_matters(interval, said):
    assert effect(gain(*interval), 0.01) == said


@thorough(300)
@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.001, 0.5))
def test_a_narrower_interval_around_the_same_value_never_unsays_a_decision(low, width, least):
    wide = effect(gain(low, low + width), least)
    middle = gain(low + width / 4, low + 3 * width / 4)
    if wide == "gain":
        assert effect(middle, least) in {"gain", "no_gain"}
    if wide == "no_gain":
        assert effect(middle, least) in {"no_gain", "harm"}
    if wide == "harm":
        assert effect(middle, least) in {"harm", "no_gain"}


def test_without_an_interval_nothing_can_be_told():
    assert effect(Estimate(value=np.nan, unit="nats", method="m", estimand="e"), 0.01) == "cannot_tell"


@pytest.mark.parametrize(
    ("needed", "said"),
    [
        ((160, 160), "Detecting it needs about 160 more real rows."),
        ((160, 900), "needs about 160 more real rows (about 900 for a gain of 0.01 nats)."),
        ((31_000, 40_000), "Detecting it needs about 31,000 more real rows."),
    ],
)
def test_more_anchors_are_advised_where_that_is_in_reach(needed, said):
    answer = SimpleNamespace(
        needed=needed,
        rows=100,
        metric="log_loss",
        min_gain=0.01,
        test=None,
        controls={},
        rare=(),
        foreign=(),
        blind=False,
        expected=Estimate(value=0.02, unit="nats", method="", estimand=""),
        forecaster=SimpleNamespace(label=np.zeros(50), unsettled=(), marks=()),
    )
    whole = Estimate(value=0.02, unit="nats", method="", estimand="", intervals={0.9: (-0.1, 0.14)})
    found = unsure(answer, whole)
    assert found.sentence.endswith(said)
    assert found.needs in found.sentence


@pytest.mark.parametrize(
    ("metric", "decision", "becomes"),
    [
        ("nats_per_byte", "use", "cannot_tell"),
        ("nats_per_byte", "use_subset", "cannot_tell"),
        ("nats_per_token", "use", "cannot_tell"),
        ("nats_per_byte", "do_not_use", "do_not_use"),
        ("log_loss", "use", "use"),
    ],
)
def test_no_recommendation_rests_on_an_ngram_model_or_on_an_uncalibrated_one(metric, decision, becomes):
    before = Verdict(decision=decision, sentence="Said.", action="Do.")
    after = of_statistic(before, metric)
    assert after.decision == becomes
    assert "Said." in after.sentence
    if metric == "nats_per_byte" and becomes == "cannot_tell":
        assert after.next_command == "syngain models add smollm2"
