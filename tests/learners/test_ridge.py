"""Ridge regression of the numeric proxy: the textbook solution, in the axes of the features or of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from syngain.learners.targets.ridge import Ridge, _Decomposed


@pytest.mark.parametrize(("rows", "columns"), [(200, 12), (40, 90), (50, 50)])
@pytest.mark.parametrize("penalty", [1000.0, 1.0, 0.01])
def test_both_ways_solve_the_normal_equations(rows, columns, penalty):
    rng = np.random.default_rng(rows)
    X, Y = rng.normal(size=(rows, columns)), rng.normal(size=(rows, 2))
    coefficients, intercepts = _Decomposed.of(X, Y).at(penalty)
    centered = X - X.mean(axis=0)
    expected = np.linalg.solve(centered.T @ centered + penalty * np.eye(columns), centered.T @ (Y - Y.mean(axis=0)))
    np.testing.assert_allclose(coefficients, expected, atol=1e-8)
    np.testing.assert_allclose(intercepts, Y.mean(axis=0) - X.mean(axis=0) @ expected, atol=1e-8)


def test_a_rotation_of_wide_rows_changes_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 100))
    Y = X[:, :3].sum(axis=1, keepdims=True) + rng.normal(size=(60, 1))
    fold, judged = rng.integers(0, 3, 60), np.ones(60, dtype=bool)
    rotation = np.linalg.qr(rng.normal(size=(100, 100)))[0]
    fits = [Ridge().fit(features, Y, fold, judged) for features in (X, X @ rotation)]
    np.testing.assert_allclose(fits[0].predict(X), fits[1].predict(X @ rotation), atol=1e-7)
    np.testing.assert_allclose(fits[0].held, fits[1].held, atol=1e-7)
