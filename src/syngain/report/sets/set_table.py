"""The estimates of several datasets in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syngain.core.estimate import Estimate
from syngain.core.phrases import isolate
from syngain.core.result import SEVERITIES
from syngain.report.catalog import PARTS, describe
from syngain.report.numbers import NONE, interval, number
from syngain.report.safe import visible


@dataclass(frozen=True, slots=True)
class SetTable:
    """One column per dataset, one line per measure: (name, id, ((value, interval), ...))."""

    names: tuple[str, ...]
    lines: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]

    @property
    def title(self) -> str:
        """What the columns are: datasets, strategies, or ways to balance classes."""
        if any(name.startswith("strategies.") for _, name, _ in self.lines):
            return "Strategies"
        balanced = [name for _, name, _ in self.lines if name.startswith("balance.")]
        return "Variants" if balanced else "Datasets"


def set_table(sets: Mapping[str, object]) -> SetTable:
    """The table of ``Result.sets``; empty when there is nothing to put next to each other."""
    columns = {name: _estimates(content) for name, content in sets.items()}
    identifiers = dict.fromkeys(identifier for column in columns.values() for identifier in column)
    lines = [
        (_name(identifier), visible(identifier), tuple(_cell(identifier, column) for column in columns.values()))
        for identifier in identifiers
    ]
    findings = tuple((_found(content), "") for content in sets.values())
    if any(text for text, _ in findings):
        lines.append(("Findings", "", findings))
    return SetTable(tuple(isolate(visible(name)) for name in columns), tuple(lines))


def _found(content: object) -> str:
    """For example ``1 high, 2 low``; empty when the set came without findings."""
    listed = content.get("findings") if isinstance(content, Mapping) else None
    if not isinstance(listed, (list, tuple)):
        return ""
    severities = [
        item.get("severity") if isinstance(item, Mapping) else getattr(item, "severity", "") for item in listed
    ]
    counts = [(severity, severities.count(severity)) for severity in SEVERITIES]
    return ", ".join(f"{n} {severity}" for severity, n in counts if n) or "none"


def _estimates(content: object) -> Mapping[str, object]:
    found = content.get("estimates") if isinstance(content, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _name(identifier: str) -> str:
    base, _, part = identifier.partition("@")
    name = describe(visible(base)).name
    return f"{name} · {visible(PARTS.get(part, part))}" if part else name


def _cell(identifier: str, column: Mapping[str, object]) -> tuple[str, str]:
    found = column.get(identifier)
    content = found.as_json() if isinstance(found, Estimate) else found
    if not isinstance(content, Mapping) or not isinstance(content.get("value"), (int, float)):
        return NONE, ""
    unit, signed = visible(content.get("unit", "")), describe(identifier.partition("@")[0]).signed
    intervals = content.get("intervals")
    bounds = intervals.get("0.90", intervals.get("0.95")) if isinstance(intervals, Mapping) else None
    bracket = ""
    if isinstance(bounds, (list, tuple)) and all(isinstance(end, (int, float)) for end in bounds):
        bracket = interval((bounds[0], bounds[1]), unit, signed=signed)
    return number(content["value"], unit, signed=signed), bracket
