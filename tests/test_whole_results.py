"""A result is whole: written from Python, its folder has the bytes of the command line."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing

import pytest
import yaml

import syngain
from generating import anchors, toy_recipe
from selection_rows import jsonl, rows
from syngain import settings
from syngain.cli import main

CLOCKS = {"run.json", "log.txt"}  # the clock, the arguments, the command line


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return {
        name: str(jsonl(folder / f"{name}.jsonl", rows(count, seed, wrong)))
        for name, count, seed, wrong in (
            ("real", 45, 1, 0.0),
            ("good", 120, 2, 0.0),
            ("wrong", 120, 3, 0.7),
            ("test", 60, 4, 0.0),
        )
    }


def from_shell(folder, *arguments):
    """Run a command into ``folder``; exit code 0."""
    before, sys.argv = sys.argv, ["syngain", *map(str, arguments), "-o", str(folder), "-q"]
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        sys.argv = before
    assert stop.value.code == 0


def contents(folder):
    """The bytes of each file; of a store, whose pages depend on the moment they are written, its rows."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in CLOCKS]
    return {
        str(path.relative_to(folder)): dumped(path) if path.suffix == ".sqlite" else path.read_bytes() for path in files
    }


def dumped(store):
    """Statements that make the store; the ledger without the order in which the workers' bookings came in."""
    with closing(sqlite3.connect(store)) as connection:
        bookings = connection.execute(
            "SELECT coalesce(own.key, settled.key), own.settles IS NULL, own.least_tokens, own.least_usd,"
            " own.most_tokens, own.most_usd FROM ledger own LEFT JOIN ledger settled ON own.settles = settled.entry"
        ).fetchall()
        others = [line for line in connection.iterdump() if not line.startswith('INSERT INTO "ledger"')]
    return sorted(others), sorted(bookings)


def same(tmp_path, result, *arguments):
    """The folder from Python and the one from the command line, byte for byte."""
    from_shell(tmp_path / "shell", *arguments)
    syngain.report.write(result, tmp_path / "python")
    python, shell = contents(tmp_path / "python"), contents(tmp_path / "shell")
    assert python.keys() == shell.keys()
    assert {name for name in python if python[name] != shell[name]} == set()
    identities = [json.loads((tmp_path / side / "run.json").read_text())["identity"] for side in ("python", "shell")]
    assert identities[0] == identities[1]
    return python


def test_audit(tmp_path, files):
    found = same(tmp_path, syngain.audit(files["real"], files["wrong"], test=files["test"], seed=3), *(
        "audit", files["real"], files["wrong"], "--test", files["test"], "--seed", 3,
    ))  # fmt: skip
    assert {"flagged.jsonl", "kept.jsonl", "dropped.jsonl", "report.html", "report.json"} == found.keys()


def test_gain_and_its_calibration_record(tmp_path, files, monkeypatch):
    monkeypatch.setenv("SYNGAIN_HOME", str(tmp_path / "home"))
    result = syngain.gain(files["real"], files["good"], test=files["test"])
    same(tmp_path, result, "gain", files["real"], files["good"], "--test", files["test"])
    lines = (tmp_path / "home" / "calibration.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1]


def test_compare(tmp_path, files):
    sets = {"good": files["good"], "wrong": files["wrong"]}
    named = [f"{name}={file}" for name, file in sets.items()]
    same(tmp_path, syngain.compare(files["real"], sets), "compare", files["real"], *named)


def test_select_and_a_cut_of_it(tmp_path, files):
    result = syngain.select(files["real"], files["wrong"], method="confidence")
    found = same(tmp_path, result, "select", files["real"], files["wrong"], "--method", "confidence")
    assert len(found["kept.jsonl"].splitlines()) == len(result.kept_rows) == 60
    cut = syngain.reselect(tmp_path / "python", 20)
    same(tmp_path / "cut", cut, "select", "--again", tmp_path / "python", "--rows", 20)
    assert [row["syngain_rank"] for row in cut.kept_rows] == list(range(1, 21))


def test_mix(tmp_path, files):
    sets = {"good": files["good"], "wrong": files["wrong"]}
    named = [f"{name}={file}" for name, file in sets.items()]
    result = syngain.mix(files["real"], sets, settings=settings.MixSettings(files={"anchors": files["real"], **sets}))
    same(tmp_path, result, "mix", files["real"], *named)


def test_generate_and_information(tmp_path):
    real = jsonl(tmp_path / "real.jsonl", anchors())
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(toy_recipe()), encoding="utf-8")
    result = syngain.generate(recipe, real, work=tmp_path / "work")
    found = same(tmp_path, result, "generate", recipe, "--real", real)
    assert {"rows.jsonl", "kept.jsonl", "dropped.jsonl", "recipe.yaml", "store.sqlite"} <= found.keys()
    told = syngain.information(tmp_path / "python", real=real)
    same(tmp_path / "information", told, "information", tmp_path / "python", "--real", real)


def test_ggmi(tmp_path, files):
    chosen = settings.GgmiSettings(masks=settings.Masks(pairs=20, masks=4, draws=2), gain=False)
    result = syngain.ggmi(files["real"], files["good"], settings=chosen)
    flags = ("--pairs", 20, "--masks", 4, "--n-repeats", 2, "--no-gain")
    same(tmp_path, result, "ggmi", files["real"], files["good"], *flags)


def test_loop(tmp_path, files):
    chosen = settings.LoopSettings(loop=settings.Loop(generations=2, shares=(0.0, 0.5), rows=40), seeds=2)
    result = syngain.loop(files["good"], settings=chosen)
    flags = ("--generations", 2, "--real-share", "0,0.5", "--rows", 40, "--n-repeats", 2)
    same(tmp_path, result, "loop", files["good"], *flags)


def test_demo(tmp_path):
    found = same(tmp_path, syngain.demo(seed=2), "demo", "--seed", 2)
    assert {"real.jsonl", "synthetic.jsonl", "test.jsonl"} <= found.keys()


def test_convert(tmp_path):
    source = jsonl(tmp_path / "pairs.jsonl", [{"prompt": f"ask {i}", "completion": f"say {i}"} for i in range(5)])
    before, sys.argv = sys.argv, ["syngain", "convert", str(source), str(tmp_path / "a.jsonl"), "--to", "messages"]
    try:
        with pytest.raises(SystemExit) as stop:
            main()
    finally:
        sys.argv = before
    assert stop.value.code == 0
    syngain.convert(source, tmp_path / "b.jsonl", to="messages")
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
