"""The small graphic of a measure: its null as a band, its interval as a line, its value as a dot."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.report.measures import shown_interval
from syngain.report.numbers import NONE, bare, is_share, number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syngain.core.estimate import Estimate
    from syngain.report.measures import Row

_WIDTH, _EDGE, _MIDDLE = 220.0, 8.0, 12.0


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float

    def at(self, value: float) -> float:
        """The horizontal place of a value; infinity is the edge."""
        if math.isinf(value):
            return _WIDTH if value > 0 else 0.0
        return round(_EDGE + (value - self.low) / (self.high - self.low) * (_WIDTH - 2 * _EDGE), 1)


def strip(row: Row) -> Markup:
    """An inline SVG of the row; empty when there is no finite number to draw."""
    scale = _scale(row.estimate)
    if scale is None:
        return Markup("")
    unit = row.estimate.unit
    ends = Markup('<text class="s-end" x="{}" y="31" text-anchor="{}">{}</text>')
    marks = [
        *_band(row.estimate, scale),
        *_references(row, scale),
        *_zero(scale),
        *_lines(row.estimate, scale),
        *_dot(row.estimate, scale),
        ends.format(_EDGE, "start", bare(scale.low, unit)),
        ends.format(_WIDTH - _EDGE, "end", bare(scale.high, unit)),
    ]
    return Markup('<svg class="strip" viewBox="0 0 220 34" role="img" aria-label="{}">{}</svg>').format(
        _spoken(row), Markup("").join(marks)
    )


def _scale(estimate: Estimate) -> _Scale | None:
    numbers = [value for value in _numbers(estimate) if math.isfinite(value)]
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    if 0 <= low < high / 2 or (low >= 0 and low == high):
        low = 0.0
    pad = (high - low) * 0.08 or max(abs(high), 1e-9) * 0.1
    bottom = 0.0 if low == 0 else low - pad
    top = high + pad
    if is_share(estimate.unit) and low >= 0 and high <= 1:
        bottom, top = max(bottom, 0.0), min(top, 1.0)
    return _Scale(bottom, top)


def _numbers(estimate: Estimate) -> Iterable[float]:
    yield estimate.value
    yield from shown_interval(estimate)[1] or ()
    yield from estimate.null or ()
    yield from estimate.references.values()


def _band(estimate: Estimate, scale: _Scale) -> list[Markup]:
    if estimate.null is None or any(math.isnan(end) for end in estimate.null):
        return []
    left, right = (scale.at(end) for end in estimate.null)
    box = Markup('<rect class="s-null" x="{}" y="2" width="{}" height="20" rx="2"/>')
    return [box.format(left, round(max(right - left, 2.0), 1))]


def _references(row: Row, scale: _Scale) -> list[Markup]:
    tick = Markup('<path class="s-ref" d="M{} 3v18"><title>{}</title></path>')
    return [
        tick.format(scale.at(value), f"{name.replace('_', ' ')}: {number(value, row.estimate.unit)}")
        for name, value in sorted(row.estimate.references.items())
        if math.isfinite(value)
    ]


def _zero(scale: _Scale) -> list[Markup]:
    return [Markup('<path class="s-zero" d="M{} 1v22"/>').format(scale.at(0.0))] if scale.low < 0 < scale.high else []


def _lines(estimate: Estimate, scale: _Scale) -> list[Markup]:
    line = Markup('<path class="{}" d="M{} {}H{}"/>')
    _, bounds = shown_interval(estimate)
    drawn = [] if bounds is None else [("s-wide", bounds)]
    return [
        line.format(name, scale.at(low), _MIDDLE, scale.at(high))
        for name, (low, high) in drawn
        if not (math.isnan(low) or math.isnan(high) or (math.isinf(low) and math.isinf(high)))
    ]


def _dot(estimate: Estimate, scale: _Scale) -> list[Markup]:
    if not math.isfinite(estimate.value):
        return []
    x, y = scale.at(estimate.value), _MIDDLE
    arrow = {"lower": f"M{x - 4:.1f} 7l9 5l-9 5z", "upper": f"M{x + 4:.1f} 7l-9 5l9 5z"}.get(estimate.direction)
    if arrow is not None:
        return [Markup('<path class="s-dot" d="{}"/>').format(arrow)]
    return [Markup('<circle class="s-dot" cx="{}" cy="{}" r="4.5"/>').format(x, y)]


def _spoken(row: Row) -> str:
    parts = [row.value, f"interval {row.interval}", f"expected {row.null}"]
    return f"{row.label}: " + ", ".join(part for part in parts if not part.endswith(NONE))
