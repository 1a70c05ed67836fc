"""``select``: nested measurement, its verdict, and the files it writes."""

import json
import sys
from dataclasses import dataclass, field

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import syngain
from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core.errors import UsageError
from syngain.core.rng import Streams
from syngain.data.dataset import Dataset
from syngain.data.study import Study
from syngain.learners.logistic import Logistic
from syngain.selection.candidates import Random, Ranking
from syngain.selection.layout import SelectionLayout, log_probabilities
from syngain.selection.nested_choice import SelectionTrial, on_anchors, on_test
from syngain.workflows.evaluate.select import SelectSettings

FAST = SelectSettings(learner=Logistic(penalties=(1.0,)), trial=SelectionTrial(folds=4))


def ranked(found):
    """All synthetic rows, best first."""
    return np.array([*found.files["kept.jsonl"].rows, *found.files["dropped.jsonl"].rows])


@pytest.fixture(scope="module")
def sets():
    real = rows(60, 1)
    anchors = Dataset.from_rows(real, "real")
    made = Dataset.from_rows(rows(200, 2, wrong=0.5, source=real), "synthetic", like=anchors)
    return anchors, made


@dataclass(frozen=True)
class Watching:
    """Chooses at random and remembers what it was shown."""

    seen: list = field(default_factory=list)

    def rank(self, candidates, rows, rng):
        self.seen.append(candidates)
        return Random().rank(candidates, rows, rng)


def test_a_method_never_sees_the_anchors_that_judge_nor_rows_made_from_them(sets):
    anchors, made = sets
    laid = SelectionLayout.of(Study.of(anchors, made), streams=Streams(0), learner=Logistic(penalties=(1.0,)))
    method = Watching()
    judged = on_anchors(laid, method, 0.5, trial=SelectionTrial(folds=4))
    assert len(method.seen) == 4
    hidden = []
    for candidates in method.seen:
        away = set(range(60)) - set(
            map(int, np.flatnonzero(np.isin(laid.ground.lineage.group, candidates.anchor_unit)))
        )
        hidden.append(away)
        assert not set(candidates.unit.tolist()) & {int(laid.ground.lineage.group[a]) for a in away}
        assert len(candidates.anchor_texts) == 60 - len(away)
    assert sorted(a for away in hidden for a in away) == list(range(60))
    assert judged.rows == pytest.approx(np.mean([len(c) for c in method.seen]) / 2, abs=1)


def test_random_gains_nothing_over_random(sets):
    anchors, made = sets
    found = [syngain.select(anchors, made, method="random", seed=seed, settings=FAST) for seed in range(6)]
    over = [one.result.estimates["selection.log_loss.over_random"].interval(0.95) for one in found]
    assert sum(low <= 0 <= high for low, high in over) >= 5
    unsure = next(one for one, (low, high) in zip(found, over, strict=True) if low <= 0 <= high)
    assert unsure.result.verdict.sentence.startswith("Inconclusive: 100 of 200 rows (method random) do not beat")


def test_confidence_beats_random_and_all_rows_where_half_of_the_labels_are_wrong(sets):
    anchors, made = sets
    found = syngain.select(anchors, made, method="confidence", settings=FAST)
    kept = np.array(found.files["kept.jsonl"].rows)
    assert len(found.kept_rows) == 100
    assert np.mean([made.records[int(row)]["right"] for row in kept]) > 0.85
    assert found.result.estimates["selection.log_loss.over_random"].interval(0.95)[0] > 0
    assert found.result.verdict.decision == "use_subset"
    assert found.result.verdict.rows_to_use == 100


def test_a_choice_that_is_worse_than_random_says_so_first(sets):
    anchors, made = sets
    found = syngain.select(anchors, made, method="hard", settings=FAST)
    assert found.result.verdict.decision == "do_not_use"
    assert found.result.verdict.sentence.startswith("Do not use it: 100 of 200 rows (method hard).")


