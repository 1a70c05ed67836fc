"""The battery of value: tables against numbers computed by hand, outcomes where the truth is known, the command."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from benchmarks.value import neighbors, run
from benchmarks.value.cases import Task, arms, cases, own_task, scrambled
from benchmarks.value.families import WittenBell, bytes_model, mixed, pieces, words_model
from benchmarks.value.figure import figure
from benchmarks.value.outcomes import Bench
from benchmarks.value.page import page
from benchmarks.value.predictors import PlainCrossValidation, Seen, Size, Syngain, TrainSynthetic
from benchmarks.value.results import Results
from benchmarks.value.table import (
    ALWAYS,
    Mean,
    Told,
    clustered,
    coverage,
    difference,
    rank_correlation,
    regret,
    sign_accuracy,
    thresholds,
    told,
)
from benchmarks.value.tasks import TASKS
from hypothesis import given, settings
from hypothesis import strategies as st

from syngain.core.errors import InputError, UsageError
from syngain.core.rng import Streams
from syngain.data import write_records
from syngain.data.study import joined

WORDS = {
    "cat": "purr whiskers claw meow litter fur tail kitten".split(),
    "dog": "bark leash bone fetch paw woof puppy".split(),
}
OTHER = "the a is was of house day very some with from near under over street".split()


def row(label, rng):
    words = [*rng.choice(WORDS[label], 2), *rng.choice(OTHER, 6)]
    return {"text": " ".join(rng.permutation(words)) + f" {rng.integers(10**6)}", "label": label}


def world(anchors=40, test=200, pool=200, made=160):
    """Two classes with words of their own; the generator of ``made`` says the same as the world."""
    rng = np.random.default_rng(5)
    real, tested, more, rows = (
        [row(["cat", "dog"][i % 2], rng) for i in range(count)] for count in (anchors, test, pool, made)
    )
    return Task(name="pets", anchors=real, sets={"good": rows}, test=tested, pool=more, most=120)


@pytest.fixture(scope="module")
def pets():
    return {case.arm: case for case in cases(world(), 0)}


def case(task, arm, gain, score=None, *, split=0, width=0.1, interval=None):
    scores = {} if score is None else {"x": score}
    return Told(
        task, split, arm, gain, gain - width, gain + width, (gain, gain - width, gain + width), scores, interval
    )


def test_a_rank_correlation_is_spearmans_within_a_drawing_averaged_over_drawings():
    first = [case("t", arm, gain, score) for arm, gain, score in zip("abc", (1, 2, 3), (1, 3, 2), strict=True)]
    second = [case("t", arm, gain, gain, split=1) for arm, gain in zip("abc", (5, 7, 6), strict=True)]
    assert rank_correlation(first, "x") == {"t": pytest.approx(0.5)}  # 1 - 6 (0 + 1 + 1) / (3 * 8)
    assert rank_correlation(first + second, "x") == {"t": pytest.approx(0.75)}


def test_a_predictor_that_says_the_same_of_all_arms_has_rank_correlation_zero():
    assert rank_correlation([case("t", arm, gain, 4) for arm, gain in zip("abc", (1, 2, 3), strict=True)], "x") == {
        "t": 0
    }


def test_two_arms_are_not_ranked():
    assert rank_correlation([case("t", "a", 1, 1), case("t", "b", 2, 2)], "x") == {}


def test_the_interval_over_tasks_is_students_t():
    mean = Mean.of({"a": 0.2, "b": 0.4})
    reach = 6.313752 * 0.1  # t of one degree of freedom times sd / sqrt(2)
    assert (mean.value, mean.low, mean.high) == pytest.approx((0.3, 0.3 - reach, 0.3 + reach))
    assert Mean.of({"a": 0.2}).high == math.inf


def test_a_score_gets_the_threshold_that_served_the_other_tasks_best():
    cases = [case("a", "1", 1, 10), case("a", "2", -1, 4), case("b", "1", 1, 3), case("b", "2", -1, 1)]
    assert thresholds(cases, "x", zero=False) == {"a": 2.0, "b": 7.0}
    assert thresholds(cases, "x", zero=True) == {"a": 0.0, "b": 0.0}
    assert sign_accuracy(cases, "x", zero=False) == {"a": 0.5, "b": 0.5}  # in a both are above 2, in b both below 7
    assert sign_accuracy(cases, "x", zero=True) == {"a": 0.5, "b": 0.5}


def test_signs_are_judged_where_the_measured_gain_is_told_from_zero():
    cases = [case("a", "1", 1, 1), case("a", "2", -1, -2), case("a", "3", 0.01, -5)]
    assert sign_accuracy(cases, "x", zero=True) == {"a": 1.0}
    assert sign_accuracy(cases, ALWAYS, zero=True) == {"a": 0.5}


def test_regret_is_what_the_choice_loses_on_the_range_of_all_choices():
    wrong = [case("a", "1", -1, 5), case("a", "2", 2, 3)]
    assert regret(wrong, "x", zero=True) == {"a": 1.0}  # took -1 of 2, 0, -1
    nothing = [case("a", "1", -1, -5), case("a", "2", 2, -3)]
    assert regret(nothing, "x", zero=True) == {"a": pytest.approx(2 / 3)}  # took nothing: 2 - 0 of 3
    right = [case("a", "1", -1, 5), case("a", "2", 2, 6)]
    assert regret(right, "x", zero=True) == {"a": 0.0}


def test_using_nothing_is_the_best_choice_where_every_arm_harms():
    assert regret([case("a", "1", -1, -1), case("a", "2", -2, -2)], "x", zero=True) == {"a": 0.0}


def test_coverage_counts_intervals_that_hold_the_measured_gain():
    triples = [
        ("a", (0.0, 1.0), (0.5, 0.4, 0.6)),
        ("a", (0.0, 2.0), (3.0, 2.0, 4.0)),
        ("b", (0.0, 1.0), (1.0, 0.0, 2.0)),
    ]
    found = coverage(triples)
    assert found.share.value == pytest.approx(2 / 3)
    assert (found.width, found.ratio, found.cases) == (1.0, 1.0, 3)  # widths 1, 2, 1; over measured .2, 2, 2: 5, 1, .5


def test_a_pooled_share_has_an_interval_clustered_by_task():
    mean = clustered([("a", 1.0), ("a", 0.0), ("b", 1.0)])
    sums = (1 + 0 - 4 / 3) ** 2 + (1 - 2 / 3) ** 2
    assert mean.high - mean.value == pytest.approx(6.313752 * math.sqrt(2 * sums) / 3)


def test_differences_are_paired_by_task():
    assert difference({"a": 1.0, "b": 3.0, "c": 9.0}, {"a": 0.0, "b": 2.0}).value == 1.0


def test_witten_bell_is_the_formula():
    model = WittenBell(2, lambda _: math.log(0.25)).fit(["ab"])
    single = (1 + 2 * 0.25) / (2 + 2)  # one of two occurrences, two kinds
    assert model.surprisal("a") == pytest.approx(-math.log(single))
    assert model.surprisal("ab") == pytest.approx(-math.log(single) - math.log((1 + 1 * single) / 2))


def test_the_bytes_model_is_a_distribution():
    model = WittenBell(3, lambda _: -math.log(257)).fit([*text.encode(), 256] for text in ("abc abd", "bca"))
    start = [*b"ab"]
    total = sum(math.exp(model.surprisal(start) - model.surprisal([*start, symbol])) for symbol in range(257))
    assert total == pytest.approx(1.0)


def test_both_language_models_know_the_text_they_learned():
    texts = ["the cat sat on the mat", "the dog sat on the log"] * 5
    for model in (bytes_model(texts), words_model(texts)):
        assert model("the cat sat on the log") < model("zq wv xx jj kk pp qq") / 3


@settings(deadline=None)
@given(st.text())
def test_the_pieces_of_a_text_are_the_text(text):
    assert "".join(pieces(text)) == text


def test_classes_that_were_never_seen_are_finite():
    scores = mixed(np.array([[0.25, 0.75]]), np.array([0, 2]), 3)
    assert np.exp(scores).sum() == pytest.approx(1.0)
    assert np.isfinite(scores).all()


def test_arms_are_nested_fractions_and_known_controls():
    found = arms(world().anchors, world().sets, world().pool, streams=Streams(0), most=120)
    assert [len(rows) for rows in found.values()] == [12, 36, 120, 120, 120, 40]
    small, large = ({r["text"] for r in found[f"good {share}"]} for share in ("10%", "100%"))
    assert small < large
    assert {r["text"] for r in found["anchors repeated"]} == {r["text"] for r in world().anchors}
    shuffled = found["labels shuffled"]
    assert [r["text"] for r in shuffled] == [r["text"] for r in found["good 100%"]]
    assert sorted(r["label"] for r in shuffled) == sorted(r["label"] for r in found["good 100%"])


def test_arms_of_a_few_rows_are_left_out_and_a_set_of_a_few_is_an_error():
    task = world(made=40)
    assert list(arms(task.anchors, task.sets, [], streams=Streams(0), most=120)) == [
        "good 30%",
        "good 100%",
        "anchors repeated",
        "labels shuffled",
    ]
    with pytest.raises(InputError, match="5 synthetic rows"):
        arms(task.anchors, task.sets, [], streams=Streams(0), most=5)


def test_scrambled_words_are_the_same_words():
    rows = scrambled([{"prompt": "p", "completion": "a b c d e f g h"}], np.random.default_rng(0))
    assert sorted(rows[0]["completion"].split()) == list("abcdefgh")
    assert rows[0]["prompt"] == "p"


def test_a_test_row_that_stands_in_any_arm_is_left_out_for_all():
    task = world()
    leaky = Task(name="pets", anchors=task.anchors, sets={"good": [*task.sets["good"], task.test[0]]}, test=task.test)
    found = cases(leaky, 0)
    assert {len(item.test) for item in found} == {199}
    assert task.test[0]["text"] not in set(found[0].test.sides["text"])


def test_rows_leave_with_the_anchor_they_were_made_from():
    task = world()
    made = [r | {"source": r["text"], "text": r["text"] + " indeed"} for r in task.anchors for _ in range(2)]
    for item in cases(Task(name="pets", anchors=task.anchors, sets={"made": made}, test=task.test), 3):
        assert len(item.anchors) == 32
        sources = item.synthetic.sources or [None]
        assert set(sources) - {None} <= set(item.anchors.sides["text"])


def test_repeated_anchors_gain_nothing_and_more_real_rows_gain(pets):
    bench = Bench()
    found = {arm: bench.outcome(pets[arm]) for arm in ("anchors repeated", "real rows", "labels shuffled", "good 100%")}
    assert abs(found["anchors repeated"].mean.value) < 0.05
    assert found["real rows"].mean.low > 0
    assert found["good 100%"].mean.low > 0
    assert found["labels shuffled"].mean.value < found["good 100%"].mean.low
    assert set(found["real rows"].families) == {"linear", "boosted"}


def test_unlabeled_rows_are_measured_by_two_language_models():
    rng = np.random.default_rng(2)
    texts = [{"text": row(["cat", "dog"][i % 2], rng)["text"]} for i in range(260)]
    task = Task(name="plain", anchors=texts[:40], sets={"good": texts[40:120]}, test=texts[120:220], pool=texts[220:])
    bench = Bench()
    found = {item.arm: bench.outcome(item) for item in cases(task, 0) if item.arm in {"good 100%", "words scrambled"}}
    assert found["good 100%"].mean.low > 0
    assert found["good 100%"].own.low > 0
    assert found["words scrambled"].families["bytes"].value < found["good 100%"].families["bytes"].value


def test_our_forecast_tells_the_good_rows_from_the_shuffled_ones(pets):
    good, bad = (Syngain().predict(Seen.of(pets[arm])) for arm in ("good 100%", "labels shuffled"))
    assert good.value > bad.value
    assert good.low < good.value < good.high
    assert good.accuracy is not None


def test_predictors_point_the_way_their_docs_say(pets):
    good, shuffled, repeated = (Seen.of(pets[arm]) for arm in ("good 100%", "labels shuffled", "anchors repeated"))
    for predictor in (PlainCrossValidation(), TrainSynthetic()):
        assert predictor.predict(good).value > predictor.predict(shuffled).value
    assert neighbors.Compression().predict(good).value > neighbors.Compression().predict(repeated).value
    assert neighbors.AnchorPerplexity().predict(repeated).value > neighbors.AnchorPerplexity().predict(good).value
    small = Seen.of(pets["good 10%"])
    assert Size().predict(good).value > Size().predict(small).value


def test_a_two_sample_test_prefers_rows_that_cannot_be_told_apart(pets):
    other = [{"text": f"zzz qqq {i} unlike anything", "label": "cat"} for i in range(60)]
    task = Task(name="pets", anchors=world().anchors, sets={"far": other}, test=world().test)
    far = next(item for item in cases(task, 0) if item.arm == "far 100%")
    near = neighbors.TwoSample().predict(Seen.of(pets["good 100%"])).value
    assert near > neighbors.TwoSample().predict(Seen.of(far)).value


def test_neighbors_that_are_installed_answer(pets):
    seen = Seen.of(pets["good 100%"])
    asked = [
        p
        for p in neighbors.everyone("quick", lambda _: None)
        if isinstance(p, neighbors.Mauve | neighbors.Vendi | neighbors.Prdc)
    ]
    if not asked:
        pytest.skip("none of mauve-text, vendi-score and prdc is installed")
    assert all(math.isfinite(predictor.predict(seen).value) for predictor in asked)


def test_a_missing_neighbor_is_said_and_left_out(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(neighbors.importlib, "import_module", missing)
    said = []
    names = [predictor.name for predictor in neighbors.everyone("quick", said.append)]
    assert names[0] == "syngain"
    assert not {"MAUVE", "Vendi", "density"} & set(names)
    assert len(said) == 3
    assert "pip install" in said[0]


@pytest.fixture
def folder(tmp_path):
    task = world(anchors=30, test=60, pool=0, made=40)
    own = tmp_path / "mine"
    own.mkdir()
    for name, rows in (("anchors", task.anchors), ("synthetic", task.sets["good"]), ("test", task.test)):
        write_records(own / f"{name}.jsonl", rows)
    return own


def test_the_command_runs_a_case_of_ones_own_and_never_twice(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(run, "everyone", lambda *_: [Syngain(), Size()])
    out = tmp_path / "out"
    call = ["--cases", str(folder), "--splits", "1", "-o", str(out)]
    run.main([*call, "--limit", "2"])
    lines = (out / "results.jsonl").read_text().splitlines()
    assert len(lines) == 2 * 3
    run.main([*call, "--limit", "4"])
    again = (out / "results.jsonl").read_text().splitlines()
    assert again[:6] == lines
    assert len(again) == 4 * 3
    run.main([*call, "--table"])
    printed = capsys.readouterr()
    assert "4 cases: 1 tasks, 1 drawings" in printed.out
    assert (out / "table.md").read_text() in printed.out
    assert (out / "figure.svg").read_text().startswith("<svg")
    assert json.loads((out / "run.json").read_text())["versions"]["syngain"]


def test_a_line_that_was_cut_off_is_dropped_and_another_setting_refused(tmp_path):
    path = tmp_path / "results.jsonl"
    line = json.dumps({"task": "t", "split": 0, "arm": "a", "what": "syngain", "value": 1.0, "setting": "quick"})
    path.write_text(line + "\n" + line[:20])
    assert len(Results.at(path, "quick").lines) == 1
    assert path.read_text() == line + "\n"
    with pytest.raises(UsageError, match="setting quick"):
        Results.at(path, "standard")


def test_a_folder_without_a_test_is_an_error_that_names_it(folder):
    (folder / "test.jsonl").unlink()
    with pytest.raises(InputError, match=r"mine has 0 files test\.\*"):
        own_task(folder)


def test_the_page_says_who_is_ahead_of_us():
    gains = (1.0, 2.0, 3.0, -1.0)
    records = []
    for task in ("a", "b", "c"):
        for arm, gain in zip("wxyz", gains, strict=True):
            about = {"task": task, "split": 0, "arm": arm}
            measured = [gain, gain - 0.1, gain + 0.1]
            records += [
                {**about, "what": "outcome", "mean": measured, "own": measured, "families": {"linear": measured}},
                {**about, "what": "syngain", "value": -gain, "low": -gain - 1, "high": -gain + 1},
                {**about, "what": "oracle", "value": gain},
            ]
    cases = told(records)
    text = page(cases, {"syngain": True, "oracle": True}, command="c", versions={})
    assert "Ahead of it: oracle (significant)" in text
    assert "| oracle | +1.00 (+1.00, +1.00) | -2.00 (-2.00, -2.00) | 1.00 (1.00, 1.00) | 0.00 (0.00, 0.00) |" in text
    assert "| 0.000 (0.000, 0.000) | 2.000 | 10.00 | 12 |" in text  # no interval of ours holds its gain but 0 of them
    assert figure(cases, {"syngain": True, "oracle": True}).count("<circle") == 4


def test_the_built_in_tasks_have_arms_enough_and_clean_tests(shared_data):
    assert len(TASKS) >= 5
    for name, task in TASKS.items():
        found = cases(task(shared_data), 1)
        assert len(found) >= 5, name
        test = set(joined(found[0].test))
        for item in found:
            assert not test & {*joined(item.anchors), *joined(item.synthetic)}, item.name


@pytest.mark.slow
def test_the_battery_answers_a_real_case(shared_data, tmp_path, capsys):
    only = ["--data", str(shared_data), "--only", "questionintimacy/0/gpt-4 10%", "-o", str(tmp_path)]
    run.main(only)
    assert "| syngain | " in capsys.readouterr().out


def test_the_page_of_the_documentation_has_a_place_for_the_table(tmp_path):
    page_ = (Path(__file__).resolve().parents[1] / "docs" / "value.md").read_text(encoding="utf-8")
    (tmp_path / "images").mkdir()
    (tmp_path / "value.md").write_text(page_, encoding="utf-8")
    run._document(tmp_path, "the table", "<svg/>")
    written = (tmp_path / "value.md").read_text(encoding="utf-8")
    assert f"{run.PICTURE}\n\nthe table\n{run.END}" in written
    assert written.startswith(page_.partition(run.BEGIN)[0])
    assert written.endswith(page_.partition(run.END)[2])
    (tmp_path / "value.md").write_text("# Elsewhere\n", encoding="utf-8")
    with pytest.raises(InputError, match="no place for the table"):
        run._document(tmp_path, "the table", "<svg/>")
