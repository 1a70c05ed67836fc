"""The calibration record: what forecasts were worth, counted once each, in the person's own folder."""

import sys
from dataclasses import replace

import pytest

from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core.errors import UnfinishedError
from syngain.core.estimate import Estimate
from syngain.core.result import InputSummary, Result, Verdict
from syngain.gain.calibration import FILE, Record, compared, record, recorded, remember


def result(name, forecast, measured, half=0.1):
    def of(value, **more):
        return Estimate(value=value, unit="nats", method="", estimand="", **more)

    inputs = {"real": InputSummary(name="a", rows=3, fingerprint=name)}
    estimates = {
        "gain.log_loss": of(forecast, intervals={0.9: (forecast - half, forecast + half)}),
        "gain.log_loss.test": of(measured),
    }
    return Result(
        command="gain", version="0", seed=0, inputs=inputs, estimates=estimates, findings=(),
        verdict=Verdict(decision="use", sentence=""),
    )  # fmt: skip


def test_past_runs_are_counted_each_once_and_not_with_the_one_at_hand(tmp_path):
    assert remember(result("a", 0.2, 0.25), tmp_path).sentence == (
        "Calibration: no past runs with a test set on this machine."
    )
    assert remember(result("b", 0.2, 0.45), tmp_path).sentence == (
        "Calibration: the 90% forecast interval contained the measured gain in 1 of 1 past run."
    )
    assert remember(result("c", 0.0, 0.05), tmp_path).sentence.endswith(
        "the 90% forecast interval contained the measured gain in 1 of 2 past runs."
    )
    again = remember(result("b", 0.2, 0.25), tmp_path)
    assert len(again.comparisons) == 2
    assert record(tmp_path).held == 3


def test_without_a_test_nothing_is_remembered(tmp_path):
    only = result("a", 0.2, 0.3)
    only = replace(only, estimates={"gain.log_loss": only.estimates["gain.log_loss"]})
    assert compared(only) is None
    assert remember(only, tmp_path) is None
    assert not (tmp_path / FILE).exists()


def test_lines_that_are_none_are_counted_and_lose_nothing(tmp_path):
    remember(result("a", 0.2, 0.25), tmp_path)
    with (tmp_path / FILE).open("a", encoding="utf-8") as file:
        file.write('half a li\n{"key": 3}\n')
    found = remember(result("b", 0.2, 0.25), tmp_path)
    assert (len(found.comparisons), found.unread) == (1, 2)
    assert "2 lines of the record cannot be read" in found.sentence
    assert len(record(tmp_path).comparisons) == 2


def test_a_record_that_cannot_be_kept_is_said(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(UnfinishedError, match="calibration"):
        remember(result("a", 0.2, 0.3), tmp_path)
    assert Record().held == 0


def test_the_command_prints_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SYNGAIN_HOME", str(tmp_path / "home"))
    files = [str(jsonl(tmp_path / f"{k}.jsonl", rows(30, k))) for k in (1, 2)]
    test = str(jsonl(tmp_path / "test.jsonl", rows(20, 3)))
    (tmp_path / "home").mkdir()
    command = ["syngain", "gain", *files, "--test", test, "-o", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    said = capsys.readouterr().out.splitlines()[-2]
    assert said == "Calibration: no past runs with a test set on this machine."
    assert "Calibration" not in (tmp_path / "out" / "report.json").read_text(encoding="utf-8")
    assert len(record(tmp_path / "home").comparisons) == 1


def test_a_record_that_cannot_be_kept_loses_no_result(tmp_path, monkeypatch):
    (tmp_path / FILE).mkdir()
    monkeypatch.setenv("SYNGAIN_HOME", str(tmp_path))
    said = recorded(result("a", 0.2, 0.3)).recorder.record()
    assert said.startswith(f"Calibration: {tmp_path / FILE} cannot be")
