"""The gate from the command line: exit codes, JUnit, Markdown, JSON, and the files for CI in the docs."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import yaml

import syngain
from syngain.cli import main
from syngain.core.estimate import Estimate
from syngain.core.result import Finding, Result, Verdict

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run_folder(tmp_path):
    result = Result(
        command="gain",
        version=syngain.__version__,
        seed=0,
        inputs={},
        estimates={
            "gain.macro_f1": Estimate(
                value=0.02, unit="share", method="m", estimand="e", intervals={0.9: (-0.01, 0.05)}, n=90
            )
        },
        findings=[Finding(id="harm", severity="high", message="It harms <rows> | & `more`.")],
        verdict=Verdict(decision="cannot_tell", sentence="Cannot tell: a|b <c> `d`."),
    )
    return syngain.report.write(result, tmp_path / "run")


def gate(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", "gate", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_a_condition_that_does_not_hold_passes(monkeypatch, capsys, run_folder):
    code, out, err = gate(monkeypatch, capsys, run_folder, "--fail-if", "gain.macro_f1.lower90 < -0.5")
    assert (code, err) == (0, "")
    assert out == "pass  gain.macro_f1.lower90 < -0.5  (gain.macro_f1:lower90 = -0.01)\n"


def test_one_condition_of_several_that_holds_fails(monkeypatch, capsys, run_folder):
    conditions = ("--fail-if", "findings.low > 0", "--fail-if", "gain.macro_f1.lower90 <= 0")
    code, out, _ = gate(monkeypatch, capsys, run_folder / "report.json", *conditions)
    assert code == 1
    assert [line.split()[0] for line in out.splitlines()] == ["pass", "FAIL"]


@pytest.mark.parametrize(
    "condition",
    ["gain.f1 > 0", "gain.macro_f1:lower95 > 0", "__import__('os').abort()", "gain.macro_f1", "verdict == 'no'", ""],
)
def test_what_cannot_be_looked_up_is_exit_2_with_a_line_and_no_files(
    monkeypatch, capsys, tmp_path, run_folder, condition
):
    arguments = (run_folder, "--fail-if", condition, "--junit", tmp_path / "j.xml")
    code, out, err = gate(monkeypatch, capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert not (tmp_path / "j.xml").exists()


def test_no_condition_and_no_run_are_exit_2(monkeypatch, capsys, tmp_path, run_folder):
    assert gate(monkeypatch, capsys, run_folder)[0] == 2
    assert gate(monkeypatch, capsys, tmp_path / "none", "--fail-if", "1 < 2")[0] == 2


def test_junit_holds_a_case_per_condition_and_a_failure_where_it_holds(monkeypatch, capsys, tmp_path, run_folder):
    conditions = ("--fail-if", "gain.macro_f1 < 1 and verdict == 'cannot_tell'", "--fail-if", "findings.low > 0")
    code, _, _ = gate(monkeypatch, capsys, run_folder, *conditions, "--junit", tmp_path / "gate.xml")
    root = ET.parse(tmp_path / "gate.xml").getroot()  # noqa: S314  (our own file)
    suite = root.find("testsuite")
    assert code == 1
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    first, second = suite.findall("testcase")
    assert first.get("name") == "gain.macro_f1 < 1 and verdict == 'cannot_tell'"
    assert "gain.macro_f1:value = 0.02" in first.find("failure").text
    assert second.find("failure") is None


def test_markdown_goes_to_a_file_or_stdout_and_its_cells_stay_cells(monkeypatch, capsys, tmp_path, run_folder):
    conditions = ("--fail-if", "findings.high > 0")
    gate(monkeypatch, capsys, run_folder, *conditions, "--markdown", tmp_path / "gate.md")
    _, out, _ = gate(monkeypatch, capsys, run_folder, *conditions, "--markdown", "-")
    assert (tmp_path / "gate.md").read_text(encoding="utf-8") == out
    assert "### syngain gate: 1 of 1 conditions failed" in out
    assert "| FAIL | `findings.high > 0` | `findings.high = 1` |" in out
    assert "Cannot tell: a\\|b \\<c\\> \\`d\\`." in out


def test_json_and_python_say_the_same(monkeypatch, capsys, run_folder):
    _, out, _ = gate(monkeypatch, capsys, run_folder, "--fail-if", "gain.macro_f1:n > 50", "--json")
    found = syngain.gate(run_folder, "gain.macro_f1:n > 50")
    assert json.loads(out) == {
        "passed": found.passed,
        "checks": [{"fail_if": "gain.macro_f1:n > 50", "failed": True, "readings": {"gain.macro_f1:n": 90.0}}],
    }


def test_conditions_come_from_a_configuration_file(monkeypatch, capsys, tmp_path, run_folder):
    for text, code in (("fail_if: findings.high > 0", 1), ("fail_if: ['findings.low > 0', 'findings.medium > 0']", 0)):
        (tmp_path / "gate.yaml").write_text(text, encoding="utf-8")
        assert gate(monkeypatch, capsys, run_folder, "-c", tmp_path / "gate.yaml", "--quiet") == (code, "", "")


def steps(action):
    return [step["run"] for step in action["jobs"]["gate"]["steps"] if "run" in step]


def test_the_github_action_of_the_docs_runs(tmp_path, run_folder):
    action = yaml.safe_load((ROOT / "docs/ci/github-action.yml").read_text(encoding="utf-8"))
    script = next(step for step in steps(action) if step.startswith("syngain gate"))
    done = shell(script.replace("gain.log_loss", "gain.macro_f1").replace("syngain-gain", str(run_folder)), tmp_path)
    assert done.returncode == 1, done.stderr
    assert "conditions failed" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert (tmp_path / "syngain-gate.xml").exists()


def test_the_pre_commit_hook_of_the_docs_runs(tmp_path):
    hooks = yaml.safe_load((ROOT / "docs/ci/pre-commit-config.yaml").read_text(encoding="utf-8"))
    entry = hooks["repos"][0]["hooks"][0]["entry"]
    data = tmp_path / "data"
    data.mkdir()
    rows = [{"text": f"the card number {i} is lost in town {i * 7 % 31}", "label": str(i % 2)} for i in range(60)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (data / "real.jsonl").write_text(text, encoding="utf-8")
    (data / "synthetic.jsonl").write_text(text, encoding="utf-8")
    done = shell(entry, tmp_path)
    assert done.returncode == 1, done.stderr  # a copy of the anchors is a high finding
    assert "FAIL  findings.high > 0" in done.stdout


def shell(script, folder):
    """Run a script of the docs with this interpreter's syngain."""
    (folder / "syngain").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m syngain "$@"\n', encoding="utf-8")
    (folder / "syngain").chmod(0o755)
    environment = {
        **__import__("os").environ,
        "PATH": f"{folder}:/usr/bin:/bin",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_verdict_without_quotes_is_told_to_be_quoted(monkeypatch, capsys, run_folder):
    code, _, err = gate(monkeypatch, capsys, run_folder, "--fail-if", "verdict == use")
    assert code == 2
    assert "write verdict == 'use'" in err


@pytest.mark.parametrize(
    ("command", "estimates", "condition"),
    [
        ("select", ("selection.log_loss.over_random",), "findings.high > 0"),
        ("generate", ("generation.divergence",), "findings.medium > 0"),
        ("loop", ("loop.coverage",), "findings.low > 0 or findings.high > 0"),
        ("gain", ("gain.macro_f1",), "findings.label_noise > 0"),
        ("audit", ("duplicates.near_fraction",), "findings.contamination > 0"),
    ],
)
def test_findings_that_a_run_did_not_look_for_are_exit_2(monkeypatch, capsys, tmp_path, command, estimates, condition):
    result = Result(
        command=command,
        version=syngain.__version__,
        seed=0,
        inputs={},
        estimates={name: Estimate(value=0.1, unit="share", method="m", estimand="e") for name in estimates},
        findings=[],
        verdict=Verdict(decision="cannot_tell", sentence="Cannot tell."),
    )
    folder = syngain.report.write(result, tmp_path / "run")
    code, out, err = gate(monkeypatch, capsys, folder, "--fail-if", condition)
    assert (code, out) == (2, "")
    assert f"this `{command}` run did not look for findings" in err
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    del report["looked_for"]  # of an earlier version
    (folder / "old.json").write_text(json.dumps(report), encoding="utf-8")
    assert gate(monkeypatch, capsys, folder / "old.json", "--fail-if", condition)[0] == 2


def test_findings_are_counted_by_id_and_the_run_says_which_it_looked_for(monkeypatch, capsys, run_folder):
    report = json.loads((run_folder / "report.json").read_text(encoding="utf-8"))
    assert report["looked_for"] == ["harm", "no_gain"]
    assert gate(monkeypatch, capsys, run_folder, "--fail-if", "findings.harm > 0")[0] == 1
    assert gate(monkeypatch, capsys, run_folder, "--fail-if", "findings.no_gain > 0")[0] == 0
