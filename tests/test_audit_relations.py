"""Word pairs recovered."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from strategies import thorough
from syngain.audit.measures.duplicates import distinct_variance
from syngain.audit.measures.relations import Relations, recovered_error
from syngain.audit.measures.two_sample import Pooled


def pooled(n, unit=None, group=None):
    rows = np.arange(2 * n)
    return Pooled(np.zeros((2 * n, 1)), rows < n, rows if unit is None else unit, rows if group is None else group)


def sentences(rng, n, kinds=60, words=5):
    return [" ".join(f"word{k}" for k in rng.integers(kinds, size=words)) for _ in range(n)]


def recovered(real, synthetic, rng=None, **kin):
    found = Relations(permutations=29)([*real, *synthetic], pooled(len(real), **kin), rng or np.random.default_rng(0))
    return found["relations.recovered"]


def test_rows_of_one_law_recover_as_much_as_real_ones():
    rng = np.random.default_rng(0)
    item = recovered(sentences(rng, 200), sentences(rng, 200))
    assert item.value == pytest.approx(item.references["real"], abs=0.08)
    assert item.p > 0.01


def test_rows_of_other_words_recover_nothing_and_the_interval_says_how_little():
    rng = np.random.default_rng(1)
    item = recovered(sentences(rng, 100), [text.replace("word", "term") for text in sentences(rng, 100)])
    assert item.value == 0
    assert item.p < 1e-3
    assert item.interval(0.95)[0] == pytest.approx(0)
    assert 0.01 < item.interval(0.95)[1] < 0.15


def test_rows_made_from_held_out_rows_do_not_count():
    """Every synthetic row is its anchor: none made from a held-out anchor is left, so the rest knows only its own."""
    rng = np.random.default_rng(2)
    real = sentences(rng, 80, kinds=3_000)
    leaking_in = recovered(real, real)
    kept_out = recovered(real, real, group=np.tile(np.arange(80), 2))
    assert leaking_in.value > 0.35
    assert kept_out.value < 0.1


def test_the_error_is_that_of_simulated_sets():
    rng = np.random.default_rng(3)
    for words, kinds in ((2, 40), (5, 40), (5, 400)):
        weight = rng.random(kinds * kinds)

        def held(draw, words=words, kinds=kinds):
            rows = draw.integers(kinds, size=(100, words))
            pairs = (rows[:, :, None] * kinds + rows[:, None, :]).reshape(100, -1)
            matrix = sparse.csr_matrix(
                (np.ones(pairs.size), (np.repeat(np.arange(100), pairs.shape[1]), pairs.ravel())),
                shape=(100, kinds * kinds),
            )
            matrix.data[:] = 1
            return (matrix > 0).astype(np.int32)

        values, errors = [], []
        for _ in range(300):
            matrix = held(rng)
            values.append(float(weight @ (np.asarray(matrix.sum(axis=0)).ravel() > 0)))
            errors.append(recovered_error(matrix, weight, np.arange(100)))
        assert math.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.3)


@thorough(40)
@given(st.lists(st.integers(0, 15), min_size=2, max_size=40))
def test_with_one_thing_in_every_row_the_error_is_that_of_different_values(code):
    code = np.array(code)
    matrix = sparse.csr_matrix((np.ones(code.size, np.int32), (np.arange(code.size), code)), shape=(code.size, 16))
    found = recovered_error(matrix, np.ones(16), np.arange(code.size))
    assert found**2 == pytest.approx(distinct_variance(code), abs=1e-9)


def test_rows_of_one_unit_are_one_witness():
    matrix = sparse.csr_matrix(np.repeat(np.eye(20, dtype=np.int32), 3, axis=0))
    unit = np.repeat(np.arange(20), 3)
    single = sparse.csr_matrix(np.eye(20, dtype=np.int32))
    assert recovered_error(matrix, np.arange(20.0), unit) == pytest.approx(
        recovered_error(single, np.arange(20.0), np.arange(20))
    )


@pytest.mark.parametrize(
    "texts", [[""] * 8, ["one word"] * 8, ["the of and"] * 8, ["ä ö ü", "日本 語 です"] * 4, ["a b"] * 2]
)
def test_rows_without_words_worth_a_pair_give_no_estimate_or_a_finite_one(texts):
    n = len(texts) // 2
    found = Relations(permutations=3)(texts, pooled(n), np.random.default_rng(0))
    assert all(math.isfinite(item.value) for item in found.values())


def test_pairs_are_those_of_salient_words_of_a_row():
    matrix = Relations().pairs(["alpha beta the beta", "beta alpha", "gamma alpha"])
    assert matrix.shape == (3, 1)  # gamma occurs once: not salient
    assert matrix.toarray().ravel().tolist() == [1, 1, 0]
