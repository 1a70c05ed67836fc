"""How rows are divided into passes: every row once, none too large, and evenly where two cores are to end together."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from syngain.learners.completions import Completion, balanced, like_lengths, padded

LENGTHS = st.lists(st.integers(1, 60), max_size=20)


def rows_of(lengths):
    return [Completion(tuple(range(1, length + 1)), min(2, length), length, cut=False) for length in lengths]


def size(rows, part):
    return len(part) * max(len(rows[i].ids) for i in part)


@given(LENGTHS, st.integers(1, 200))
def test_every_row_is_in_one_part_and_only_a_single_row_may_be_too_large(lengths, tokens):
    rows = rows_of(lengths)
    for parts in (like_lengths(rows, tokens), balanced(rows, tokens)):
        assert sorted(i for part in parts for i in part) == list(range(len(rows)))
        assert all(len(part) == 1 or size(rows, part) <= tokens for part in parts)


@given(LENGTHS, st.integers(1, 200))
def test_balanced_parts_are_at_most_one_more_and_the_largest_is_no_larger(lengths, tokens):
    rows = rows_of(lengths)
    greedy, even = like_lengths(rows, tokens), balanced(rows, tokens)
    assert len(greedy) <= len(even) <= len(greedy) + len(greedy) % 2
    if rows:
        assert max(size(rows, part) for part in even) <= max(size(rows, part) for part in greedy)


def test_three_parts_and_a_rest_become_four_alike():
    rows = rows_of([50] * 8)
    assert [len(part) for part in like_lengths(rows, 150)] == [3, 3, 2]
    assert [len(part) for part in balanced(rows, 150)] == [2, 2, 2, 2]


def test_padding_stands_at_the_end_and_is_neither_read_nor_scored():
    ids, mask, scored = padded(rows_of([3, 1]))
    np.testing.assert_array_equal(ids, [[1, 2, 3], [1, 0, 0]])
    np.testing.assert_array_equal(mask, [[1, 1, 1], [1, 0, 0]])
    np.testing.assert_array_equal(scored, [[False, False, True], [False, False, False]])
