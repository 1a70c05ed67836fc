"""Stress tests of tables: a known regime is found and confirmed, noise is not; rows of the tails keep the rules."""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets

import syngain
from syngain.cli import main
from syngain.data import write_records
from syngain.settings import StressSettings
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.table import TableModel
from syngain.tables.rules.learned import learn_rules
from syngain.tables.stress.draws import FITTED, TREES, draw_tails
from syngain.tables.stress.gains import SplitScores
from syngain.tables.stress.regimes import Condition, Regime, find_regimes
from syngain.tables.typed import typed_tables

DATA = Path(os.environ.get("SYNGAIN_DATA", Path(__file__).parents[2] / "shared" / "data"))


def world(count, seed, noise=0.5):
    """Rows whose label is noise where ``age`` > 60 and ``hours`` <= 20, and nearly clean elsewhere."""
    rng = np.random.default_rng(seed)
    age, hours, kind = rng.integers(18, 90, count), rng.integers(0, 60, count), rng.integers(0, 4, count)
    score = np.round(rng.normal(size=count), 2)
    label = (score + 0.6 * (kind == 1) + 0.02 * (hours - 30) > 0).astype(int)
    flip = rng.random(count) < np.where((age > 60) & (hours <= 20), noise, 0.03)
    return [
        {"age": int(a), "hours": int(h), "kind": "abcd"[k], "score": float(v), "label": ["no", "yes"][int(t) ^ int(f)]}
        for a, h, k, v, t, f in zip(age, hours, kind, score, label, flip, strict=True)
    ]


def table(count, seed):
    rows = world(count, seed)
    return typed_tables({name: [row[name] for row in rows] for name in ("age", "hours", "kind", "score")})[0]


def bounds(regime):
    """The conditions of a regime: by column and sign."""
    return {(one.column, one.sign): one.value for one in regime.conditions}


def test_the_regime_of_noisy_labels_is_the_first_rule_and_is_confirmed():
    hits = 0
    for seed in range(20):
        real = table(2000, seed)
        age, hours = (real.columns[name].numbers for name in ("age", "hours"))
        rng = np.random.default_rng(seed)
        wrong = rng.random(2000) < np.where((age > 60) & (hours <= 20), 0.4, 0.08)
        first = find_regimes(real, wrong, rng.random(2000) < 0.5)[0]
        cuts = bounds(first)
        near = abs(cuts.get(("age", ">"), 0) - 60) <= 6 and abs(cuts.get(("hours", "<="), 99) - 20) <= 5
        hits += near and first.confirmed
    assert hits >= 18


def test_where_errors_have_no_regime_none_is_confirmed():
    confirmed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        found = find_regimes(table(600, seed), rng.random(600) < 0.15, rng.random(600) < 0.5)
        confirmed += any(one.confirmed for one in found)
    assert confirmed <= 7  # 5% expected


def test_an_interval_of_a_regime_covers_the_true_rate():
    inside = 0
    for seed in range(60):
        real = table(800, seed)
        rng = np.random.default_rng(seed)
        there = real.columns["age"].numbers > 60
        wrong = rng.random(800) < np.where(there, 0.4, 0.1)
        first = find_regimes(real, wrong, rng.random(800) < 0.5, conditions=1)[0]
        rows = first.holds(real)
        truth = float(np.where(there, 0.4, 0.1)[rows].mean())
        low, high = first.interval(0.95)
        inside += low <= truth <= high
    assert inside >= 54  # 95% of 60 are 57


@settings(max_examples=40, deadline=None)
@given(st.floats(18, 90), st.floats(0, 60), st.sampled_from("abcd"))
def test_a_rule_holds_where_all_its_conditions_do(age, hours, kind):
    real = table(200, 3)
    code = list(real.columns["kind"].values).index(kind)
    rule = Regime(
        (Condition("age", ">", age, ""), Condition("hours", "<=", hours, ""), Condition("kind", "is", code, "")), (0, 0)
    )
    columns = real.columns
    expected = [
        a > age and h <= hours and columns["kind"].values[c] == kind
        for a, h, c in zip(columns["age"].numbers, columns["hours"].numbers, columns["kind"].codes, strict=True)
    ]
    assert rule.holds(real).tolist() == expected


def test_rows_of_the_tails_are_unlikely_and_break_no_rule():
    rows = world(600, 1)
    cells = {name: [row[name] for row in rows] for name in ("age", "hours", "kind", "score")}
    draws = draw_tails(cells, 80, tail=0.05, seed=4)
    assert draws.tails.rows == draws.typical.rows == 80
    model = TableModel.fit(cells, settings=CellSettings(trees=TREES), seed=4)
    assert len(rows) <= FITTED
    assert np.allclose(model.score(draws.tails.cells).sum(axis=1), draws.tails.logprob)
    assert (draws.tails.logprob <= draws.threshold).all()
    assert (draws.tails.rank < 0.05).all()
    assert draws.typical.logprob.mean() > draws.tails.logprob.mean() + 1
    real, drawn = typed_tables(cells, draws.tails.cells)
    ranges = [one.rule for one in learn_rules(real, np.random.default_rng(0)).rules if one.rule.kind == "range"]
    assert ranges
    assert not any(rule.check(drawn)[1].any() for rule in ranges)


def test_a_difference_of_splits_is_not_clipped_and_wider_than_of_independent_ones():
    scores = SplitScores(
        np.array([0.8, 0.82, 0.78]), np.array([0.7, 0.71, 0.69]), np.array([0.8, 0.82, 0.78]), 200, 100, 50
    )
    value, intervals = scores.difference(scores.tails, scores.real)
    assert value == pytest.approx(-0.1)
    low, high = intervals[0.9]
    half = 2.92 * np.std([-0.1, -0.11, -0.09], ddof=1) * np.sqrt(1 / 3 + 0.5)
    assert (low, high) == (pytest.approx(-0.1 - half, abs=1e-3), pytest.approx(-0.1 + half, abs=1e-3))
    assert scores.difference(scores.typical, scores.real)[0] == 0


