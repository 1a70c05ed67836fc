"""The folder of a person: where it was named, else where the platform keeps data."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from syngain.core.folders.home import home, models_folder

NO_HOME = ("SYNGAIN_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    for name in NO_HOME:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


def test_the_variable_names_it(monkeypatch, tmp_path):
    monkeypatch.setenv("SYNGAIN_HOME", str(tmp_path / "mine"))
    assert home() == tmp_path / "mine"
    assert models_folder() == tmp_path / "mine" / "models"


def test_it_is_read_every_time_and_nothing_is_made(monkeypatch, tmp_path):
    for name in ("one", "two"):
        monkeypatch.setenv("SYNGAIN_HOME", str(tmp_path / name))
        assert models_folder().parent.name == name
    assert not list(tmp_path.iterdir())


def test_a_relative_or_tilde_name_becomes_absolute(nobody, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNGAIN_HOME", "here")
    assert home() == tmp_path / "here"
    monkeypatch.setenv("SYNGAIN_HOME", "~/there")
    assert home() == nobody / "there"


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        ("linux", Path(".local", "share", "syngain")),
        ("darwin", Path("Library", "Application Support", "syngain")),
        ("win32", Path("AppData", "Local", "syngain")),
    ],
)
@pytest.mark.parametrize("empty", [None, "", "  "])
def test_without_it_the_platform_decides(nobody, monkeypatch, platform, expected, empty):
    monkeypatch.setattr(sys, "platform", platform)
    if empty is not None:
        monkeypatch.setenv("SYNGAIN_HOME", empty)
    assert home() == nobody / expected


@pytest.mark.parametrize(("platform", "variable"), [("linux", "XDG_DATA_HOME"), ("win32", "LOCALAPPDATA")])
def test_the_platforms_own_variable_counts_when_it_is_absolute(nobody, monkeypatch, platform, variable):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv(variable, str(nobody / "data"))
    assert home() == nobody / "data" / "syngain"
    monkeypatch.setenv(variable, "data")
    assert home().is_relative_to(nobody)
    assert home().name == "syngain"
    assert home() != nobody / "data" / "syngain"
