"""``compare``: sets at equal size, told apart or not, and the ranks that leaves."""

import json
import sys

import numpy as np
import pytest

import syngain
from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.gain.design.layout import GainLayout
from syngain.gain.proxies.task import Training
from syngain.learners.logistic import Logistic
from syngain.selection.class_shares import AnchorShares, shares
from syngain.selection.matched_sets import Contest, MatchedSets
from syngain.workflows.evaluate.compare import CompareSettings, together

FAST = CompareSettings(measures=False, contest=Contest(folds=3, draws=2))


@pytest.fixture(scope="module")
def anchors():
    return Dataset.from_rows(rows(60, 1), "real")


def made(anchors, count, seed, wrong=0.0, name="made"):
    return Dataset.from_rows(rows(count, seed, wrong=wrong), name, like=anchors)


@pytest.fixture(scope="module")
def rivals(anchors):
    sets = {"good": made(anchors, 120, 2), "large": made(anchors, 300, 3), "wrong": made(anchors, 120, 4, wrong=1.0)}
    ground = GainLayout.of(anchors, together(list(sets.values())))
    task = ground.label_task(Streams(0), learner=Logistic(penalties=(1.0,)))
    return MatchedSets(ground, np.repeat([0, 1, 2], [120, 300, 120]), list(sets), task, Streams(0))


def test_every_set_gives_the_same_number_of_rows_in_every_fold(rivals):
    contest = Contest(folds=3, draws=2)
    every = np.arange(540)
    quota = rivals._quota([every, every[::2]], contest)
    trainings = rivals._trainings(rivals.ground.anchors, every, quota, contest)
    for code in range(3):
        for training in (*trainings[code, False], *trainings[code, True]):
            assert training.synthetic.size == quota.sum() == 60
            assert np.all(rivals.member[training.synthetic] == code)
            assert np.unique(training.synthetic).size == 60


def test_matched_lengths_are_equal_in_every_fifth(rivals):
    contest = Contest(lengths=True)
    every = np.arange(540)
    quota = rivals._quota([every], contest)
    strata = rivals._strata(contest)
    trainings = rivals._trainings(rivals.ground.anchors, every, quota, contest)
    counts = [np.bincount(strata[trainings[code, False][0].synthetic], minlength=5).tolist() for code in range(3)]
    assert counts[0] == counts[1] == counts[2] == quota.tolist()
    assert np.count_nonzero(quota) == 5


def test_differences_are_antisymmetric_and_add_up(rivals):
    standing = rivals.on_anchors(Contest(folds=3, draws=2))
    over = {(a, b): standing.over("log_loss", a, b, balanced=True) for a in range(3) for b in (-1, 0, 1, 2) if a != b}
    assert over[0, 1].value == pytest.approx(-over[1, 0].value)
    assert over[0, 2].value == pytest.approx(over[0, -1].value - over[2, -1].value)
    assert over[0, 2].p == pytest.approx(over[2, 0].p)
    assert standing.over("log_loss", 0, 0, balanced=False).p == 1.0


def test_wrong_labels_are_told_behind_and_twins_are_not_told_apart(anchors):
    sets = {"one": made(anchors, 150, 2), "two": made(anchors, 400, 3), "wrong": made(anchors, 150, 4, wrong=1.0)}
    result = syngain.compare(anchors, sets, settings=FAST)
    ranks = {name: result.estimates[f"compare.rank@{name}"].interval(0.95) for name in sets}
    assert ranks == {"one": (1.0, 2.0), "two": (1.0, 2.0), "wrong": (3.0, 3.0)}
    sentence = result.verdict.sentence
    assert "Not distinguishable: one and two" in sentence or "Not distinguishable: two and one" in sentence
    assert "wrong 3" in sentence
    assert list(result.sets)[-1] == "wrong"
    twins = [name for name in result.estimates if "one" in name and "two" in name]
    assert result.estimates[twins[0]].adjusted_p > 0.05


def test_the_same_set_twice_is_never_told_apart(anchors):
    found = made(anchors, 90, 5)
    told = 0
    for seed in range(5):
        result = syngain.compare(anchors, {"a": found, "b": found.take(range(90))}, seed=seed, settings=FAST)
        told += min(item.adjusted_p for name, item in result.estimates.items() if " over " in name) < 0.05
    assert told == 0


def test_a_test_set_judges_and_the_best_set_is_used(anchors):
    test = Dataset.from_rows(rows(200, 9), "test", like=anchors)
    few = anchors.take(range(24))
    sets = {"good": made(anchors, 150, 2), "wrong": made(anchors, 150, 4, wrong=1.0)}
    result = syngain.compare(few, sets, test=test, settings=FAST)
    assert result.verdict.decision == "use"
    assert result.verdict.sentence.startswith("Use good: +")
    assert result.estimates["compare.log_loss@good over wrong"].n == 200


