"""The result of a review by hand, added to a finished run: ``report.json``, and the findings of ``report.html``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from syngain.core.errors import InputError
from syngain.core.result import Finding
from syngain.report.folder import REPORT, load
from syngain.report.page import findings_section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from syngain.core.estimate import Estimate

PAGE = "report.html"
START, END = '<section id="findings">', "</section>"


def with_review(folder: Path, reviewed: Mapping[str, tuple[Estimate, str]]) -> dict[str, str]:
    """The files of a run with the precision and a sentence on each reviewed finding, by name.

    An earlier review of a finding is replaced.

    Raises:
        InputError: the folder is no run, or its page has no findings.
    """
    report = load(folder)
    for finding in report["findings"]:
        if finding["id"] in reviewed:
            finding["review"] = reviewed[finding["id"]][1]
    precision = {f"review.precision@{name}": item.as_json() for name, (item, _) in reviewed.items()}
    report["estimates"] = dict(sorted({**report["estimates"], **precision}.items()))
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return {PAGE: _page(folder, report), REPORT: text}


def _page(folder: Path, report: Mapping[str, Any]) -> str:
    """The page with its findings drawn again."""
    try:
        text = (folder / PAGE).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"{folder / PAGE} cannot be read ({error})", expected="a run folder with its report", todo="run audit again"
        ) from error
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise InputError(f"{folder / PAGE} has no findings", expected="a report of syngain", todo="run audit again")
    findings = [Finding.from_json(item) for item in report["findings"]]
    return f"{before}{findings_section(findings, str(report['command']))}{after}"
