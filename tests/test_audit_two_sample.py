"""Divergences on vectors: lower bounds and kernels."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reference.crossfit import swap_variances
from reference.mmd import mmd2 as slow_mmd2
from strategies import thorough
from syngain.audit.measures.crossfit import Swaps, density_at_zero, margins
from syngain.audit.measures.two_sample import (
    ClassifierTwoSample,
    KernelTwoSample,
    Pooled,
    cross_fitted,
    fit_ridge,
    js_terms,
    mmd2,
    mmd2_error,
    one_sided_lower,
    ridge_called,
    squared_distances,
    true_minus_false,
)
from syngain.data.splits import folds
from syngain.learners.linear import Discriminant


def pooled(real, synthetic, unit=None, group=None):
    n, m = len(real), len(synthetic)
    rows = np.arange(n + m)
    return Pooled(
        np.vstack([real, synthetic]), rows < n, rows if unit is None else unit, rows if group is None else group
    )


def gaussians(rng, n, shift, d=3):
    real, synthetic = rng.normal(size=(n, d)), rng.normal(size=(n, d))
    synthetic[:, 0] += shift
    return pooled(real, synthetic)


@pytest.mark.parametrize("shift", [0.5, 1.5, 3.0])
def test_the_bound_stays_below_the_total_variation_of_two_gaussians_and_approaches_it(shift):
    truth = 2 * stats.norm.cdf(shift / 2) - 1
    found = [
        ClassifierTwoSample(permutations=9)(
            gaussians(np.random.default_rng([seed, 0]), 500, shift), np.random.default_rng(seed)
        )
        for seed in range(6)
    ]
    tv = [item["divergence.tv_lower"] for item in found]
    assert np.mean([item.value for item in tv]) == pytest.approx(truth, abs=0.035)
    assert sum(one_sided_lower(item) > truth for item in tv) <= 1


def test_the_jensen_shannon_bound_stays_below_the_divergence_of_two_gaussians_and_approaches_it():
    shift = 1.5
    x = np.linspace(-10, 12, 20_001)
    p, q = stats.norm.pdf(x), stats.norm.pdf(x, shift)
    truth = float(np.sum(p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))) * (x[1] - x[0]) / 2)
    found = ClassifierTwoSample(permutations=9)(
        gaussians(np.random.default_rng(0), 2_000, shift), np.random.default_rng(1)
    )
    item = found["divergence.js_lower"]
    assert item.value == pytest.approx(truth, abs=0.02)
    assert item.interval(0.95)[0] < truth
    assert item.direction == "lower"


def test_rows_of_one_law_are_told_apart_as_often_as_the_level_says():
    rejected = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 1])
        found = ClassifierTwoSample(permutations=49)(gaussians(rng, 60, 0.0), rng)
        rejected += found["divergence.tv_lower"].p < 0.1
    assert rejected <= 13  # binomial(60, .1) exceeds it once in 300


@thorough(25)
@given(st.integers(2, 12), st.integers(2, 12), st.integers(1, 4), st.integers(0, 99), st.booleans())
def test_bounds_of_any_rows_are_finite_and_tv_is_between_minus_one_and_one(n, m, d, seed, constant):
    rng = np.random.default_rng(seed)
    rows = pooled(np.zeros((n, d)) if constant else rng.normal(size=(n, d)), rng.normal(size=(m, d)).round())
    found = ClassifierTwoSample(permutations=5)(rows, rng)
    assert -1 <= found["divergence.tv_lower"].value <= 1
    assert found["divergence.js_lower"].value <= math.log(2)
    assert all(not math.isnan(end) for item in found.values() for end in item.interval(0.95))


@pytest.mark.parametrize("n", [2, 30])
def test_identical_rows_diverge_by_nothing(n):
    rows = pooled(np.ones((n, 3)), np.ones((n, 3)))
    found = ClassifierTwoSample(permutations=9)(rows, np.random.default_rng(0))
    assert found["divergence.tv_lower"].value == 0
    assert found["divergence.js_lower"].value == pytest.approx(0, abs=1e-12)
    kernel = KernelTwoSample(permutations=9)(rows, np.random.default_rng(0))["divergence.mmd2"]
    assert kernel.value == pytest.approx(0, abs=1e-12)
    assert kernel.p == 1


def test_a_side_that_one_fold_lacks_is_no_failure():
    rows = pooled(
        np.random.default_rng(0).normal(size=(40, 2)), np.zeros((3, 2)), group=np.array([*range(40), 40, 40, 40])
    )
    found = ClassifierTwoSample(permutations=9)(rows, np.random.default_rng(0))
    assert math.isfinite(found["divergence.tv_lower"].value)


def test_one_group_of_all_rows_leaves_nothing_to_learn_from():
    rng = np.random.default_rng(0)
    rows = pooled(rng.normal(size=(20, 2)), rng.normal(size=(20, 2)), group=np.zeros(40, int))
    found = ClassifierTwoSample(permutations=9)(rows, rng)
    assert found["divergence.tv_lower"].value == 0
    assert found["divergence.js_lower"].value == pytest.approx(0)


def test_the_same_seed_gives_the_same_numbers():
    rows = gaussians(np.random.default_rng(0), 50, 1.0)
    for measure in (ClassifierTwoSample(permutations=9), KernelTwoSample(permutations=9)):
        assert measure(rows, np.random.default_rng(3)) == measure(rows, np.random.default_rng(3))


def test_no_row_is_judged_by_a_model_that_saw_its_group():
    """Pairs of equal rows with random sides: only a leak tells them apart."""
    rng = np.random.default_rng(5)
    X = np.repeat(rng.normal(size=(60, 40)), 2, axis=0)
    real = np.tile(rng.permutation(60) < 30, (2, 1)).T.ravel()
    group = np.repeat(np.arange(60), 2)
    rows = Pooled(X, real, group, group)
    probability = cross_fitted(rows, folds(group, 5, rng, strata=real.astype(int)), Discriminant(), rng)
    assert abs(np.mean((probability > 0.5) == real) - 0.5) < 0.2


def test_one_factorization_serves_all_labelings():
    rng = np.random.default_rng(6)
    X, fold = rng.normal(size=(40, 3)), np.arange(40) % 4
    sides = rng.random((40, 7)) < 0.5
    together = ridge_called(X, sides, fold, 0.1)
    for b in range(7):
        assert np.array_equal(together[:, b], ridge_called(X, sides[:, [b]], fold, 0.1)[:, 0])
    center, weights = fit_ridge(X[fold != 2], sides[fold != 2], 0.1)
    assert np.array_equal(together[fold == 2], (X[fold == 2] - center) @ weights > 0)


def test_true_minus_false_positive_rate_by_hand():
    sides = np.array([[True], [True], [False], [False]])
    called = np.array([[True], [False], [True], [False]])
    assert true_minus_false(called, sides) == pytest.approx([0.0])
    assert true_minus_false(sides, sides) == pytest.approx([1.0])


def test_a_sure_and_right_discriminator_reaches_ln_2():
    real = np.array([True, False])
    terms = js_terms(np.array([1.0, 0.0]), real)
    assert math.log(2) + terms.sum() == pytest.approx(math.log(2), abs=1e-5)
    assert math.log(2) + js_terms(np.array([0.5, 0.5]), real).sum() == pytest.approx(0)


def test_the_one_sided_claim_is_the_lower_limit():
    item = ClassifierTwoSample(permutations=9)(gaussians(np.random.default_rng(0), 200, 1.0), np.random.default_rng(0))[
        "divergence.tv_lower"
    ]
    assert item.interval(0.95)[0] < one_sided_lower(item) < item.value
    assert one_sided_lower(item) == pytest.approx(item.interval(0.9)[0], abs=2e-3)


# --- what cross-fitting adds -----------------------------------------------------------------------------------------


def test_errors_of_cross_fitting_hold_what_naive_ones_miss():
    """Same law on both sides: the spread about what these classifiers do on fresh rows is 1.3 times the naive error."""
    n, d, errors, naive, stated = 150, 4, [], [], []
    for seed in range(150):
        rng = np.random.default_rng([seed, 7])
        rows = pooled(rng.normal(size=(n, d)), rng.normal(size=(n, d)))
        state = np.random.default_rng(seed)
        item = ClassifierTwoSample(permutations=2)(rows, np.random.default_rng(seed))["divergence.tv_lower"]
        fold = folds(rows.group, 5, state, strata=rows.real.astype(np.int64))
        # of one law, so every classifier calls as many fresh real as fresh synthetic rows real
        shares = [(fold[rows.real] == k).mean() - (fold[~rows.real] == k).mean() for k in range(5)]
        truth = 0.5 * float(np.sum(shares))
        errors.append(item.value - truth)
        naive.append(0.5 / n)
        stated.append(((item.interval(0.95)[1] - item.value) / 1.98) ** 2)
    actual = np.mean(np.square(errors))
    assert actual > 1.25 * np.mean(naive)
    assert np.mean(stated) == pytest.approx(actual, rel=0.3)


def test_margins_are_those_of_models_that_saw_neither_row_nor_fold():
    rng = np.random.default_rng(8)
    X, label, fold = rng.normal(size=(30, 3)), rng.integers(3, size=30), np.arange(30) % 3
    margin, rival = margins(X, label, fold, Discriminant())
    model = Discriminant().fit(X[fold != 1], label[fold != 1], 3)
    for row in np.flatnonzero(fold == 1):
        scores = model.scores(X[[row]])[0]
        others = [c for c in range(3) if c != label[row]]
        assert margin[row] == pytest.approx(scores[label[row]] - max(scores[others]))
        assert rival[row] == max(others, key=scores.__getitem__)


def test_a_class_of_one_fold_has_no_margin_and_no_slope():
    X, label = np.random.default_rng(9).normal(size=(12, 2)), np.array([0, 0, 0, 1] * 3)
    fold = np.where(label == 1, 0, np.arange(12) % 3)
    margin, rival = margins(X, label, fold, Discriminant())
    assert np.all(np.isneginf(margin[label == 1]))
    slope = density_at_zero(margin, label)
    assert np.all(slope[label == 1] == 0)
    swaps = Swaps(X=X, label=label, fold=fold, kin=np.arange(12), rival=rival, shrinkage=0.1)
    assert all(math.isfinite(v) for v in swaps.variances(np.full(12, 1 / 12), [slope]))


@thorough(40)
@given(st.integers(4, 24), st.integers(1, 4), st.integers(2, 4), st.integers(1, 3), st.integers(0, 10**6))
def test_swaps_are_those_of_their_slow_twin(n, d, classes, size, seed):
    """Kin of up to three rows that may differ in class, classes without rivals, and classes that are absent."""
    rng = np.random.default_rng(seed)
    kin = np.arange(n) // size
    fold = rng.integers(3, size=n)[kin]
    label, rival = rng.integers(classes, size=n), rng.integers(classes, size=n)
    swaps = Swaps(X=rng.normal(size=(n, d)), label=label, fold=fold, kin=kin, rival=rival, shrinkage=0.1)
    weight, slopes = rng.random(n), [rng.normal(size=n), (rng.random(n) > 0.5).astype(float)]
    slow = swap_variances(swaps, weight, slopes)
    assert swaps.variances(weight, slopes) == pytest.approx(slow, rel=1e-9, abs=1e-9 * max(map(abs, slow)) + 1e-12)


def test_the_density_at_zero_is_that_of_a_normal_law():
    rng = np.random.default_rng(10)
    slope = density_at_zero(rng.normal(1.0, 2.0, 5_000), np.zeros(5_000, int))
    assert slope.mean() == pytest.approx(stats.norm.pdf(0, 1, 2), rel=0.08)
    assert np.all(density_at_zero(np.ones(5), np.zeros(5, int)) == 0)


# --- kernels ---------------------------------------------------------------------------------------------------------


@thorough(30)
@given(st.integers(3, 9), st.integers(3, 9), st.integers(0, 99), st.integers(1, 3))
def test_mmd2_is_that_of_its_slow_twin(n, m, seed, size):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + m, 2))
    kernel = np.exp(-squared_distances(X, X))
    real, kin = np.arange(n + m) < n, np.arange(n + m) // size
    if np.unique(kin[real]).size < 2 or np.unique(kin[~real]).size < 2:
        return
    assert mmd2(kernel, real[:, None], kin)[0] == pytest.approx(slow_mmd2(kernel, real, kin))


def test_mmd2_of_gaussians_at_a_fixed_bandwidth_is_its_closed_form():
    rng, n, d, shift, width = np.random.default_rng(11), 60, 3, 0.7, 4.0
    rate = (width / (width + 4)) ** (d / 2)  # E exp(-|x - y|^2 / width) for N(0, I): the difference has variance 2
    truth = 2 * rate * (1 - math.exp(-(shift**2) / (width + 4)))
    values, errors = [], []
    for _ in range(300):
        rows = gaussians(rng, n, shift, d)
        kernel = np.exp(-squared_distances(rows.X, rows.X) / width)
        values.append(float(mmd2(kernel, rows.real[:, None], rows.unit)[0]))
        errors.append(mmd2_error(kernel, rows.real, rows.unit))
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / math.sqrt(300))
    assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.12)


def test_the_error_of_mmd2_is_not_too_short_where_only_pairs_vary():
    """Same law: the linear part is nothing, and its estimate, never taken as negative, adds some."""
    rng, values, errors = np.random.default_rng(12), [], []
    for _ in range(300):
        rows = gaussians(rng, 50, 0.0)
        kernel = np.exp(-squared_distances(rows.X, rows.X) / 4)
        values.append(float(mmd2(kernel, rows.real[:, None], rows.unit)[0]))
        errors.append(mmd2_error(kernel, rows.real, rows.unit))
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(300)
    assert 0.85 < np.median(errors) / np.std(values) < 1.3


def test_kin_do_not_make_two_laws_differ():
    """Twins on the synthetic side are alike whatever the law: pairs of them do not count."""
    rng, values = np.random.default_rng(13), []
    for _ in range(150):
        X = np.vstack([rng.normal(size=(40, 2)), np.repeat(rng.normal(size=(10, 2)), 4, axis=0)])
        kin = np.concatenate([np.arange(40), 40 + np.repeat(np.arange(10), 4)])
        kernel = np.exp(-squared_distances(X, X) / 4)
        values.append(float(mmd2(kernel, (np.arange(80) < 40)[:, None], kin)[0]))
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(150)


def test_fewer_than_three_kin_have_an_infinite_error():
    kernel = np.ones((4, 4))
    assert mmd2_error(kernel, np.array([True, True, False, False]), np.arange(4)) == math.inf


def test_a_shift_is_found_by_the_kernel():
    item = KernelTwoSample()(gaussians(np.random.default_rng(14), 150, 1.0), np.random.default_rng(0))[
        "divergence.mmd2"
    ]
    assert item.p < 1e-6
    assert item.interval(0.95)[0] > 0


@thorough(30)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 20))
def test_distances_are_those_of_the_definition_and_never_negative(n, m, seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    expected = ((X[:, None] - Y[None]) ** 2).sum(axis=2)
    assert squared_distances(X, Y) == pytest.approx(expected)
    assert squared_distances(X * 1e8, X * 1e8).min() >= 0
