"""The pages of the trainers show what was run: the same commands and configurations, with the recorded results."""

import importlib.util
import json
import re
import sys

import pytest

from docs_blocks import ROOT

PAGES = ROOT / "docs" / "how-to" / "trainers"
NAMES = sorted(page.stem for page in PAGES.glob("*.md") if page.stem != "index")
TARGETS = {"trl", "llama_factory", "axolotl", "oumi", "unsloth", "nemo", "openai", "distilabel", "messages"}


@pytest.fixture(scope="module")
def runner():
    file = ROOT / "benchmarks" / "trainer_configurations.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        patch.setitem(sys.modules, file.stem, module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def record(runner):
    return json.loads(runner.RECORD.read_text(encoding="utf-8"))


def test_every_page_is_run_and_every_target_has_a_page(runner, record):
    assert sorted(runner.PROGRAMS) == sorted(record) == NAMES
    shown = {word for page in record.values() for code in page["blocks"] for word in re.findall(r"--to (\w+)", code)}
    assert shown == TARGETS


@pytest.mark.parametrize("name", NAMES)
def test_a_page_shows_what_was_run(runner, record, name):
    text = (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert runner.blocks(text) == record[name]["blocks"]
    assert [found["result"] for found in runner.PIECE.finditer(text) if found["result"]] == record[name]["results"]
    assert record[name]["results"]
    assert "RESULT" not in text


@pytest.mark.parametrize("name", NAMES)
def test_a_result_names_the_versions_and_what_was_added(runner, record, name):
    program = runner.PROGRAMS[name]
    for result in record[name]["results"]:
        assert all(re.search(rf"{package} \d", result) for package in program.packages)
        assert (" ".join(program.added) in result) or not program.added
        assert program.what or 0 < float(re.search(r"loss ([\d.]+)\.$", result)[1]) < 20


def test_a_page_that_changes_is_seen(runner):
    text = (PAGES / "trl.md").read_text(encoding="utf-8")
    assert runner.blocks(text.replace("0.0002", "0.0003")) != runner.blocks(text)
    two = runner.filled("RESULT\n\nRun with trl 1: loss 3.0.\n", ["first", "second"])
    assert two == "first\n\nsecond\n"
