"""``tools/house.py``: every rule fires on a small made-up package that breaks it, and on none that keeps it."""

import subprocess
import sys

import pytest

from docs_blocks import ROOT

sys.path.insert(0, str(ROOT / "tools"))

import house
import import_graph

KEPT = {
    "__init__.py": '"""A package."""\n',
    "core/__init__.py": '"""The floor."""\n',
    "core/estimate.py": "class Estimate:\n    value = 1\n",
    "audit/__init__.py": "from home.audit.verdict import decide\n",
    "audit/measure.py": "from home.core.estimate import Estimate\n\n\ndef measure():\n    return Estimate()\n",
    "audit/verdict.py": "from home.audit.measure import measure\n\n\ndef decide():\n    return measure()\n",
}


def house_of(folder, **changes):
    """A package ``home`` that keeps every rule, with files put in or replaced (``/`` is written ``__``)."""
    for name, text in {
        **KEPT,
        **{(key if "/" in key else key.replace("__", "/")) + ".py": text for key, text in changes.items()},
    }.items():
        path = folder / "home" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def broken(folder, **changes):
    return [(o.rule, o.path.relative_to(folder / "home").as_posix(), o.line) for o in offenses_of(folder, **changes)]


def offenses_of(folder, **changes):
    return house.offenses(house_of(folder, **changes))


def function(lines):
    return "def long():\n" + "    x = 1\n" * (lines - 1)


def test_a_package_that_keeps_the_rules_has_no_offense(tmp_path):
    assert broken(tmp_path) == []


def test_a_function_of_61_lines_is_too_long_and_one_of_60_is_not(tmp_path):
    assert broken(tmp_path, audit__a=function(60)) == []
    assert broken(tmp_path, audit__a="\n" + function(61)) == [("function", "audit/a.py", 2)]


def test_a_file_of_401_lines_is_too_long_and_one_of_400_is_not(tmp_path):
    assert broken(tmp_path, audit__a="x = 1\n" * 400) == []
    assert broken(tmp_path, audit__a="x = 1\n" * 401) == [("file", "audit/a.py", 401)]


def test_a_folder_holds_at_most_16_chapters_modules_and_folders_together(tmp_path):
    chapters = {f"core__c{number}": "" for number in range(14)}
    assert broken(tmp_path, **chapters, core__kit__a="") == []
    init = {"core/kit/__init__": ""}
    assert broken(tmp_path, **chapters, **init, core__kit__a="") == []
    assert broken(tmp_path, **chapters, **init, core__more="") == [("folder", "core", 1)]


def test_the_rooms_are_no_chapters_of_the_package(tmp_path):
    assert broken(tmp_path, **{f"room{number}/__init__": "" for number in range(20)}) == []


def test_a_class_name_stands_for_one_class_wherever_the_other_is(tmp_path):
    inner = "def make():\n    class Estimate:\n        pass\n    return Estimate\n"
    assert broken(tmp_path, audit__a=inner) == [("class", "core/estimate.py", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "from home.audit.verdict import decide\n",
        "import home.audit.verdict\n",
        "from home.audit import verdict\n",
        "from . import verdict\n",
        "from .verdict import decide\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from home.audit.verdict import decide\n",
        "def late():\n    from home.audit.verdict import decide\n    return decide\n",
    ],
)
def test_a_circle_inside_a_room_is_found_however_it_is_imported(tmp_path, text):
    found = broken(tmp_path, audit__measure=text)
    assert {(rule, path) for rule, path, _ in found} == {("circle", "audit/measure.py"), ("circle", "audit/verdict.py")}


def test_a_circle_through_the_face_of_a_room_is_one(tmp_path):
    found = broken(tmp_path, audit__measure="from home.audit import decide\n")
    assert {path for _, path, _ in found} == {"audit/__init__.py", "audit/measure.py", "audit/verdict.py"}


def test_circles_between_rooms_are_the_business_of_the_other_contract(tmp_path):
    assert broken(tmp_path, core__a="from home.audit.measure import measure\n") == []


@pytest.mark.parametrize("name", sorted(house.RETIRED))
def test_retired_names_are_no_modules(tmp_path, name):
    assert broken(tmp_path, **{f"audit__{name}": ""}) == [("name", f"audit/{name}.py", 1)]


def test_retired_names_are_no_folders(tmp_path):
    assert broken(tmp_path, **{"audit/told/__init__": ""}) == [("name", "audit/told/__init__.py", 1)]


def test_a_class_has_no_retired_name_but_may_hold_one(tmp_path):
    assert broken(tmp_path, audit__a="\n\nclass _Ground:\n    pass\n") == [("name", "audit/a.py", 3)]
    assert broken(tmp_path, audit__a="class GroundWater:\n    pass\n") == []


def test_any_and_silenced_rules_are_counted_outside_of_texts(tmp_path):
    text = (
        '"""Any # noqa in words counts for nothing."""\nfrom typing import Any\n'
        "def f(a: Any) -> dict[str, Any]:  # noqa: ANN401\n    return a  # type: ignore[no-any-return]\n"
    )
    assert house.counts(house_of(tmp_path, audit__a=text)) == {"Any": 2, "noqa": 1, "type: ignore": 1}


def test_the_program_prints_places_and_ends_with_1(tmp_path):
    house_of(tmp_path, audit__told="")
    command = [sys.executable, str(ROOT / "tools" / "house.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{tmp_path / 'home' / 'audit' / 'told.py'}:1: name: told is retired" in done.stdout
    (tmp_path / "home" / "audit" / "told.py").unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_circles_of_a_graph_are_its_strongly_connected_parts():
    graph = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": ["e"], "e": ["d"], "f": ["a"], "g": ["g"]}
    assert import_graph.circles({name: dict.fromkeys(to, 1) for name, to in graph.items()}) == [
        ["a", "b", "c"],
        ["d", "e"],
    ]
