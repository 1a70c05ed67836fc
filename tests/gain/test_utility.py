"""Utility: what a set loses to its inputs and what to its labels, and who is right about it in a world that knows."""

from __future__ import annotations

import numpy as np
import pytest

from syngain.core.rng import Streams
from syngain.gain.design.lineage import Lineage
from syngain.gain.proxies.labels import LabelTask
from syngain.gain.replacement import utility

ANCHORS = 300


def world(*, shift=0.0, flipped=0.0, seed=0):
    """Two clouds; synthetic rows displaced along the line between them, or with part of their labels flipped."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, ANCHORS)
    real = np.outer(2 * label - 1, [1.0, 0.0, 0.0]) + rng.normal(size=(ANCHORS, 3))
    theirs = rng.integers(0, 2, ANCHORS)
    rows = np.outer(2 * theirs - 1, [1.0, 0.0, 0.0]) + rng.normal(size=(ANCHORS, 3)) + [shift, 0.0, 0.0]
    theirs = np.where(rng.random(ANCHORS) < flipped, 1 - theirs, theirs)
    lineage = Lineage.of(np.full(ANCHORS, -1), np.arange(2 * ANCHORS))
    units = np.arange(ANCHORS)
    task = LabelTask(real, rows, label, theirs, units, ANCHORS + units, 2)
    return utility(task, lineage, Streams(seed))


def parts(found):
    return found.total.value, found.input_shift.value, found.label_error.value


def test_rows_like_the_real_ones_lose_nothing():
    total, inputs, labels = np.mean([parts(world(seed=seed)) for seed in range(5)], axis=0)
    assert abs(total) < 0.04
    assert abs(inputs) < 0.04
    assert abs(labels) < 0.04


def test_wrong_labels_are_charged_to_the_labels():
    total, inputs, labels = np.mean([parts(world(flipped=0.3, seed=seed)) for seed in range(5)], axis=0)
    assert total < -0.05
    assert labels < 4 * inputs
    assert labels < -0.05


def test_a_moved_boundary_splits_between_both():
    """Displaced clouds with their own labels: p(x) and p(y | x) both changed, so both parts are negative or near 0."""
    total, inputs, labels = np.mean([parts(world(shift=2.0, seed=seed)) for seed in range(5)], axis=0)
    assert total < -0.2
    assert labels < -0.1  # the same input now has another label
    assert labels < inputs


@pytest.mark.parametrize("case", [{"flipped": 0.3}, {"shift": 1.0}, {}])
def test_the_parts_sum_to_the_whole(case):
    found = world(**case)
    assert found.input_shift.value + found.label_error.value == pytest.approx(found.total.value, abs=1e-12)
