"""Copies of anchors, and of test rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import thorough
from syngain.audit.measures.novelty import contamination, copy_fraction
from syngain.audit.row_scores import Vectors, score_rows

flags = st.lists(st.booleans(), min_size=2, max_size=40).map(np.array)


@thorough(80)
@given(flags, flags, st.integers(1, 4))
def test_the_share_of_copies_lies_inside_its_interval(copies, background, size):
    item = copy_fraction(copies, background, np.arange(copies.size) // size)
    low, high = item.interval(0.95)
    assert low <= item.value == copies.mean() <= high
    assert 0 <= item.p <= 1


def test_copies_beyond_the_background_are_significant_and_the_background_is_not():
    many, few = np.arange(200) % 2 == 0, np.arange(200) % 20 == 0
    assert copy_fraction(many, few, np.arange(200)).p < 1e-10
    assert copy_fraction(few, few, np.arange(200)).p == pytest.approx(0.5)


def test_copies_of_few_anchors_count_as_few():
    """Forty copies from two units say less than forty from forty."""
    copies = np.arange(200) < 40
    alone = copy_fraction(copies, np.zeros(200, bool), np.arange(200))
    together = copy_fraction(copies, np.zeros(200, bool), np.arange(200) // 20)
    assert together.p > alone.p
    assert together.interval(0.95)[1] > alone.interval(0.95)[1]


def test_contamination_is_judged_against_the_rate_of_the_anchors():
    tests = np.arange(100) < 20
    hits, none = np.arange(300) < 20, np.zeros(300, bool)
    assert contamination(tests, hits, none).p < 1e-5
    assert contamination(tests, hits, hits).p > 0.5
    assert contamination(tests, hits, none).value == 0.2


@pytest.mark.parametrize("n", [1, 2])
def test_one_and_two_rows_are_measured(n):
    assert contamination(np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)).p == 1
    assert copy_fraction(np.ones(n, bool), np.zeros(n, bool), np.arange(n)).value == 1


def test_fresh_rows_lie_outside_the_support_as_often_as_real_ones():
    rng = np.random.default_rng(0)
    real, synthetic = (rng.normal(size=(n, 4)).astype(np.float32) for n in (800, 4_000))
    scores = score_rows(Vectors(real, synthetic), real[:3].astype(float))
    item = scores.estimate(np.arange(4_000))
    assert item.value == pytest.approx(0.05, abs=0.02)
    assert scores.outside.mean() == item.value
    assert scores.distance == pytest.approx(np.linalg.norm(synthetic - real[scores.neighbor], axis=1), abs=1e-3)
    far = score_rows(Vectors(real, synthetic + np.float32(50)), real[:3].astype(float))
    assert far.estimate(np.arange(4_000)).value == 1


def test_constant_rows_lie_inside_the_support():
    ones = np.ones((30, 2), np.float32)
    assert score_rows(Vectors(ones, ones), ones[:1].astype(float)).estimate(np.arange(30)).value == 0
