"""The low-rank correction against closed forms, finite differences and a world whose optimum is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frozen_world import entropy_of, head_of, rows_of, table_of
from strategies import thorough
from syngain.core.errors import UsageError
from syngain.learners.frozen.head import Correction, FrozenHead, per_token, slopes_of
from syngain.learners.frozen.token_table import outcomes_of


def exact(head, state, ids, correction, outcomes, scale):
    """Surprisal of a row by the definition, over the whole vocabulary, in float64."""
    h = state.hidden.astype(np.float64)
    frozen = h @ head.output.T.astype(np.float64)
    logits = frozen.copy()
    moved = h + scale * ((h / scale) @ correction.down) @ correction.up
    logits[:, outcomes] = (moved @ head.output.T.astype(np.float64))[:, outcomes] + correction.bias
    top = logits.max(axis=1, keepdims=True)
    norm = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return float((norm - logits[np.arange(ids.size), ids]).sum())


@thorough(40)
@given(st.integers(0, 1000), st.integers(5, 30))
def test_a_correction_of_zero_is_the_frozen_model(seed, most):
    head = head_of(seed=seed)
    states, ids = rows_of(head, 4, 6, seed=seed)
    table = table_of(head, states, ids, outcomes_of(ids)[:most])
    rows = np.arange(4)
    zero = Correction.start(table, 3, seed).surprisal(table, rows)
    assert zero == pytest.approx(table.frozen_loss(rows), abs=2e-3)


@thorough(40)
@given(st.integers(0, 1000), st.integers(5, 30), st.floats(0, 1))
def test_surprisal_is_that_of_the_whole_vocabulary_with_other_tokens_frozen(seed, most, size):
    head, rng = head_of(seed=seed), np.random.default_rng(seed)
    states, ids = rows_of(head, 3, 5, seed=seed)
    outcomes = outcomes_of(ids[:2])[:most]  # tokens of the last row may lie outside
    table = table_of(head, states, ids, outcomes)
    shape = (table.width, 3)
    down, up = (size * rng.standard_normal(s).astype(np.float32) / 3 for s in (shape, shape[::-1]))
    found = Correction(down, up, size * rng.standard_normal(outcomes.size).astype(np.float32))
    truth = [exact(head, s, t, found, outcomes, table.scale) for s, t in zip(states, ids, strict=True)]
    assert found.surprisal(table, np.arange(3)) == pytest.approx(truth, abs=0.03)


def test_gradients_are_those_of_finite_differences():
    head, rng = head_of(), np.random.default_rng(0)
    states, ids = rows_of(head, 3, 8)
    table = table_of(head, states, ids, outcomes_of(ids[:2])[:20])
    parts = [rng.standard_normal(s).astype(np.float32) / 3 for s in ((12, 2), (2, 12), (table.outcomes,))]
    slopes = slopes_of(table, Correction(*parts), table.batch([0, 1, 2]))
    for which, slope in enumerate(slopes):
        for _ in range(5):
            at = tuple(int(rng.integers(n)) for n in slope.shape)
            ends = []
            for sign in (1, -1):
                moved = [part.astype(np.float64) for part in parts]
                moved[which][at] += sign * 1e-3
                ends.append(per_token(table, Correction(*moved), np.arange(3)))
            assert slope[at] == pytest.approx((ends[0] - ends[1]) / 2e-3, abs=2e-3)


def test_training_finds_the_correction_that_made_the_tokens():
    """Tokens follow the head at h + h M with M of rank 2: the entropy is the optimum, the frozen model is far off."""
    head, rng = head_of(), np.random.default_rng(3)
    moved = rng.standard_normal((12, 2)) @ rng.standard_normal((2, 12)) / 5
    bias = rng.standard_normal(30)
    states, ids = rows_of(head, 260, 40, moved=moved, bias=bias)
    table = table_of(head, states, ids)
    fresh = np.arange(200, 260)
    best = entropy_of(head, states[200:], moved=moved, bias=bias)
    frozen = float(table.frozen_loss(fresh).sum()) / int(table.sizes[fresh].sum())
    trained = FrozenHead(rank=8, batch=8).fit(table, np.arange(200), 600, 1e-2, 0)
    reached = per_token(table, trained, fresh)
    assert frozen > best + 0.5
    assert best - 0.02 < reached < best + 0.05 * (frozen - best) + 0.02


def test_where_nothing_is_to_be_learned_no_step_is_taken():
    head = head_of()
    states, ids = rows_of(head, 60, 20)
    table = table_of(head, states, ids)
    steps, loss = FrozenHead(checkpoints=(20, 40, 80)).chosen(table, np.arange(40), np.arange(40, 60), 1e-2, 0)
    assert steps == 0
    assert loss == pytest.approx(entropy_of(head, states[40:]), abs=0.1)


def test_a_fit_depends_on_its_seed_alone():
    head = head_of()
    states, ids = rows_of(head, 20, 10)
    table = table_of(head, states, ids)
    fits = [FrozenHead(rank=2).fit(table, np.arange(20), 15, 1e-2, seed) for seed in (0, 0, 1)]
    assert np.array_equal(fits[0].up, fits[1].up)
    assert not np.array_equal(fits[0].up, fits[2].up)


@thorough(100)
@given(st.lists(st.lists(st.integers(0, 40), max_size=9), max_size=5))
def test_outcomes_are_all_tokens_that_occur(rows):
    found = outcomes_of([np.array(row, dtype=np.int64) for row in rows])
    assert found.tolist() == sorted({token for row in rows for token in row})


@pytest.mark.parametrize("wrong", [{"checkpoints": ()}, {"checkpoints": (3, 3)}, {"rank": 0}, {"rates": ()}])
def test_wrong_settings_are_errors(wrong):
    with pytest.raises(UsageError):
        FrozenHead(**wrong)
