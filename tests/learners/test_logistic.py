"""The linear proxy: scikit-learn's optimum, a penalty chosen on rows it did not learn from, finite losses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from strategies import thorough
from syngain.learners import logistic
from syngain.learners.boosting import Boosting
from syngain.learners.linear import TunedDiscriminant
from syngain.learners.logistic import Examples, Logistic
from syngain.learners.neighbors import Voting

LEARNERS = (Logistic(), Boosting(), TunedDiscriminant(), Voting())


def clouds(count=200, classes=3, dimensions=4, *, distance=1.0, seed=0, folds=3):
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(classes, dimensions)) * distance
    y = rng.integers(0, classes, count)
    X = means[y] + rng.normal(size=(count, dimensions))
    return Examples(X, y, classes, np.ones(count), rng.integers(0, folds, count), np.ones(count, dtype=bool))


@pytest.mark.parametrize("penalty", [16.0, 1.0, 0.0625])
def test_the_fit_is_scikit_learns(penalty):
    examples = clouds()
    ours = Logistic().fit_at(examples, penalty, tolerance=1e-12)
    theirs = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=10_000).fit(examples.X, examples.y)
    mixed = np.log(theirs.predict_proba(examples.X) * (1 - 1 / 201) + 1 / 201 / 3)
    np.testing.assert_allclose(ours.log_probabilities(examples.X), mixed, atol=2e-3)


@pytest.mark.parametrize("classes", [2, 4])
def test_axes_that_the_rows_span_are_enough(monkeypatch, classes):
    wide = clouds(60, classes, 90)
    given = replace(wide, weight=wide.weight * np.random.default_rng(2).uniform(0.5, 2, 60))
    new = clouds(40, classes, 90, seed=1).X
    found = []
    for limit in (10_000, 50):
        monkeypatch.setattr(logistic, "WIDE", limit)
        axes = logistic._Axes.of(given)
        fitted = axes.back(Logistic().fit_at(replace(given, X=axes(given.X)), 1.0, tolerance=1e-13))
        found.append((axes.turn.shape[1], fitted.log_probabilities(new)))
    assert [width for width, _ in found] == [90, 59]  # 60 rows around their mean span 59 axes
    np.testing.assert_allclose(found[1][1], found[0][1], atol=2e-3)


def test_a_weight_of_two_is_a_row_twice():
    examples = clouds(60)
    twice = np.random.default_rng(1).random(60) < 0.5
    rows = np.concatenate([np.arange(60), np.flatnonzero(twice)])
    weighted = Logistic().fit_at(replace(examples, weight=1.0 + twice), 1.0, tolerance=1e-12)
    repeated = Logistic().fit_at(
        replace(examples, X=examples.X[rows], y=examples.y[rows], weight=np.ones(rows.size)), 1.0, tolerance=1e-12
    )
    np.testing.assert_allclose(weighted.weights, repeated.weights, atol=1e-3)


def test_noise_gets_a_strong_penalty_and_signal_a_weak_one():
    noise = clouds(120, distance=0.0, dimensions=20)
    signal = clouds(600, distance=3.0)
    assert Logistic().choose(noise) == 16.0
    assert Logistic().choose(signal) < 16.0


def test_the_penalty_is_judged_on_held_out_rows_only():
    examples = clouds(90, distance=0.5)
    spoiled = replace(examples, judged=np.arange(90) < 45)
    y = np.where(spoiled.judged, spoiled.y, np.random.default_rng(3).integers(0, 3, 90))
    assert Logistic().choose(replace(spoiled, y=y)) in Logistic().penalties
    none = replace(examples, judged=np.zeros(90, dtype=bool))
    assert Logistic().choose(none) == Logistic().penalties[3]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda item: type(item).__name__)
@thorough(25)
@given(seed=st.integers(0, 10_000), count=st.integers(4, 60), seen=st.integers(1, 3), classes=st.integers(3, 5))
def test_every_learner_gives_a_proper_finite_distribution_also_to_classes_never_seen(
    learner, seed, count, seen, classes
):
    examples = clouds(count, seen, seed=seed)
    examples = replace(examples, classes=classes)
    X = np.random.default_rng(seed).normal(size=(7, 4)) * 10
    found = learner.fit(examples).log_probabilities(X)
    assert found.shape == (7, classes)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(np.exp(found).sum(axis=1), 1.0, atol=1e-9)


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda item: type(item).__name__)
def test_every_learner_finds_the_classes_of_distant_clouds(learner):
    examples = clouds(400, distance=4.0)
    half = np.arange(400) < 200
    train = Examples(
        examples.X[half], examples.y[half], 3, examples.weight[half], examples.fold[half], examples.judged[half]
    )
    found = learner.fit(train).log_probabilities(examples.X[~half])
    assert np.mean(found.argmax(axis=1) == examples.y[~half]) > 0.9


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda item: type(item).__name__)
def test_the_same_rows_give_the_same_fit(learner):
    examples = clouds(80)
    first, second = (learner.fit(examples).log_probabilities(examples.X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