def test_the_test_set_judges_the_rows_that_are_kept(sets):
    anchors, made = sets
    test = Dataset.from_rows(rows(150, 3), "test", like=anchors)
    found = syngain.select(anchors, made, method="confidence", test=test, settings=FAST)
    with threadpool_limits(1):  # as in select: sums in another order change the sixth digit
        laid = SelectionLayout.of(
            Study.of(anchors, made, test=test), streams=Streams(0), learner=Logistic(penalties=(1.0,))
        )
        judged = on_test(laid, np.sort(ranked(found)[:100]), trial=SelectionTrial(folds=4))
    chosen, alone = judged.arms["chosen"].loss.mean(), judged.arms["anchors"].loss.mean()
    assert found.result.estimates["gain.log_loss@kept_test"].value == pytest.approx(alone - chosen)
    draws = np.mean([judged.arms[f"random {i}"].loss.mean() for i in range(5)])
    assert found.result.estimates["selection.log_loss.over_random@test"].value == pytest.approx(draws - chosen)


@dataclass(frozen=True)
class Backwards:
    """The last row of the file first."""

    def rank(self, candidates, rows, rng):
        return Ranking.by_score(np.arange(len(candidates), dtype=float), ["later in the file"] * len(candidates))


def test_any_object_with_rank_is_a_method(sets):
    anchors, made = sets
    found = syngain.select(
        anchors, made, method=Backwards(), settings=SelectSettings(rows=7, trial=SelectionTrial(folds=3))
    )
    assert ranked(found)[:7].tolist() == [199, 198, 197, 196, 195, 194, 193]


def test_texts_without_labels_are_chosen_and_judged_by_a_language_model():
    real = [{"text": row["text"]} for row in rows(40, 5)]
    made = [{"text": row["text"]} for row in rows(60, 6)] + [{"text": f"zqx {i * 7919} vvk {i}"} for i in range(60)]
    anchors = Dataset.from_rows(real, "real")
    found = syngain.select(
        anchors, Dataset.from_rows(made, "made", like=anchors), method="surprisal_band", settings=FAST
    )
    assert np.mean(ranked(found)[:60] < 60) > 0.9
    assert found.result.estimates["selection.nats_per_byte.over_random"].interval(0.9)[0] > 0


@pytest.mark.parametrize("method", ["conditional_ratio", "faithful_then_diverse"])
def test_pairs_are_chosen_and_judged_by_their_responses(method):
    def pairs(count, seed):
        return [{"prompt": f"about {row['label']}", "completion": row["text"]} for row in rows(count, seed)]

    anchors = Dataset.from_rows(pairs(30, 1), "real")
    made = Dataset.from_rows(pairs(50, 2), "made", like=anchors)
    found = syngain.select(
        anchors, made, method=method, settings=SelectSettings(trial=SelectionTrial(folds=2, randoms=2))
    )
    assert sorted(ranked(found).tolist()) == list(range(50))
    assert found.result.estimates["selection.nats_per_byte.over_all"].unit == "nats per byte"


def test_columns_of_a_table_are_chosen_from():
    rng = np.random.default_rng(0)
    table = [{"a": float(x), "c": "xy"[i % 2], "label": str(int(x > 0))} for i, x in enumerate(rng.standard_normal(90))]
    anchors = Dataset.from_rows(table[:30], "real")
    made = Dataset.from_rows(table[30:], "made", like=anchors)
    settings = SelectSettings(learner=Logistic(penalties=(1.0,)), trial=SelectionTrial(folds=2, randoms=2))
    found = syngain.select(anchors, made, method="coverage", settings=settings)
    assert len(found.kept_rows) == 30
    assert "selection.accuracy.over_random" in found.result.estimates


def test_log_probabilities_are_read_from_lists_numbers_and_named_columns():
    table = [{"text": "a b", "token_logprobs": [-1, -3]}, {"text": "c d", "score": -7.0}, {"text": "e", "mine": -2}]
    made = Dataset.from_rows(table, "made")
    assert log_probabilities(made)[0] == -2.0
    assert np.isnan(log_probabilities(made)[1:]).all()
    assert log_probabilities(made, "mine")[2] == -2.0
    with pytest.raises(syngain.SyngainError, match="no numbers"):
        log_probabilities(made, "absent")
    assert log_probabilities(Dataset.from_rows([{"text": "x"}], "made")) is None


