"""The shrunken discriminant."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from strategies import thorough
from syngain.learners.linear import Discriminant


def drawn(seed, n=60, d=4, classes=3):
    rng = np.random.default_rng(seed)
    label = rng.integers(classes, size=n)
    return rng.normal(size=(n, d)) + np.eye(classes, d)[label], label


@thorough(30)
@given(st.integers(0, 50), st.sampled_from([0.1, 0.5, 1.0]))
def test_probabilities_are_those_of_scikit_learn_with_the_same_covariance(seed, shrinkage):
    X, label = drawn(seed)
    model = Discriminant(shrinkage).fit(X, label, 3)

    class Shrunken:
        """The within-class covariance as the discriminant has it; scikit-learn averages it over classes."""

        def fit(self, rows):
            residuals = X - np.array([X[label == c].mean(axis=0) for c in range(3)])[label]
            covariance = residuals.T @ residuals / (len(X) - 3)
            sphere = np.trace(covariance) / X.shape[1] * np.eye(X.shape[1])
            self.covariance_ = (1 - shrinkage) * covariance + shrinkage * sphere
            return self

    twin = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Shrunken()).fit(X, label)
    assert np.exp(model.log_probabilities(X)) == pytest.approx(twin.predict_proba(X), abs=1e-8)
    assert np.array_equal(model.predict(X), twin.predict(X))


@thorough(40)
@given(st.integers(0, 50), st.integers(2, 30), st.integers(1, 8), st.integers(2, 5))
def test_probabilities_of_any_rows_sum_to_one(seed, n, d, classes):
    rng = np.random.default_rng(seed)
    X, label = rng.normal(size=(n, d)).round(), rng.integers(classes, size=n)
    table = Discriminant().fit(X, label, classes).log_probabilities(X)
    assert table.shape == (n, classes)
    assert np.exp(table).sum(axis=1) == pytest.approx(np.ones(n))


def test_two_gaussians_are_told_apart_as_well_as_the_best_rule_can():
    rng, n = np.random.default_rng(0), 4_000
    label = rng.integers(2, size=n)
    X = rng.normal(size=(n, 3)) + 2 * label[:, None] * np.array([1, 0, 0])
    model = Discriminant(0.01).fit(X[: n // 2], label[: n // 2], 2)
    accuracy = np.mean(model.predict(X[n // 2 :]) == label[n // 2 :])
    assert accuracy == pytest.approx(stats.norm.cdf(1), abs=4 * math.sqrt(0.16 * 0.84 / (n / 2)))


def test_a_class_without_rows_is_never_predicted():
    X, label = drawn(1)
    model = Discriminant().fit(X, np.where(label == 1, 0, label), 3)
    assert 1 not in model.predict(X)
    assert np.all(np.isneginf(model.log_probabilities(X)[:, 1]))


@pytest.mark.parametrize("X", [np.zeros((4, 3)), np.ones((2, 1)), np.eye(3)])
def test_constant_rows_and_one_row_per_class_are_fitted(X):
    label = np.arange(len(X)) % 3
    model = Discriminant().fit(X, label, 3)
    assert np.isfinite(model.scores(X)).all()


def test_one_class_is_certain():
    X = np.random.default_rng(2).normal(size=(10, 2))
    assert np.all(Discriminant().fit(X, np.zeros(10, int), 1).log_probabilities(X) == 0)
