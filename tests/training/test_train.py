"""``syngain train`` with a tiny student: all arms, labels, short answers, resume, and errors before the first step."""

from __future__ import annotations

import json
import os
import signal
import string
import subprocess
import sys
import time

import numpy as np
import pytest

import tiny_causal

pytest.importorskip("trl")

from syngain.core import InputError, UsageError
from syngain.core.phrases import signed
from syngain.data import Dataset, RoleOptions
from syngain.learners.causal import CausalProxy
from syngain.training.student.judging import Labels
from syngain.workflows.train.train import ARMS, TrainSettings, train


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(tiny_causal.make(tmp_path_factory.mktemp("tiny"), template=tiny_causal.CHAT))


def student(tiny, **changed):
    return CausalProxy(model=tiny, rank=4, batch=4, max_tokens=64, dtype="float32", rates=(0.02, 0.1), **changed)


def settings(tiny, **changed):
    return TrainSettings(**{"student": student(tiny), "steps": 8, "seeds": 2} | changed)


def words(rng, count=3):
    return " ".join("".join(rng.choice(list(string.ascii_lowercase), size=4)) for _ in range(count))


def pairs(n, seed, answer=lambda prompt, rng: prompt[:4] * 3):
    rng = np.random.default_rng(seed)
    prompts = [words(rng) for _ in range(n)]
    return [{"prompt": prompt, "completion": answer(prompt, rng)} for prompt in prompts]


def dataset(rows, name):
    return Dataset.from_rows(rows, name)


def labeled(n, seed, flipped=False):
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        good = bool(rng.integers(2))
        text = " ".join(rng.choice(["sun", "joy", "fun"] if good else ["rain", "gloom", "pain"], size=3))
        rows.append({"text": f"{text} {words(rng, 1)}", "label": "good" if good != flipped else "bad"})
    return Dataset.from_rows(rows, f"labeled{seed}{flipped}", roles=RoleOptions(text="text", label="label"))


@pytest.fixture(scope="module")
def found(tiny, tmp_path_factory):
    real, more, test = (dataset(pairs(n, seed), f"set{seed}") for n, seed in ((40, 1), (60, 2), (40, 3)))
    told = []
    result = train(
        real,
        more,
        test=test,
        folder=tmp_path_factory.mktemp("work"),
        settings=settings(tiny),
        progress=lambda stage, done: told.append((stage, done)),
    )
    return result, told


def test_every_arm_is_compared_at_equal_steps_with_intervals(found):
    result, _ = found
    ids = set(result.estimates)
    for tail in (".test", ".selected", ".duplication", ".synthetic_only", "@over_duplication_test"):
        assert f"gain.kl_gap{tail}" in ids
        assert f"gain.nats_per_byte{tail}" in ids
    gain = result.estimates["gain.kl_gap.test"]
    assert gain.intervals[0.9][0] <= gain.value <= gain.intervals[0.9][1]
    arms = {name for name in ids if name.startswith("student.loss@")}
    assert arms == {f"student.loss@arm={arm}" for arm in ARMS}
    assert "8 steps" in dict(result.views.computed)["Plan"]
    assert "TRL" in dict(result.views.computed)["Student"]


def test_short_responses_are_also_judged_by_whether_they_are_met(found, tiny, tmp_path):
    assert not any("exact_match" in name for name in found[0].estimates)  # no arm met one: nothing to compare
    same = [dataset(pairs(n, seed, answer=lambda *_: "ok"), f"set{seed}") for n, seed in ((24, 1), (30, 2), (30, 3))]
    plan = settings(tiny, steps=16, seeds=1, selected=0, forecast=False)
    result = train(same[0], same[1], test=same[2], folder=tmp_path, settings=plan)
    exact = result.estimates["gain.exact_match.test"]
    assert exact.unit == "share of rows"
    assert result.estimates["student.error@arm=base"].value == 1.0
    assert result.estimates["student.error@arm=both"].value < 0.1


def test_forecast_and_measured_stand_side_by_side(found):
    result, told = found
    forecast = result.estimates["gain.nats_per_byte@proxy"]
    assert forecast.direction == "forecast"
    assert "gain.nats_per_byte.test@proxy" in result.estimates
    said = dict(result.views.computed)["Forecast versus measured"]
    assert signed(forecast.value) in said
    assert signed(result.estimates["gain.nats_per_byte.test"].value) in said
    stages = [stage for stage, _ in told]
    assert any(stage.startswith("forecast by the fast proxy") for stage in stages)
    assert "seed 2: real + selected" in stages


