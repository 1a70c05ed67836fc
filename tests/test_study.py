"""One study per command: each row is signed and encoded once, whoever looks at it."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from selection_rows import rows
from syngain.data.dataset import Dataset
from syngain.data.encoders.vectors import Counting, HashedNgrams
from syngain.data.match import match_sources
from syngain.data.study import Study
from syngain.data.text import near_duplicates
from syngain.data.text.near_duplicates import Signing
from syngain.data.text.texts import KEPT, Texts


@pytest.fixture
def counted(monkeypatch):
    """How often each row is signed (near duplicates) and counted (n-grams of the encoder)."""
    seen = {"signed": [], "encoded": []}
    for kind, name in ((Signing, "signed"), (Counting, "encoded")):

        def watched(self, block, name=name, inner=kind.map):
            seen[name] += self.texts[block]
            return inner(self, block)

        monkeypatch.setattr(kind, "map", watched)
    return seen


def unlike(count, seed):
    """Rows that all differ, so that a row is named by its text."""
    return [{**row, "text": f"{row['text']} {seed} {i}"} for i, row in enumerate(rows(count, seed, wrong=0.3))]


def test_an_audit_with_gain_signs_and_encodes_each_row_once(counted):
    real = unlike(60, 1)
    synthetic = unlike(150, 2)
    synthetic[:50] = [dict(row) for row in real[:50]]  # copies are dropped, and the gain of the rest is measured
    result = syngain.audit(Dataset.from_rows(real, "real"), Dataset.from_rows(synthetic, "synthetic"))
    assert any(name.endswith("@kept") for name in result.estimates)
    for name, texts in counted.items():
        assert len(texts) == len(real) + len(synthetic), name


def test_clusters_and_lineage_of_a_study_are_computed_once(monkeypatch):
    study = Study.of(Dataset.from_rows(rows(20, 1), "real"), Dataset.from_rows(rows(30, 2), "made"))
    calls = []
    inner = near_duplicates.shared_clusters
    monkeypatch.setattr(near_duplicates, "shared_clusters", lambda *sets: (calls.append(len(sets)), inner(*sets))[1])
    first = study.clusters("real", "synthetic")
    assert study.clusters("real", "synthetic") is first
    assert study.judged_by(None, None).clusters("real", "synthetic") is first
    assert calls == [2]


@given(st.lists(st.text(min_size=0, max_size=12), min_size=1, max_size=20), st.data())
def test_features_of_a_part_are_those_of_its_rows(texts, data):
    taken = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=20))
    whole, encoder = Texts(texts), HashedNgrams(8, 1 << 10)
    part = whole.take(taken)
    assert list(part) == [texts[i] for i in taken]
    assert (encoder.counts(part) != encoder.counts([texts[i] for i in taken])).nnz == 0
    np.testing.assert_array_equal(near_duplicates.codes(part), near_duplicates.codes([texts[i] for i in taken]))
    again = part.take(range(0, len(taken), 2))
    assert list(again) == [texts[i] for i in taken[::2]]
    assert (encoder.counts(again) != encoder.counts(list(again))).nnz == 0


@given(
    st.lists(st.sampled_from(["a b c d e", "a b c d e f", "x y z", "x y z!", ""]), min_size=1, max_size=25), st.data()
)
def test_clusters_of_several_sets_are_those_of_all_rows(texts, data):
    cut = data.draw(st.integers(0, len(texts)))
    together = near_duplicates.clusters(texts)
    np.testing.assert_array_equal(near_duplicates.shared_clusters(Texts(texts[:cut]), texts[cut:]), together)


def test_sets_that_are_too_large_to_keep_give_the_same_features(monkeypatch):
    texts = [row["text"] for row in rows(40, 3)]
    kept = near_duplicates.clusters(texts)
    monkeypatch.setattr("syngain.data.text.texts.KEPT", 10)
    large = Texts(texts)
    np.testing.assert_array_equal(near_duplicates.clusters(large), kept)
    assert not large._features
    assert KEPT >= 8_192


def test_a_part_of_a_study_knows_its_sources():
    real = Dataset.from_rows(rows(12, 1), "real")
    made = Dataset.from_rows(rows(30, 2, source=rows(12, 1)), "made", like=real)
    study = Study.of(real, made)
    part = study.take(synthetic=range(5, 20))
    np.testing.assert_array_equal(part.source, match_sources(part.synthetic, real)[0])
    fewer = study.take(real=range(0, 12, 2), synthetic=range(10))
    np.testing.assert_array_equal(fewer.source, match_sources(fewer.synthetic, fewer.real)[0])


def test_texts_travel_without_their_features():
    texts = Texts(["a", "b"])
    near_duplicates.sign(texts)
    copy = pickle.loads(pickle.dumps(texts))
    assert copy == texts
    assert not copy._features
