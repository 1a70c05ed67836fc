"""Numbers with intervals on two axes: what the pictures of datasets and of variants share. Draws only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.report.numbers import bare
from syngain.report.safe import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    Pair = tuple[float, float]
    Box = tuple[float, float, float, float]  # left, top, right, bottom

WIDTH, HEIGHT = 860.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 40.0, 24.0, 300.0


@dataclass(frozen=True, slots=True)
class PlottedNumber:
    """A number as ``report.json`` has it, with the bounds of one level; infinite where it has none."""

    value: float
    bounds: Pair
    unit: str

    @property
    def known(self) -> bool:
        """Whether both bounds are finite."""
        return all(math.isfinite(end) for end in self.bounds)


def plotted(item: object, level: str = "0.95") -> PlottedNumber | None:
    """An estimate of ``report.json``; None where it has no value."""
    value = item.get("value") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(value, (int, float)):
        return None
    intervals = item.get("intervals")
    pair = intervals.get(level) if isinstance(intervals, Mapping) else None
    ends = [-math.inf, math.inf]
    if isinstance(pair, (list, tuple)) and len(pair) == 2:
        ends = [ends[i] if end is None else float(end) for i, end in enumerate(pair)]
    return PlottedNumber(float(value), (ends[0], ends[1]), visible(item.get("unit", "")))


def span(numbers: Sequence[PlottedNumber], most: float = math.inf) -> Pair:
    """From zero, or below where numbers are, to a little above the highest end."""
    ends = [end for item in numbers for end in (item.value, *item.bounds) if math.isfinite(end)]
    low, high = min(0.0, *ends), max(ends)
    high = min(high + 0.08 * (high - low or 1.0), max(most, high))
    return low, high


def across(value: float, axis: Pair) -> float:
    """The place of a value on the horizontal axis."""
    value = min(max(value, axis[0]), axis[1])
    return LEFT + (value - axis[0]) / (axis[1] - axis[0]) * (WIDTH - LEFT - RIGHT)


def upward(value: float, axis: Pair) -> float:
    """The place of a value on the vertical axis."""
    value = min(max(value, axis[0]), axis[1])
    return BOTTOM - (value - axis[0]) / (axis[1] - axis[0]) * (BOTTOM - TOP)


def axes(xs: Pair, ys: Pair, names: tuple[str, str], unit: str) -> list[Markup]:
    """Axes with a few numbers each; ``unit`` is that of the vertical one."""
    line, text = Markup('<path class="t-axis" d="{}"/>'), Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>')
    parts = [line.format(f"M{LEFT:g} {TOP:g}V{BOTTOM:g}H{WIDTH - RIGHT:g}")]
    for step in ticks(xs):
        parts += [text.format(coordinate(across(step, xs)), coordinate(BOTTOM + 18), "middle", bare(step, ""))]
    for step in ticks(ys):
        parts += [text.format(coordinate(LEFT - 8), coordinate(upward(step, ys) + 4), "end", bare(step, unit))]
        parts += [line.format(f"M{LEFT:g} {coordinate(upward(step, ys))}H{WIDTH - RIGHT:g}")]
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(text.format(coordinate(middle), coordinate(BOTTOM + 42), "middle", names[0]))
    parts.append(text.format("8", coordinate(TOP - 8), "start", names[1]))
    return parts


def ticks(axis: Pair) -> list[float]:
    """Round numbers, three to six of them."""
    rough = (axis[1] - axis[0]) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(axis[0] / step - 1e-9)
    return [k * step for k in range(first, math.floor(axis[1] / step + 1e-9) + 1)]


def cross(tone: str, numbers: tuple[PlottedNumber, PlottedNumber], xs: Pair, ys: Pair) -> list[Markup]:
    """A dot with its intervals, which are drawn where they are known."""
    (right, up), line = numbers, Markup('<path class="t-whisker {}" d="{}"/>')
    x, y = across(right.value, xs), upward(up.value, ys)
    dot = Markup('<circle class="t-dot {}" cx="{}" cy="{}" r="7"/>').format(tone, coordinate(x), coordinate(y))
    (left, end), (low, high) = right.bounds, up.bounds
    wide = f"M{coordinate(across(left, xs))} {coordinate(y)}H{coordinate(across(end, xs))}"
    tall = f"M{coordinate(x)} {coordinate(upward(low, ys))}V{coordinate(upward(high, ys))}"
    parts = [line.format(tone, wide)] if right.known else []
    return [*parts, *([line.format(tone, tall)] if up.known else []), dot]


def dots(numbers: Sequence[tuple[PlottedNumber, PlottedNumber]], xs: Pair, ys: Pair) -> list[Box]:
    """The boxes that dots take."""
    points = [(across(right.value, xs), upward(up.value, ys)) for right, up in numbers]
    return [(x - 9, y - 9, x + 9, y + 9) for x, y in points]


def name_place(x: float, y: float, width: float, taken: list[Box]) -> tuple[float, float, str]:
    """Where two lines of a name stand: next to the dot, as near as nothing else is; which is then taken."""
    left = x + 12 + width > WIDTH
    start = x - 12 - width if left else x + 12
    shifts = sorted(range(-300, 301, 4), key=abs)
    boxes = [(start, y - 16 + shift, start + width, y + 14 + shift) for shift in shifts]
    inside = [box for box in boxes if box[1] >= TOP and box[3] <= BOTTOM]
    box = next((one for one in inside if not any(_meet(one, other) for other in taken)), boxes[0])
    taken.append(box)
    return (x - 12 if left else x + 12), box[1] + 11, "end" if left else "start"


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def coordinate(value: float) -> str:
    """A coordinate as text."""
    return f"{value:.1f}"


def picture(parts: Sequence[Markup], spoken: Sequence[str], most: int) -> Markup:
    """The drawing, with what it shows in words of at most so many characters."""
    svg = Markup('<svg class="chain" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return svg.format(f"{WIDTH:g}", f"{HEIGHT:g}", shorten("; ".join(spoken), most), Markup("").join(parts))
