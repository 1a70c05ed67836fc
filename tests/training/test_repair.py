"""Repair end to end on a tiny model that knows a task: harm, repair, ablation; killed, resumed, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_causal
import tiny_repair
from syngain import report
from syngain.core import InputError, UsageError
from syngain.data import Dataset
from syngain.learners.causal import CausalModel
from syngain.training.repair.treatment import Treatment, variants
from syngain.workflows.train.repair import NAMES, RepairSettings, clear, repair, repair_table

ARMS = variants(retaining=False)
SIZES = {"steps": 40, "repair_steps": 25, "seeds": 2, "treatment": Treatment(rows=30, prompts=20, tokens=12)}


def run(taught, folder, **settings):
    more = {name: settings.pop(name) for name in ("resume", "progress") if name in settings}
    return repair(
        tiny_repair.rows(60, 1),
        tiny_repair.rows(60, 2, tiny_repair.TEMPLATE),
        test=tiny_repair.rows(30, 3),
        folder=folder,
        settings=RepairSettings(model=tiny_repair.proxy(taught, rates=(0.01,), batch=16), **SIZES | settings),
        **more,
    )


@pytest.fixture(scope="module")
def found(taught, tmp_path_factory):
    events = []
    folder = tmp_path_factory.mktemp("repair")
    result = run(taught, folder, progress=lambda stage, done: events.append((stage, done)))
    return result, folder, events


def value(result, name):
    return result.estimates[name].value


def test_a_single_template_drives_the_loss_up_and_the_template_share_above_nine_tenths(found):
    result = found[0]
    assert result.estimates["repair.increase"].interval(0.9)[0] > 0.5
    assert value(result, "pattern.template_share@arm=overfitted") > 0.9
    assert value(result, "pattern.template_share@arm=untrained") == 0.0
    entropies = [value(result, f"pattern.opening_entropy@arm={arm}") for arm in ("untrained", "overfitted")]
    assert entropies[1] < 0.5 < entropies[0]
    (finding,) = result.findings
    assert (finding.id, finding.severity) == ("pattern_overfitting", "high")
    assert "oh so" in finding.message


def test_repair_removes_most_of_it_and_the_table_says_what_did_the_work(found):
    result = found[0]
    for arm in ("replay", "both"):
        assert result.estimates[f"repair.removed@{arm}"].interval(0.9)[0] > 0.8
        assert value(result, f"pattern.template_share@arm={arm}") < 0.1
    assert value(result, "repair.added@forget") == pytest.approx(
        value(result, "repair.removed@both") - value(result, "repair.removed@replay")
    )
    assert "Replay alone removed" in result.verdict.sentence
    assert "Adding the forgetting loss changes this by" in result.verdict.sentence
    assert result.verdict.decision == "do_not_use"
    table = repair_table(result)
    assert [line[0] for line in table[1:]] == [NAMES[arm] for arm in ARMS]
    assert all(len(line) == 6 for line in table)
    assert table[1][2] == "-"
    assert not any("-0.00" in cell for line in table for cell in line)


def test_forgetting_alone_ends_the_template_and_prevention_keeps_from_it(found):
    result = found[0]
    assert value(result, "pattern.template_share@arm=forget") < 0.1
    for arm in ("mix", "jitter"):
        assert result.estimates[f"repair.removed@{arm}"].interval(0.9)[0] > 0


def test_progress_only_rises_and_the_report_is_written(found, tmp_path):
    result, _, events = found
    shares = [done for _, done in events]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert {f"seed {seed}: {arm}" for seed in (1, 2) for arm in ARMS} <= {stage for stage, _ in events}
    report.write(result, tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "The model learned the template" in text
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["command"] == "train"


def test_a_finished_run_is_read_again_with_the_same_bytes_and_another_job_is_refused(found, taught, monkeypatch):
    result, folder, _ = found
    monkeypatch.setattr(CausalModel, "learn", None)  # nothing is trained again
    assert run(taught, folder, resume=True).to_json() == result.to_json()
    with pytest.raises(UsageError, match="was made with steps = 40, now it is 44"):
        run(taught, folder, resume=True, steps=44)


def test_a_killed_run_goes_on_where_it_was_and_gives_the_same_numbers(taught, tmp_path):
    sizes = {"steps": 3, "repair_steps": 2, "seeds": 1, "treatment": Treatment(rows=12, prompts=8, tokens=6)}
    words = "steps=3, repair_steps=2, seeds=1, treatment=Treatment(rows=12, prompts=8, tokens=6)"
    script = (
        "import sys; from pathlib import Path; import tiny_repair as t\n"
        "from syngain.workflows.train.repair import RepairSettings, repair\n"
        "from syngain.training.repair.treatment import Treatment\n"
        f"model = t.proxy({str(taught)!r}, rates=(0.01,), batch=16)\n"
        f"repair(t.rows(60, 1), t.rows(60, 2, t.TEMPLATE), test=t.rows(30, 3), folder=Path(sys.argv[1]),"
        f" settings=RepairSettings({words}, model=model), progress=lambda s, d: print(s, flush=True))\n"
    )
    here = str(Path(tiny_repair.__file__).parent)
    where = os.environ | {"PYTHONPATH": os.pathsep.join([here, *sys.path])}
    command = [sys.executable, "-c", script, str(tmp_path / "a")]
    with subprocess.Popen(command, env=where, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("seed 1: forget"):
                process.send_signal(signal.SIGKILL)
                break
    kept = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "a" / "work").glob("*.npz")}
    names = {name.split("-")[0] for name in kept}
    assert {"untrained", "overfitted", "replay"} <= names
    assert "jitter" not in names
    again, whole = (run(taught, tmp_path / name, resume=True, **sizes) for name in ("a", "b"))
    assert again.to_json() == whole.to_json()
    assert all((tmp_path / "a" / "work" / name).stat().st_mtime_ns == time for name, time in kept.items())
    clear(tmp_path / "a")
    assert not (tmp_path / "a" / "work").exists()


def test_texts_and_settings_that_are_none_are_refused_before_a_step(taught, tmp_path):
    texts = Dataset.from_rows([{"text": f"row {i}"} for i in range(20)], "texts")
    with pytest.raises(InputError, match="pairs of prompt and response"):
        repair(texts, texts, folder=tmp_path, settings=RepairSettings(model=tiny_repair.proxy(taught)))
    mute = tiny_causal.make(tmp_path / "mute", template="{{ messages[0]['content'] }}")
    with pytest.raises(InputError, match="chat template of the model cannot be used"):
        run(mute, tmp_path)
    apart = [{"instruction": f"q{word}", "output": f"{word} it"} for word in "abcdefghijklmnopqrst"]
    with pytest.raises(InputError, match="no common first token"):
        repair(
            tiny_repair.rows(60, 1),
            Dataset.from_rows(apart, "apart"),
            folder=tmp_path,
            settings=RepairSettings(model=tiny_repair.proxy(taught)),
        )
    assert not (tmp_path / "work").exists()
    for wrong in ({"mix": 1.0}, {"cap": 0.0}, {"rows": 0}, {"forget": "all"}):
        with pytest.raises(UsageError):
            Treatment(**wrong)


def test_a_set_that_lowers_the_loss_has_no_harm_to_repair_and_no_shares_of_it(tmp_path):
    for name in ("torch", "transformers", "peft", "trl", "datasets"):
        pytest.importorskip(name, reason=f"{name} is absent: pip install 'syngain[train]'")
    untaught = tiny_causal.make(tmp_path / "untaught", template=tiny_causal.CHAT, hidden=48)
    result = run(untaught, tmp_path / "run", steps=10, repair_steps=5)
    assert result.estimates["repair.increase"].interval(0.9)[1] < 0
    assert not [name for name in result.estimates if name.startswith(("repair.removed", "repair.added"))]
    assert "repair.left@replay" in result.estimates
    assert result.verdict.decision == "cannot_tell"
    assert result.verdict.sentence.startswith("Inconclusive: there is no harm to repair")
    assert {line[2] for line in repair_table(result)[1:]} == {"-"}
