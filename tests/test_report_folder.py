"""The run folder: what it holds, where it may be written, and what never happens to other files."""

from __future__ import annotations

import errno
import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import report_samples as samples
from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.core.result import Series
from syngain.data.files.write import TextFile
from syngain.report import check_folder, html, load, write

RESULT = samples.compare_result()


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_folder_holds_the_report_the_run_and_the_log(tmp_path):
    result = replace(RESULT, files={"kept.jsonl": TextFile('{"text": "a"}\n')})
    folder = write(result, tmp_path / "new" / "run", run={"arguments": {"real": Path("a")}}, log="hello\n")
    assert everything(folder) == ["kept.jsonl", "log.txt", "report.html", "report.json", "run.json"]
    assert (folder / "log.txt").read_text() == "hello\n"
    run = json.loads((folder / "run.json").read_text())
    assert run["arguments"] == {"real": "a"}
    assert {"python", "numpy", "jinja2"} <= run["versions"].keys()
    assert run["inputs"]["real"] == {"rows": 300, "fingerprint": "sha256:cc"}
    assert {"finished", "platform", "seed"} <= run.keys()
    assert everything(tmp_path / "new") == ["run", *(f"run/{name}" for name in everything(folder))]


def test_the_report_has_the_schema_of_the_contract(tmp_path):
    report = load(write(samples.audit_result(points=60, drops=5), tmp_path / "run"))
    assert list(report) == [
        *("schema", "syngain", "command", "seed", "inputs", "estimates", "series", "sets", "findings"),
        *("looked_for", "warnings", "verdict"),
    ]
    assert report["schema"] == 1
    known = {"decision", "sentence", "rows_to_use", "action", "estimate", "next_command", "needs"}
    assert set(report["verdict"]) == known
    assert report["estimates"]["divergence.tv_lower"]["intervals"]["0.95"] == [0.571, None]
    for finding in report["findings"]:
        assert {"id", "severity", "message", "evidence", "estimates", "explained_by"} <= set(finding)


def test_what_is_not_finite_is_null(tmp_path):
    curve = Series(x_name="rows", x=(0.0, 1.0), value=(math.nan, 1.0), lower=(-math.inf, 0.0), upper=(math.inf, 2.0))
    folder = write(replace(samples.instruction_result(), series={"gain.accuracy": curve}), tmp_path / "run")
    report = json.loads((folder / "report.json").read_text(), parse_constant=pytest.fail)
    assert report["estimates"]["divergence.mmd2"]["value"] is None
    assert report["series"]["gain.accuracy"]["value"] == [None, 1.0]


def test_the_same_result_gives_the_same_bytes(tmp_path):
    one = write(samples.audit_result(points=300), tmp_path / "one")
    two = write(samples.audit_result(points=300), tmp_path / "elsewhere" / "two")
    for name in ("report.json", "report.html"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
        assert str(tmp_path).encode() not in (one / name).read_bytes()


def test_hostile_rows_are_written(tmp_path):
    folder = write(samples.hostile_result(), tmp_path / "run", log="\ud800")
    assert "\ufffd" in json.dumps(load(folder), ensure_ascii=False)
    assert (folder / "report.html").stat().st_size < 6_000_000


def test_a_finished_run_is_refused_unless_forced(tmp_path):
    folder = write(replace(RESULT, files={"extra.csv": TextFile("")}), tmp_path / "run", log="first")
    with pytest.raises(UsageError, match="--force"):
        write(RESULT, folder)
    with pytest.raises(UsageError, match="finished run"):
        check_folder(folder)
    assert (folder / "log.txt").read_text() == "first"
    write(RESULT, folder, log="second", force=True)
    assert (folder / "log.txt").read_text() == "second"
    assert not (folder / "extra.csv").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("foreign", ["thesis.txt", "report.json"])
def test_a_folder_that_is_not_a_run_is_never_replaced(tmp_path, force, foreign):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / foreign).write_text("{}")
    with pytest.raises(UsageError, match="not a syngain run"):
        write(RESULT, folder, force=force)
    assert everything(tmp_path) == ["mine", f"mine/{foreign}"]


def test_a_run_folder_with_a_foreign_file_is_not_replaced(tmp_path):
    folder = write(RESULT, tmp_path / "run")
    (folder / "notes.md").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.md"):
        write(RESULT, folder, force=True)
    assert (folder / "notes.md").read_text() == "mine"


def test_an_empty_folder_is_used(tmp_path):
    (tmp_path / "run").mkdir()
    assert (write(RESULT, tmp_path / "run") / "report.json").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write(RESULT, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "report.json").exists()


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_a_file_in_the_way_is_named(tmp_path, place):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="file") as caught:
        write(RESULT, tmp_path / place, force=True)
    assert caught.value.todo
    assert everything(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        write(RESULT, tmp_path / "run")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a place nobody can write to")
def test_a_place_nobody_can_write_to_is_named():
    with pytest.raises(UsageError, match="cannot be written"):
        write(RESULT, Path("/proc/self/run"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), UnfinishedError),
        (OSError(errno.EACCES, "Permission denied"), UsageError),
        (RuntimeError("a bug elsewhere"), RuntimeError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_nothing_half_written_is_left(tmp_path, error, expected):
    def kept(path):
        path.write_text("half")
        raise error

    with pytest.raises(expected):
        write(replace(RESULT, files={"kept.jsonl": SimpleNamespace(write=kept)}), tmp_path / "a" / "b" / "run")
    assert everything(tmp_path) == []


def test_a_failed_replacement_keeps_the_old_run(tmp_path):
    folder = write(RESULT, tmp_path / "run", log="first")

    def kept(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UnfinishedError):
        write(replace(RESULT, files={"kept.jsonl": SimpleNamespace(write=kept)}), folder, force=True)
    assert (folder / "log.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_load_reads_a_folder_or_its_report(tmp_path):
    folder = write(RESULT, tmp_path / "run")
    assert load(folder) == load(folder / "report.json")
    assert load(folder)["command"] == "compare"


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"a": 1}', "\xff", '{"schema": 9, "syngain": "9", "command": "x"}']
)
def test_load_says_what_is_wrong(tmp_path, content):
    if content is not None:
        (tmp_path / "report.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert caught.value.expected


def test_the_page_asks_the_network_for_nothing():
    page = html(samples.audit_result(points=30))
    ours = re.sub(r"<script>\s*/\*\*\s*\* plotly.*?</script>", "", page, flags=re.DOTALL)
    assert "default-src 'none'" in ours
    assert not re.search(r"https?://|@import|url\(", ours)


def test_a_result_without_pictures_is_small():
    assert len(html(RESULT)) < 60_000
