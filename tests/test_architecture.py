"""``docs/architecture.md`` and the decision records name what is there; the picture is that of the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs_blocks import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import architecture

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
FILES = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.(?:py|toml|html))`")
FOLDERS = (ROOT / "src" / "syngain", ROOT)


def missing(text):
    """Files that a text names and that are neither in the package nor in the checkout."""
    return [name for name in FILES.findall(text) if not any((folder / name).is_file() for folder in FOLDERS)]


def check(root):
    command = [sys.executable, str(ROOT / "tools" / "architecture.py"), "--check", "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_picture_and_the_table_of_rooms_are_those_of_the_code():
    done = check(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_file_that_the_page_names_exists():
    assert len(FILES.findall(PAGE)) > 20
    assert missing(PAGE) == []


def test_the_page_names_one_file_for_everything_that_may_be_added():
    section = PAGE.split("## Where to add what")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "`" in line]
    assert [row[0] for row in rows] == [
        "a file format",
        "a measure",
        "a finding",
        "a proxy learner",
        "a generator",
        "a curation step",
        "a selection method",
        "a report figure",
    ]
    assert all(len(FILES.findall(row[1])) == 1 for row in rows)


def test_the_names_of_the_page_are_in_the_files_it_gives():
    named = {
        "gain/forecast.py": ("class Forecaster", "def estimate"),
        "audit/findings/rows.py": ("def find",),
        "data/study.py": ("class Study",),
        "data/files/formats.py": ("READERS",),
        "audit/measure.py": ("MEASURES",),
        "gain/proxies/labels.py": ("class Classifier",),
        "workflows/evaluate/quick_gain.py": ("def quick_gain",),
    }
    for name, words in named.items():
        text = (FOLDERS[0] / name).read_text(encoding="utf-8")
        assert name in PAGE
        assert all(word in text for word in words), name


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_names_files_that_exist(path):
    assert missing(path.read_text(encoding="utf-8")) == []


def test_decisions_are_numbered_without_holes_and_say_their_number():
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]}: ")


def small(folder: Path, importer: str) -> Path:
    """A checkout of two rooms, with its page and picture written."""
    layers = 'layers = ["syngain.audit | syngain.gain", "syngain.core"]'
    contract = f'[tool.importlinter]\n[[tool.importlinter.contracts]]\ntype = "layers"\n{layers}\n'
    files = {
        "pyproject.toml": contract,
        "docs/architecture.md": f"# A\n\n{architecture.BEGIN}\n{architecture.END}\n\nThe end.\n",
        "docs/images/.keep": "",
        "src/syngain/__init__.py": "",
        **{f"src/syngain/{room}/__init__.py": f'"""Room {room} & more."""\n' for room in ("audit", "gain", "core")},
        "src/syngain/core/floor.py": "",
        "src/syngain/audit/measure.py": importer,
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_stale_picture_fails_the_check_and_writing_it_mends_that(tmp_path, monkeypatch):
    root = small(tmp_path, "")
    assert check(root).returncode == 1
    monkeypatch.setattr(sys, "argv", ["architecture.py", "--root", str(root)])
    assert architecture.main() == 0
    assert check(root).returncode == 0
    (root / "src/syngain/audit/measure.py").write_text("from syngain.core import floor\n")
    done = check(root)
    assert done.returncode == 1
    assert "docs/images/architecture.svg differs" in done.stdout
    assert "docs/architecture.md differs" in done.stdout


def test_the_picture_draws_a_dot_for_an_import_and_escapes_what_rooms_hold(tmp_path):
    found = architecture.rooms(small(tmp_path, "from syngain.core import floor\n"))
    svg = architecture.picture(found)
    assert svg.count("<circle") == 1
    assert "audit imports core" in svg
    assert "Room core &amp; more." in svg
    assert [(room.name, room.layer) for room in found] == [("audit", 0), ("gain", 0), ("core", 1)]


def test_a_room_without_a_layer_is_an_error(tmp_path):
    root = small(tmp_path, "")
    (root / "src/syngain/attic").mkdir()
    (root / "src/syngain/attic/__init__.py").write_text('"""Attic."""')
    with pytest.raises(SystemExit, match="attic"):
        architecture.rooms(root)
