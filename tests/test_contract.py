"""``docs/contract.md`` is true: the keys, files, columns and ids it lists are those of real runs, all and only."""

import json
import re
import sys

import pytest

from docs_blocks import ROOT
from syngain.cli import main
from syngain.cli.exit_codes import INTERRUPTED, TERMINATED
from syngain.core.errors import SyngainError, UnfinishedError
from syngain.core.expressions import FIELDS
from syngain.report.catalog import FINDINGS
from syngain.report.entries.measures import MEASURES

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.slow

CODE = re.compile(r"`([^`]+)`")


def section(title):
    """The text under a heading, up to the next heading of any level."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(title, columns=3):
    """The cells of the tables under a heading, without their heads."""
    lines = [line.strip("|").split("|") for line in section(title).splitlines() if line.startswith("|")]
    rule = [number for number, line in enumerate(lines) if set(line[0].strip()) == {"-"}]
    return [
        [cell.strip() for cell in line] for number, line in enumerate(lines) if not {number, number + 1} & set(rule)
    ]


def keys(title):
    return {name for row in rows(title) for name in CODE.findall(row[0])}


def run(folder, *arguments):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stop:
        patch.setattr(sys, "argv", ["syngain", *map(str, arguments)])
        patch.chdir(folder)
        main()
    assert stop.value.code == 0, arguments


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """An audit with all its parts, a measured gain, a selection, a generation and a simulation."""
    folder = tmp_path_factory.mktemp("contract")
    sys.path.insert(0, str(ROOT / "tools"))
    from same_numbers_inputs import make

    make(folder / "in", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNGAIN_HOME", str(folder / "home"))
        sets = ("in/real.jsonl", "in/synthetic.jsonl")
        run(folder, "audit", *sets, "--test", "in/test.jsonl", "-o", "audit", "-q")
        few = ("in/real.jsonl::place=north", sets[1])
        run(folder, "gain", *few, "--test", "in/test.jsonl", "-o", "gain", "-q")
        run(folder, "select", *few, "--method", "confidence", "--folds", "2", "-o", "select", "-q")
        run(folder, "generate", "in/recipe.yaml", "--anchor", "in/real.jsonl", "-o", "generate", "-q")
        run(folder, "lab", "paper", "--quick", "-o", "lab", "-q")
    return folder


def report(runs, name="audit"):
    return json.loads((runs / name / "report.json").read_text(encoding="utf-8"))


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", ["audit", "gain", "select", "generate"])
def test_the_keys_of_a_report_are_those_of_the_contract(runs, name):
    found = report(runs, name)
    assert found.keys() == keys("report.json")
    for item in found["inputs"].values():
        assert item.keys() == keys("Input")
    for item in found["estimates"].values():
        assert item.keys() == keys("Estimate")
    for item in found["series"].values():
        assert item.keys() == keys("Series")
    for item in found["findings"]:
        assert item.keys() == keys("Finding")
    assert found["verdict"].keys() == keys("Verdict")


def test_the_keys_of_run_json_are_those_of_the_contract(runs):
    content = json.loads((runs / "audit" / "run.json").read_text(encoding="utf-8"))
    assert content.keys() == keys("run.json")


def test_the_audit_of_the_contract_has_something_to_show_of_everything(runs):
    found = report(runs)
    assert found["inputs"].keys() == {"real", "synthetic", "test"}
    assert found["series"]
    assert {finding["severity"] for finding in found["findings"]} >= {"high"}


def test_the_report_of_the_lab_has_keys_of_its_own(runs):
    assert report(runs, "lab").keys() == keys("Reports of `lab`")


def test_every_id_of_a_report_is_in_the_contract(runs):
    documented = [name for row in rows("Estimate ids") for name in CODE.findall(row[1])]
    patterns = [re.escape(name).replace("<metric>", "[a-z0-9_]+") for name in documented]
    assert set(MEASURES) <= set(documented)
    for name in ("audit", "gain", "select", "generate"):
        for identifier in report(runs, name)["estimates"]:
            plain = identifier.partition("@")[0]
            assert any(re.fullmatch(pattern, plain) for pattern in patterns), identifier


def test_every_finding_has_an_id_of_the_contract(runs):
    documented = {name for row in rows("Finding ids") for name in CODE.findall(row[1])}
    assert documented == set(FINDINGS)
    assert {finding["id"] for finding in report(runs)["findings"]} <= documented


def test_the_files_of_a_run_are_those_of_the_contract(runs):
    table = {name: row[2] for row in rows("Run folder") for name in CODE.findall(row[0])}
    for command in ("audit", "gain", "select", "generate"):
        expected = {name for name, users in table.items() if users == "all" or f"`{command}`" in users}
        assert {path.name for path in (runs / command).iterdir()} == expected


def test_added_columns_are_those_of_the_contract(runs):
    table = [(CODE.findall(row[0])[0], row[2]) for row in rows("Files of rows") if row[0].startswith("`syngain_")]
    for command in ("audit", "select", "generate"):
        expected = {name for name, where in table if f"`{command}`" in where}
        dropped = lines(runs / command / "dropped.jsonl")
        assert {key for row in dropped for key in row if key.startswith("syngain_")} == expected
    provenance = {name for row in rows("Files of rows") if len(row) == 2 for name in CODE.findall(row[0])}
    generated = {key for row in lines(runs / "generate" / "rows.jsonl") for key in row}
    assert generated - {"text", "label"} == provenance - {"raw_text", "reasoning_content"}


def test_the_calibration_record_is_as_the_contract_has_it(runs):
    (line,) = lines(runs / "home" / "calibration.jsonl")
    assert line.keys() == keys("Data folder")


def test_the_exit_codes_of_the_program_are_in_the_contract():
    errors = {kind.exit_code for kind in (SyngainError, UnfinishedError)}
    assert keys("Streams and exit codes") == {"0", "1"} | {str(code) for code in (*errors, INTERRUPTED, TERMINATED)}


def test_the_fields_of_conditions_are_those_of_the_language():
    assert set(FIELDS) <= set(CODE.findall(section("Conditions")))
