"""Lab results drawn and written: the same bytes, nothing active, every preset through the command."""

import json
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from syngain.core import UsageError
from syngain.lab import PRESETS, Check, Curve, LabResult, Panel, Table, run
from syngain.report.lab.page import lab_html, lab_json, lab_terminal, write_lab
from syngain.report.lab.svg import lab_svg


def result(**changes):
    curve = Curve(name="<b>one</b>", x=(1.0, 10.0, 100.0), y=(1.0, float("nan"), 3.0), lower=(0, 1, 2), upper=(2, 3, 4))
    cloud = Curve(name="two & more", x=(-1.0, 2.0), y=(1.0, 2.0), style="points")
    fields = {
        "preset": "paper",
        "seed": 3,
        "parameters": {"k": 2, "path": "</pre><script>"},
        "panels": (Panel(title="a < b", x_name="x", y_name="y", curves=(curve, cloud), x_log=True, zero=True),),
        "tables": (Table(title="t", columns=("name", "value"), rows=(("<i>", 0.5), ("b", None))),),
        "checks": (
            Check(name="right", value=1.0, expected=1.1, error=0.1, limit=3.0),
            Check(name="wrong", value=2.0, expected=1.1, error=0.1, limit=3.0),
            Check(name="bounded", value=1.0, expected=1.1, error=0.0, limit=0.0, kind="below"),
            Check(name="unbounded", value=1.0, expected=1.1, error=0.0, limit=0.0, kind="above"),
        ),
        "notes": ("<script>alert(1)</script>",),
    }
    return LabResult(**{**fields, **changes})


def test_checks_know_whether_they_passed():
    assert [check.passed for check in result().checks] == [True, False, True, False]


def test_the_page_escapes_every_text_and_runs_nothing():
    page = lab_html(result().as_json())
    assert "<script" not in page
    assert "<b>" not in page
    assert "&lt;i&gt;" in page


def test_the_figure_is_well_formed_and_draws_what_can_be_drawn():
    root = ET.fromstring(lab_svg(result().as_json()))  # noqa: S314
    texts = "".join(root.itertext())
    assert "a < b" in texts
    assert "nan" not in lab_svg(result().as_json()).lower()


@pytest.mark.parametrize("curve", [
    Curve(name="empty", x=(), y=()),
    Curve(name="constant", x=(2.0, 2.0), y=(5.0, 5.0)),
    Curve(name="one", x=(1.0,), y=(0.0,)),
    Curve(name="large", x=(1e6, 2e9), y=(-1e12, 1e12)),
])  # fmt: skip
@pytest.mark.parametrize("log", [False, True])
def test_strange_curves_still_make_a_figure(curve, log):
    panel = Panel(title="t", x_name="x", y_name="y", curves=(curve,), x_log=log, y_log=log)
    ET.fromstring(lab_svg(result(panels=(panel,)).as_json()))  # noqa: S314


def test_no_panels_make_an_empty_figure():
    ET.fromstring(lab_svg(result(panels=()).as_json()))  # noqa: S314


def test_the_terminal_shows_tables_and_failed_checks():
    text = lab_terminal(result().as_json())
    assert "4 checks against theory, 2 failed" in text
    assert "failed: wrong" in text


def test_a_run_is_written_and_not_overwritten_without_force(tmp_path):
    folder = tmp_path / "out"
    write_lab(result().as_json(), folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(first) == {"report.html", "report.json", "figure.svg", "run.json"}
    with pytest.raises(UsageError, match="finished run"):
        write_lab(result().as_json(), folder)
    write_lab(result().as_json(), folder, force=True)
    for name in ("report.html", "report.json", "figure.svg"):
        assert (folder / name).read_bytes() == first[name]


@pytest.mark.parametrize("preset", PRESETS)
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(preset):
    results = [run(preset, seed=seed, quick=True).as_json() for seed in (1, 1, 2)]
    for draw in (lab_json, lab_svg, lab_html):
        texts = [draw(found) for found in results]
        assert texts[0] == texts[1] != texts[2]


CALL = """
import sys, typer
from syngain.cli.research.lab import lab
from syngain.core.errors import SyngainError
app = typer.Typer()
app.command()(lab)
try:
    app(sys.argv[1:], standalone_mode=False)
except SyngainError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-c", CALL, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_command_writes_a_run_and_prints_its_tables(tmp_path):
    done = command("paper", "--quick", "--replicates", "5", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "Spearman" in done.stdout
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["command"] == "lab"
    assert report["parameters"]["replicates"] == 5
    assert "K = 2" in done.stderr


def test_the_command_prints_json_alone_on_stdout(tmp_path):
    done = command("loops", "--quick", "--json", "-o", tmp_path / "out")
    assert json.loads(done.stdout)["preset"] == "loops"
    assert done.stderr == ""


@pytest.mark.parametrize("wrong", [
    ("paper", "--k", "0"),
    ("paper", "--dimension", "-1"),
    ("paper", "--synthetic", "10"),
    ("nothing",),
    ("loops", "--points", "10"),
])  # fmt: skip
def test_the_command_names_what_is_wrong_and_writes_nothing(wrong, tmp_path):
    done = command(*wrong, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "Expected" in done.stderr
    assert not (tmp_path / "out").exists()
