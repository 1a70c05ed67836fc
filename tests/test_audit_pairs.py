"""Relations of columns: their strength in worlds of known correlation, single pairs, null rows, and a real table."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer

import syngain
from syngain.audit.tables.pairs import pair_relations
from syngain.audit.tables.typed_frame import TypedStudy
from syngain.cli.app import main
from syngain.tables.typed import typed_tables


def relations(real, synthetic, units=None):
    tables = typed_tables(real, synthetic)
    units = units or tuple(np.arange(table.size) for table in tables)
    return pair_relations(TypedStudy(*tables, None), frozenset(), units, np.random.default_rng(0))


def columns(X):
    return {f"c{place}": values.tolist() for place, values in enumerate(np.round(X, 4).T)}


def normal(correlation, count, rng, width=4):
    shared = rng.normal(size=(count, 1))
    return columns(np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * rng.normal(size=(count, width)))


def mixed_up(table, rate, rng):
    """A fraction of the rows whose cells come from rows of their own."""
    size = len(table["c0"])
    bad = rng.random(size) < rate
    return {name: np.where(bad, rng.permutation(cells), cells).tolist() for name, cells in table.items()}


def test_strength_is_the_ratio_of_correlations():
    """Equal correlations of every pair: strength .3 / .6, in at least 85 of 100 worlds within its 90% interval."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(100):
        item = relations(normal(0.6, 300, rng), normal(0.3, 300, rng)).estimates["relations.strength"]
        low, high = item.interval(0.9)
        held += low <= 0.5 <= high
    assert 85 <= held <= 97


def test_no_change_is_rarely_named_and_p_is_uniform_enough():
    rng = np.random.default_rng(1)
    found = [relations(normal(0.5, 200, rng), normal(0.5, 200, rng)).estimates for _ in range(100)]
    assert sum(one["relations.strength"].p < 0.05 for one in found) <= 11
    assert sum(min(item.adjusted_p for item in one.values()) < 0.01 for one in found) <= 4


def test_cells_of_different_rows_are_found():
    rng = np.random.default_rng(2)
    real = normal(0.7, 400, rng)
    item = relations(real, mixed_up(normal(0.7, 400, rng), 0.3, rng)).estimates["relations.strength"]
    assert item.adjusted_p < 0.01
    assert item.value == pytest.approx(0.7, abs=0.12)


def test_one_pair_that_turned_around_is_named():
    rng = np.random.default_rng(3)
    real, synthetic = normal(0.6, 400, rng, 6), normal(0.6, 400, rng, 6)
    synthetic["c2"] = [-value for value in synthetic["c2"]]
    found = relations(real, synthetic)
    assert {name for pair in found.found for name in pair.columns} >= {"c2"}
    assert all("c2" in pair.columns for pair in found.found)


def test_words_count_by_their_values_and_missing_cells_at_the_mean():
    rng = np.random.default_rng(4)
    kind = rng.choice(["a", "b", "c"], 900)
    height = np.where(kind == "a", 2.0, 0.0) + rng.normal(size=900)
    real = {"kind": kind[:400].tolist(), "height": height[:400].tolist()}
    height[rng.random(900) < 0.1] = np.nan
    lost = [None if np.isnan(value) else float(value) for value in height[400:]]
    found = relations(real, {"kind": rng.permutation(kind[400:]).tolist(), "height": lost})
    assert found.pairs[0].columns in {("kind=a", "height"), ("height", "kind=a")}
    assert found.estimates["relations.strength"].interval(0.95)[1] < 0.5


def test_exact_formulas_of_both_sides_are_no_change():
    """A correlation of 1 on both sides, broken in one of 300 rows: a single row is no evidence."""
    rng = np.random.default_rng(5)
    a = rng.gamma(2, 40, 600)
    b = a * 0.19
    b[500] = 1.0
    found = relations(columns(np.c_[a, b][:300]), columns(np.c_[a, b][300:]))
    assert not found.found


def test_repeated_rows_count_once():
    rng = np.random.default_rng(6)
    real, few = normal(0.5, 300, rng), normal(0.5, 30, rng)
    many = {name: cells * 10 for name, cells in few.items()}
    units = (np.arange(300), np.tile(np.arange(30), 10))
    wide, narrow = (relations(real, many, one).estimates["relations.strength"] for one in (units, None))
    assert np.diff(wide.interval(0.95)) > 2 * np.diff(narrow.interval(0.95))


@given(st.integers(0, 2**32 - 1), st.integers(60, 120), st.integers(2, 6))
@settings(max_examples=40, deadline=None)
def test_order_units_and_scales_change_nothing(seed, count, width):
    """Rows and columns in another order, monotone scales: the same strength; correlations within -1 and 1."""
    rng = np.random.default_rng(seed)
    real, synthetic = normal(0.5, count, rng, width), normal(0.4, count, rng, width)
    base = relations(real, synthetic)
    rows = rng.permutation(count)
    other = {name: [float(np.exp(synthetic[name][row])) for row in rows] for name in reversed(list(synthetic))}
    scaled = {name: [float(np.exp(value)) for value in real[name]] for name in reversed(list(real))}
    again = relations(scaled, other)
    assert (base is None) == (again is None)
    if base is not None:
        values = [one.estimates["relations.strength"].value for one in (base, again)]
        assert values[0] == pytest.approx(values[1], rel=1e-9)
        assert all(abs(pair.real) <= 1 + 1e-9 and abs(pair.synthetic) <= 1 + 1e-9 for pair in base.pairs)


@pytest.mark.parametrize("count", [3, 59])
def test_few_rows_are_not_judged(count):
    rng = np.random.default_rng(7)
    assert relations(normal(0.5, count, rng), normal(0.5, 200, rng)) is None


def test_constant_columns_are_not_judged():
    assert relations({"a": [1] * 100, "b": [2] * 100}, {"a": [1] * 100, "b": [2] * 100}) is None


def test_columns_shuffled_by_themselves_condemn_a_table(tmp_path, monkeypatch, capsys):
    """Breast cancer, real rows against rows whose columns were shuffled: high, all rows; the command and its files."""
    data = load_breast_cancer()
    names = [*data.feature_names.tolist(), "target"]
    columns = [*data.data.T, data.target]
    order = np.random.default_rng(8).permutation(data.target.size)
    real, clean = ([column[part] for column in columns] for part in (order[:280], order[280:]))
    shuffled = [np.random.default_rng(len(name)).permutation(column) for name, column in zip(names, clean, strict=True)]
    for title, cells in (("real", real), ("synthetic", shuffled), ("clean", clean)):
        with (tmp_path / f"{title}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([names, *zip(*(column.tolist() for column in cells), strict=True)])
    files = [str(tmp_path / name) for name in ("real.csv", "synthetic.csv")]
    arguments = ["syngain", "audit", *files, "--no-gain", "-q", "--label", "target", "-o", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    (finding,) = [item for item in report["findings"] if item["id"] == "changed_relations"]
    assert (finding["severity"], finding["rows"]) == ("high", len(order) - 280)
    assert "not related" in report["verdict"]["sentence"]
    pairs = [json.loads(line) for line in (tmp_path / "out" / "pairs.jsonl").read_text().splitlines()]
    assert pairs[0]["adjusted_p"] < 0.01
    capsys.readouterr()
    kept = syngain.audit(syngain.read(files[0]), syngain.read(tmp_path / "clean.csv"), gain=False)
    assert not [item for item in kept.findings if item.id == "changed_relations"]
