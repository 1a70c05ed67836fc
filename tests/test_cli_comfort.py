"""Comfort on the command line: versions of what is there, the nearest word, the remaining time."""

import io
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from rich.console import Console

from syngain._version import __version__
from syngain.cli import main
from syngain.cli.bar import Remaining, drawn, words
from syngain.cli.common import progress_shown
from syngain.core import optional

ROOT = Path(__file__).resolve().parents[1]


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    return stop.value.code, out, err


def test_version_lists_every_optional_part(monkeypatch, capsys):
    code, out, _ = run(monkeypatch, capsys, "--version")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == f"syngain {__version__}"
    assert [line.split()[0] for line in lines[1:]] == list(optional.PARTS)


def test_version_says_how_to_get_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(optional, "_version", {"torch": "2.0", "trl": "1.0", "datasets": "3.1"}.get)
    _, out, _ = run(monkeypatch, capsys, "--version")
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["train"] == "train     trl 1.0, datasets 3.1"
    assert lines["encoder"].endswith("needs transformers, safetensors, tokenizers: pip install 'syngain[encoder]'")
    assert lines["llamacpp"].endswith("not installed: pip install 'syngain[llamacpp]'")


def test_the_optional_parts_are_those_of_the_project():
    parts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {part: tuple(item.split(">")[0] for item in parts[part]) for part in optional.PARTS}
    named["train"] = tuple(name for name in named["train"] if not name.startswith("syngain"))
    assert named == optional.PARTS


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["adit"], "'audit'"),
        (["audit", "a", "b", "--no-gian"], "--no-gain"),
        (["models", "ad"], "'add'"),
        (["select", "a", "b", "--methd", "x"], "--method"),
    ],
)
def test_a_typing_error_names_the_nearest_word(monkeypatch, capsys, typed, meant):
    code, _, err = run(monkeypatch, capsys, *typed)
    assert code == 2
    assert meant in err


def test_a_wrong_key_of_a_configuration_names_the_nearest_one(monkeypatch, capsys, tmp_path):
    (tmp_path / "c.yaml").write_text("no_gian: true\n")
    code, _, err = run(monkeypatch, capsys, "audit", "a", "b", "-c", tmp_path / "c.yaml")
    assert code == 2
    assert "did you mean no_gain?" in err


def test_the_remaining_time_is_the_pace_so_far_counted_down():
    now = [0.0]
    remaining = Remaining(clock=lambda: now[0])
    assert remaining.seconds() is None
    now[0] = 30.0
    remaining.update(0.25)
    assert remaining.seconds() == pytest.approx(90.0)
    now[0] = 50.0
    assert remaining.seconds() == pytest.approx(70.0)
    remaining.update(0.10)
    assert remaining.seconds() == pytest.approx(70.0)
    now[0] = 200.0
    assert remaining.seconds() is None
    remaining.update(1.0)
    assert remaining.seconds() is None


def test_the_first_moments_promise_nothing():
    now = [0.0]
    remaining = Remaining(clock=lambda: now[0])
    now[0] = 1.0
    remaining.update(0.5)
    assert remaining.seconds() is None
    now[0] = 60.0
    assert Remaining(clock=lambda: now[0]).seconds() is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.2, "about 1 s left"),
        (9.0, "about 9 s left"),
        (42.0, "about 40 s left"),
        (90.1, "about 2 min left"),
        (4_800.0, "about 1 h 20 min left"),
    ],
)
def test_the_remaining_time_in_words(seconds, said):
    assert words(seconds) == said


def test_the_bar_shows_stage_share_and_remaining_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(Remaining.__init__, "__defaults__", (lambda: now[0], 0.0))
    screen = io.StringIO()
    with drawn(Console(file=screen, force_terminal=True, width=100, _environ={})) as progress:
        now[0] = 40.0
        progress("gain [all], fold 3", 0.5)
    shown = screen.getvalue()
    assert "gain [all], fold 3" in shown
    assert "50%" in shown
    assert "about 40 s left" in shown


