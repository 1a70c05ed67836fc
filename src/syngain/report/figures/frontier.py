"""Gain against retention: the variants of a repair on two axes, with the frontier of those nobody beats. Draws only.

Across the loss increase on other rows, upwards the gain on real rows, both in nats per token: up and left is better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.core.phrases import isolate
from syngain.report.figures.scatter import (
    BOTTOM,
    PlottedNumber,
    across,
    axes,
    coordinate,
    cross,
    dots,
    name_place,
    picture,
    plotted,
    span,
    upward,
)
from syngain.report.numbers import number
from syngain.report.safe import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.report.figures.scatter import Box, Pair

COST, GAIN, LEVEL = "retain.change", "retain.gain", "0.90"
UNIT = "nats per token"
NAME_WIDTH = 200.0
ORIGIN = PlottedNumber(0.0, (0.0, 0.0), UNIT)


@dataclass(frozen=True, slots=True)
class _Variant:
    """A variant on the picture."""

    name: str
    cost: PlottedNumber
    gain: PlottedNumber
    recommended: bool


def frontier_svg(sets: Mapping[str, object]) -> Markup:
    """The picture; empty unless two variants have a gain and a loss increase on other rows."""
    found = [variant for name, content in sets.items() if (variant := _variant(name, content)) is not None]
    if len(found) < 2:
        return Markup("")
    xs, ys = span([one.cost for one in found]), span([one.gain for one in found])
    names = ("loss increase on other real rows, nats per token", "gain on real rows, nats per token")
    parts = [*axes(xs, ys, names, ""), *_zero(xs), *_stairs(found, xs, ys), *_drawn(found, xs, ys)]
    return picture(parts, [f"{one.name}: {_told(one)}" for one in found], 1200)


def _variant(name: str, content: object) -> _Variant | None:
    found = content.get("estimates") if isinstance(content, Mapping) else None
    if not isinstance(content, Mapping) or not isinstance(found, Mapping):
        return None
    recommended = content.get("recommended") is True
    cost, gain = plotted(found.get(COST), LEVEL), plotted(found.get(GAIN), LEVEL)
    if cost is None and gain is None and "retain.loss" in found:  # the untrained model, which all are compared with
        return _Variant(visible(name), ORIGIN, ORIGIN, recommended)
    return None if cost is None or gain is None else _Variant(visible(name), cost, gain, recommended)


def _beaten(one: _Variant, others: Sequence[_Variant]) -> bool:
    """Whether another variant is as good in both and better in one, by the values."""
    return any(
        other.cost.value <= one.cost.value
        and other.gain.value >= one.gain.value
        and (other.cost.value, other.gain.value) != (one.cost.value, one.gain.value)
        for other in others
    )


def _zero(xs: Pair) -> list[Markup]:
    """The vertical line of no loss increase, where values lie on both sides."""
    if xs[0] >= 0:
        return []
    return [Markup('<path class="t-axis" d="{}"/>').format(f"M{coordinate(across(0.0, xs))} {BOTTOM:g}V24")]


def _stairs(found: Sequence[_Variant], xs: Pair, ys: Pair) -> list[Markup]:
    """The line through the variants that nobody beats."""
    best = sorted((one for one in found if not _beaten(one, found)), key=lambda one: (one.cost.value, one.gain.value))
    points = [(across(one.cost.value, xs), upward(one.gain.value, ys)) for one in best]
    steps = [f"H{coordinate(x)}V{coordinate(y)}" for x, y in points[1:]]
    path = "".join([f"M{coordinate(points[0][0])} {coordinate(points[0][1])}", *steps])
    return [Markup('<path class="t-whisker t-gain" d="{}"/>').format(path)] if len(best) > 1 else []


def _drawn(found: Sequence[_Variant], xs: Pair, ys: Pair) -> list[Markup]:
    """Whiskers and dots, then names that do not lie on each other or on a dot."""
    taken = dots([(one.cost, one.gain) for one in found], xs, ys)
    parts = [
        part
        for one in found
        for part in cross("t-open" if _beaten(one, found) else "t-gain", (one.cost, one.gain), xs, ys)
    ]
    ordered = sorted(found, key=lambda one: (-one.gain.value, one.cost.value))
    return [*parts, *(_name(one, (across(one.cost.value, xs), upward(one.gain.value, ys)), taken) for one in ordered)]


def _name(one: _Variant, place: Pair, taken: list[Box]) -> Markup:
    x, y, anchor = name_place(*place, NAME_WIDTH, taken)
    text = Markup(
        '<text class="t-text" x="{x}" y="{y}" text-anchor="{anchor}"><tspan class="c-name">{name}</tspan>{more}</text>'
    )
    line = Markup('<tspan x="{}" dy="15">recommended</tspan>').format(coordinate(x)) if one.recommended else ""
    return text.format(x=coordinate(x), y=coordinate(y), anchor=anchor, name=isolate(shorten(one.name, 28)), more=line)


def _told(one: _Variant) -> str:
    gain, cost = (number(item.value, UNIT, signed=True) for item in (one.gain, one.cost))
    return f"gain {gain}, loss increase on other rows {cost}{', recommended' if one.recommended else ''}"