def test_learning_curves_start_untrained_and_carry_their_steps(found):
    series = found[0].series
    assert {"train.loss@anchors", "train.loss@anchors_and_synthetic", "train.loss@synthetic_only"} <= set(series)
    curve = series["train.loss@anchors"]
    assert curve.x[0] == 0
    assert curve.x[-1] == 8
    assert min(curve.value) < curve.value[0]
    starts = {item.value[0] for name, item in series.items()}
    assert len(starts) == 1  # every arm starts as the same untrained model


def test_learning_rates_race_in_the_first_seed_only(tiny, tmp_path):
    real, more, test = (dataset(pairs(n, seed), f"set{seed}") for n, seed in ((40, 1), (60, 2), (40, 3)))
    calls = []
    train(real, more, test=test, folder=tmp_path, settings=settings(tiny, selected=0, forecast=False),
          progress=lambda stage, _: calls.append(stage))  # fmt: skip
    assert "compared over 2 steps of the first seed" in next(stage for stage in calls if stage.startswith("plan"))
    assert not any("selected" in stage for stage in calls)


def test_both_trainers_measure_the_same(tiny, tmp_path):
    real, more, test = (dataset(pairs(n, seed), f"set{seed}") for n, seed in ((30, 1), (30, 2), (30, 3)))
    results = [
        train(
            real,
            more,
            test=test,
            folder=tmp_path / by,
            settings=settings(tiny, selected=0, seeds=1, forecast=False, trainer=by),
        )
        for by in ("trl", "plain")
    ]
    for arm in ("base", "anchors", "both", "duplicated", "synthetic"):
        first, second = (result.estimates[f"student.loss@arm={arm}"].value for result in results)
        assert first == pytest.approx(second, abs=1e-6)


def test_labels_are_judged_among_all_labels_and_good_rows_help(tiny, tmp_path):
    big = settings(tiny, steps=24, seeds=2, selected=0)
    good = train(labeled(24, 1), labeled(80, 2), test=labeled(60, 3), folder=tmp_path / "a", settings=big)
    bad = train(labeled(24, 1), labeled(80, 2, flipped=True), test=labeled(60, 3), folder=tmp_path / "b", settings=big)
    assert {"gain.log_loss.test", "gain.accuracy.test", "gain.log_loss@proxy"} <= set(good.estimates)
    assert good.estimates["gain.log_loss.test"].value > bad.estimates["gain.log_loss.test"].value
    assert bad.estimates["gain.log_loss.synthetic_only"].value < 0
    for arm in ("base", "anchors", "both", "duplicated", "synthetic"):
        assert good.estimates[f"student.loss@arm={arm}"].value < np.log(2) * 3
        assert 0 <= good.estimates[f"student.error@arm={arm}"].value <= 1


def test_the_law_of_labels_is_normalized(tiny):
    from syngain.learners.completions import TokenizedRows

    model = student(tiny).open()
    data = labeled(12, 5)
    from syngain.workflows.inputs import as_responses

    made = as_responses(data)
    side = TokenizedRows(model.reader(made.kind), made)
    probabilities = np.zeros(12)
    names = ("bad", "good")
    for name in names:
        rows = [{"text": text, "label": name} for text in data.sides["text"]]
        fixed = as_responses(Dataset.from_rows(rows, roles=RoleOptions(text="text", label="label")))
        probabilities += np.exp(-Labels(names)(model, TokenizedRows(side.reader, fixed), np.arange(12)).loss)
    np.testing.assert_allclose(probabilities, 1.0, atol=1e-9)


def test_what_is_met_to_the_token_is_what_greedy_decoding_says(tiny):
    import torch

    model = student(tiny).open()
    rows = [model.reader(dataset(pairs(6, 1), "x").kind).read(row["prompt"], row["completion"]) for row in pairs(6, 1)]
    optimizer = model.optimizer()
    for _ in range(60):
        model.learn(rows[:3], optimizer, 0.05)
    nats, met = model.scorer.score_and_match(rows)
    np.testing.assert_array_equal(nats, model.score(rows))
    for row, hit in zip(rows, met, strict=True):
        with torch.inference_mode():
            said = model.network.generate(
                input_ids=torch.tensor([row.ids[: row.start]]), max_new_tokens=row.scored, do_sample=False,
                pad_token_id=0,
            )[0, row.start :].tolist()  # fmt: skip
        assert (said[: row.scored] == list(row.ids[row.start :])) == hit
    assert met[:3].any()
    assert not met[3:].all()


@pytest.mark.parametrize("changed", [{"selected": 1.0}, {"selected": -0.1}, {"min_gain": 0.0}])
def test_impossible_settings_are_refused(tiny, changed):
    with pytest.raises(UsageError):
        settings(tiny, **changed)


