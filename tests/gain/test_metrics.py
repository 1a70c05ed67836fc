"""Metrics as one number per row: their mean is the metric, and each row's deviation is its pull."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from strategies import thorough
from syngain.gain.proxies.metrics import METRICS, prior_weights
from syngain.gain.proxies.task import Outcome


@st.composite
def guesses(draw):
    count, classes = draw(st.integers(2, 40)), draw(st.integers(2, 5))
    label = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))
    guess = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return Outcome(rng.exponential(size=count), np.ones(count), guess), label, rng.uniform(0.2, 3.0, count)


@thorough(200)
@given(guesses())
def test_the_mean_over_rows_is_the_metric_of_scikit_learn(case):
    outcome, label, weight = case
    classes = np.unique(label)
    f1 = f1_score(label, outcome.guess, labels=classes, average="macro", sample_weight=weight, zero_division=0)
    assert METRICS["macro_f1"](outcome, label, weight).mean() == pytest.approx(f1, abs=1e-12)
    right = accuracy_score(label, outcome.guess, sample_weight=weight)
    assert METRICS["accuracy"](outcome, label, weight).mean() == pytest.approx(right, abs=1e-12)
    loss = np.average(outcome.loss, weights=weight)
    assert METRICS["log_loss"](outcome, label, weight).mean() == pytest.approx(-loss, abs=1e-12)


@pytest.mark.parametrize("name", ["macro_f1", "nats_per_byte"])
def test_the_influence_of_a_row_is_what_leaving_it_out_changes(name):
    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, 600)
    guess = np.where(rng.random(600) < 0.7, label, rng.integers(0, 3, 600))
    outcome = Outcome(rng.exponential(size=600), rng.integers(5, 50, 600).astype(float), guess)
    scores = METRICS[name](outcome, label, np.ones(600))
    for row in range(0, 600, 37):
        kept = np.arange(600) != row
        without = METRICS[name](
            Outcome(outcome.loss[kept], outcome.size[kept], guess[kept]), label[kept], np.ones(599)
        ).mean()
        assert (scores.mean() - without) * 599 == pytest.approx(scores[row] - scores.mean(), rel=0.02, abs=0.005)


def test_a_ratio_of_sums_weighs_long_texts_more():
    outcome = Outcome(np.array([10.0, 10.0]), np.array([10.0, 90.0]))
    assert METRICS["nats_per_byte"](outcome, np.zeros(2, int), np.ones(2)).mean() == pytest.approx(-0.2)


def test_a_prior_moves_the_metric_to_that_prior():
    label = np.array([0] * 90 + [1] * 10)
    outcome = Outcome(np.where(label == 0, 0.1, 2.0), np.ones(100), np.zeros(100, dtype=int))
    weight = prior_weights(label, np.array([0.5, 0.5]))
    assert METRICS["accuracy"](outcome, label, weight).mean() == pytest.approx(0.5)
    assert METRICS["log_loss"](outcome, label, weight).mean() == pytest.approx(-1.05)
