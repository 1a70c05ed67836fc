"""The summary for the terminal: what to do, the gain, the worst findings, the next command; at most 25 lines.

Rows of a file never reach the terminal unescaped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group as Stack
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from syngain.core.phrases import isolate
from syngain.core.result import FEW_ROWS
from syngain.report.all_measures import all_measures
from syngain.report.catalog import badge, finding_title
from syngain.report.measures import Row, row
from syngain.report.numbers import NONE, count
from syngain.report.page import SEVERITY_ORDER
from syngain.report.safe import shorten, terminal_text, visible
from syngain.report.sets.set_table import set_table
from syngain.report.sets.strategy_tables import strategy_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from syngain.core.result import Finding, Result

LINES = 24  # and the path of the report below
FINDINGS = 3
_TONES = {"use": "green", "use_subset": "yellow", "do_not_use": "red", "cannot_tell": "blue"}
_SEVERITIES = {"high": "bold red", "medium": "bold yellow", "low": "dim"}


def terminal(
    result: Result, *, width: int | None = None, everything: bool = False, fill: Callable[[str], str] = str
) -> Summary:
    """The summary as something ``rich`` prints, as wide as the console or ``width``.

    Args:
        result: what to show.
        width: columns; None for those of the console.
        everything: all measures below the summary, and all findings in it.
        fill: puts the files of a call into the next command.
    """
    return Summary(result, width, everything, fill)


@dataclass(frozen=True, slots=True)
class Summary:
    """Action, gain, findings and next command, fitted to the width of the console."""

    result: Result
    width: int | None = None
    everything: bool = False
    fill: Callable[[str], str] = str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lay out at the width of the console; measures get the lines that are left."""
        width = min(self.width or options.max_width, options.max_width)
        narrow = options.update(width=width)
        parts = [*_head(self.result, width), *_findings(self.result, width, everything=self.everything)]
        tail = list(_tail(self.result, width, self.fill))
        used = len(console.render_lines(Stack(*parts, *tail), narrow, pad=False))
        tables = [] if self.everything else list(_numbers(self.result, LINES - used))
        yield from _trimmed(console, Stack(*parts, *tables, *tail), narrow)
        if self.everything:
            yield from _trimmed(console, Stack(*_everything(self.result, width)), narrow)


def _trimmed(console: Console, content: RenderableType, options: ConsoleOptions) -> Iterator[Segment]:
    """The lines of the content without blanks at their ends."""
    for line in console.render_lines(content, options, pad=False):
        segments = list(line)
        while segments and not segments[-1].text.strip():
            segments.pop()
        if segments:
            last = segments.pop()
            segments.append(Segment(last.text.rstrip(), last.style))
        yield from segments
        yield Segment.line()


def _everything(result: Result, width: int) -> Iterator[RenderableType]:
    yield Text("\nVerdict", style="bold")
    yield Text(terminal_text(result.verdict.sentence))
    if result.estimates:
        yield from all_measures(result, width)


def _head(result: Result, width: int) -> Iterator[RenderableType]:
    verdict = result.verdict
    tone = _TONES.get(verdict.decision, "blue")
    name = badge(result.command, verdict.decision).upper()
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(max_width=max(width - len(name) - 2, 20))
    line.add_row(Text(name, style=f"bold {tone}"), Text(terminal_text(verdict.headline), style="bold"))
    yield line
    facts = list(_facts(result))
    if facts:
        yield Text("")
        yield _pairs(facts)


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    """The number that decides, and what an inconclusive verdict needs."""
    estimate = result.estimates.get(result.verdict.estimate)
    if estimate is not None and not result.verdict.estimate.startswith("compare.rank"):  # the table shows ranks
        shown = row(result.verdict.estimate, estimate)
        words = f"{shown.value}  {shown.level:.0%} CI {_bracket(shown)}  {_metric(shown)}"
        name = "Gain" if "gain" in shown.id or shown.id.startswith(("selection.", "cleaning.")) else "Value"
        yield name, terminal_text(words)
        if result.verdict.estimate.startswith("gain.nats_per_byte"):
            yield "", "an n-gram model's gain: it judges wording, not what a fine-tuned model learns"
        if result.verdict.estimate.startswith("gain.nats_per_token"):
            yield "", "a frozen language model's gain: not calibrated on fine-tuned models yet"
    if result.verdict.needs:
        yield "Needs", f"{visible(result.verdict.needs)} to decide"


