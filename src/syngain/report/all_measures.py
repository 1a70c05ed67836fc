"""Every measure of a result as tables for the terminal: what ``--all`` prints below the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from syngain.report.measures import LEVEL, Mark, Row, groups
from syngain.report.numbers import NONE
from syngain.report.safe import shorten, terminal_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from syngain.core.result import Result

_SIGNS: dict[Mark, str] = {"differs": "*", "agrees": "", "outside": "o", "inside": "", "none": ""}
_ROOMY, _NARROW = 100, 76
_SHORT = 6  # a longer unit goes to the name


def all_measures(result: Result, width: int) -> Iterator[RenderableType]:
    """One table per group, with the same columns in all of them."""
    columns = 6 if width >= _NARROW else 3
    header = [Text(name, style="dim") for name in ("measure", "value", "90% CI", "expected", "adj. p", "")][:columns]
    shown = {name: item for name, item in result.estimates.items() if "=" not in name.partition("@")[2]}
    body = {group.title: [_cells(row, width)[:columns] for row in group.rows] for group in groups(shown)}
    lines = [header, *(cells for rows in body.values() for cells in rows)]
    widths = [max(line[column].cell_len for line in lines) for column in range(1, columns)]
    yield Text("\nAll measures", style="bold")
    yield _columns([header], widths)
    for title, rows in body.items():
        yield Text(title, style="bold cyan")
        yield _columns(rows, widths)
    if len(shown) < len(result.estimates):
        more = len(result.estimates) - len(shown)
        yield Text(f"{more} more by class, slice or generator in report.html", style="dim")
    yield Text("* significant (adjusted p < .05)   o outside the real-data range (not tested)", style="dim")


def _columns(lines: list[list[Text]], widths: list[int]) -> Table:
    table = Table(box=None, expand=True, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(width=1)  # the indent, kept where a name breaks
    table.add_column(ratio=1)
    for width in widths:
        table.add_column(justify="right", no_wrap=True, width=width)
    for line in lines:
        table.add_row("", *line)
    return table


def _cells(row: Row, width: int) -> list[Text]:
    unit = visible(row.estimate.unit)
    long_unit = len(unit) > _SHORT and row.value.endswith(unit)  # some units are never written
    named = f"({unit})" in row.label
    name = Text(f"{row.label} ({shorten(unit, 20)})" if long_unit and not named else row.label)
    for mark in row.estimate.marks:
        name.append(f" ({shorten(mark, 30)})", style="yellow")
    if width >= _ROOMY:
        name.append(f"  {shorten(row.id, 60)}", style="dim")
    value = row.value[: -len(unit)].rstrip() if long_unit else row.value
    interval = row.interval if row.level == LEVEL or row.interval == NONE else f"{row.interval} ({row.level:.0%})"
    style = "bold" if row.mark in {"differs", "outside"} else ""
    cells = [Text(terminal_text(text)) for text in (value, interval, row.null, row.p)]
    cells[0].stylize(style or "none")
    return [name, *cells, Text(_SIGNS[row.mark], style="bold magenta")]
