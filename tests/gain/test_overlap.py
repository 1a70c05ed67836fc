"""Rows that stand on two sides are left out and said."""

import json
import sys

import pytest

import syngain
from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.data.dataset import Dataset
from syngain.gain.design.cross_validation import Design
from syngain.gain.design.overlap import apart
from syngain.workflows.evaluate.gain import GainSettings

SMALL = Design(folds=5, shares=(0.6, 1.0), amounts=2, controls=False, balanced=False, pairs=False)
FAST = GainSettings(quick=True, design=SMALL)


def of(items, name):
    return Dataset.from_rows(items, name)


@pytest.fixture(scope="module")
def sets():
    real, made = rows(60, 1), rows(90, 2)
    return real, made, rows(40, 3), rows(30, 4)


def test_each_shared_row_is_left_out_once_and_counted(sets):
    real, made, test, pool = sets
    shouted = [dict(row) | {"text": row["text"].upper() + " "} for row in test[:6]]
    tested, pooled = [*test, *real[:3]], [*pool, *test[:2], *real[:1]]
    found = apart(of(real, "real"), of([*made, *shouted], "made"), of(tested, "test"), of(pooled, "pool"))
    assert len(found.test) == 34
    assert found.leaked == tuple(range(6))
    assert found.copies == tuple(range(90, 96))
    assert len(found.pool) == 30
    assert any("6 of 43 rows of test" in said and "synthetic" in said for said in found.said)
    assert any("3 of 43 rows of test" in said and "real rows" in said for said in found.said)
    (finding,) = found.finding(of([*test, *real[:3]], "test"), of([*made, *shouted], "made"))
    assert finding.severity == "high"
    assert finding.rows == 6


def test_sets_that_share_nothing_stay_as_they_are(sets):
    real, made, test, pool = (of(item, name) for item, name in zip(sets, "abcd", strict=True))
    found = apart(real, made, test, pool)
    assert found.test is test
    assert found.pool is pool
    assert found.said == found.leaked == ()
    assert found.finding(test, made) == ()


def test_a_test_of_anchors_and_a_pool_of_tests_are_refused(sets):
    real, made, test, _ = sets
    with pytest.raises(InputError, match="60 of 60 rows of test also appear in another file"):
        apart(of(real, "real"), of(made, "made"), of(real, "test"), None)
    with pytest.raises(InputError, match="40 of 40 rows of pool"):
        apart(of(real, "real"), of(made, "made"), of(test, "test"), of(test, "pool"))


def test_leaked_test_rows_no_longer_raise_the_gain(sets):
    real, made, test, _ = sets
    clean = syngain.gain(of(real, "real"), of(made, "made"), test=of(test[10:], "test"), settings=FAST)
    leaky = syngain.gain(of(real, "real"), of([*made, *test[:10]], "made"), test=of(test, "test"), settings=FAST)
    assert leaky.estimates["gain.log_loss.test"].n == clean.estimates["gain.log_loss.test"].n == 30
    assert leaky.findings[0].id == "contamination"
    assert dict(leaky.views.computed)["Overlap"].startswith("Excluded: 10 of 40 rows of test")
    assert leaky.inputs["test"].rows == 40


def test_select_and_compare_leave_them_out_too(sets):
    from syngain.learners.logistic import Logistic
    from syngain.selection.matched_sets import Contest
    from syngain.selection.nested_choice import SelectionTrial
    from syngain.workflows.evaluate.compare import CompareSettings
    from syngain.workflows.evaluate.select import SelectSettings

    real, made, test, _ = sets
    leaky = of([*made, *test[:10]], "leaky")
    settings = SelectSettings(learner=Logistic(penalties=(1.0,)), trial=SelectionTrial(folds=3, randoms=2))
    found = syngain.select(of(real, "real"), leaky, method="random", test=of(test, "test"), settings=settings).result
    assert found.findings[0].id == "contamination"
    assert found.estimates["gain.log_loss@kept_test"].n == 30
    quick = CompareSettings(measures=False, contest=Contest(folds=3, draws=2))
    ranked = syngain.compare(of(real, "real"), {"a": of(made, "a"), "b": leaky}, test=of(test, "test"), settings=quick)
    assert ranked.findings[0].id == "contamination"


def test_equal_rows_of_tables_come_by_chance():
    table = of([{"x": k % 3, "y": k % 2, "label": "ab"[k % 2]} for k in range(40)], "table")
    assert apart(table, table, table, table).said == ()


def test_a_prior_must_name_the_classes(sets):
    real, made, *_ = (of(item, "rows") for item in sets)
    names = sorted(set(real.labels))
    with pytest.raises(UsageError, match="names nobody"):
        syngain.gain(real, made, settings=GainSettings(quick=True, prior={"nobody": 1.0}))
    with pytest.raises(UsageError, match="leaves out"):
        syngain.gain(real, made, settings=GainSettings(quick=True, prior={names[0]: 1.0}))


@pytest.mark.parametrize("least", [float("nan"), 0.0, -0.1, float("inf")])
def test_the_smallest_gain_is_a_number_above_0(least):
    with pytest.raises(UsageError, match="--min-gain"):
        GainSettings(min_gain=least)


def test_wrong_use_ends_before_the_work(sets, tmp_path, monkeypatch, capsys):
    files = [str(jsonl(tmp_path / f"{name}.jsonl", item)) for name, item in zip("ab", sets[:2], strict=True)]
    same = str(jsonl(tmp_path / "same.jsonl", [{**sets[0][0], "label": row["label"]} for row in sets[0]]))

    def run(*command):
        monkeypatch.setattr(sys, "argv", ["syngain", "gain", *map(str, command)])
        with pytest.raises(SystemExit) as stop:
            main()
        return stop.value.code, capsys.readouterr().err

    assert run(*files, "-o", "/proc/nowhere")[0] == 2
    code, said = run(*files, "-o", tmp_path / "x", "--min-gain", "nan")
    assert code == 2
    assert "above 0" in said
    code, said = run(same, files[1], "-o", tmp_path / "x")
    assert code == 2
    assert "near-duplicates of each other" in said
    assert not (tmp_path / "x").exists()


def test_labels_that_no_anchor_has_are_said(sets):
    real, made, *_ = sets
    strange = [dict(row) | ({"label": "maybe"} if k % 3 == 0 else {}) for k, row in enumerate(made)]
    result = syngain.gain(of(real, "real"), of(strange, "made"), settings=FAST)
    assert "No real row has the label maybe." in result.verdict.sentence
    assert [one.id for one in result.findings if one.rows == 30] == ["unknown_labels"]
    assert json.dumps(result.as_json())