@pytest.fixture(scope="module")
def found():
    rows = world(900, 0)
    return rows, syngain.stress(
        syngain.Dataset.from_rows(rows, "real"), "label", settings=StressSettings(rows=60, splits=2)
    )


def test_a_stress_test_names_the_regime_and_measures_the_change(found):
    rows, result = found
    first = result.estimates["stress.regime@1"]
    assert "`age` >" in first.marks[0]
    assert "`hours` <=" in first.marks[0]
    assert first.value > 2 * first.references["elsewhere"]
    (finding, *_) = result.findings
    assert finding.id == "weak_regime"
    assert first.marks[0] in finding.message
    assert first.marks[0] in result.verdict.sentence
    assert {"stress.error", "stress.agreement", "stress.macro_f1", "stress.gain", "stress.typical_gain"} <= set(
        result.estimates
    )
    assert result.estimates["stress.gain"].intervals
    drawn, origins = result.files["rows.csv"].records, result.files["origins.csv"].records
    assert len(drawn) == len(origins) == 60
    assert list(drawn[0]) == list(rows[0])
    assert {row["label"] for row in drawn} <= {"yes", "no"}
    assert all(18 <= row["age"] <= 89 for row in drawn)
    assert all(0 <= one["rank"] < 0.05 for one in origins)
    assert result.as_json()["looked_for"] == ["weak_regime"]


def test_the_same_seed_gives_the_same_bytes(found):
    rows, result = found
    again = syngain.stress(syngain.Dataset.from_rows(rows, "real"), "label", settings=StressSettings(rows=60, splits=2))
    assert again.to_json() == result.to_json()
    assert list(again.files["rows.csv"].records) == list(result.files["rows.csv"].records)


def test_the_command_writes_rows_report_and_regimes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"r{place:04d}", **row} for place, row in enumerate(world(400, 5))]
    write_records(tmp_path / "real.csv", rows)
    (tmp_path / "c.yaml").write_text("label: label\nrows: 20\nsplits: 1\n", encoding="utf-8")
    command = ["syngain", "stress", "real.csv", "-c", "c.yaml", "-o", "out"]
    for more, code in (([], 0), ([], 2), (["--resume"], 0), (["--force", "--rows", "10"], 0)):
        monkeypatch.setattr(sys, "argv", [*command, *more])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code == code, capsys.readouterr().err
    out = tmp_path / "out"
    names = {"report.json", "report.html", "rows.csv", "origins.csv", "regimes.jsonl", "provenance.json"}
    assert names <= {path.name for path in out.iterdir()}
    with (out / "rows.csv").open(encoding="utf-8") as file:
        drawn = list(csv.DictReader(file))
    assert len(drawn) == 10
    assert list(drawn[0]) == list(rows[0])
    assert not {row["id"] for row in drawn} & {row["id"] for row in rows}  # keys are new
    regimes = [json.loads(line) for line in (out / "regimes.jsonl").read_text(encoding="utf-8").splitlines()]
    assert regimes
    assert all({"rule", "checked_rows", "checked_errors", "low95", "confirmed"} <= set(one) for one in regimes)
    assert "Stress test" in (out / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("label", "rows", "said"),
    [
        (None, world(200, 0), "no label"),
        ("labels", world(200, 0), "there is no column labels"),
        ("score", world(200, 0), "holds no classes"),
        ("label", world(60, 0), "60 real rows"),
        ("label", [{**row, "label": "yes"} for row in world(200, 0)], "holds 1 classes"),
        ("label", [{"label": row["label"]} for row in world(200, 0)], "no column to predict from"),
    ],
)
def test_wrong_labels_and_few_rows_are_errors_of_three_parts(label, rows, said):
    from syngain.tables.cells.source import TableSource

    with pytest.raises(syngain.SyngainError) as caught:
        syngain.stress(TableSource.from_rows(rows), label)
    assert said in caught.value.came
    assert caught.value.expected
    assert caught.value.todo


def test_a_real_table_from_end_to_end():
    data = datasets.load_breast_cancer()
    names = [str(name).replace(" ", "_") for name in data.feature_names[:8]]
    rows = [
        {**dict(zip(names, map(float, line), strict=False)), "kind": "mb"[int(kind)]}
        for line, kind in zip(data.data[:, :8], data.target, strict=True)
    ]
    result = syngain.stress(
        syngain.Dataset.from_rows(rows, "cancer"), "kind", settings=StressSettings(rows=40, splits=2)
    )
    assert 0.02 < result.estimates["stress.error"].value < 0.15
    assert result.estimates["stress.macro_f1"].value > 0.85
    assert len(result.files["rows.csv"].records) == 40
    for one in result.files["regimes.jsonl"].records:
        assert one["checked_rows"] + one["elsewhere_rows"] <= len(rows)
        assert one["low95"] <= one["error"] <= one["high95"]


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "tables" / "adult.csv.gz").exists(), reason="needs SYNGAIN_DATA with tables/adult.csv.gz"
)
def test_adult_has_a_confirmed_regime():
    result = syngain.stress(DATA / "tables" / "adult.csv.gz", "income", settings=StressSettings(rows=100, splits=0))
    assert "real rows used, chosen at random" in " ".join(result.warnings)
    assert result.estimates["stress.regime@1"].adjusted_p < 1e-6
