"""The public face: what can be imported, and what importing does not load."""

import subprocess
import sys

import syngain

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
