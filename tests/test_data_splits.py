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


def in_turn(group, count, rng, strata):
    """Folds as their description has them, one group after another."""
    names, first, sizes = np.unique(group, return_index=True, return_counts=True)
    shuffled = rng.permutation(names.size)
    held, total, out = {}, [0] * count, {}
    for index in shuffled[np.argsort(-sizes[shuffled], kind="stable")].tolist():
        ties = rng.random(count)
        there = held.setdefault(int(strata[first[index]]), [0] * count)
        best = min(range(count), key=lambda fold, there=there, ties=ties: (there[fold], total[fold], ties[fold]))
        out[int(names[index])] = best
        there[best] += int(sizes[index])
        total[best] += int(sizes[index])
    return [out[name] for name in group.tolist()]


@pytest.mark.parametrize("seed", range(5))
def test_folds_are_filled_as_described(seed):
    rng = np.random.default_rng(seed)
    group, strata = rng.integers(0, 40, 90), rng.integers(0, 3, 90)
    found = folds(group, 4, np.random.default_rng(seed), strata)
    assert found.tolist() == in_turn(group, 4, np.random.default_rng(seed), strata)