def test_elsewhere_a_stage_is_a_line_and_quiet_is_nothing(capsys):
    for quiet in (False, True):
        with progress_shown(quiet=quiet) as progress:
            progress("reading", 0.0)
            progress("reading", 0.1)
            progress("gain", 0.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[  0%] reading\n[ 50%] gain\n"


def test_elsewhere_a_stage_that_lasts_is_said_again_every_minute(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr("syngain.cli.common.time.monotonic", lambda: now[0])
    with progress_shown(quiet=False) as progress:
        for second in range(0, 200, 7):
            now[0] = 100.0 + second
            progress("seed 1: anchors", second / 400)
    assert capsys.readouterr().err.splitlines() == [
        f"[{done}] seed 1: anchors" for done in ("  0%", " 16%", " 32%", " 47%")
    ]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), typer.Abort(), typer.Exit(130)])
def test_an_interruption_ends_with_a_word_and_130(interruption, monkeypatch, capsys):
    """Versions of typer differ in what they make of it."""
    from syngain.cli import app

    def stopped(*_, **__):
        if isinstance(interruption, typer.Exit):
            return interruption.exit_code
        raise interruption

    monkeypatch.setattr(app, "app", stopped)
    code, out, err = run(monkeypatch, capsys, "audit")
    assert (code, out) == (130, "")
    assert err.startswith("interrupted;")


def test_an_interruption_while_the_program_loads_prints_no_traceback(monkeypatch, capsys):
    class Slow:
        def find_spec(self, name, path=None, target=None):
            if name == "syngain.cli.app":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "syngain.cli.app", raising=False)
    monkeypatch.delattr("syngain.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Slow(), *sys.meta_path])
    assert run(monkeypatch, capsys, "audit") == (130, "", "interrupted; nothing was written\n")


@pytest.mark.parametrize(
    ("command", "content", "said"),
    [
        ("select", "share: half", "share: 'half'"),
        ("select", "folds: 1", "a whole number, at least 2"),
        ("select", "rows: true", "a whole number, at least 1"),
        ("audit", "seed: -1", "a whole number, at least 0"),
        ("audit", "label: {a: b}", "expected: text"),
        ("audit", "quiet: 1", "true or false"),
        ("information", "prompts: 1", "at least 2"),
        ("gain", "seed: 1\nseed: 2", "the key 'seed' twice"),
        ("gain", "pool: a\nheld_out: b", "the key 'held_out' twice"),
    ],
)
def test_a_value_of_a_configuration_is_checked_as_its_flag_is(command, content, said, monkeypatch, capsys, tmp_path):
    (tmp_path / "c.yaml").write_text(content)
    files = ["a"] if command == "information" else ["a", "b"]
    code, _, err = run(monkeypatch, capsys, command, *files, "-c", tmp_path / "c.yaml")
    assert code == 2
    assert said in err
    assert "c.yaml" in err


def test_values_of_a_configuration_have_the_types_of_their_flags(tmp_path):
    from syngain.cli.app import app
    from syngain.cli.common import configured

    (tmp_path / "c.yaml").write_text("share: 0.5\nrows: 20\nlabel: null\ntext: [a, b]\nmin_gain: 1e-3\nfail_if: [x]\n")
    commands = [typer.main.get_command(app).commands[name] for name in ("select", "gain", "gate")]
    known = {parameter.name: parameter for command in commands for parameter in command.params}
    context = type("Context", (), {})()
    context.command, context.info_name = type("Command", (), {"params": list(known.values())}), "select"
    context.params, context.get_parameter_source = dict.fromkeys(known), lambda _: None
    found = configured(context, tmp_path / "c.yaml")
    said = {"share": 0.5, "rows": 20, "text": "a,b", "min_gain": 0.001, "fail_if": ["x"]}
    assert {name: value for name, value in found.items() if value is not None} == said
