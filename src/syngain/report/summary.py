"""The summary for the terminal. Rows of a file never reach it unescaped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group as Stack
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from syngain.report.catalog import badge, finding_title
from syngain.report.measures import LEVEL, Mark, Row, groups
from syngain.report.numbers import NONE, count
from syngain.report.page import SEVERITY_ORDER
from syngain.report.safe import shorten, visible
from syngain.report.set_table import set_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from syngain.core.result import Finding, Result

_TONES = {"use": "green", "use_subset": "yellow", "do_not_use": "red", "cannot_tell": "blue"}
_SEVERITIES = {"high": "bold red", "medium": "yellow", "low": "dim"}
_SIGNS: dict[Mark, str] = {"differs": "*", "agrees": "", "outside": "o", "inside": "", "none": ""}
_ROOMY = 100
_SHORT = 6  # a longer unit goes to the name


def terminal(result: Result, *, width: int | None = None) -> Summary:
    """The summary as something ``rich`` prints; as wide as the console, or ``width``."""
    return Summary(result, width)


@dataclass(frozen=True, slots=True)
class Summary:
    """Verdict, findings, measures and inputs, fitted to the width it is printed at."""

    result: Result
    width: int | None = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay out at the width at hand."""
        width = min(self.width or options.max_width, options.max_width)
        yield from console.render(Stack(*_parts(self.result, width)), options.update(width=width))


def _parts(result: Result, width: int) -> Iterator[RenderableType]:
    yield _verdict(result)
    if result.findings:
        yield _findings(result, width)
    if result.estimates:
        yield from _measures(result, width)
    if result.sets:
        yield _sets(result)
    yield Text("")
    yield from _drops(result)
    yield from _inputs(result)


def _verdict(result: Result) -> Panel:
    verdict = result.verdict
    tone = _TONES.get(verdict.decision, "blue")
    body = Text(visible(verdict.sentence), style="bold")
    if verdict.rows_to_use is not None:
        body.append(f"\nRows to use: {count(verdict.rows_to_use)}", style="not bold")
    title = Text(f" {badge(result.command, verdict.decision)} ", style=f"bold {tone}")
    return Panel(body, title=title, title_align="left", border_style=tone, padding=(0, 1))


def _findings(result: Result, width: int) -> Table:
    table = _table("Findings")
    table.add_column("", no_wrap=True)
    table.add_column("finding", no_wrap=width >= _ROOMY)
    table.add_column("what", ratio=1)
    table.add_column("rows", justify="right", no_wrap=True)
    for finding in sorted(result.findings, key=lambda item: SEVERITY_ORDER.get(item.severity, 3)):
        style = _SEVERITIES.get(finding.severity, "")
        table.add_row(
            Text(finding.severity, style=style),
            Text(shorten(finding.id, 30)),
            _message(finding, width),
            Text(count(finding.rows) if finding.rows else ""),
        )
    return table


def _message(finding: Finding, width: int) -> Text:
    text = Text(shorten(finding.message, 400))
    if finding.explained_by:
        names = ", ".join(finding_title(other) for other in finding.explained_by)
        text.append(f"\nexplained by: {visible(names)}", style="dim")
    if finding.examples:
        text.append(f"\ne.g. {shorten(finding.examples[0], 2 * width - 70)}", style="italic dim")
    return text


def _measures(result: Result, width: int) -> Iterator[RenderableType]:
    """One table per group, with the same columns in all of them."""
    header = [Text(name, style="dim") for name in ("measure", "value", "95 % interval", "null or real", "adj. p", "")]
    shown = {name: item for name, item in result.estimates.items() if "=" not in name.partition("@")[2]}
    body = {group.title: [_cells(row, width) for row in group.rows] for group in groups(shown)}
    lines = [header, *(cells for rows in body.values() for cells in rows)]
    widths = [max(line[column].cell_len for line in lines) for column in range(1, 6)]
    yield Text("\nMeasures", style="bold")
    yield _columns([header], widths)
    for title, rows in body.items():
        yield Text(title, style="bold cyan")
        yield _columns(rows, widths)
    if len(shown) < len(result.estimates):
        yield Text(f"{len(result.estimates) - len(shown)} more by class, slice or generator in the report", style="dim")
    if {"gain.log_loss", "gain.accuracy"} <= set(shown):
        words = "log-loss decides: it sees how sure a learner is, accuracy and F1 only whether it hits"
        yield Text(words, style="dim")
    yield Text("* differs from its null (adjusted p < .05)   o outside the range of real rows, no p", style="dim")


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
    sign = Text(_SIGNS[row.mark], style="bold magenta")
    return [name, Text(value, style=style), Text(interval), Text(row.null), Text(row.p), sign]


def _sets(result: Result) -> Table:
    content = set_table(result.sets)
    names, lines = content.names, [(name, cells) for name, _, cells in content.lines]
    wide = len(names) > len(lines)  # more sets than measures: the sets stand below each other
    if wide:
        turned = [(name, tuple(cells[i] for _, cells in lines)) for i, name in enumerate(names)]
        names, lines = tuple(name for name, _ in lines), turned
    table = _table("Sets")
    table.add_column("set" if wide else "measure", ratio=1, min_width=26 if wide else None)
    for name in names:
        table.add_column(Text(shorten(name, 24)), justify="right")
    for name, cells in lines:
        table.add_row(Text(name), *(Text(f"{value}\n{doubt}".rstrip()) for value, doubt in cells))
    return table


def _drops(result: Result) -> Iterator[Text]:
    if not result.dropped:
        return
    reasons = Counter(visible(reason) for row in result.dropped for reason in row.reasons)
    listed = ", ".join(f"{shorten(reason, 40)} {count(n)}" for reason, n in reasons.most_common(6))
    yield Text.assemble((f"{count(len(result.dropped))} rows advised to drop", "bold"), f": {listed}")


def _inputs(result: Result) -> Iterator[Text]:
    for role, item in result.inputs.items():
        line = Text.assemble((visible(role), "bold"), f" {count(item.rows)} rows · {shorten(item.name, 80)}")
        yield line.append(f" · {shorten(item.roles, 160)}" if item.roles else "", style="dim")


def _table(title: str) -> Table:
    return Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        expand=True,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="dim",
    )
