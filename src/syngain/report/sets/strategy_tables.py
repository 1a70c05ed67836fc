"""Strategies in the terminal: one line each, then what orders them as their gain does."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from syngain.core.phrases import isolate
from syngain.report.catalog import describe
from syngain.report.safe import shorten, terminal_text, visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

    from syngain.core.estimate import Estimate
    from syngain.core.result import Result
    from syngain.report.sets.set_table import SetTable

COLUMNS = {
    "gain.": "gain",
    "student.": "tuned",
    "divergence.tv_lower": "TV",
    "information.gain": "nats/row",
    "strategies.cost": "tokens",
}
MOST = 30  # lines


def strategy_tables(result: Result, content: SetTable) -> Iterator[RenderableType]:
    """The tables of a comparison of strategies."""
    yield Text("")
    yield _strategies(content)
    ranked = {name: item for name, item in result.estimates.items() if name.startswith("ranking.")}
    if any("@" not in name for name in ranked):
        yield Text("")
        yield _ranks(result)


def _strategies(content: SetTable) -> Table:
    lines = {head: cells for head in COLUMNS for _, name, cells in content.lines if name.startswith(head)}
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for _ in lines:
        table.add_column(justify="right", no_wrap=True)
    table.add_row(Text("Strategies, 90% CI", style="bold"), *(Text(COLUMNS[head], style="dim") for head in lines))
    for at, name in enumerate(content.names[:MOST]):
        cells = [_cell(head, cells[at]) for head, cells in lines.items()]
        table.add_row(Text(f"  {shorten(name, 40)}"), *(Text(terminal_text(cell)) for cell in cells))
    return table


def _cell(head: str, cell: tuple[str, str]) -> str:
    """The value without its unit; of the gain also its interval."""
    value = cell[0].split()[0]  # spaces before units are no-break ones
    return f"{value} [{cell[1]}]".replace(" to ", ", ") if head == "gain." and cell[1] else value


def _ranks(result: Result) -> Table:
    names = list(dict.fromkeys(name.partition("@")[0] for name in result.estimates if name.startswith("ranking.")))
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    columns = {"": "all", "@equal_divergence": "equal TV", "@exact_worlds": "exact", "@students": "tuned"}
    columns = {part: c for part, c in columns.items() if any(name.endswith(part) for name in result.estimates)}
    for _ in columns:
        table.add_column(justify="right", no_wrap=True)
    table.add_row(
        Text("Correlation with the gain, 95% CI", style="bold"), *(Text(c, style="dim") for c in columns.values())
    )
    for name in sorted(names, key=lambda name: -first_known(result.estimates, name)):
        words = [_words(result, f"{name}{part}") for part in columns]
        title = visible(describe(name).name).removeprefix("Order by ")
        table.add_row(Text(f"  {isolate(title)}"), *(Text(word) for word in words))
    return table


def first_known(estimates: Mapping[str, Estimate], name: str) -> float:
    """The correlation over all strategies, else over those with a fine-tuned model."""
    found = (estimates.get(f"{name}{part}") for part in ("", "@students", "@exact_worlds"))
    return next((item.value for item in found if item is not None), -1.0)


def _words(result: Result, name: str) -> str:
    """The correlation; its interval where all strategies count (the others: --all, or the report)."""
    item = result.estimates.get(name)
    if item is None or not math.isfinite(item.value):
        return ""
    low, high = item.interval(0.95)
    return f"{item.value:+.2f}" + ("" if "@" in name else f" [{low:+.2f}, {high:+.2f}]")
