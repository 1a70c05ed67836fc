"""Columns one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from syngain.audit.measures.marginals import Marginals, _coded, distance


@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.lists(st.integers(0, 6), min_size=2, max_size=40))
def test_numbers_have_the_kolmogorov_smirnov_distance_of_scipy(first, second):
    real = np.arange(len(first) + len(second)) < len(first)
    expected = stats.ks_2samp(first, second, method="asymp").statistic
    assert distance(_coded([*first, *second]), real) == pytest.approx(expected, abs=1e-12)


@given(
    st.lists(st.sampled_from("abc"), min_size=1, max_size=30),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=30),
)
def test_categories_have_total_variation(first, second):
    real = np.arange(len(first) + len(second)) < len(first)
    expected = sum(abs(first.count(c) / len(first) - second.count(c) / len(second)) for c in "abcd") / 2
    assert distance(_coded([*first, *second]), real) == pytest.approx(expected, abs=1e-12)


def test_a_shifted_column_is_found_among_many_and_named():
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=400).tolist() for i in range(20)}
    columns["moved"] = [*rng.normal(size=200).tolist(), *rng.normal(1, size=200).tolist()]
    real = np.arange(400) < 200
    found = Marginals()(columns, real, np.arange(400), rng)["fidelity.marginals"]
    assert found.p < 0.001
    assert found.marks == ("largest in column moved",)
    assert found.references["columns_that_differ"] == pytest.approx(1 / 21)


def test_the_same_law_is_rejected_as_often_as_stated():
    rejected = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 3])
        columns = {f"x{i}": rng.normal(size=120).tolist() for i in range(4)} | {
            "c": rng.choice(list("ab"), 120).tolist()
        }
        rejected += (
            Marginals(permutations=99, draws=5)(columns, np.arange(120) < 60, np.arange(120), rng)[
                "fidelity.marginals"
            ].p
            < 0.05
        )
    assert rejected <= stats.binom.isf(0.001, 60, 0.05)
