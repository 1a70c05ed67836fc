"""Wide tables, long texts and many labels: work and memory are bounded. Times: benchmarks/wide_long.py."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import syngain
from syngain.audit.measures import crossfit
from syngain.audit.measures.labels import confidence, judge
from syngain.audit.measures.marginals import Marginals, _Coded, distance
from syngain.core.errors import InputError
from syngain.core.rng import Streams
from syngain.data import read
from syngain.data.dataset import Dataset
from syngain.data.encoders.vectors import PIECE, SEEN, HashedNgrams, TableEncoder, excerpt
from syngain.data.files.delimited import DelimitedCodec
from syngain.gain.design.layout import GainLayout
from syngain.learners.linear import Discriminant
from syngain.learners.logistic import Logistic


def test_embeddings_of_wide_tables_have_a_bounded_length_and_keep_distances() -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=60).tolist() for i in range(2_500)}
    columns |= {f"k{i}": [f"v{x}" for x in rng.integers(9, size=60)] for i in range(300)}
    found = TableEncoder().fit(columns)(columns)
    exact = TableEncoder(most=10**6).fit(columns)(columns)
    assert found.shape == (60, 512)
    assert exact.shape[1] > 5_000
    ours, theirs = (((X[:30] - X[30:]) ** 2).sum(axis=1) for X in (found, exact))
    assert ours == pytest.approx(theirs, rel=0.35)
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.05)
    assert np.array_equal(found, TableEncoder().fit(columns)(columns))


def test_a_wide_table_is_encoded_one_column_at_a_time() -> None:
    """A matrix of all 90,000 coordinates would have 2 GB."""
    rng = np.random.default_rng(0)
    columns = {f"k{i}": [f"v{x}" for x in rng.integers(40, size=3_000)] for i in range(50)}
    encoder = TableEncoder(most=64, hashed=64)
    assert encoder.fit(columns)(columns).shape == (3_000, 64)


@given(st.text(min_size=1, max_size=30), st.integers(1, 20_000))
def test_excerpts_are_bounded_and_short_texts_are_whole(piece: str, times: int) -> None:
    text = piece * times
    found = excerpt(text)
    assert found == text if len(text) <= SEEN else len(found) <= SEEN + SEEN // PIECE
    assert excerpt(text[:SEEN]) == text[:SEEN]


def test_the_ngrams_of_a_long_cell_are_bounded() -> None:
    text = " ".join(f"w{i}" for i in range(400_000))
    counts = HashedNgrams().counts(["short text", text])
    assert counts[1].sum() < 6 * SEEN
    assert excerpt(text)[-20:] == text[-20:]


@given(st.integers(0, 10**6), st.integers(2, 40))
def test_all_columns_at_once_have_the_distances_of_each(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    columns = [
        rng.integers(0, 6, rows).astype(float) if rng.random() < 0.6 else -1.0 - rng.integers(0, 4, rows)
        for _ in range(6)
    ]
    real, some = rng.random(rows) < 0.5, np.flatnonzero(rng.random(rows) < 0.7)
    coded = _Coded.of(columns)
    assert coded.distances(real).tolist() == [distance(column, real) for column in columns]
    if some.size:
        wanted = [distance(column[some], real[some]) for column in columns]
        assert coded.distances(real, some).tolist() == wanted


def test_columns_are_sorted_once_for_all_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(size=40).tolist() for i in range(200)}
    sorted_cells, plain = [], np.argsort

    def counted(values, *given, **named):
        sorted_cells.append(np.size(values))
        return plain(values, *given, **named)

    monkeypatch.setattr(np, "argsort", counted)
    Marginals()(columns, np.arange(40) < 20, np.arange(40), rng)
    assert sum(sorted_cells) <= 2 * 200 * 40


def test_a_row_is_parsed_a_few_times_however_many_columns_it_has(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, parsed, plain = tmp_path / "wide.csv", [], DelimitedCodec.record
    names = [f"c{i}" for i in range(400)]
    path.write_text("\n".join([",".join(names), *(",".join([str(i)] * 400) for i in range(30))]))
    monkeypatch.setattr(DelimitedCodec, "record", lambda self, raw: parsed.append(1) or plain(self, raw))
    assert len(read(path).columns) == 400
    assert len(parsed) < 100


def test_labels_are_judged_by_the_classes_seen_not_by_all() -> None:
    """A table of 2,000 rows by ten million classes would have 160 GB."""
    rng = np.random.default_rng(1)
    X, seen = rng.normal(size=(2_000, 4)), rng.integers(3, size=2_000)
    model = Discriminant().fit(X, seen, 3)
    many = type(model)(model.weights, model.bias, np.array([5, 70, 9_000_000]), 10_000_000)
    label = many.present[seen]
    label[:10] = 6  # no model has seen it
    own, first = judge([many], X, label, np.zeros(2_000, dtype=np.int64))
    wanted = model.log_probabilities(X)
    assert np.array_equal(own[10:], wanted[np.arange(2_000), seen][10:])
    assert np.array_equal(first[10:], wanted.argmax(axis=1)[10:] == seen[10:])
    assert (own[:10] == -700).all()
    assert not first[:10].any()
    assert np.array_equal(confidence([many], X, np.zeros(2_000, dtype=np.int64)), wanted.max(axis=1))


def test_pairs_of_classes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    label, asked = np.arange(600) % 500, []
    swaps = crossfit.Swaps(
        X=rng.normal(size=(600, 3)),
        label=label,
        fold=np.arange(600) // 120,
        kin=np.arange(600),
        rival=(label + 1) % 500,
        shrinkage=0.1,
    )
    plain = crossfit.Swaps._pairs
    monkeypatch.setattr(crossfit.Swaps, "_pairs", lambda *given: asked.append(1) or plain(*given))
    swaps.variances(np.full(600, 1 / 600), [np.ones(600)])
    assert len(asked) == crossfit.MOST_CLASSES * (crossfit.MOST_CLASSES + 1) // 2


def test_labels_that_are_no_classes_are_refused_by_name() -> None:
    rows = [{"text": f"some text number {i} of many", "label": f"c{i}"} for i in range(2_100)]
    real, synthetic = Dataset.from_rows(rows, "real"), Dataset.from_rows(rows[::-1], "synthetic")
    with pytest.raises(InputError, match="2,100 different labels") as refused:
        syngain.gain(real, synthetic)
    assert "2,000 classes" in refused.value.expected
    assert "--label none" in refused.value.todo


@pytest.mark.parametrize(("columns", "linear"), [(300, False), (301, True)])
def test_the_proxy_of_tables_too_wide_for_trees_is_linear(columns: int, linear: bool) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, columns)).round(3)
    rows = [{**{f"c{i}": x for i, x in enumerate(row)}, "label": "ab"[row[0] > 0]} for row in X.tolist()]
    real = Dataset.from_rows(rows, "real")
    layout = GainLayout.of(real, Dataset.from_rows(rows[::-1], "synthetic", like=real))
    assert layout.linear == linear
    assert isinstance(layout.task(Streams(0)).learner, Logistic) == linear


@pytest.mark.parametrize(("classes", "linear"), [(5, False), (6, True)])
def test_the_proxy_of_tables_with_too_many_classes_for_trees_is_linear(classes: int, linear: bool) -> None:
    rows = [{"x": row * 0.37 % 1, "y": row * 0.11 % 1, "label": f"c{row % classes}"} for row in range(60)]
    real = Dataset.from_rows(rows, "real")
    layout = GainLayout.of(real, Dataset.from_rows(rows[::-1], "synthetic", like=real))
    assert layout.linear == linear
    assert isinstance(layout.task(Streams(0)).learner, Logistic) == linear
