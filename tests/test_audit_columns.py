"""Single columns of a table: distances equal known ones, expected ranges hold, trees name the columns that separate."""

import numpy as np
import pytest
from scipy import stats

import syngain
from syngain.audit.measures.two_sample import Pooled
from syngain.audit.tables.columns import column_reports
from syngain.audit.tables.trees import TreeTwoSample
from syngain.tables.typed import typed_tables


def reports(real, synthetic):
    tables = typed_tables(real, synthetic)
    return {one.name: one for one in column_reports(*tables, np.random.default_rng(0))}


def test_distances_are_those_of_scipy_and_the_expected_range_holds():
    hits = {"x": 0, "word": 0}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sides = [
            {"x": list(rng.normal(size=size)), "word": [f"w{v}" for v in rng.integers(0, 6, size)]}
            for size in (150, 250)
        ]
        found = reports(*sides)
        expected = stats.ks_2samp(*(side["x"] for side in sides)).statistic
        assert found["x"].distance == pytest.approx(expected)
        for name in hits:
            hits[name] += found[name].distance > found[name].expected
    assert all(count <= 9 for count in hits.values()), hits  # 5% of 60


def test_bounds_values_and_missing_cells_are_counted():
    real = {"x": [0.0, 1.0, 2.0, 3.0, 4.0] * 10, "word": ["a", "b", "c", "d", ""] * 10}
    synthetic = {"x": [1.0, 3.0, 9.0, 2.0, float("nan")] * 10, "word": ["a", "z", "a", "b", "a"] * 10}
    found = reports(real, synthetic)
    assert found["x"].within == pytest.approx(0.75)
    assert found["x"].covered == pytest.approx(0.75)
    assert found["x"].synthetic_missing == pytest.approx(0.2)
    assert found["word"].within == pytest.approx(0.8)
    assert found["word"].covered == pytest.approx(0.5)
    assert found["word"].real_missing == pytest.approx(0.2)


def pooled(count):
    real = np.arange(2 * count) < count
    rows = np.arange(2 * count)
    return Pooled(np.random.default_rng(0).normal(size=(2 * count, 2)), real, rows, rows)


def relation(count, seed, *, broken):
    """The sign of a third column is the product of the signs of two others; independent where broken."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 2 * count))
    follows = np.arange(2 * count) < (count if broken else 2 * count)
    x[2] = np.where(follows, np.abs(x[2]) * np.sign(x[0] * x[1]), x[2])
    return {"a": list(x[0]), "b": list(x[1]), "c": list(x[2]), "noise": list(rng.normal(size=2 * count))}


def test_trees_see_a_relation_of_three_columns_and_name_them():
    (table,) = typed_tables(relation(500, 1, broken=True))
    tv = TreeTwoSample(table)(pooled(500), np.random.default_rng(0))["divergence.tv_lower"]
    assert tv.p is not None
    assert tv.p < 1e-6
    assert tv.value > 0.25
    assert {name.removeprefix("column ") for name in tv.references} >= {"a", "b", "c"}
    assert max(tv.references, key=lambda name: tv.references[name]) != "column noise"


def test_trees_find_nothing_where_both_sides_have_one_law():
    p = []
    for seed in range(12):
        (table,) = typed_tables(relation(200, seed, broken=False))
        p.append(TreeTwoSample(table)(pooled(200), np.random.default_rng(seed))["divergence.tv_lower"].p)
    assert sum(one < 0.05 for one in p) <= 2


def test_pictures_are_of_the_columns_that_differ_most():
    rng = np.random.default_rng(2)
    make = lambda shift: [  # noqa: E731
        {"day": str(np.datetime64("2025-01-01") + int(d)), "x": round(float(v), 3), "shop": f"s{s}"}
        for d, v, s in zip(rng.integers(0, 90, 120), rng.normal(shift, 1, 120), rng.integers(0, 15, 120), strict=True)
    ]
    own = syngain.Dataset.from_rows(make(0), "real")
    other = syngain.Dataset.from_rows(make(1), "synthetic", like=own)
    found = syngain.audit(own, other, gain=False)
    titles = [item.title for item in found.views.distributions]
    assert titles[0] == "Column x"
    assert set(titles) == {"Column x", "Column day", "Column shop"}
    for item in found.views.distributions:
        assert sum(item.real) == pytest.approx(1, abs=1e-3)
        assert sum(item.synthetic) == pytest.approx(1, abs=1e-3)
    shift = next(item for item in found.findings if item.id == "distribution_shift")
    assert "`x`" in shift.message + shift.where
    assert found.files["columns.jsonl"].records[0]["column"] == "x"
