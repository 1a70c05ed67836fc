"""Labels: agreement in both directions, inner signal, label words."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from strategies import thorough
from syngain.audit.measures.labels import (
    LabelProbe,
    fit_folds,
    judge,
    kappa,
    kappa_intervals,
    label_stems,
    leak_fraction,
    leaking,
    predict_folds,
)
from syngain.audit.measures.two_sample import Pooled
from syngain.learners.linear import Discriminant


def labeled(seed, n=300, noise=0.0, *, independent=False, shift=0.0):
    rng = np.random.default_rng(seed)
    label = rng.integers(3, size=2 * n)
    X = 2 * np.eye(3)[label] + rng.normal(size=(2 * n, 3))
    X[n:] += shift
    shown = label.copy()
    wrong = np.flatnonzero((np.arange(2 * n) >= n) & (rng.random(2 * n) < noise))
    shown[wrong] = rng.integers(3, size=wrong.size)
    if independent:
        shown[n:] = rng.permutation(shown[n:])
    rows = np.arange(2 * n)
    return Pooled(X, rows < n, rows, rows), shown


def probe(seed, **settings):
    return LabelProbe()(*labeled(seed, **settings), 3, np.random.default_rng(seed))


def test_good_labels_agree_as_their_confidence_promises():
    found, evidence = probe(0)
    agreement = found["labels.synthetic_agreement"]
    assert agreement.value == pytest.approx(evidence.expected_agreement, abs=0.06)
    assert min(item.p for item in found.values()) > 0.01
    assert evidence.noise[1] < 0 < evidence.noise[2]


def test_wrong_labels_are_counted_and_not_redrawn_ones():
    """Of three classes, a label drawn anew is right again in a third of the cases."""
    found, evidence = probe(1, n=600, noise=0.4)
    assert found["labels.synthetic_agreement"].p < 1e-6
    wrong = 0.4 * (1 - evidence.chance)
    value, low, high = evidence.noise
    assert low < wrong < high
    assert value == pytest.approx(wrong, abs=0.06)


def test_labels_that_depend_on_nothing_have_no_inner_signal():
    found, evidence = probe(2, independent=True)
    item = found["labels.inner_signal"]
    low, high = item.interval(0.95)
    assert low < 0 < high < 0.15
    assert evidence.real_signal > 0.4
    assert item.p < 1e-6


def test_rows_without_labels_worth_a_word_recover_no_more_than_chance():
    found, _ = probe(3, independent=True)
    assert found["labels.real_recovery"].value < 0.5
    assert found["labels.real_recovery"].references["real"] > 0.7


def test_perfect_agreement_has_an_interval_below_one():
    label = np.arange(60) % 3
    value, error = kappa(label, label, np.arange(60))
    assert (value, error) == (1.0, 0.0)
    low, high = kappa_intervals(label, label, error)[0.95]
    assert 0.85 < low < 0.95
    assert high == pytest.approx(1)


@thorough(60)
@given(st.integers(4, 40), st.integers(0, 99))
def test_kappa_is_that_of_scikit_learn_and_inside_its_interval(n, seed):
    rng = np.random.default_rng(seed)
    label, predicted = rng.integers(3, size=n), rng.integers(3, size=n)
    value, error = kappa(label, predicted, np.arange(n))
    if math.isfinite(error):
        assert value == pytest.approx(cohen_kappa_score(label, predicted), abs=1e-12)
        low, high = kappa_intervals(label, predicted, error)[0.95]
        assert low - 1e-12 <= value <= high + 1e-12


def test_one_class_only_says_nothing():
    ones = np.ones(5, int)
    assert kappa(ones, ones, np.arange(5)) == (0.0, math.inf)
    assert kappa_intervals(ones, ones, math.inf)[0.95] == (-math.inf, math.inf)


def test_the_error_of_kappa_is_that_of_simulated_tables():
    rng, values, errors = np.random.default_rng(4), [], []
    for _ in range(500):
        label = rng.choice(3, 150, p=[0.5, 0.3, 0.2])
        predicted = np.where(rng.random(150) < 0.6, label, rng.choice(3, 150, p=[0.6, 0.2, 0.2]))
        value, error = kappa(label, predicted, np.arange(150))
        values.append(value)
        errors.append(error)
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.1)


@thorough(15)
@given(st.integers(0, 30), st.integers(6, 14), st.integers(2, 4), st.booleans())
def test_few_rows_and_absent_classes_are_measured(seed, n, classes, constant):
    rng = np.random.default_rng(seed)
    X = np.ones((2 * n, 2)) if constant else rng.normal(size=(2 * n, 2))
    rows = np.arange(2 * n)
    label = rng.integers(classes, size=2 * n)
    label[:n] = 0  # the real rows have one class only
    found, evidence = LabelProbe()(Pooled(X, rows < n, rows, rows), label, classes, rng)
    assert all(not math.isnan(end) for item in found.values() for end in (item.value, *item.interval(0.95)))
    assert math.isfinite(evidence.threshold)


def test_no_row_is_judged_by_a_teacher_of_its_fold():
    rng = np.random.default_rng(5)
    X, label, fold = rng.normal(size=(40, 2)), rng.integers(2, size=40), np.arange(40) % 4
    side = np.ones(40, bool)
    models = fit_folds(X, label, side, fold, Discriminant(), 2)
    for k, model in enumerate(models):
        again = Discriminant().fit(X[fold != k], label[fold != k], 2)
        assert np.array_equal(model.predict(X), again.predict(X))
        assert np.array_equal(predict_folds(models, X, fold)[fold == k], again.predict(X[fold == k]))
    own, first = judge(models, X, label, fold)
    assert np.array_equal(first, predict_folds(models, X, fold) == label)
    assert np.all(own <= 0)


def test_a_class_the_teacher_never_saw_is_doubted_without_end():
    X = np.random.default_rng(6).normal(size=(20, 2))
    model = Discriminant().fit(X, np.zeros(20, int), 2)
    own, first = judge([model], X, np.ones(20, int), np.zeros(20, int))
    assert np.all(own == -700)
    assert not first.any()


@pytest.mark.parametrize(
    ("label", "stems"),
    [
        ("not hyperbole", ["hyperbo"]),
        ("0", []),
        ("", []),
        ("card_arrival", ["card", "arriv"]),
        ("cardArrival", ["card", "arriv"]),
        ("non-toxic", ["toxi"]),
        ("naïve", ["naïv"]),
    ],
)
def test_stems_of_labels(label, stems):
    assert label_stems(label) == stems


def test_a_row_that_says_all_words_of_its_label_leaks():
    texts = ["When does my CARD arrive?", "My card is here", "", "arrival of cards"]
    assert leaking(texts, ["card_arrival"] * 4).tolist() == [True, False, False, True]
    assert leaking(["is 1 enough"], ["1"]).tolist() == [False]
    assert leaking(["discarding"], ["card"]).tolist() == [False]  # a stem begins a word


def test_leaks_are_compared_with_those_of_the_real_rows():
    many, few = np.arange(200) % 2 == 0, np.arange(200) % 20 == 0
    assert leak_fraction(many, few, np.arange(200)).p < 1e-6
    assert leak_fraction(few, few, np.arange(200)).p == 1
    assert leak_fraction(np.zeros(5, bool), np.zeros(5, bool), np.arange(5)).p == 1