def test_sets_that_all_harm_are_not_used(anchors):
    sets = {name: made(anchors, 200, seed, wrong=1.0) for name, seed in (("a", 2), ("b", 3))}
    settings = CompareSettings(measures=False, class_weights=False, contest=Contest(folds=3, draws=2))
    result = syngain.compare(anchors, sets, settings=settings)
    assert result.verdict.decision == "do_not_use"
    assert result.verdict.rows_to_use == 0


def test_texts_without_labels_are_compared_by_their_language(anchors):
    plain = Dataset.from_rows([{"text": row["text"]} for row in rows(40, 1)], "real")
    good = Dataset.from_rows([{"text": row["text"]} for row in rows(60, 6)], "good", like=plain)
    odd = Dataset.from_rows([{"text": f"zqx {i * 7919} vvk {i}"} for i in range(60)], "odd", like=plain)
    result = syngain.compare(plain, [odd, good], settings=FAST)
    assert result.estimates["compare.rank@good"].interval(0.95) == (1.0, 1.0)
    assert "gain.nats_per_byte" in result.sets["good"]["estimates"]


def test_measures_of_each_set_stand_side_by_side_at_equal_size(anchors):
    sets = {"one": made(anchors, 80, 2), "two": made(anchors, 200, 3)}
    result = syngain.compare(anchors, sets, settings=CompareSettings(contest=Contest(folds=2, draws=1)))
    one, two = (result.sets[name]["estimates"] for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert one["duplicates.exact_fraction"]["n"] == two["duplicates.exact_fraction"]["n"]
    json.dumps(result.as_json())


def test_rows_of_a_class_weigh_its_share_of_the_anchors():
    anchors, own = np.array([0, 0, 0, 1]), np.array([1, 1, 1, 1, 0, 0])
    weight = shares(anchors, own, 6)
    assert weight[own == 0].sum() == pytest.approx(4.5)
    assert weight[own == 1].sum() == pytest.approx(1.5)


def test_a_set_is_not_rewarded_for_its_class_shares():
    """Anchors repeated unevenly by class train, weighted, as if they were repeated evenly."""
    real = [row for row in rows(90, 7, wrong=0.2) if row["label"] != "money"]
    anchors = Dataset.from_rows(real, "real")
    skewed = [row for row in real for _ in range(3 if row["label"] == "travel" else 1)]
    ground = GainLayout.of(anchors, Dataset.from_rows([*skewed, *real, *real], "repeats", like=anchors))
    task = AnchorShares(ground.label_task(Streams(0), learner=Logistic(penalties=(1.0,))))
    odd, even = np.arange(len(skewed)), np.arange(len(skewed), len(skewed) + 2 * len(real))
    losses = {}
    for name, drawn in (("odd", odd), ("even", even)):
        for balanced in (False, True):
            training = Training(ground.anchors, drawn, balanced)
            losses[name, balanced] = task.judge(training, ground.anchors, np.random.default_rng(0)).loss
    weighted = np.abs(losses["odd", True] - losses["even", True]).mean()
    assert weighted < 0.2 * np.abs(losses["odd", False] - losses["even", False]).mean()


def test_what_cannot_be_compared_is_refused(anchors):
    good = made(anchors, 40, 2)
    with pytest.raises(UsageError, match="1 dataset"):
        syngain.compare(anchors, {"a": good}, settings=FAST)
    with pytest.raises(UsageError, match="two datasets are named"):
        syngain.compare(anchors, [good, good], settings=FAST)
    with pytest.raises(InputError, match="rows of every dataset can be compared"):
        syngain.compare(anchors, {"a": good, "b": good.take(range(6))}, settings=FAST)
    with pytest.raises(UsageError, match="metric 'nats"):
        syngain.compare(anchors, {"a": good, "b": good}, settings=CompareSettings(metric="nats_per_byte"))


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", "compare", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_the_command_names_sets_and_writes_one_page(monkeypatch, capsys, tmp_path):
    real, a, b = (
        jsonl(tmp_path / f"{n}.jsonl", rows(60, i, wrong=w)) for i, (n, w) in enumerate([("r", 0), ("a", 0), ("b", 1)])
    )
    arguments = (real, a, f"other={b}", "--no-measures", "--draws", 1, "-o", tmp_path / "run")
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert code == 0, err
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert set(report["sets"]) == {"a.jsonl", "other"}
    assert set(report["inputs"]) == {"real", "a.jsonl", "other"}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "a.jsonl over other" in page
    assert "Measures, 90% CI" in out
    assert run(monkeypatch, capsys, *arguments, "--resume")[0] == 0


@pytest.mark.parametrize("sets", [("one.jsonl",), ("x=a.jsonl", "x=b.jsonl"), ("real=a.jsonl", "b.jsonl")])
def test_names_that_clash_and_a_single_set_are_exit_2(monkeypatch, capsys, tmp_path, sets):
    code, _, err = run(monkeypatch, capsys, "real.jsonl", *sets, "-o", tmp_path / "run")
    assert code == 2
    assert err.startswith("error: ")
