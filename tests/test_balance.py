"""Balance of classes: counts as asked, rows between neighbors, folds that never chose, worlds with a known best way."""

import csv
import json
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import datasets

import syngain
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.report.figures.variants import variants_svg
from syngain.settings import BalanceSettings
from syngain.tables.balance.balance import balance_table
from syngain.tables.balance.coded import RowDistance, TableCodes
from syngain.tables.balance.contest import contest
from syngain.tables.balance.copies import copies
from syngain.tables.balance.learners import fitted_log_probabilities, with_prior
from syngain.tables.balance.prior import MEASURED
from syngain.tables.balance.scores import RowDraws, Score, chosen, macro_f1, prior_weights
from syngain.tables.balance.variants import (
    CELLS,
    DUPLICATION,
    KERNEL,
    PLAIN,
    SMOTE,
    VARIANTS,
    ClassKernel,
    Smote,
    lacking,
    variants,
    weights_of,
)
from syngain.tables.cells.model import CellSettings
from syngain.tables.cells.source import TableSource
from syngain.tables.stress.task import ClassTask

LIGHT = CellSettings(orders=1, trees=0)
FEW = BalanceSettings(folds=3, repeats=1, cells=LIGHT)


def table(sizes, seed=0, shift=1.0):
    """Numbers with gaps, a category, a count; classes 0, 1, ... of these sizes."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    size = np.round(rng.normal(0, 1, y.size) + shift * y, 2)
    cells = {
        "size": [f"{v:.2f}" if u > 0.1 else "" for v, u in zip(size, rng.random(y.size), strict=True)],
        "weight": [f"{v:.3f}" for v in rng.normal(5, 2, y.size) + y],
        "kind": [str("abc"[k]) for k in rng.integers(0, 3, y.size)],
        "count": [str(v) for v in rng.poisson(3 + y)],
    }
    return TableCodes.of(cells), y


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(2, 14), min_size=2, max_size=4), st.integers(0, 99))
def test_every_way_makes_the_rows_that_each_class_lacks(sizes, seed):
    codes, y = table([*sizes, 20], seed)
    need = lacking(y, len(sizes) + 1)
    for name, maker in variants(LIGHT).items():
        made = maker.more(codes.rows, y, need, np.random.default_rng(seed))
        assert np.bincount(np.concatenate([y, made.y])).tolist() == [20] * (len(sizes) + 1), name
        if name != CELLS:
            assert (y[made.origin] == made.y).all()
    weight = weights_of(y, len(sizes) + 1)
    assert np.bincount(y, weight) == pytest.approx(20)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 12), st.integers(1, 5), st.integers(0, 99))
def test_rows_of_smote_lie_between_a_row_and_one_of_its_neighbors(rare, neighbors, seed):
    codes, y = table([30, rare], seed)
    made = Smote(neighbors).more(codes.rows, y, lacking(y, 2), np.random.default_rng(seed))
    rows, distance = codes.rows, RowDistance.of(codes.rows)
    own = np.flatnonzero(y == 1)
    for at, (origin, other) in enumerate(zip(made.origin, made.other, strict=True)):
        ends = rows.grid[[origin, other]]
        number = made.rows.word[at] < 0
        both = (rows.word[[origin, other]] < 0).all(axis=0)
        assert (made.rows.grid[at] >= ends.min(axis=0))[number & both].all()
        assert (made.rows.grid[at] <= ends.max(axis=0))[number & both].all()
        assert (made.rows.grid[at] == rows.grid[origin])[number & ~both].all()
        if rare > 1:
            apart = distance(rows.take(np.array([origin])), rows.take(own))[0]
            apart[own == origin] = np.inf
            limit = np.sort(apart)[min(neighbors, rare - 1) - 1]
            assert distance(rows.take(np.array([origin])), rows.take(np.array([other])))[0, 0] <= limit + 1e-9


def test_smote_of_categories_takes_that_of_most_neighbors():
    cells = {"kind": ["a"] * 3 + ["b"] + ["c"] * 8, "size": ["1", "1", "1", "1", *"23456789"]}
    codes, y = TableCodes.of(cells), np.array([1] * 4 + [0] * 8)
    made = Smote(3).more(codes.rows, y, lacking(y, 2), np.random.default_rng(0))
    assert set(codes.written(made.rows)["kind"]) == {"a"}


def test_noise_of_the_kernel_has_the_covariance_within_classes():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [4_000, 12])
    first = rng.normal(size=y.size)
    second = 0.8 * first + 0.6 * rng.normal(size=y.size)
    cells = {"a": [f"{v:.4f}" for v in 10 * first], "b": [f"{v:.4f}" for v in second]}
    codes = TableCodes.of(cells)
    made = ClassKernel().more(codes.rows, y, np.array([0, 4_000]), rng)
    noise = made.rows.numbers - codes.rows.numbers[made.origin]
    width = (4 / (4 * 12)) ** (1 / 6)
    expected = width**2 * np.array([[100, 8], [8, 1]])
    assert np.cov(noise.T) == pytest.approx(expected, rel=0.15)


def test_made_rows_are_written_as_the_file_has_them():
    codes, y = table([40, 9])
    for maker in variants(LIGHT).values():
        made = maker.more(codes.rows, y, lacking(y, 2), np.random.default_rng(1))
        cells = codes.written(made.rows)
        assert all(value == "" or len(value.partition(".")[2]) == 2 for value in cells["size"])
        assert set(cells["kind"]) <= set("abc")
        assert all(float(value).is_integer() for value in cells["count"])
        for real, drawn in zip(codes.rows.numbers.T, made.rows.numbers.T, strict=True):
            known, new = real[np.isfinite(real)], drawn[np.isfinite(drawn)]
            if new.size:
                assert known.min() - 1e-9 <= new.min() <= new.max() <= known.max() + 1e-9


def test_the_fold_that_is_reported_never_chose():
    codes, y = table([50, 12], 3)
    folds = np.arange(y.size) % 3
    draws = RowDraws.of(y, np.arange(y.size), np.ones(y.size), 3, np.random.default_rng(0))
    first = contest(codes.rows, y, folds, FEW, 5)
    changed = codes.rows.grid.copy()
    rng = np.random.default_rng(9)
    changed[folds == 0] = rng.permutation(changed[folds == 0]) + rng.integers(-300, 300, changed[folds == 0].shape)
    other = contest(codes.rows.__class__(*_fields(codes.rows), grid=changed), y, folds, FEW, 5)
    assert (first.predicted[:, :, folds == 0] != other.predicted[:, :, folds == 0]).any()
    assert (first.inner[1] != other.inner[1]).any()
    seen = folds != 0
    assert (first.inner[0][:, :, seen] == other.inner[0][:, :, seen]).all()
    assert first.choices(draws)[0] == other.choices(draws)[0]


def _fields(rows):
    return rows.names, rows.words, rows.units, rows.word


def test_nested_predictions_are_those_of_the_variant_chosen_for_the_fold():
    codes, y = table([40, 10], 1)
    folds = np.arange(y.size) % 3
    found = contest(codes.rows, y, folds, FEW, 0)
    nested = found.nested(np.array([2, 0, 5]))
    for k, variant in enumerate((2, 0, 5)):
        assert (nested[:, folds == k] == found.predicted[variant][:, folds == k]).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=40), st.integers(0, 9))
def test_macro_f1_is_that_of_scikit_learn(pairs, seed):
    from sklearn.metrics import f1_score

    y, predicted = np.array(pairs).T
    weight = np.random.default_rng(seed).uniform(0.1, 3, y.size)
    expected = f1_score(y, predicted, labels=np.unique(y), average="macro", sample_weight=weight, zero_division=0)
    assert macro_f1(y, predicted, weight) == pytest.approx(expected)


def test_weights_give_the_classes_their_fractions():
    y = np.repeat([0, 1, 2], [70, 20, 10])
    weight = prior_weights(y, np.array([0.2, 0.3, 0.5]))
    assert np.bincount(y, weight) / weight.sum() == pytest.approx([0.2, 0.3, 0.5])
    assert weight.mean() == pytest.approx(1)


def test_log_probabilities_get_the_class_fractions_of_the_real_rows_back():
    rng = np.random.default_rng(0)
    y = (rng.random(4_000) < 0.1).astype(int)
    X = rng.normal(size=(4_000, 1)) + 2.0 * y[:, None]
    even = fitted_log_probabilities("logistic", (X, y, weights_of(y, 2)), X, 2)
    real = np.bincount(y) / y.size
    moved = with_prior(even, np.array([0.5, 0.5]), real)
    plain = fitted_log_probabilities("logistic", (X, y, np.ones(y.size)), X, 2)
    assert np.exp(even).mean(axis=0)[1] > 0.2
    assert np.exp(moved).mean(axis=0) == pytest.approx(real, abs=0.01)
    assert np.exp(moved)[:, 1] == pytest.approx(np.exp(plain)[:, 1], abs=0.03)
    assert np.exp(moved).sum(axis=1) == pytest.approx(1, abs=1e-12)


def test_intervals_of_a_difference_cover_the_true_one():
    hits = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = np.repeat([0, 1], [300, 25])
        first = np.where(rng.random(y.size) < np.where(y == 1, 0.5, 0.04), 1 - y, y)
        second = np.where(rng.random(y.size) < np.where(y == 1, 0.3, 0.08), 1 - y, y)
        draws = RowDraws.of(y, np.arange(y.size), np.ones(y.size), 5, rng)
        found = draws.score([[second]]).minus(draws.score([[first]]))
        low, high = found.intervals[0.9]
        hits += low <= _truth(0.3, 0.08) - _truth(0.5, 0.04) <= high
    assert hits >= 172  # 90% of 200 are 180; the variance is widened for refits that this simulation has not


def _truth(miss, alarm, sizes=(300, 25)):
    """Expected macro-F1, to the first order: of the expected counts."""
    common, rare = sizes
    hit, false = rare * (1 - miss), common * alarm
    return (2 * hit / (rare + hit + false) + 2 * (common - false) / (common + common - false + rare - hit)) / 2


def test_sure_estimates_decide_alone_and_uncertain_ones_leave_it_to_other_tables():
    def score(value, spread):
        draws = np.random.default_rng(0).normal(value, spread, 400)
        return Score(np.array([value]), draws, 5, 20)

    def choice(changes, spread, shift):
        return VARIANTS[chosen([plain, *(score(0.8 + change, spread) for change in changes)], shift)]

    plain = Score(np.array([0.8]), np.full(400, 0.8), 5, 20)
    assert chosen([plain] * 6, 2.0) == 0  # nothing changes: nothing is done
    for at, name in enumerate(VARIANTS[1:]):
        changes = np.full(5, -0.01)
        changes[at] = 0.03
        assert choice(changes, 1e-4, 0.0) == choice(changes, 1e-4, 3.0) == name
    assert choice([-0.02] * 5, 1e-4, 2.0) == "plain"
    assert choice([0.0] * 5, 1.0, 2.5) == "kernel"  # nothing is known of this table: the best of the others
    assert choice([0.0] * 5, 1.0, 0.0) == "smote"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-0.1, 0.1), min_size=5, max_size=5), st.floats(0, 4))
def test_the_posterior_lies_at_the_estimates_without_error_and_at_the_prior_without_estimates(changes, shift):
    change = np.array(changes)
    np.testing.assert_allclose(MEASURED.posterior(change, np.zeros(5), shift), change, atol=1e-8)
    mean = np.array([1.0, min(shift, MEASURED.farthest)]) @ MEASURED.means
    np.testing.assert_allclose(MEASURED.posterior(change, np.full(5, 1e4), shift), mean, atol=1e-6)


def test_the_posterior_is_the_conditional_mean_of_simulated_changes():
    """Oracle: over draws of the prior and of errors, the posterior is unbiased and has the least squared error."""
    rng = np.random.default_rng(0)
    mean, error = np.array([1.0, 2.0]) @ MEASURED.means, np.array([0.03, 0.05, 0.04, 0.06, 0.05])
    true = rng.multivariate_normal(mean, MEASURED.covariance, 4000)
    noisy = true + rng.multivariate_normal(np.zeros(5), MEASURED.correlation * np.outer(error, error), 4000)
    found = np.array([MEASURED.posterior(row, error, 2.0) for row in noisy])
    assert np.abs((found - true).mean(axis=0)).max() < 0.004
    least = noisy - noisy.mean(axis=0)
    fitted = true.mean(axis=0) + least @ np.linalg.lstsq(least, true - true.mean(axis=0), rcond=None)[0]
    np.testing.assert_allclose(((found - true) ** 2).mean(), ((fitted - true) ** 2).mean(), rtol=0.03)


def test_the_shift_is_how_much_the_log_odds_of_the_rarest_class_rise():
    y, group = np.repeat([0, 1], [90, 10]), np.arange(100)
    for fraction in (0.1, 0.5):
        weight = prior_weights(y, np.array([1 - fraction, fraction]))
        draws = RowDraws.of(y, group, weight, 5, np.random.default_rng(0))
        assert draws.shift == pytest.approx(math.log(fraction / (1 - fraction)) - math.log(1 / 9))


def test_copies_are_all_of_duplication_and_no_row_of_the_kernel():
    codes, y = table([60, 20], 2)
    found = copies(codes.rows, y, np.arange(y.size), variants(LIGHT), Streams(0))
    assert found[DUPLICATION].seen.tolist() == [1.0] * 4
    assert found[DUPLICATION].nearer.tolist() == [1.0] * 4
    assert found[KERNEL].seen.max() < 0.1
    assert found[SMOTE].nearer.mean() > 0.75
    assert abs(found[CELLS].nearer.mean() - 0.5) < 0.15


def rows_of(cells, y):
    names = list(cells)
    return [{**{name: cells[name][row] for name in names}, "class": f"c{c}"} for row, c in enumerate(y.tolist())]


def task_of(cells, y):
    return ClassTask.of({**cells, "class": [f"c{c}" for c in y]}, "class", np.random.default_rng(0))


def separable(seed):
    """Classes far apart: every way is right."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [120, 10])
    return {f"x{at}": [f"{v:.2f}" for v in rng.normal(size=y.size) + 20 * y] for at in range(3)}, y


