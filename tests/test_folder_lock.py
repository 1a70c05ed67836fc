"""One process at a time in the place of a run, and only files of a run are ever removed."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

import syngain
from generating import anchors, toy_recipe
from syngain.cli import main
from syngain.core.errors import UsageError
from syngain.core.folders.lock import lock_file, locked
from syngain.core.folders.work import check_ours, clear, foreign_files
from syngain.data.dataset import Dataset
from syngain.report import write

HOLD = """
import sys, time
from pathlib import Path
from syngain.core.folders.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the place ``run``."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "run"], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def rows(path, number=40):
    path.write_text("".join(json.dumps(row) + "\n" for row in anchors(number)))
    return path


def run_of(tmp_path, name="run"):
    result = syngain.audit(Dataset.from_rows(anchors(40)), Dataset.from_rows(anchors(80)[40:]), gain=False)
    return write(result, tmp_path / name)


def test_a_place_is_held_by_one_process_and_its_owner_is_named(holder, tmp_path):
    with pytest.raises(UsageError, match=f"process {holder.pid} ") as error, locked(tmp_path / "run"):
        pass
    assert "since" in str(error.value)
    with locked(tmp_path / "other"):
        pass


def test_a_killed_process_holds_nothing(holder, tmp_path):
    holder.kill()
    holder.wait()
    with locked(tmp_path / "run"), locked(tmp_path / "run"):
        pass
    assert not list(tmp_path.iterdir())


def test_a_place_without_its_parents_can_be_held(tmp_path):
    place = tmp_path / "a" / "b" / "run"
    with locked(place):
        assert lock_file(place).startswith(str(tmp_path / ".syngain-"))


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_no_command_touches_the_place_of_another_process(holder, tmp_path, capsys, monkeypatch, force):
    real, synthetic = rows(tmp_path / "real.jsonl"), rows(tmp_path / "synthetic.jsonl", 60)
    work = tmp_path / "run.work"
    work.mkdir()
    (work / "store.sqlite").write_bytes(b"paid rows")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(toy_recipe()))
    for command in (
        ["audit", str(real), str(synthetic), "--no-gain"],
        ["generate", str(recipe), "--real", str(real)],
    ):
        monkeypatch.setattr(sys, "argv", ["syngain", *command, "-o", str(tmp_path / "run"), *force])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert "in use by another process" in capsys.readouterr().err
    assert (work / "store.sqlite").read_bytes() == b"paid rows"


def test_force_replaces_the_files_of_the_run_only(tmp_path):
    place = run_of(tmp_path)
    listed = json.loads((place / "run.json").read_text())["files"]
    assert {"report.json", "report.html", "run.json", "log.txt"} <= set(listed)
    for name in ("rows.jsonl", "notes/mine.txt", "kept.jsonl"):  # names that other runs use are not ours here
        if name in listed:
            continue
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text("mine")
        with pytest.raises(UsageError, match=name):
            write(run_result(), place, force=True)
        assert (place / name).read_text() == "mine"
        (place / name).unlink()
    write(run_result(), place, force=True)


def run_result():
    return syngain.audit(Dataset.from_rows(anchors(40)), Dataset.from_rows(anchors(80)[40:]), gain=False)


def test_unfinished_work_is_removed_file_by_file(tmp_path):
    work = tmp_path / "run.work"
    (work / "arms").mkdir(parents=True)
    for name in ("store.sqlite", "identity.json", "arms/a.npz", "arms/a.state"):
        (work / name).write_bytes(b"x")
    (work / "arms" / "thesis.docx").write_bytes(b"mine")
    assert foreign_files(work) == ["arms/thesis.docx"]
    with pytest.raises(UsageError, match="thesis"):
        check_ours(work)
    clear(work)
    assert [path.name for path in work.rglob("*") if path.is_file()] == ["thesis.docx"]
    (work / "arms" / "thesis.docx").unlink()
    clear(work)
    assert not work.exists()


def test_finished_runs_within_a_run_are_removed_and_a_run_that_was_named_like_work_is_not(tmp_path):
    work = tmp_path / "run.work"
    (work / "cells" / "one").mkdir(parents=True)
    for name in ("identity.json", "cells/one/report.json", "cells/one/rows.jsonl", "cells/one/run.json"):
        (work / name).write_bytes(b"x")
    assert foreign_files(work) == []
    (work / "report.json").write_bytes(b"mine")
    assert foreign_files(work) == ["report.json"]
    with pytest.raises(UsageError, match=r"report\.json"):
        check_ours(work)
    clear(work)
    assert [path.name for path in work.rglob("*")] == ["report.json"]


def test_a_linked_work_folder_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "store.sqlite").write_bytes(b"x")
    (tmp_path / "run.work").symlink_to(tmp_path / "elsewhere")
    clear(tmp_path / "run.work")
    assert (tmp_path / "elsewhere" / "store.sqlite").exists()


def test_a_lock_that_was_left_behind_is_taken_over(tmp_path):
    with Path(lock_file(tmp_path / "run")).open("w") as file:
        file.write("left by a machine that lost power")
    begin = time.monotonic()
    with locked(tmp_path / "run"):
        assert time.monotonic() - begin < 30


def test_a_place_held_twice_stays_held_until_it_is_given_back_twice(tmp_path):
    """Two threads of one process: the first one that ends does not free the place of the other."""
    first, second = locked(tmp_path / "run"), locked(tmp_path / "run")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    waiting = [sys.executable, "-c", HOLD, tmp_path / "run"]
    assert (
        "in use by another process"
        in subprocess.run(waiting, capture_output=True, text=True, timeout=120, check=False).stderr
    )
    second.__exit__(None, None, None)
    assert not Path(lock_file(tmp_path / "run")).exists()
