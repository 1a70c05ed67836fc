"""One job of the command line: resume knows what it resumes, former names go on working, a termination ends cleanly."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.cli.aliases import FLAGS, current, current_option


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return [jsonl(folder / f"{name}.jsonl", rows(45, seed, wrong=0.4)) for name, seed in (("real", 1), ("made", 2))]


SELECT = ("--method", "random", "--folds", 2)


@pytest.fixture
def finished(files, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "run"
    assert run(monkeypatch, capsys, "select", *files, *SELECT, "-o", folder, "-q")[0] == 0
    return folder


def again(monkeypatch, capsys, files, folder, *more):
    return run(monkeypatch, capsys, "select", *files, *SELECT, *more, "-o", folder, "--resume")


def test_a_finished_run_of_the_same_settings_is_kept(files, finished, monkeypatch, capsys):
    before = (finished / "run.json").read_bytes()
    code, out, _ = again(monkeypatch, capsys, files, finished)
    assert (code, out) == (0, f"report: {finished / 'report.html'}\n")
    assert again(monkeypatch, capsys, files, finished, "--json")[:2] == (0, (finished / "report.json").read_text())
    assert (finished / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("flags", "clause"),
    [
        (("--share", 0.3), "settings.settings.share: 0.5 before, 0.3 now"),
        (("--method", "coverage"), 'settings.method: "random" before, "coverage" now'),
        (("--seed", 4), "seed: 0 before, 4 now"),
        (("--near-duplicates", "keep"), "repeats_last: true before, false now"),
    ],
)
def test_other_settings_are_refused_with_what_differs(flags, clause, files, finished, monkeypatch, capsys):
    code, _, err = again(monkeypatch, capsys, files, finished, *flags)
    assert code == 2
    assert clause.removeprefix("settings.settings.") in err
    assert "--force" in err


@pytest.mark.parametrize(
    ("call", "flag"),
    [
        (("select", "--again", "RUN", "--rows", "5", "--method", "random"), "--method"),
        (("gain", "a", "b", "--model", "m"), "--model"),
        (("ggmi", "a", "b", "--steps", "5"), "--steps"),
        (("train", "a", "b", "--repair-steps", "5"), "--repair-steps"),
    ],
)
def test_a_flag_that_would_change_nothing_is_refused(call, flag, tmp_path, monkeypatch, capsys):
    code, _, err = run(monkeypatch, capsys, *call, "-o", tmp_path / "run")
    assert code == 2
    assert f"error: {flag} " in err


def test_again_names_the_command_that_must_run_first(tmp_path, monkeypatch, capsys):
    call = ("select", "--again", tmp_path / "nope", "--rows", 5, "-o", tmp_path / "run")
    assert "run `syngain select` first" in run(monkeypatch, capsys, *call)[2]


def test_other_rows_are_refused(files, finished, tmp_path, monkeypatch, capsys):
    other = jsonl(tmp_path / "other.jsonl", rows(45, 9))
    code, _, err = again(monkeypatch, capsys, (files[0], other), finished)
    assert code == 2
    assert "inputs.synthetic" in err


def test_other_columns_and_other_values_of_any_column_are_refused(files, finished, tmp_path, monkeypatch, capsys):
    code, _, err = again(monkeypatch, capsys, files, finished, "--generator", "label")
    assert code == 2
    assert 'columns.synthetic.generator: null before, "label" now' in err
    made = [{**json.loads(line), "note": "new"} for line in files[1].read_text().splitlines()]
    other = (files[0], jsonl(tmp_path / "other.jsonl", made))
    code, _, err = again(monkeypatch, capsys, other, finished)
    assert code == 2
    assert "written: " in err
    run_json = json.loads((finished / "run.json").read_text())
    del run_json["identity"]["columns"], run_json["identity"]["written"]
    (finished / "run.json").write_text(json.dumps(run_json))
    assert again(monkeypatch, capsys, other, finished, "--generator", "label")[0] == 0


def test_a_run_of_version_0_1_is_compared_by_its_arguments(files, finished, monkeypatch, capsys):
    run_json = json.loads((finished / "run.json").read_text())
    del run_json["identity"]
    arguments = run_json["arguments"]
    arguments["repeats"], arguments["source"] = "last", arguments.pop("source_id")
    del arguments["near_duplicates"]
    (finished / "run.json").write_text(json.dumps(run_json))
    assert again(monkeypatch, capsys, files, finished)[0] == 0
    code, _, err = again(monkeypatch, capsys, files, finished, "--share", 0.3)
    assert code == 2
    assert "share: 0.5 before, 0.3 now" in err


def test_a_folder_that_says_nothing_of_its_settings_is_refused(files, finished, monkeypatch, capsys):
    (finished / "run.json").write_text("{}")
    code, _, err = again(monkeypatch, capsys, files, finished)
    assert code == 2
    assert "does not say with which settings" in err


def test_other_numbers_are_refused(files, finished, monkeypatch, capsys):
    monkeypatch.setattr("syngain.core.result.NUMBERS", 99)
    code, _, err = again(monkeypatch, capsys, files, finished)
    assert code == 2
    assert "numbers: 1 before, 99 now" in err


def test_a_stopped_mix_resumes_to_the_same_bytes(files, tmp_path, monkeypatch, capsys):
    from syngain.gain.proxies.labels import LabelTask

    call = ("mix", files[0], f"made={files[1]}", "-q")
    assert run(monkeypatch, capsys, *call, "-o", tmp_path / "whole")[0] == 0
    calls, judge = [], LabelTask.judge

    def stops(self, *arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return judge(self, *arguments)

    monkeypatch.setattr(LabelTask, "judge", stops)
    code, _, err = run(monkeypatch, capsys, *call, "-o", tmp_path / "run")
    assert code == 130
    assert str(tmp_path / "run.work") in err
    code, _, err = run(monkeypatch, capsys, *call, "-o", tmp_path / "run")
    assert code == 2
    assert "--resume" in err
    code, _, err = run(monkeypatch, capsys, *call, "-o", tmp_path / "run", "--resume", "--rows", 30)
    assert code == 2
    assert "design.most: 2000 before, 30 now" in err
    before = len(calls)
    assert run(monkeypatch, capsys, *call, "-o", tmp_path / "run", "--resume")[0] == 0
    assert before + 15 - 5 == len(calls) + 0  # three mixtures on five folds, five of them done before
    for name in ("report.json", "report.html"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not (tmp_path / "run.work").exists()


def test_force_throws_an_unfinished_run_away(files, tmp_path, monkeypatch, capsys):
    (tmp_path / "run.work").mkdir()
    (tmp_path / "run.work" / "identity.json").write_text("{}")
    assert (
        run(monkeypatch, capsys, "mix", files[0], f"made={files[1]}", "-q", "-o", tmp_path / "run", "--force")[0] == 0
    )


@pytest.mark.parametrize("command", sorted(FLAGS))
def test_every_former_flag_is_a_flag_of_today(command):
    import typer

    from syngain.cli.app import app

    known = {flag for parameter in typer.main.get_command(app).commands[command].params for flag in parameter.opts}
    for former, now in FLAGS[command].items():
        assert former not in known
        assert now in known


def test_former_calls_become_calls_of_today():
    assert current(["check", "toy"]) == ["probe", "toy"]
    assert current(["audit", "a", "b", "--pool=c", "--source", "s"]) == [
        "audit",
        "a",
        "b",
        "--held-out=c",
        "--source-id",
        "s",
    ]
    assert current(["train", "made", "--anchor", "real", "--seeds", "2"]) == [
        "train",
        "real",
        "made",
        "--n-repeats",
        "2",
    ]
    assert current(["train", "made", "--anchor=real"]) == ["train", "real", "made"]
    assert current([]) == []
    assert current(["--version"]) == ["--version"]
    assert current_option("select", "repeats", "free") == ("near_duplicates", "keep")
    assert current_option("train", "anchor", "real") == ("real", "real")


def test_former_flags_give_the_same_bytes(files, tmp_path, monkeypatch, capsys):
    former, now = ("--repeats", "free"), ("--near-duplicates", "keep")
    for name, flags in (("former", former), ("now", now)):
        assert run(monkeypatch, capsys, "select", *files, *SELECT, *flags, "-o", tmp_path / name, "-q")[0] == 0
    for name in ("report.json", "kept.jsonl"):
        assert (tmp_path / "former" / name).read_bytes() == (tmp_path / "now" / name).read_bytes()


def test_former_keys_of_a_configuration_file(files, tmp_path, monkeypatch, capsys):
    config = tmp_path / "select.yaml"
    config.write_text("repeats: free\nmethod: random\nfolds: 2\n")
    assert run(monkeypatch, capsys, "select", *files, "-c", config, "-o", tmp_path / "run", "-q")[0] == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["arguments"]["near_duplicates"] == "keep"


def test_a_termination_ends_with_143_and_leaves_nothing(files, tmp_path):
    code = "import sys; from syngain.cli import main; sys.argv = ['syngain', *sys.argv[1:]]; main()"
    call = [sys.executable, "-c", code, "gain", *map(str, files), "-o", str(tmp_path / "run")]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and "%" not in process.stderr.readline():
        time.sleep(0.01)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143, err
    assert "interrupted" in err
    assert list(tmp_path.iterdir()) == []
