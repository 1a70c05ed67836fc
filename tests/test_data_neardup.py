"""Exact and near duplicates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.ngrams import character_ngrams, components, jaccard
from strategies import any_text, thorough
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import normal_text

words = st.sampled_from(["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"])
sentences = st.lists(words, min_size=3, max_size=8).map(" ".join)


def similarity(first, second):
    return jaccard(*(character_ngrams(normal_text(text), 4) for text in (first, second)))


@thorough(60)
@given(st.lists(sentences, min_size=1, max_size=10))
def test_clusters_join_only_what_brute_force_joins(texts):
    """Banding may miss a pair at the threshold (once in a hundred); it never invents one."""
    found = near_duplicates.clusters(texts)
    expected = components(
        len(texts), lambda i, j: normal_text(texts[i]) == normal_text(texts[j]) or similarity(texts[i], texts[j]) >= 0.8
    )
    for i, code in enumerate(found):
        assert {j for j, other in enumerate(found) if other == code} <= {
            j for j, other in enumerate(expected) if other == expected[i]
        }


def test_clusters_are_those_of_brute_force_where_pairs_are_clear():
    rng = np.random.default_rng(0)
    base = [" ".join(f"word{k}" for k in rng.integers(10_000, size=15)) for _ in range(40)]
    texts = [*base, *(f"{text}!" for text in base[:20]), *(text.upper() for text in base[10:30])]
    expected = components(
        len(texts), lambda i, j: normal_text(texts[i]) == normal_text(texts[j]) or similarity(texts[i], texts[j]) >= 0.8
    )
    assert near_duplicates.clusters(texts).tolist() == expected


@thorough(60)
@given(st.lists(any_text, max_size=12))
def test_any_rows_are_clustered_and_equal_ones_together(texts):
    found = near_duplicates.clusters(texts)
    codes = near_duplicates.codes(texts)
    assert found.shape == codes.shape == (len(texts),)
    assert list(dict.fromkeys(found.tolist())) == list(range(len(set(found.tolist()))))  # first appearance
    for code in np.unique(codes):
        assert np.unique(found[codes == code]).size == 1


@thorough(60)
@given(sentences, sentences)
def test_verified_similarities_are_exact(first, second):
    signed = near_duplicates.sign([first, second])
    value = near_duplicates.jaccard(signed.sets, np.array([0]), signed.sets, np.array([1]))[0]
    assert value == pytest.approx(similarity(first, second))


def test_a_copy_finds_its_original_among_many():
    rng = np.random.default_rng(1)
    base = [" ".join(f"word{k}" for k in rng.integers(10_000, size=12)) for _ in range(300)]
    source, value = near_duplicates.best_match(
        near_duplicates.sign([f"{base[7]}.", base[250], "nothing like it at all"]), near_duplicates.sign(base)
    )
    assert source.tolist() == [7, 250, -1]
    assert value[1] == 1
    assert 0.8 < value[0] < 1


@thorough(30)
@given(st.lists(sentences, min_size=1, max_size=8))
def test_a_row_does_not_match_itself(texts):
    signed = near_duplicates.sign(texts)
    best, value = near_duplicates.best_match(signed, signed, exclude_self=True)
    assert np.all(best != np.arange(len(texts)))
    for i, text in enumerate(texts):
        if texts.count(text) > 1:
            assert value[i] == 1
            assert texts[best[i]] == text


def test_rows_too_short_for_an_ngram_are_alone_unless_equal():
    found = near_duplicates.clusters(["", "a", "a", "", "b", "日"])
    assert found.tolist() == [0, 1, 1, 0, 2, 3]


def test_codes_ignore_case_white_space_and_compatibility_forms():
    assert near_duplicates.codes(["A  b", "a b", "\uff41 b", "a\tB\n", "a c"]).tolist() == [0, 0, 0, 0, 1]
    assert [part.tolist() for part in near_duplicates.shared_codes(["x", "y"], ["y", "z"])] == [[0, 1], [1, 2]]


def test_no_rows_are_no_clusters():
    assert near_duplicates.clusters([]).size == 0
    assert near_duplicates.sign([]).keys.shape[0] == 0


@thorough(20)
@given(st.lists(sentences, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_change_who_belongs_together(texts, random):
    order = list(range(len(texts)))
    random.shuffle(order)
    before, after = near_duplicates.clusters(texts), near_duplicates.clusters([texts[i] for i in order])
    for a in range(len(texts)):
        for b in range(a):
            assert (before[order[a]] == before[order[b]]) == (after[a] == after[b])
