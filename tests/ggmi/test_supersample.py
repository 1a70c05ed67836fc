"""Information from supersamples: against slow twins, closed forms and learners that are known."""

import math
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.gain.generalization import JointTask, Masks
from syngain.gain.proxies.labels import LabelTask
from syngain.information.estimators.supersample import KINDS, Supersamples, chance, pair_information


def twin(symbols, masks):
    """Plug-in mutual information by the definition."""
    joint, k = Counter(zip(symbols, masks, strict=True)), len(masks)
    left, right = Counter(symbols), Counter(masks)
    return sum(c / k * math.log(c * k / (left[a] * right[b])) for (a, b), c in joint.items())


def drawn(rng, s=2, k=9, n=4, steps=3, classes=3):
    loss = rng.integers(0, steps, (s, k, n, 2)) / (steps - 1)
    return Supersamples(loss, rng.random((s, k, n)) < 0.5, rng.integers(0, classes, (s, k, n, 2)))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 12), codes=st.integers(1, 5))
def test_information_of_pairs_is_that_of_the_definition(seed, k, codes):
    rng = np.random.default_rng(seed)
    symbols, masks = rng.integers(0, codes, (2, k, 3)), rng.random((2, k, 3)) < 0.5
    found = pair_information(symbols, masks)
    for s in range(2):
        for i in range(3):
            assert found[s, i] == pytest.approx(max(twin(symbols[s, :, i], masks[s, :, i]), 0.0), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.integers(2, 5))
def test_differences_say_no_more_than_losses_and_losses_no_more_than_what_decides_them(seed, steps):
    rng = np.random.default_rng(seed)
    found = drawn(rng, steps=steps)
    decided = Supersamples(found.loss, found.second, (found.loss * (steps - 1)).round().astype(np.int64))
    ld, e, f = (decided.information(kind) for kind in KINDS)
    assert (ld <= e + 1e-12).all()
    assert (e <= f + 1e-12).all()
    assert (f <= math.log(2) + 1e-12).all()


def test_independent_outcomes_have_no_information_beyond_chance():
    rng = np.random.default_rng(0)
    found = drawn(rng, s=20, k=40, n=50, steps=2)
    assert abs(found.corrected("ld").mean()) < 0.002
    assert found.information("ld").mean() > 0.015  # the plug-in alone is fooled
    low, high = np.quantile(found.null("ld", rng), (0.025, 0.975))
    assert low <= found.corrected("ld").mean() <= high + 0.002


def test_the_chance_part_counts_values_that_came():
    symbols = np.array([[[0], [1], [2], [2]]])
    assert chance(symbols, np.array([[[0], [1], [1], [0]]]))[0, 0] == pytest.approx(2 * 1 / 8)
    assert chance(symbols, np.ones((1, 4, 1)))[0, 0] == 0


@pytest.mark.parametrize("error", [0.05, 0.3])
def test_without_training_errors_pooled_information_is_the_test_error(error):
    rng = np.random.default_rng(1)
    second = rng.random((4, 200, 50)) < 0.5
    wrong = rng.random(second.shape) < error
    loss = np.stack([wrong & second, wrong & ~second], axis=-1).astype(float)
    found = Supersamples(loss, second)
    assert found.trained.max() == 0
    assert found.pooled().mean() / math.log(2) == pytest.approx(found.held.mean(), rel=0.02)
    assert (found.gaps() <= found.bound("ld")).all()


def test_a_learner_that_learns_nothing_gives_nothing_away():
    rng = np.random.default_rng(2)
    wrong = np.broadcast_to((rng.random((3, 1, 30, 2)) < 0.4).astype(float), (3, 20, 30, 2))
    found = Supersamples(wrong.copy(), rng.random((3, 20, 30)) < 0.5)
    assert found.information("ld").max() == 0
    assert found.bound("ld").tolist() == [0, 0, 0]


def test_wrong_use_is_said():
    masks = np.zeros((1, 2, 3), dtype=bool)
    with pytest.raises(UsageError, match=r"losses outside"):
        Supersamples(np.full((1, 2, 3, 2), 1.5), masks)
    with pytest.raises(UsageError, match="Expected"):
        Supersamples(np.zeros((1, 2, 4, 2)), masks)
    with pytest.raises(UsageError, match="without classes"):
        Supersamples(np.zeros((1, 2, 3, 2)), masks).symbols("f")
    with pytest.raises(UsageError, match="pooled e-CMI"):
        Supersamples(np.zeros((1, 2, 3, 2)), masks).pooled("e")


class Heart:
    """Knows its rows by heart and guesses class 0 elsewhere."""

    def fit(self, examples):
        known = {row.tobytes(): int(y) for row, y in zip(examples.X, examples.y, strict=True)}

        def log_probabilities(X):
            guess = [known.get(row.tobytes(), 0) for row in X]
            return np.log(np.eye(examples.classes)[guess] * 0.98 + 0.01)

        return SimpleNamespace(converged=True, log_probabilities=log_probabilities)


def test_a_learner_by_heart_gives_away_a_pair_where_its_guess_is_wrong():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 120)
    none = np.empty(0, dtype=np.int64)
    X = rng.standard_normal((120, 3))
    task = LabelTask(X, X[:0], y, none, np.arange(120), none, 2, learner=Heart())
    bench = JointTask(task, np.arange(120), none)
    found = bench.supersamples(np.arange(120), Masks(pairs=40, masks=30, draws=3), Streams(0))
    assert found.trained.max() == 0
    assert found.held.mean() == pytest.approx(np.mean(y == 1), abs=0.06)
    assert found.pooled().mean() / math.log(2) == pytest.approx(found.held.mean(), rel=0.03)
    again = bench.supersamples(np.arange(120), Masks(pairs=40, masks=30, draws=3), Streams(0))
    assert np.array_equal(found.loss, again.loss)
    with pytest.raises(InputError, match="10 pairs"):
        bench.supersamples(np.arange(12), Masks(), Streams(0))
