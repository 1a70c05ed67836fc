"""Warnings said anywhere below a command are in its report and said once; no command is left out."""

from __future__ import annotations

import inspect
import json
import sys
import warnings

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import syngain
from generating import anchors, toy_recipe
from selection_rows import jsonl, rows
from syngain.cli import main
from syngain.core.documents.warned import collected, literal, tally, warn
from syngain.core.rng import Streams

COMMANDS = {
    "audit": ["audit", "real", "good", "--no-gain"],
    "gain": ["gain", "real", "good"],
    "select": ["select", "real", "good"],
    "compare": ["compare", "real", "good", "wrong", "--no-measures"],
    "mix": ["mix", "real", "good", "wrong"],
    "ggmi": ["ggmi", "real", "good"],
    "loop": ["loop", "real", "--seeds", 2, "--generations", 2],
    "information": ["information", "said", "--real", "real"],
    "generate": ["generate", "recipe", "--real", "real"],
}
VERBS = [name for name in syngain.__all__ if callable(getattr(syngain, name)) and not name[0].isupper()]
RESULTS = [name for name in VERBS if inspect.signature(getattr(syngain, name)).return_annotation == "Result"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warned")
    made = {
        name: jsonl(folder / f"{name}.jsonl", rows(count, seed, wrong))
        for name, count, seed, wrong in (("real", 45, 1, 0.0), ("good", 90, 2, 0.0), ("wrong", 90, 3, 0.7))
    }
    made["recipe"] = folder / "recipe.yaml"
    made["recipe"].write_text(yaml.safe_dump(toy_recipe()))
    syngain.generate(toy_recipe(), str(jsonl(folder / "a.jsonl", anchors())), folder=folder / "toy")
    made["said"] = folder / "toy" / "rows.jsonl"
    return {name: str(path) for name, path in made.items()}


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    out, err = capsys.readouterr()
    assert stop.value.code == 0, err
    return out, err


def test_every_verb_with_a_result_carries_warnings():
    assert {"audit", "gain", "select", "compare", "mix", "train", "ggmi", "loop", "generate"} <= set(RESULTS)
    assert [name for name in RESULTS if not hasattr(getattr(syngain, name), "__wrapped__")] == []


@pytest.mark.filterwarnings("default:two:UserWarning")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_says_a_warning_once_and_keeps_it_in_its_report(command, files, tmp_path, monkeypatch, capsys):
    before = Streams.stream

    def warned(self, *names):
        warn("a plain warning")
        tally("{:,} of {:,} rows are odd", 1, 2)
        warnings.warn("two\n lines.", UserWarning, stacklevel=1)
        return before(self, *names)

    monkeypatch.setattr(Streams, "stream", warned)
    call = [files.get(word, word) for word in COMMANDS[command]]
    _, err = run(monkeypatch, capsys, *call, "-o", tmp_path / "run", "-q")
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    said = report["warnings"]
    assert {"a plain warning", "UserWarning of a library: two lines"} <= set(said)
    assert len([one for one in said if one.endswith("rows are odd")]) == 1
    assert len(set(said)) == len(said)
    assert [line for line in err.splitlines() if "plain" in line] == ["warning: a plain warning"]
    assert "a plain warning" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.parametrize("command", ["audit", "select"])
def test_what_reading_noticed_is_in_the_report(command, files, tmp_path, monkeypatch, capsys):
    bare = tmp_path / "real.csv"
    bare.write_text("".join(f"{row['text']},{row['label']}\n" for row in rows(45, 1, 0.0)))
    _, _ = run(monkeypatch, capsys, command, bare, files["good"], "-o", tmp_path / "run", "-q")
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert any("header" in sentence for sentence in report["warnings"])


def test_a_conversion_says_how_the_file_was_read(tmp_path, monkeypatch, capsys):
    bare = tmp_path / "real.csv"
    bare.write_text("".join(f"{row['text']},{row['label']}\n" for row in rows(45, 1, 0.0)))
    out, _ = run(monkeypatch, capsys, "convert", bare, tmp_path / "real.jsonl", "--json")
    assert any("header" in sentence for sentence in json.loads(out)["warnings"])
    _, err = run(monkeypatch, capsys, "convert", bare, tmp_path / "real2.jsonl")
    assert "header" in err


@pytest.mark.filterwarnings("always")
def test_warnings_of_a_part_are_those_of_the_whole_and_deprecations_stay_warnings():
    with warnings.catch_warnings(record=True) as kept, collected() as whole:
        with collected() as part:
            warn("inner")
            tally("{} of {}", 1, 2)
            warnings.warn("old", DeprecationWarning, stacklevel=1)
            warnings.warn("odd", RuntimeWarning, stacklevel=1)
        tally("{} of {}", 2, 3)
        warn("inner")
    assert [str(item.message) for item in kept] == ["old"]
    assert part.all() == ("inner", "RuntimeWarning of a library: odd", "1 of 2")
    assert whole.all() == ("inner", "RuntimeWarning of a library: odd", "3 of 5")


def test_outside_a_run_warnings_are_in_the_log(caplog):
    warn("alone")
    tally("{:,} of {:,}", 0, 2)
    tally("{:,} of {:,}", 1_000, 2_000)
    assert caplog.messages == ["alone", "1,000 of 2,000"]


def test_an_error_leaves_no_warnings_behind():
    with pytest.raises(ValueError, match="wrong"), collected():
        warn("lost")
        raise ValueError("wrong")
    with collected() as after:
        pass
    assert after.all() == ()


@given(st.text())
def test_any_words_stand_in_a_sentence_with_numbers(words):
    with collected() as said:
        tally(f"{{}} of {{}} {literal(words)}", 1, 2)
    assert said.all() == (f"1 of 2 {words}",)
