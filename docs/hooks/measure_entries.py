"""The generated part of a measure's page: name, id, question and reading, from the words of the reports.

A page holds ``{{ measure: ID }}`` where this part belongs; formula, validity and failures under it are written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

from syngain.report.catalog import describe
from syngain.report.entries.measures import MEASURES

MARK = re.compile(r"^\{\{ measure: (?P<id>[\w.]+) \}\}$", re.MULTILINE)
PICTURE = re.compile(r"^\{\{ picture: (?P<name>[\w-]+) \| (?P<words>.+) \}\}$", re.MULTILINE)
COMPOSED = (
    *(f"gain.log_loss{tail}" for tail in ("", ".test", ".duplication", ".class_weights", ".synthetic_only", ".pool")),
    "compare.log_loss",
    "selection.log_loss.over_random",
    "selection.log_loss.over_all",
)
"""Ids that are made of parts; log-loss stands for every metric."""
PICTURES = Path(__file__).resolve().parent / "pictures"


def expected() -> set[str]:
    """Every id that must have its place on a page."""
    return {*MEASURES, *COMPOSED}


def filled(markdown: str) -> str:
    """The page with its marks replaced."""
    return PICTURE.sub(_picture, MARK.sub(_entry, markdown))


def _entry(match: re.Match[str]) -> str:
    name = match["id"]
    measure = describe(name)
    anchor = name.replace("_", "-").replace(".", "-")
    title = measure.name.replace(" (log-loss)", "")
    shown = name.replace("log_loss", "<metric>")
    reading = f"\n*Read:* {measure.read}\n" if measure.read else ""
    return (
        f"## {title} {{: #{anchor} }}\n\n"
        f'<div class="measure" markdown>\n`{shown}`\n\n**{_plain(measure.question)}**\n{reading}</div>'
    )


def _plain(question: str) -> str:
    return question.replace(
        "give the right label of held-out real rows more probability", "do better on held-out real rows"
    )


def _picture(match: re.Match[str]) -> str:
    """An SVG of ours inside the page, so that it follows the colors of the page."""
    drawing = (PICTURES / f"{match['name']}.svg").read_text(encoding="utf-8").strip()
    return f"<figure>{drawing}<figcaption>{match['words']}</figcaption></figure>"
