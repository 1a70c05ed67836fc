"""Strategies side by side in information gain, task divergence and measured gain: one picture. Draws only.

Across the nats per row that a strategy adds, upwards how far its rows are from real ones at least; the mark says what
training on them gained. Information without gain is noise, and the picture shows it as far right and not filled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.core.phrases import isolate
from syngain.report.numbers import bare, interval, number
from syngain.report.safe import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    Pair = tuple[float, float]
    Box = tuple[float, float, float, float]  # left, top, right, bottom

ACROSS, UP = "information.gain", "divergence.tv_lower"
GAINS = (
    "gain.log_loss",
    "gain.nats_per_token",
    "gain.nats_per_byte",
    "gain.pair_log_loss",
    "gain.gaussian_log_loss",
    "gain.ordinal_log_loss",
    "gain.label_set_log_loss",
    "gain.token_log_loss",
    "gain.retrieval_log_loss",
)
WIDTH, HEIGHT = 860.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 40.0, 24.0, 300.0
NAME_WIDTH = 250.0


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of a set as ``report.json`` has it."""

    value: float
    bounds: Pair
    unit: str

    @property
    def known(self) -> bool:
        return all(math.isfinite(end) for end in self.bounds)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A strategy on the picture; ``gain`` None where it was not measured."""

    name: str
    across: _Number
    up: _Number
    gain: _Number | None


def strategies_svg(sets: Mapping[str, object]) -> Markup:
    """The picture; empty unless two sets have an information gain and a divergence."""
    marks = [mark for name, content in sets.items() if (mark := _mark(name, content)) is not None]
    if len(marks) < 2:
        return Markup("")
    xs, ys = _span([mark.across for mark in marks]), _span([mark.up for mark in marks], most=1.0)
    parts = [*_frame(xs, ys), *_drawn(marks, xs, ys)]
    svg = Markup('<svg class="chain" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    spoken = "; ".join(f"{mark.name}: {_told(mark)}" for mark in marks)
    return svg.format(f"{WIDTH:g}", f"{HEIGHT:g}", shorten(spoken, 600), Markup("").join(parts))


def _mark(name: str, content: object) -> _Mark | None:
    found = content.get("estimates") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    across, up = _number(found.get(ACROSS)), _number(found.get(UP))
    gains = (_number(found.get(key)) for key in GAINS)
    if across is None or up is None:
        return None
    return _Mark(visible(name), across, up, next((gain for gain in gains if gain is not None), None))


def _number(item: object) -> _Number | None:
    value = item.get("value") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(value, (int, float)):
        return None
    intervals = item.get("intervals")
    pair = intervals.get("0.95") if isinstance(intervals, Mapping) else None
    ends = [-math.inf, math.inf]
    if isinstance(pair, (list, tuple)) and len(pair) == 2:
        ends = [ends[i] if end is None else float(end) for i, end in enumerate(pair)]
    return _Number(float(value), (ends[0], ends[1]), visible(item.get("unit", "")))


def _span(numbers: Sequence[_Number], most: float = math.inf) -> Pair:
    """From zero, or below where numbers are, to a little above the highest end."""
    ends = [end for item in numbers for end in (item.value, *item.bounds) if math.isfinite(end)]
    low, high = min(0.0, *ends), max(ends)
    high = min(high + 0.08 * (high - low or 1.0), max(most, high))
    return low, high


def _x(value: float, span: Pair) -> float:
    value = min(max(value, span[0]), span[1])
    return LEFT + (value - span[0]) / (span[1] - span[0]) * (WIDTH - LEFT - RIGHT)


def _y(value: float, span: Pair) -> float:
    value = min(max(value, span[0]), span[1])
    return BOTTOM - (value - span[0]) / (span[1] - span[0]) * (BOTTOM - TOP)


def _frame(xs: Pair, ys: Pair) -> list[Markup]:
    """Axes with five numbers each."""
    line, text = Markup('<path class="t-axis" d="{}"/>'), Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
    parts = [line.format(f"M{LEFT:g} {TOP:g}V{BOTTOM:g}H{WIDTH - RIGHT:g}")]
    for step in _ticks(xs):
        parts += [text.format(_n(_x(step, xs)), _n(BOTTOM + 18), "middle", bare(step, ""))]
    for step in _ticks(ys):
        parts += [text.format(_n(LEFT - 8), _n(_y(step, ys) + 4), "end", bare(step, "share"))]
        parts += [line.format(f"M{LEFT:g} {_n(_y(step, ys))}H{WIDTH - RIGHT:g}")]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(text.format(_n(middle), _n(BOTTOM + 42), "middle", "information gain, nats per row"))
    parts.append(text.format("8", _n(TOP - 8), "start", "total variation from real rows, at least"))
    return parts


def _ticks(span: Pair) -> list[float]:
    """Round numbers, three to six of them."""
    rough = (span[1] - span[0]) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(span[0] / step - 1e-9)
    return [k * step for k in range(first, math.floor(span[1] / step + 1e-9) + 1)]


def _drawn(marks: Sequence[_Mark], xs: Pair, ys: Pair) -> list[Markup]:
    """Whiskers, dots, and names that do not lie on each other or on a dot."""
    places = [(_x(mark.across.value, xs), _y(mark.up.value, ys)) for mark in marks]
    taken = [(x - 9, y - 9, x + 9, y + 9) for x, y in places]
    parts = [part for mark, place in zip(marks, places, strict=True) for part in _cross(mark, place, xs, ys)]
    for mark, (x, y) in sorted(zip(marks, places, strict=True), key=lambda item: (item[1][1], item[1][0])):
        parts.append(_name(mark, x, y, taken))
    return parts


def _cross(mark: _Mark, place: Pair, xs: Pair, ys: Pair) -> list[Markup]:
    """A dot with its intervals."""
    x, y = place
    tone, line = _tone(mark.gain), Markup('<path class="t-whisker {}" d="{}"/>')
    dot = Markup('<circle class="t-dot {}" cx="{}" cy="{}" r="7"/>').format(tone, _n(x), _n(y))
    (left, right), (low, high) = mark.across.bounds, mark.up.bounds
    across = [line.format(tone, f"M{_n(_x(left, xs))} {_n(y)}H{_n(_x(right, xs))}")] if mark.across.known else []
    up = [line.format(tone, f"M{_n(x)} {_n(_y(low, ys))}V{_n(_y(high, ys))}")] if mark.up.known else []
    return [*across, *up, dot]


def _name(mark: _Mark, x: float, y: float, taken: list[Box]) -> Markup:
    """Next to the dot, on the side where there is room, as near as nothing else is."""
    left = x + 12 + NAME_WIDTH > WIDTH
    start = x - 12 - NAME_WIDTH if left else x + 12
    shifts = sorted(range(-300, 301, 4), key=abs)
    boxes = [(start, y - 16 + shift, start + NAME_WIDTH, y + 14 + shift) for shift in shifts]
    inside = [box for box in boxes if box[1] >= TOP and box[3] <= BOTTOM]
    box = next((one for one in inside if not any(_meet(one, other) for other in taken)), boxes[0])
    taken.append(box)
    text = Markup(
        '<text class="t-text" x="{x}" y="{y}" text-anchor="{anchor}"><tspan class="c-name">{name}</tspan>'
        '<tspan x="{x}" dy="15">{gain}</tspan></text>'
    )
    at, anchor = (x - 12, "end") if left else (x + 12, "start")
    return text.format(
        x=_n(at), y=_n(box[1] + 11), anchor=anchor, name=isolate(shorten(mark.name, 34)), gain=_gain(mark)
    )


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _tone(gain: _Number | None) -> str:
    if gain is None:
        return "t-none"
    if gain.bounds[0] > 0:
        return "t-gain"
    return "t-harm" if gain.bounds[1] < 0 else "t-open"


def _gain(mark: _Mark) -> str:
    if mark.gain is None:
        return "gain not measured"
    doubt = f" ({interval(mark.gain.bounds, mark.gain.unit, signed=True)})" if mark.gain.known else ""
    return f"gain {number(mark.gain.value, mark.gain.unit, signed=True)}{doubt}"


def _told(mark: _Mark) -> str:
    across, up = number(mark.across.value, mark.across.unit), number(mark.up.value, mark.up.unit)
    return f"information gain {across}, total variation at least {up}, {_gain(mark)}"


def _n(value: float) -> str:
    return f"{value:.1f}"
