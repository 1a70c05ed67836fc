"""The nearest rows, equal distances in their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.learners.neighbors import _smallest


@thorough(100)
@given(st.integers(1, 5), st.integers(1, 30), st.integers(1, 9), st.integers(0, 99), st.data())
def test_the_smallest_are_those_of_a_stable_sort(rows, columns, values, seed, data):
    found = np.random.default_rng(seed).integers(0, values, (rows, columns)).astype(float)  # with many ties
    count = data.draw(st.integers(1, columns))
    assert _smallest(found, count).tolist() == np.argsort(found, axis=1, kind="stable")[:, :count].tolist()


@pytest.mark.parametrize("count", [1, 63])
def test_the_smallest_of_many_rows(count):
    found = np.random.default_rng(0).normal(size=(60, 200))
    assert _smallest(found, count).tolist() == np.argsort(found, axis=1, kind="stable")[:, :count].tolist()
