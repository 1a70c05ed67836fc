"""The gain on the first screen: its interval against zero and the smallest gain that matters, and against rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.report.measures import row
from syngain.report.numbers import bare, interval, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.result import Result, Series
    from syngain.report.measures import Row

MIN_GAIN = 0.01  # where the settings name none
WIDTH, LEFT, RIGHT = 420.0, 14.0, 406.0
CURVE_HEIGHT, TOP, BOTTOM, CURVE_LEFT = 190.0, 14.0, 156.0, 58.0


def gain_bar(result: Result) -> Markup:
    """The deciding gain with its 90% interval, zero and the smallest gain that matters; empty without a gain."""
    shown = _deciding(result)
    if shown is None:
        return Markup("")
    low, high = shown.estimate.interval(shown.level)
    least = min_gain(result)
    at = _scale((low, high, shown.estimate.value, 0.0, least, -least), LEFT, RIGHT)
    if at is None or not math.isfinite(low + high):
        return Markup("")
    unit = shown.estimate.unit
    x, zero, smallest = at(shown.estimate.value), at(0.0), at(least)
    close = abs(smallest - zero) < 96
    label = Markup('<text class="g-text" x="{}" y="{}" text-anchor="{}">{}</text>')
    inner = Markup("").join(
        [
            Markup('<rect class="g-band" x="{}" y="22" width="{}" height="36"/>').format(
                min(smallest, RIGHT), max(round(RIGHT - smallest, 1), 0)
            ),
            Markup('<path class="g-zero" d="M{} 16V64"/>').format(zero),
            Markup('<path class="g-least" d="M{} 16V64"/>').format(smallest),
            Markup('<path class="g-line" d="M{} 40H{}"/><circle class="g-dot" cx="{}" cy="40" r="6"/>').format(
                at(low), at(high), x
            ),
            label.format(zero, 12, "end" if close else "middle", "0"),
            label.format(smallest, 12, "start" if close else "middle", f"min-gain {bare(least, unit)}"),
            label.format(at(low), 82, _anchor(at(low)), shown.amount(low)),
            label.format(at(high), 82 if at(high) - at(low) > 190 else 98, _anchor(at(high)), shown.amount(high)),
        ]
    )
    words = f"{shown.label}: {shown.value}, 90% interval {interval((low, high), unit, signed=True)}"
    return Markup('<svg class="gain" viewBox="0 0 420 104" role="img" aria-label="{}">{}</svg>').format(words, inner)


def gain_curve(result: Result) -> Markup:
    """The gain against the number of synthetic rows, with its band; empty without a curve."""
    name, series = _curve(result)
    if series is None or len(series.x) < 2:
        return Markup("")
    least = min_gain(result)
    values = [value for value in (*series.lower, *series.upper, 0.0, least) if math.isfinite(value)]
    up, across = _scale(values, BOTTOM, TOP), _scale((0.0, max(series.x)), CURVE_LEFT, RIGHT, pad=0.0)
    if up is None or across is None:
        return Markup("")
    unit = result.estimates[name].unit if name in result.estimates else ""
    points = [(across(x), up(y)) for x, y in zip(series.x, series.value, strict=True) if math.isfinite(y)]
    band = [(across(x), up(y)) for x, y in zip(series.x, series.upper, strict=True) if math.isfinite(y)]
    band += [
        (across(x), up(y)) for x, y in reversed(list(zip(series.x, series.lower, strict=True))) if math.isfinite(y)
    ]
    text = Markup('<text class="g-text" x="{}" y="{}" text-anchor="{}">{}</text>')
    inner = Markup("").join(
        [
            Markup('<polygon class="g-area" points="{}"/>').format(_points(band)),
            Markup('<path class="g-zero" d="M{} {}H{}"/>').format(CURVE_LEFT, up(0.0), RIGHT),
            Markup('<path class="g-least" d="M{} {}H{}"/>').format(CURVE_LEFT, up(least), RIGHT),
            Markup('<polyline class="g-curve" points="{}"/>').format(_points(points)),
            *(Markup('<circle class="g-dot" cx="{}" cy="{}" r="3.5"/>').format(x, y) for x, y in points),
            *(
                text.format(CURVE_LEFT - 6, up(y) + 4, "end", number(y, unit, signed=True).partition("\u202f")[0])
                for y in _ticks(values)
            ),
            text.format(CURVE_LEFT, BOTTOM + 18, "start", "0"),
            text.format(RIGHT, BOTTOM + 18, "end", f"{max(series.x):,.0f} synthetic rows"),
        ]
    )
    last = number(series.value[-1], unit, signed=True)
    words = f"Gain against synthetic rows: from 0 at 0 rows to {last} at {max(series.x):,.0f} rows"
    return Markup('<svg class="gain" viewBox="0 0 420 180" role="img" aria-label="{}">{}</svg>').format(words, inner)


def min_gain(result: Result) -> float:
    """The smallest gain that matters, from the settings of the run."""
    found = result.settings.get("min_gain")
    if not isinstance(found, (int, float)):
        nested = result.settings.get("settings")
        found = nested.get("min_gain") if isinstance(nested, dict) else None
    return float(found) if isinstance(found, (int, float)) else MIN_GAIN


def _deciding(result: Result) -> Row | None:
    name = result.verdict.estimate
    estimate = result.estimates.get(name)
    if estimate is None or not name.startswith("gain.") or not math.isfinite(estimate.value):
        return None
    return row(name, estimate)


def _curve(result: Result) -> tuple[str, Series | None]:
    """The curve of the metric that decides, else the first curve of a gain."""
    metric = ".".join(result.verdict.estimate.partition("@")[0].split(".")[:2])
    curves: Mapping[str, Series] = {name: item for name, item in result.series.items() if name.startswith("gain.")}
    name = metric if metric in curves else next((name for name in curves if curves[name].x_name == "rows"), "")
    return name, curves.get(name)


def _scale(values: Sequence[float], start: float, end: float, *, pad: float = 0.08) -> _Axis | None:
    finite = [value for value in values if math.isfinite(value)]
    if not finite or min(finite) == max(finite):
        return None
    low, high = min(finite), max(finite)
    room = (high - low) * pad
    return _Axis(low - room, high + room, start, end)


class _Axis:
    """From a value to a coordinate."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def _anchor(x: float) -> str:
    return "start" if x < WIDTH / 3 else "end" if x > WIDTH * 2 / 3 else "middle"


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in pairs)


def _ticks(values: Sequence[float]) -> list[float]:
    """Zero and the two ends, ends near zero left out."""
    low, high = min(values), max(values)
    reach = high - low
    return [0.0, *(end for end in (low, high) if abs(end) > 0.15 * reach)]
