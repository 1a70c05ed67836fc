"""Draws a lab result from its JSON: a page with panels, tables and checks, and the run folder. Computes nothing."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from syngain.report.folder import REPORT, _beside, _move, _translated, _versions, _write, check_folder
from syngain.report.lab.svg import lab_svg
from syngain.report.safe import plain, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.report.lab.content import Cell, CheckContent, LabContent, TableContent

STYLE = """
body { margin: 0 auto; max-width: 66rem; padding: 1.5rem; color: #1b1f24; background: #fbfbfa;
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
figure { margin: 1.5rem 0; overflow-x: auto; background: #fff; border: 1px solid #dfe2e6; border-radius: 8px; }
svg { display: block; max-width: 100%; height: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #dfe2e6; }
td.number, th.number { text-align: right; }
.note { color: #57606a; }
"""


def lab_html(result: LabContent) -> str:
    """A self-contained page: notes, the figure, tables, checks. The same bytes for the same result."""
    title = f"syngain lab {result['preset']}"
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{STYLE}</style></head><body><main><h1>{_text(title)}</h1>",
        *(f'<p class="note">{_text(note)}</p>' for note in result["notes"]),
        f"<figure>{lab_svg(result)}</figure>",
        *(_table(table) for table in result["tables"]),
        *_checks(result["checks"]),
        f"<h2>Parameters</h2><pre>{_text_lines(json.dumps(result['parameters'], indent=1))}</pre>",
        f'<p class="note">syngain {_text(result["syngain"])}, seed {result["seed"]}.</p>',
        "</main></body></html>",
    ]
    return "\n".join(parts) + "\n"


def lab_terminal(result: LabContent) -> str:
    """The tables and the checks as text."""
    lines = [f"lab {result['preset']}, seed {result['seed']}"]
    for table in result["tables"]:
        cells = [list(map(str, table["columns"])), *([_cell(cell) for cell in row] for row in table["rows"])]
        widths = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
        lines += ["", visible(table["title"])]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
        ]
    failed = [check for check in result["checks"] if not check["passed"]]
    if result["checks"]:
        lines += ["", f"{len(result['checks'])} checks against theory, {len(failed)} failed"]
        lines += [
            f"failed: {check['name']}: {_cell(check['value'])}, expected {_cell(check['expected'])}" for check in failed
        ]
    return "\n".join(lines) + "\n"


def write_lab(
    result: LabContent, folder: Path, *, run: Mapping[str, object] | None = None, force: bool = False
) -> Path:
    """Write ``report.html``, ``report.json``, ``figure.svg`` and ``run.json`` of a lab result; return the folder."""
    folder = Path(folder)
    check_folder(folder, force=force)
    target = Path(os.path.realpath(folder))
    files = {"report.html": lab_html(result), REPORT: lab_json(result), "figure.svg": lab_svg(result)}
    about = {
        "syngain": result["syngain"],
        "command": "lab",
        "seed": result["seed"],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), **_versions()},
        **(run or {}),
        "files": sorted([*files, "run.json"]),
    }
    files["run.json"] = json.dumps(plain(about), indent=2, ensure_ascii=False) + "\n"
    with _translated(folder), _beside(target) as temporary:
        for name, text in files.items():
            _write(temporary / name, text)
        check_folder(folder, force=force)
        _move(temporary, target)
    return folder


def lab_json(result: LabContent) -> str:
    """The text of ``report.json``."""
    return json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _table(table: TableContent) -> str:
    numeric = [
        all(isinstance(row[k], int | float | None) for row in table["rows"]) for k in range(len(table["columns"]))
    ]
    head = "".join(
        f"<th{_class(numeric=n)}>{_text(name)}</th>" for name, n in zip(table["columns"], numeric, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{_class(numeric=n)}>{_text(_cell(cell))}</td>" for cell, n in zip(row, numeric, strict=True))
        + "</tr>"
        for row in table["rows"]
    )
    return (
        f'<h2>{_text(table["title"])}</h2><div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _checks(checks: Sequence[CheckContent]) -> list[str]:
    if not checks:
        return []
    failed = sum(not check["passed"] for check in checks)
    words = {"equal": "equals", "below": "at most", "above": "at least"}
    rows: list[list[Cell]] = [
        [c["name"], c["value"], words[c["kind"]], c["expected"], c["error"], "yes" if c["passed"] else "NO"]
        for c in checks
    ]
    columns = ["claim", "found", "relation", "theory", "standard error", "holds"]
    table = _table({"title": f"{len(checks)} checks against theory, {failed} failed", "columns": columns, "rows": rows})
    return [table]


def _class(*, numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < 1_000 and (value == 0 or abs(value) >= 5e-4) else f"{value:.3g}"
    return visible(value)


def _text(value: object) -> str:
    return escape(visible(value))


def _text_lines(value: str) -> str:
    return escape(visible(value, lines=True))