def test_a_table_is_refused_before_anything_is_loaded(tmp_path):
    table = Dataset.from_rows([{"a": float(i), "b": float(i % 3), "label": str(i % 2)} for i in range(40)], "table")
    with pytest.raises(InputError, match="table of columns"):
        train(table, table, folder=tmp_path, settings=TrainSettings(forecast=False))


def test_an_unusable_chat_template_is_an_error_before_the_first_step(tmp_path):
    broken = tiny_causal.make(tmp_path / "broken", template="{{ raise_exception('only tools') }}")
    real, more = dataset(pairs(20, 1), "real"), dataset(pairs(20, 2), "more")
    with pytest.raises(InputError, match="only tools"):
        train(real, more, folder=tmp_path / "w", settings=settings(str(broken), forecast=False))
    assert not (tmp_path / "w" / "work").exists()


def test_too_little_memory_is_an_error_before_the_first_step(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("syngain.models.checkpoints.available_memory", lambda: 1000)
    real, more = dataset(pairs(20, 1), "real"), dataset(pairs(20, 2), "more")
    with pytest.raises(InputError, match="memory"):
        train(real, more, folder=tmp_path / "w", settings=settings(tiny, forecast=False))
    assert not (tmp_path / "w" / "work").exists()


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def command(tmp_path, tiny, *more):
    files = [jsonl(tmp_path / f"{seed}.jsonl", pairs(n, seed)) for seed, n in ((1, 40), (2, 60), (3, 40))]
    return [
        sys.executable, "-m", "syngain", "train", files[1], "--anchor", files[0], "--test", files[2], "--model", tiny,
        "--steps", "12", "--seeds", "2", "--batch", "4", "--max-tokens", "64", "--rates", "0.02,0.1", "--dtype",
        "float32", "-o", str(tmp_path / "out"), *more,
    ]  # fmt: skip


def test_the_command_survives_a_kill_and_says_that_there_is_no_past_run(tiny, tmp_path):
    home = os.environ | {"SYNGAIN_HOME": str(tmp_path / "home")}
    process = subprocess.Popen(
        command(tmp_path, tiny), env=home, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    work = tmp_path / "out.work" / "work"
    while process.poll() is None and len(list(work.glob("*.npz"))) < 3:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "out").exists()
    kept = {path.name: path.stat().st_mtime_ns for path in work.glob("*.npz")}
    assert len(kept) >= 3
    again = subprocess.run(command(tmp_path, tiny, "--resume"), env=home, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "Calibration: no past runs with a test set on this machine." in again.stdout
    assert not work.exists()
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    fresh = subprocess.run(
        command(tmp_path, tiny, "--force", "--json"), env=home, capture_output=True, text=True, check=False
    )
    assert json.loads(fresh.stdout)["estimates"] == report["estimates"]
    once = (tmp_path / "home" / "calibration.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(once) == 2  # the same comparison twice, which counts once


def test_what_cannot_be_judged_is_refused_before_anything_is_loaded(tmp_path):
    absent = settings(str(tmp_path / "no model"), forecast=False)
    real, more, few = (dataset(pairs(n, seed), f"set{seed}") for n, seed in ((40, 1), (30, 2), (6, 3)))
    with pytest.raises(InputError, match="set3 has 6 rows"):
        train(real, more, folder=tmp_path, test=few, settings=absent)
    one = Dataset.from_rows(
        [{"text": words(np.random.default_rng(i)), "label": "a"} for i in range(40)],
        "one",
        roles=RoleOptions(text="text", label="label"),
    )
    with pytest.raises(InputError, match="one has one class only"):
        train(one, one, folder=tmp_path, settings=absent)
    with pytest.raises(UsageError, match="no such"):
        train(real, more, folder=tmp_path, settings=settings("x", method="no such"))


def test_a_single_rate_is_no_search_that_was_given_up(tiny, tmp_path):
    real, more, test = (dataset(pairs(n, seed), f"set{seed}") for n, seed in ((40, 1), (30, 2), (20, 3)))
    said = []
    once = CausalProxy(model=tiny, rank=2, batch=2, max_tokens=48, dtype="float32", rates=(0.02,))
    chosen = TrainSettings(student=once, steps=2, seeds=1, forecast=False, selected=0.0)
    result = train(
        real, more, folder=tmp_path, test=test, settings=chosen, progress=lambda stage, _done: said.append(stage)
    )
    (plan,) = [stage for stage in said if stage.startswith("plan")]
    assert "one learning rate" in plan
    assert "reduced" not in plan
    assert all("no learning-rate search" not in item.marks for item in result.estimates.values())
    assert "limited_run" in {finding.id for finding in result.findings}