def _bracket(shown: Row) -> str:
    low, _, high = shown.interval.partition(" to ")
    return f"[{low}, {high}]" if high else shown.interval


def _metric(shown: Row) -> str:
    """For example ``log-loss, forecast, kept rows``."""
    name = shown.measure.name
    metric = name[name.find("(") + 1 : name.rfind(")")] if "(" in name else name
    how = "test set" if "test set" in name else "forecast" if "forecast" in name else ""
    part = "" if shown.part == "without test noise" else shown.part
    return ", ".join(word for word in (metric, how, part) if word)


def _findings(result: Result, width: int, *, everything: bool) -> Iterator[RenderableType]:
    if not result.findings:
        if result.command in {"audit", "demo"}:
            few = result.verdict.needs == FEW_ROWS
            yield Text.assemble("\n", ("Findings", "bold"), f"  {'not looked for: too few rows' if few else 'none'}")
        return
    ordered = sorted(result.findings, key=lambda item: SEVERITY_ORDER.get(item.severity, 3))
    shown = ordered if everything else ordered[:FINDINGS]
    heading = Table.grid(expand=True)
    heading.add_column(ratio=1)
    heading.add_column(justify="right", no_wrap=True)
    rest = f" ({len(shown)} of {len(ordered)}; all with --all)" if len(shown) < len(ordered) else ""
    heading.add_row(Text(f"Findings{rest}", style="bold"), Text("rows", style="dim"))
    yield Text("")
    yield heading
    for finding in shown:
        yield _finding(finding, width, whole=everything)


def _finding(finding: Finding, width: int, *, whole: bool) -> Table:
    """Severity, name and rows; the message; the fix."""
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(width=6, no_wrap=True)
    table.add_column(ratio=1)
    table.add_column(justify="right", no_wrap=True)
    title = finding_title(finding.id, finding.estimates)
    severity = Text(finding.severity.upper(), style=_SEVERITIES.get(finding.severity, ""))
    rows = Text(count(finding.rows) if finding.rows else "")
    table.add_row(severity, Text(visible(title), style="bold"), rows)
    table.add_row("", Text(terminal_text(_cut(finding.message, 2000 if whole else 2 * (width - 14)))), "")
    if whole and finding.consequence:
        table.add_row("", Text(finding.consequence), "")
    if whole and finding.examples:
        table.add_row("", Text(f"e.g. {isolate(shorten(finding.examples[0], 2 * width - 40))}", style="italic dim"), "")
    if finding.fix:
        table.add_row("", Text.assemble(("fix: ", "dim"), terminal_text(shorten(finding.fix, 200))), "")
    return table


def _cut(text: str, limit: int) -> str:
    """The text, cut at a space where it is too long."""
    shown = shorten(text, limit)
    return shown if shown == visible(text) else shown.rsplit(" ", 1)[0].rstrip(",;:") + " …"


def _numbers(result: Result, room: int) -> Iterator[RenderableType]:
    """The measures outside their range, else the main ones, in the lines that are left."""
    if result.sets:
        yield from _sets(result)
        return
    whole = {name: item for name, item in result.estimates.items() if "=" not in name.partition("@")[2]}
    rows = [row(name, item) for name, item in (whole or result.estimates).items()]
    tested = [item for item in rows if item.mark != "none"]
    outside = [item for item in tested if item.mark in {"differs", "outside"}]
    if result.command in {"audit", "demo"}:
        title, shown = f"Outside range: {len(outside)} of {len(tested)}", outside
    else:
        title, shown = "Measures", _main(rows, result.verdict.estimate)
    room -= 3  # a blank line, the heading, the count of the rest
    if room < 1 or not (shown or tested):
        return
    shown.sort(key=lambda item: item.estimate.adjusted_p if item.estimate.adjusted_p is not None else 2.0)
    expected = any(item.null != NONE for item in shown)
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for _ in range(3):
        table.add_column(justify="right", no_wrap=True)
    columns = ("value", "expected", "adj. p") if expected else ("value", "90% CI", "")
    table.add_row(Text(title, style="bold"), *(Text(name, style="dim") for name in columns if shown))
    for item in shown[:room]:
        cells = (item.value, item.null, item.p) if expected else (item.value, item.interval, "")
        table.add_row(Text(f"  {item.label}"), *(Text(terminal_text(cell)) for cell in cells))
    yield Text("")
    yield table
    more = max(len(shown) - room, 0)
    yield Text(f"  {f'{more} more; ' if more else ''}all measures: --all or report.html", style="dim")


