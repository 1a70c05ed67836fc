"""The public face: what can be imported, and what importing does not load."""

import subprocess
import sys

import pytest

import report_samples
import syngain
from syngain.core.rng import Streams

HEAVY = {"numpy", "scipy", "sklearn", "torch", "pandas", "pyarrow", "plotly", "transformers"}


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_every_public_name_is_importable():
    for name in syngain.__all__:
        assert getattr(syngain, name) is not None, name


def test_public_names_are_listed_and_nothing_else_is_found():
    assert dir(syngain) == sorted(syngain.__all__)
    assert not hasattr(syngain, "no_such_name")


def test_importing_the_package_loads_nothing_heavy():
    loaded = python("import sys, syngain; print(' '.join(sys.modules))").split()
    assert not HEAVY & set(loaded)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['syngain', 'audit', '--help']\nfrom syngain.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint('LOADED', ' '.join(sys.modules))"
    )
    output = python(code)
    assert "REAL" in output
    assert not HEAVY & set(output.split("LOADED")[1].split())


def test_the_verb_wins_over_the_folder_of_the_same_name():
    code = "from syngain.audit import frame\nimport syngain\nprint(callable(syngain.audit), frame.__name__)"
    assert python(code) == "True syngain.audit.frame"


def test_version_is_printed():
    output = subprocess.run([sys.executable, "-m", "syngain", "--version"], capture_output=True, text=True, check=True)
    assert output.stdout.startswith(f"syngain {syngain.__version__}")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda r: syngain.audit([{"text": "a"}], r), "a list where rows are expected"),
        (lambda r: syngain.audit(None, r), "null where rows are expected"),
        (lambda _: syngain.read(5), "a number where rows are expected"),
        (lambda r: syngain.generate(5, real=r), "a recipe of type int"),
        (lambda _: syngain.report.write(None, "folder"), "NoneType as a result"),
        (lambda r: syngain.gain(r, r, settings={"metric": "accuracy"}), "settings of type dict"),
        (lambda r: syngain.audit(r, r, settings=syngain.settings.GainSettings()), "syngain.settings.AuditSettings"),
        (lambda r: syngain.mix(r, r, settings=5), "settings of type int"),
        (lambda r: syngain.compare(r, {"a": r, "real": r}), "a dataset is named real"),
        (lambda r: syngain.mix(r, {"anchors": r}), "a dataset is named anchors"),
        (lambda r: syngain.mix(r, "absent.jsonl"), "no such file: absent.jsonl"),
    ],
)
def test_wrong_types_and_names_are_errors_in_three_parts(call, said):
    rows = syngain.Dataset.from_rows([{"text": f"row {i}", "label": "ab"[i % 2]} for i in range(30)])
    with pytest.raises(syngain.SyngainError) as caught:
        call(rows)
    assert said in str(caught.value)
    assert caught.value.expected


@pytest.mark.parametrize("seed", ["a", -1, 1.5, None, True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(syngain.SyngainError, match="a whole number of at least 0"):
        Streams(seed)


def test_a_result_says_itself_in_a_line():
    said = repr(report_samples.audit_result())
    assert said.startswith("<Result of audit, ")
    assert len(said) < 200
