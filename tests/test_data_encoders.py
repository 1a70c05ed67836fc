"""Hashed n-grams against a slow twin, and encoders of text and tables."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.ngrams import character_ngrams, word_ngrams
from strategies import any_text, thorough
from syngain.core.errors import InputError
from syngain.data.encoders.vectors import HashedNgrams, TableEncoder
from syngain.data.text import hashed_ngrams

TEXTS = [
    f"row {i} speaks of {topic} and {other}"
    for i, (topic, other) in enumerate([("cats", "dogs"), ("ships", "trains")] * 12)
]


def partition(rows, keys):
    """Which positions hold equal keys, row by row: hashes compare to strings this way."""
    names = {}
    return [(int(row), names.setdefault(key, len(names))) for row, key in zip(rows, keys, strict=True)]


@thorough(150)
@given(st.lists(any_text, min_size=1, max_size=6), st.integers(1, 5))
def test_character_ngrams_are_those_of_the_slow_twin(texts, size):
    rows, hashes = hashed_ngrams.character_ngrams(hashed_ngrams.lay_out(texts), size)
    order = np.argsort(rows, kind="stable")
    slow = [(row, gram) for row, text in enumerate(texts) for gram in character_ngrams(text, size)]
    assert (
        partition(rows[order], hashes[order].tolist()) == partition(*zip(*slow, strict=True))
        if slow
        else rows.size == 0
    )


@thorough(150)
@given(st.lists(any_text, min_size=1, max_size=6), st.integers(1, 3))
def test_word_ngrams_are_those_of_the_slow_twin(texts, size):
    rows, hashes = hashed_ngrams.word_ngrams(*hashed_ngrams.word_hashes(hashed_ngrams.lay_out(texts)), size)
    order = np.argsort(rows, kind="stable")
    rows, hashes = rows[order], hashes[order]
    slow = [(row, gram) for row, text in enumerate(texts) for gram in word_ngrams(text, size)]
    assert partition(rows, hashes.tolist()) == (partition(*zip(*slow, strict=True)) if slow else [])


def test_counts_are_the_numbers_of_ngrams():
    counts = HashedNgrams(buckets=1 << 12).counts(["a b a", "", "日本"])
    assert counts.shape == (3, 2 << 12)
    assert counts[0, : 1 << 12].sum() == 3 + 2  # three words, two pairs
    assert counts[1].sum() == sum(len(character_ngrams("", size)) for size in (3, 4, 5))
    assert counts[2, : 1 << 12].sum() == 2 + 1  # two characters, a word each, and their pair


def test_rows_longer_than_the_limit_are_their_beginning():
    long = "word " * 10_000
    laid = hashed_ngrams.lay_out([long])
    assert laid.data.size <= hashed_ngrams.MAX_CHARACTERS + 3


@thorough(20)
@given(st.lists(any_text, min_size=1, max_size=8), st.integers(0, 3))
def test_vectors_of_any_rows_have_length_one_or_zero(texts, seed):
    vectors = HashedNgrams(16, 1 << 10).fit(texts, np.random.default_rng(seed))(texts)
    norms = np.linalg.norm(vectors, axis=1)
    assert np.all((np.abs(norms - 1) < 1e-5) | (norms == 0))


def test_vectors_do_not_depend_on_batch_boundaries(monkeypatch):
    fitted = HashedNgrams(16, 1 << 12).fit(TEXTS, np.random.default_rng(0))
    whole = fitted(TEXTS)
    monkeypatch.setattr("syngain.data.encoders.vectors.BATCH", 5)
    assert fitted(TEXTS) == pytest.approx(whole, abs=1e-12)
    assert np.vstack([fitted([text]) for text in TEXTS]) == pytest.approx(whole, abs=1e-12)


@thorough(20)
@given(st.permutations(range(len(TEXTS))))
def test_another_order_of_rows_is_the_same_vectors_in_another_order(order):
    fitted = HashedNgrams(16, 1 << 12).fit(TEXTS, np.random.default_rng(0))
    assert fitted([TEXTS[i] for i in order]) == pytest.approx(fitted(TEXTS)[list(order)], abs=1e-12)


def test_rows_on_one_topic_are_nearer_than_rows_on_another():
    vectors = HashedNgrams(8, 1 << 14).fit(TEXTS, np.random.default_rng(0))(TEXTS)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.2


@pytest.mark.parametrize("texts", [[""], ["", ""], ["same"] * 5, ["one", "two"], ["a"], ["日本語", "🙂🙂"]])
def test_degenerate_rows_are_encoded(texts):
    vectors = HashedNgrams(16, 1 << 10).fit(texts, np.random.default_rng(0))(texts)
    assert vectors.shape[0] == len(texts)
    assert np.isfinite(vectors).all()
    assert HashedNgrams(16, 1 << 10).fit(TEXTS, np.random.default_rng(0))([]).shape[0] == 0


def test_the_same_seed_gives_the_same_vectors():
    first, second = (HashedNgrams(16).fit(TEXTS, np.random.default_rng(3))(TEXTS) for _ in range(2))
    assert np.array_equal(first, second)


def test_numbers_are_standardized_and_gaps_flagged():
    fitted = TableEncoder().fit({"x": [1.0, 2.0, None, 3.0]})
    vectors = fitted({"x": [2.0, None, 3.0]})
    assert vectors[:, 1].tolist() == [0, 1, 0]
    assert vectors[:, 0] == pytest.approx([0, 0, 1 / math.sqrt(2 / 3)])


def test_constant_numbers_become_zeros():
    assert TableEncoder().fit({"x": [5, 5, 5]})({"x": [5, 5]}).tolist() == [[0], [0]]


def test_rare_and_unknown_categories_share_a_column():
    fitted = TableEncoder(max_categories=2).fit({"c": ["a", "a", "b", "b", "z"]})
    assert fitted({"c": ["a", "b", "z", "new"]}).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_table_errors_name_the_column():
    fitted = TableEncoder().fit({"x": [1.0, 2.0], "c": ["a", "b"]})
    with pytest.raises(InputError, match="no column c"):
        fitted({"x": [1.0]})
    with pytest.raises(InputError, match="column x contains text"):
        fitted({"x": ["one"], "c": ["a"]})
    with pytest.raises(InputError, match="column x contains no finite number"):
        TableEncoder().fit({"x": [None, None]})


@thorough(30)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=20))
def test_every_category_is_one_coordinate(values):
    vectors = TableEncoder().fit({"c": values})({"c": values})
    assert vectors.sum(axis=1).tolist() == [1] * len(values)