@pytest.mark.parametrize("settings", [SelectSettings(rows=0), SelectSettings(rows=200), SelectSettings(share=1.5)])
def test_a_size_that_is_no_choice_is_refused(sets, settings):
    with pytest.raises(UsageError):
        syngain.select(*sets, method="random", settings=settings)


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", "select", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_the_command_writes_every_row_with_score_rank_and_reason(monkeypatch, capsys, tmp_path):
    real, made = jsonl(tmp_path / "real.jsonl", rows(60, 1)), jsonl(tmp_path / "made.jsonl", rows(90, 2, wrong=0.4))
    arguments = (real, made, "--method", "confidence", "--rows", 40, "--folds", 3, "-o", tmp_path / "run")
    code, out, err = run(monkeypatch, capsys, *arguments)
    assert code == 0, err
    kept, dropped = (
        [json.loads(line) for line in (tmp_path / "run" / f"{name}.jsonl").read_text().splitlines()]
        for name in ("kept", "dropped")
    )
    assert [row["syngain_rank"] for row in (*kept, *dropped)] == list(range(1, 91))
    assert len(kept) == 40
    assert {row["syngain_id"] for row in (*kept, *dropped)} == {f"made.jsonl:{i}" for i in range(1, 91)}
    assert all(row["syngain_reason"] and "syngain_score" in row for row in (*kept, *dropped))
    first, second = (tmp_path / "run" / "report.json").read_bytes(), b""
    assert run(monkeypatch, capsys, *arguments[:-1], tmp_path / "again")[0] == 0
    second = (tmp_path / "again" / "report.json").read_bytes()
    assert first == second
    assert "random selection" in " ".join(out.replace("│", " ").split())


def test_another_size_is_cut_without_ranking_again(monkeypatch, capsys, tmp_path):
    real, made = jsonl(tmp_path / "real.jsonl", rows(30, 1)), jsonl(tmp_path / "made.jsonl", rows(60, 2))
    first, again = tmp_path / "run", tmp_path / "again"
    assert run(monkeypatch, capsys, real, made, "--method", "coverage", "--rows", 20, "--folds", 2, "-o", first)[0] == 0
    before = [(first / f"{name}.jsonl").read_text() for name in ("kept", "dropped")]
    code, out, err = run(monkeypatch, capsys, "--again", first, "--rows", 35, "-o", again)
    assert code == 0, err
    assert "the gain at this size was not measured" in " ".join(out.replace("│", " ").split())
    after = [(again / f"{name}.jsonl").read_text() for name in ("kept", "dropped")]
    assert after[0].count("\n") == 35
    assert "".join(after) == "".join(before)
    assert run(monkeypatch, capsys, "--again", again, "--rows", 20, "-o", tmp_path / "back")[0] == 0
    assert [(tmp_path / "back" / f"{name}.jsonl").read_text() for name in ("kept", "dropped")] == before
    for wrong in (("--rows", 60), (), ("--rows", 5, real)):
        assert run(monkeypatch, capsys, "--again", first, *wrong, "-o", tmp_path / "no")[0] == 2
    (first / "dropped.jsonl").write_text((first / "kept.jsonl").read_text())
    code, _, err = run(monkeypatch, capsys, "--again", first, "--rows", 5, "-o", tmp_path / "no")
    assert code == 2
    assert "not ranked from 1" in err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--method", "best"), "unknown method 'best'"),
        (("--method", "log_probability"), "no log-probabilities"),
        (("--method", "conditional_ratio"), "no prompts"),
        (("--repeats", "first"), "--near-duplicates first"),
        (("--rows", 900), "to keep"),
        (("--metric", "nats_per_byte"), "unknown metric 'nats_per_byte'"),
    ],
)
def test_wrong_use_is_exit_2(monkeypatch, capsys, tmp_path, more, said):
    real, made = jsonl(tmp_path / "real.jsonl", rows(60, 1)), jsonl(tmp_path / "made.jsonl", rows(90, 2))
    code, _, err = run(monkeypatch, capsys, real, made, "-q", "-o", tmp_path / "run", *more)
    assert code == 2
    assert said in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_on_real_rows_the_report_compares_with_random_and_with_all(shared_data):
    path = f"{shared_data}/parrot_hypo-l.jsonl.gz::split="
    anchors = syngain.read(path + "anchor")
    made = syngain.read(path + "syn_llama-2-70b", like=anchors)
    found = syngain.select(anchors, made, method="density_ratio", settings=FAST)
    names = {"selection.log_loss.over_random", "selection.log_loss.over_all", "selection.macro_f1.over_random"}
    assert names <= set(found.result.estimates)
    assert len(found.kept_rows) == round(len(made) / 2)
