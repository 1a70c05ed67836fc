"""Work side by side: results in their order, the largest begun first, an error stops what has not begun."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syngain.core import threads


class Torch:
    """Counts threads as torch does."""

    def __init__(self):
        self.threads = 7

    def get_num_threads(self):
        return self.threads

    def set_num_threads(self, threads):
        self.threads = threads


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), max_size=40))
def test_results_come_in_the_order_of_the_parts(sizes):
    def work(size):
        time.sleep(size / 1e5)
        return size, size * size

    assert list(threads.side_by_side(Torch(), work, sizes, sizes)) == [work(size) for size in sizes]


def test_the_largest_parts_are_begun_first(monkeypatch):
    monkeypatch.setattr(threads, "workers", lambda: 1)
    begun = []
    list(threads.side_by_side(Torch(), begun.append, ["a", "b", "c", "d"], [2, 9, 2, 5]))
    assert begun == ["b", "d", "a", "c"]


def test_an_error_is_raised_and_what_has_not_begun_is_left(monkeypatch):
    monkeypatch.setattr(threads, "workers", lambda: 1)
    begun = []

    def work(part):
        begun.append(part)
        time.sleep(0.05)
        raise ValueError(part)

    with pytest.raises(ValueError, match="0"):
        list(threads.side_by_side(Torch(), work, range(50), [1] * 50))
    assert len(begun) < 50


def test_the_number_of_threads_is_put_back_after_an_error():
    torch = Torch()
    with pytest.raises(KeyError), threads.one_thread_each(torch):
        assert torch.threads == 1
        raise KeyError
    assert torch.threads == 7
