"""Groups that stay together, folds that do not leak."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.data.splits import folds, groups

links = st.lists(st.integers(-1, 6), min_size=1, max_size=30)


@thorough(150)
@given(links, st.integers(0, 3))
def test_rows_that_share_a_code_share_a_group_and_rows_that_share_none_do_not(first, seed):
    first = np.array(first)
    second = np.random.default_rng(seed).integers(-1, 5, first.size)
    found = groups(first, second)
    for i in range(first.size):
        for j in range(i):
            if (first[i] == first[j] >= 0) or (second[i] == second[j] >= 0):
                assert found[i] == found[j]
    joined = {}
    for i in range(first.size):  # flood fill
        if i not in joined:
            joined[i], todo = i, [i]
            while todo:
                a = todo.pop()
                for b in range(first.size):
                    if b not in joined and ((first[a] == first[b] >= 0) or (second[a] == second[b] >= 0)):
                        joined[b] = i
                        todo.append(b)
    assert np.unique(found).size == len(set(joined.values()))


def test_unlinked_rows_are_groups_of_their_own():
    assert np.unique(groups(np.full(5, -1))).size == 5


@thorough(150)
@given(links, st.integers(2, 6), st.integers(0, 5), st.booleans())
def test_every_row_has_one_fold_and_no_group_two(codes, count, seed, layered):
    group = groups(np.array(codes))
    strata = group % 2 if layered else None
    fold = folds(group, count, np.random.default_rng(seed), strata=strata)
    assert fold.shape == group.shape
    assert fold.min() >= 0
    assert fold.max() < count
    for name in np.unique(group):
        assert np.unique(fold[group == name]).size == 1


@thorough(50)
@given(st.integers(2, 80), st.integers(2, 6), st.integers(0, 9))
def test_single_rows_are_spread_evenly_in_every_stratum(n, count, seed):
    rng = np.random.default_rng(seed)
    strata = rng.integers(3, size=n)
    fold = folds(np.arange(n), count, rng, strata=strata)
    assert np.ptp(np.bincount(fold, minlength=count)) <= 3
    for layer in np.unique(strata):
        assert np.ptp(np.bincount(fold[strata == layer], minlength=count)) <= 1


def test_large_groups_do_not_unbalance_the_folds():
    group = np.repeat(np.arange(40), np.random.default_rng(0).integers(1, 8, 40))
    sizes = np.bincount(folds(group, 5, np.random.default_rng(1)))
    assert sizes.max() - sizes.min() <= 7


def test_folds_are_random_and_the_same_for_the_same_seed():
    group = np.arange(30)
    first, again, other = (folds(group, 5, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_rows_than_folds_are_dealt_out(n):
    assert folds(np.arange(n), 5, np.random.default_rng(0)).size == n
