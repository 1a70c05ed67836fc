"""Estimates as rows of a table, grouped: the same rows for the terminal and the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from syngain.report.catalog import GROUPS, PARTS, describe, group_of
from syngain.report.numbers import interval, number, probability
from syngain.report.safe import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.estimate import Estimate
    from syngain.report.entries.entry import MeasureEntry

Mark = Literal["differs", "agrees", "outside", "inside", "none"]
LEVEL = 0.9  # of every interval that is shown: verdict, tables and pictures
SIGNIFICANT = 0.05

MARKS: dict[Mark, str] = {
    "differs": "significant",
    "agrees": "not significant",
    "outside": "outside its range",
    "inside": "inside its range",
    "none": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One estimate in words. ``interval`` and ``null`` are texts; ``estimate`` has the numbers."""

    id: str
    part: str
    measure: MeasureEntry
    value: str
    interval: str
    level: float
    null: str
    p: str
    mark: Mark
    estimate: Estimate

    @property
    def label(self) -> str:
        """The name, with its part."""
        return f"{self.measure.name} · {self.part}" if self.part else self.measure.name

    def amount(self, value: float) -> str:
        """Another value in the unit of this one."""
        return number(value, visible(self.estimate.unit), signed=self.measure.signed)


@dataclass(frozen=True, slots=True)
class Group:
    """Measures under one heading."""

    title: str
    rows: tuple[Row, ...]


def groups(estimates: Mapping[str, Estimate]) -> tuple[Group, ...]:
    """All estimates under their headings, in the order of the catalog, then as they came."""
    by_title: dict[str, list[Row]] = {title: [] for title in GROUPS.values()}
    for identifier, estimate in estimates.items():
        by_title.setdefault(visible(group_of(identifier)), []).append(row(identifier, estimate))
    return tuple(Group(title, tuple(rows)) for title, rows in by_title.items() if rows)


def row(identifier: str, estimate: Estimate) -> Row:
    """One estimate in words."""
    base, _, part = identifier.partition("@")
    tested = part.endswith("_test") and base.count(".") == 1  # a gain on the test has a name of its own
    measure, unit = describe(visible(f"{base}.test" if tested else base)), visible(estimate.unit)
    level, bounds = shown_interval(estimate)
    return Row(
        id=visible(identifier),
        part=visible(PARTS.get(part, part.replace("=", " "))),
        measure=measure,
        value=_sided(number(estimate.value, unit, signed=measure.signed), estimate),
        interval=interval(bounds, unit, signed=measure.signed),
        level=level,
        null=interval(estimate.null, unit, signed=measure.signed),
        p=probability(estimate.adjusted_p),
        mark=_mark(estimate),
        estimate=estimate,
    )


def shown_interval(estimate: Estimate) -> tuple[float, tuple[float, float] | None]:
    """The 90% interval where there is one, else the one of the highest level, else none."""
    if LEVEL in estimate.intervals:
        return LEVEL, estimate.intervals[LEVEL]
    if not estimate.intervals:
        return LEVEL, None
    level = max(estimate.intervals)
    return level, estimate.intervals[level]


def _sided(text: str, estimate: Estimate) -> str:
    sign = {"lower": "≥\u202f", "upper": "≤\u202f"}.get(estimate.direction, "")
    return text if math.isnan(estimate.value) else sign + text


def _mark(estimate: Estimate) -> Mark:
    """Significant when the adjusted p is below .05; without a p, whether the value is in its range."""
    p = estimate.adjusted_p
    if p is not None and not math.isnan(p):
        return "differs" if p < SIGNIFICANT else "agrees"
    if estimate.null is None or not math.isfinite(estimate.value):
        return "none"
    low, high = estimate.null
    return "inside" if low <= estimate.value <= high else "outside"