def bayes(seed, rare=12):
    """Ten columns of words, independent given the class: a cell model is right, a repeated row misleads."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], [150, rare])
    cells = {}
    for at in range(10):
        shares = np.where(y[:, None] == 1, [0.1, 0.15, 0.25, 0.5], [0.5, 0.25, 0.15, 0.1])
        code = (rng.random(y.size)[:, None] > shares.cumsum(axis=1)).sum(axis=1)
        cells[f"w{at}"] = ["abcd"[min(one, 3)] for one in code.tolist()]
    return cells, y


def test_where_nothing_helps_the_real_rows_are_kept():
    for seed in range(2):
        found = balance_table(task_of(*separable(seed)), FEW, seed=seed)
        assert found.choice == PLAIN
        assert found.made is None
        assert found.over_plain.value == 0


@pytest.fixture(scope="module")
def even():
    """Two classes that are equally frequent where the classifier is used."""
    quick = BalanceSettings(folds=3, repeats=1, cells=LIGHT, prior="even", learners=("boosted",))
    return [balance_table(task_of(*bayes(seed)), quick, seed=seed) for seed in range(3)]


def test_where_cells_are_the_true_law_new_rows_are_chosen_and_better_than_duplication(even):
    """With 12 rows the kernel, better on other tables, may stand before the cells."""
    assert all(one.choice in {KERNEL, CELLS} for one in even)
    assert np.mean([one.f1[CELLS].value - one.f1[DUPLICATION].value for one in even]) > 0.05
    assert np.mean([one.over_plain.value for one in even]) > 0.05


def cancer():
    """Eight malignant rows of scikit-learn's breast cancer among 120 benign ones."""
    data, rng = datasets.load_breast_cancer(), np.random.default_rng(0)
    parts = [rng.permutation(np.flatnonzero(data.target == c))[:size] for c, size in ((0, 8), (1, 120))]
    rows = np.concatenate(parts)
    cells = {f"x{at}": data.data[rows, at].tolist() for at in range(8)}
    return rows_of(cells, data.target[rows])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of the command on breast cancer, 8 against 120."""
    path = tmp_path_factory.mktemp("balance")
    records = cancer()
    with (path / "cancer.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(records)
    with pytest.MonkeyPatch.context() as patch:
        arguments = ["compare", str(path / "cancer.csv"), "--balance", "--label", "class", "--prior", "even"]
        patch.setattr(sys, "argv", ["syngain", *arguments, "--n-repeats", "1", "-o", str(path / "run"), "-q"])
        with pytest.raises(SystemExit) as stop:
            main()
    assert stop.value.code == 0
    return path / "run"


def test_the_command_compares_six_ways_and_writes_the_rows_of_one(folder):
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert list(report["sets"]) == list(VARIANTS)
    made = provenance["variant"]
    with (folder / "rows.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with (folder / "origins.csv").open(encoding="utf-8") as file:
        origins = list(csv.DictReader(file))
    added = provenance["classes"]["c0"]["added"]
    assert len(rows) == len(origins) == 128 + added
    assert added == (0 if made in {PLAIN, "class_weights"} else 112)
    assert sum(row["class"] == "c0" for row in rows) == 8 + added
    assert {one["made"] for one in origins} == ({"real", made} if added else {"real"})
    for name in ("balance.over_plain", "balance.over_duplication", "balance.macro_f1"):
        found = report["estimates"][name]
        low, high = found["intervals"]["0.90"]
        assert low <= found["value"] <= high
    shares = [one["estimates"]["balance.best"]["value"] for one in report["sets"].values()]
    assert sum(shares) == pytest.approx(1)
    copied = report["sets"][DUPLICATION]["estimates"]
    assert copied["balance.copies"]["value"] == copied["balance.nearer"]["value"] == 1
    assert {"balance.copies", "balance.nearer"} <= set(report["sets"][CELLS]["estimates"])
    significant = report["estimates"]["balance.over_plain"]["intervals"]["0.90"][0] > 0
    assert report["verdict"]["decision"] == ("use" if significant and made != PLAIN else "cannot_tell")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>Variants</h2>" in page
    assert "Macro-F1 on held-out real rows" in page


def test_the_picture_draws_every_way_and_marks_the_best():
    def content(value):
        estimate = {
            "value": value,
            "intervals": {"0.90": [value - 0.1, value + 0.05]},
            "references": {"boosted": value},
        }
        return {"estimates": {"balance.macro_f1": estimate}}

    svg = str(variants_svg({"plain": content(0.7), "cells": content(0.8), "a<b": content(0.75)}))
    assert svg.count("<circle") == 3
    assert svg.count("t-dot t-gain") == 1
    assert "a&lt;b" in svg
    assert variants_svg({"plain": content(0.7)}) == ""
    assert variants_svg({"a": {"estimates": {}}, "b": {}}) == ""


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"folds": 2}, "2 folds"),
        ({"repeats": 0}, "0 repeats"),
        ({"learners": ("forest",)}, "forest"),
        ({"learners": ()}, "none"),
        ({"prior": "odd"}, "odd"),
    ],
)
def test_wrong_settings_are_errors(wrong, words):
    with pytest.raises(UsageError, match=words):
        BalanceSettings(**wrong)


def test_what_cannot_be_balanced_is_an_error():
    cells, y = separable(0)
    equal = np.repeat([0, 1], 65)
    with pytest.raises(InputError, match="have 65 rows"):
        balance_table(task_of(cells, equal), FEW)
    with pytest.raises(UsageError, match="class fractions"):
        balance_table(task_of(cells, y), BalanceSettings(prior={"c0": 0.5}))
    with pytest.raises(UsageError, match="no label"):
        syngain.balance(syngain.Dataset.from_rows([{"a": at % 3, "b": at} for at in range(120)]))
    with pytest.raises(UsageError, match="there is no column"):
        syngain.balance(TableSource.from_rows(rows_of(cells, y)), "colour")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["compare", "real.csv", "--balance"], "--balance without --label"),
        (["compare", "real.csv", "a.csv", "--balance", "--label", "class"], "with --balance"),
        (["compare", "real.csv", "a.csv", "b.csv", "--prior", "even"], "--prior without --balance"),
        (["generate", "--real", "real.csv", "--generator", "cells", "--balance"], "--balance without --label"),
        (
            ["generate", "--real", "real.csv", "--generator", "cells", "--balance", "--rows", "9", "--label", "class"],
            "--rows and --balance",
        ),
    ],
)
def test_flags_that_do_not_fit_are_errors(arguments, words, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["syngain", *arguments, "-o", str(tmp_path / "run")])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_generate_draws_what_each_class_lacks():
    rng = np.random.default_rng(0)
    kinds = ["a"] * 60 + ["b"] * 25 + ["c"] * 10
    rows = [
        {"id": f"K{at:04d}", "kind": kind, "size": round(float(rng.normal()) + (kind == "a"), 2)}
        for at, kind in enumerate(kinds)
    ]
    recipe = {"generator": {"kind": "cells", "balance": True, "label": "kind", "check": False}}
    found = syngain.generate(recipe, real=syngain.Dataset.from_rows(rows))
    drawn = found.files["rows.csv"].records
    assert [sum(row["kind"] == one for row in drawn) for one in "abc"] == [0, 35, 50]
    assert len({row["id"] for row in drawn}) == 85
    assert not {row["id"] for row in drawn} & {row["id"] for row in rows}


@pytest.mark.parametrize("wrong", [{"rows": 5, "balance": True, "label": "kind"}, {"balance": True}, {}])
def test_a_recipe_names_rows_or_balance(wrong):
    with pytest.raises(InputError, match=r"rows|balance"):
        syngain.generate({"generator": {"kind": "cells", **wrong}}, real=syngain.Dataset.from_rows([{"kind": "a"}]))
