"""Who leaves with whom: rows made from a held-out anchor never teach, near duplicates stay together."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.gain.design.lineage import Lineage, drawn


@st.composite
def lineages(draw):
    anchors, rows = draw(st.integers(4, 30)), draw(st.integers(0, 60))
    source = draw(st.lists(st.integers(-1, anchors - 1), min_size=rows, max_size=rows))
    near = draw(st.lists(st.integers(0, anchors), min_size=anchors + rows, max_size=anchors + rows))
    return Lineage.of(np.array(source, dtype=np.int64), np.array(near, dtype=np.int64))


@thorough(200)
@given(lineages(), st.integers(2, 12), st.integers(0, 5))
def test_folds_keep_groups_whole_and_take_the_rows_of_held_anchors_along(lineage, count, seed):
    fold = lineage.folds(count, np.random.default_rng(seed))
    for name in np.unique(lineage.group):
        assert np.unique(fold[lineage.group == name]).size == 1
    for held in np.unique(fold):
        allowed = lineage.made_from(fold != held)
        gone = lineage.group[fold == held]
        assert not np.isin(lineage.group[lineage.source[allowed & (lineage.source >= 0)]], gone).any()
        assert allowed[lineage.source < 0].all()  # of nobody known: always there, hence "optimistic"


@thorough(200)
@given(lineages(), st.floats(0.05, 1.0), st.integers(0, 5))
def test_a_share_is_made_of_whole_groups_and_holds_at_least_so_many_anchors(lineage, share, seed):
    training = np.ones(lineage.anchors, dtype=bool)
    part = lineage.shares(training, share, np.random.default_rng(seed))
    assert part.sum() >= min(share, 1.0) * lineage.anchors - 1e-9
    for name in np.unique(lineage.group[part]):
        assert part[lineage.group == name].all()


def test_a_row_without_source_that_repeats_an_anchor_follows_it():
    lineage = Lineage.of(np.array([-1, 1, -1]), np.array([7, 8, 7, 9, 10]))  # two anchors, three rows
    assert lineage.source.tolist() == [0, 1, -1]
    assert lineage.known == 2 / 3
    assert not lineage.made_from(np.array([False, True]))[0]


def test_rows_of_near_duplicate_anchors_leave_together():
    lineage = Lineage.of(np.array([0, 1, 2]), np.array([4, 4, 5, 6, 7, 8]))  # anchors 0 and 1 are near duplicates
    assert lineage.made_from(np.array([False, True, True])).tolist() == [False, False, True]


@thorough(100)
@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 9))
def test_smaller_amounts_are_parts_of_larger_ones(count, size, seed):
    order = np.random.default_rng(seed).permutation(count)
    allowed = np.random.default_rng(seed + 1).random(count) < 0.7
    small, large = drawn(allowed, size, order), drawn(allowed, size + 5, order)
    assert set(small) <= set(large)
    assert allowed[large].all()
    assert small.size == min(size, allowed.sum())
