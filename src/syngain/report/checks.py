"""Checked conditions as lines for a terminal, JUnit for test panels, and Markdown for summaries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from syngain.report.safe import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.expressions import Check


def check_lines(checks: Sequence[Check]) -> str:
    """A line per condition: whether it failed, the condition, and what the report says."""
    lines = [f"{_word(one)}  {one.expression}  ({_readings(one)})" for one in checks]
    return "\n".join(_printable(line) for line in lines) + "\n"


def check_json(checks: Sequence[Check]) -> str:
    """The conditions as JSON: ``{"passed": ..., "checks": [{"fail_if", "failed", "readings"}]}``."""
    content = {
        "passed": not any(one.holds for one in checks),
        "checks": [{"fail_if": one.expression, "failed": one.holds, "readings": dict(one.readings)} for one in checks],
    }
    return json.dumps(plain(content), indent=2, ensure_ascii=False) + "\n"


def check_junit(checks: Sequence[Check], *, sentence: str) -> str:
    """A JUnit test suite: a case per condition, a failure where it holds."""
    failed = sum(one.holds for one in checks)
    attributes = {"name": "syngain gate", "tests": str(len(checks)), "failures": str(failed), "errors": "0"}
    root = ET.Element("testsuites", attributes)
    suite = ET.SubElement(root, "testsuite", attributes)
    for one in checks:
        case = ET.SubElement(suite, "testcase", {"classname": "syngain", "name": _printable(one.expression)})
        said = _printable(f"{_readings(one)}. {sentence}")
        if one.holds:
            ET.SubElement(case, "failure", {"message": _printable(one.expression)}).text = said
        else:
            ET.SubElement(case, "system-out").text = said
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def check_markdown(checks: Sequence[Check], *, sentence: str) -> str:
    """A heading, the verdict and a table, for the summary page of a pipeline."""
    failed = sum(one.holds for one in checks)
    title = f"syngain gate: {failed} of {len(checks)} conditions failed" if failed else "syngain gate: passed"
    rows = [f"| {_word(one)} | {_cell(one.expression)} | {_cell(_readings(one))} |" for one in checks]
    head = ["| | fail if | report |", "|---|---|---|"]
    return "\n".join([f"### {title}", "", _escaped(sentence), "", *head, *rows, ""])


def _word(one: Check) -> str:
    return "FAIL" if one.holds else "pass"


def _readings(one: Check) -> str:
    said = dict(one.readings)  # a reference that stands twice is said once
    parts = [
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}" for name, value in said.items()
    ]
    return ", ".join(parts) or "nothing of the report is read"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _cell(text: str) -> str:
    """Code in a table cell: bars and backticks would end it."""
    return "`" + _printable(text).replace("|", "\\|").replace("`", "'") + "`"


def _escaped(text: str) -> str:
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in _printable(text))