def _main(rows: Sequence[Row], deciding: str) -> list[Row]:
    """All rows, those of the metric that decides first."""
    metric = ".".join(deciding.partition("@")[0].split(".")[:2])
    return sorted(rows, key=lambda item: (item.id != deciding, bool(metric) and not item.id.startswith(metric)))


def _sets(result: Result) -> Iterator[RenderableType]:
    content = set_table(result.sets)
    if content.title == "Strategies":
        yield from strategy_tables(result, content)
        return
    names, lines = content.names, [(name, cells) for name, _, cells in content.lines]
    wide = len(names) > len(lines)  # more datasets than measures: the datasets become rows
    if wide:
        turned = [(name, tuple(cells[i] for _, cells in lines)) for i, name in enumerate(names)]
        names, lines = tuple(name for name, _ in lines), turned
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    table.add_column(ratio=1, min_width=26 if wide else None)
    for _ in names:
        table.add_column(justify="right")
    head = content.title if wide else "Measures, 90% CI"
    table.add_row(Text(head, style="bold"), *(Text(isolate(shorten(name, 24)), style="dim") for name in names))
    for name, cells in lines:
        table.add_row(
            Text(name), *(Text(f"{terminal_text(value)}\n{terminal_text(ends)}".rstrip()) for value, ends in cells)
        )
    yield Text("")
    yield table


def _tail(result: Result, width: int, fill: Callable[[str], str]) -> Iterator[RenderableType]:
    """Next command, files, inputs."""
    facts = list(_files(result))
    facts += [("Note", visible(item.hint)) for item in result.inputs.values() if item.hint]
    inputs = ", ".join(f"{visible(role)} {count(item.rows)}" for role, item in result.inputs.items())
    if inputs:
        facts.append(("Read", shorten(f"{inputs} rows{_columns(result)}", 2 * (width - 8))))
    yield Text("")
    if result.verdict.next_command:  # one line that can be pasted, however long
        command = visible(fill(result.verdict.next_command))
        yield Text.assemble(("Next", "bold"), "   ", command, no_wrap=True, overflow="ignore")
    yield _pairs(facts)


def _columns(result: Result) -> str:
    """Which columns were read, by the roles of the last input that names them."""
    roles = [item.roles for item in result.inputs.values() if item.roles]
    return f" ({roles[0]})" if roles else ""


def _files(result: Result) -> Iterator[tuple[str, str]]:
    """What the files of rows hold; rows without a defect of their own are not rows to train on."""
    if "kept.jsonl" not in result.files or result.command not in {"audit", "demo", "clean"}:
        return
    kept = len(result.kept_rows)
    if kept == 0:
        yield "Rows", f"all {count(len(result.dropped))} dropped; kept.jsonl is empty"
        return
    if result.verdict.decision == "do_not_use":
        yield "Rows", f"{count(kept)} without a defect of their own in kept.jsonl; do not train on them"
        return
    reasons = Counter(reason for item in result.dropped for reason in item.reasons)
    listed = ", ".join(f"{visible(finding_title(name)).lower()} {count(n)}" for name, n in reasons.most_common(5))
    why = f" ({listed})" if listed else ""
    yield "Rows", f"{count(kept)} kept in kept.jsonl, {count(len(result.dropped))} dropped{why}"


def _pairs(facts: Sequence[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=5, style="bold", no_wrap=True)
    table.add_column()
    for name, words in facts:
        table.add_row(name, Text(words))
    return table
