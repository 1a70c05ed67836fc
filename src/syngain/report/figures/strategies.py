"""Strategies side by side in information gain, task divergence and measured gain: one picture. Draws only.

Across the nats per row that a strategy adds, upwards how far its rows are from real ones at least; the mark says what
training on them gained. Information without gain is noise, and the picture shows it as far right and not filled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.core.phrases import isolate
from syngain.report.figures.scatter import (
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
from syngain.report.numbers import interval, number
from syngain.report.safe import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.report.figures.scatter import Box, Pair, PlottedNumber

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
NAME_WIDTH = 250.0


@dataclass(frozen=True, slots=True)
class _Mark:
    """A strategy on the picture; ``gain`` None where it was not measured."""

    name: str
    across: PlottedNumber
    up: PlottedNumber
    gain: PlottedNumber | None


def strategies_svg(sets: Mapping[str, object]) -> Markup:
    """The picture; empty unless two sets have an information gain and a divergence."""
    marks = [mark for name, content in sets.items() if (mark := _mark(name, content)) is not None]
    if len(marks) < 2:
        return Markup("")
    xs, ys = span([mark.across for mark in marks]), span([mark.up for mark in marks], most=1.0)
    names = ("information gain, nats per row", "total variation from real rows, at least")
    parts = [*axes(xs, ys, names, "share"), *_drawn(marks, xs, ys)]
    return picture(parts, [f"{mark.name}: {_told(mark)}" for mark in marks], 600)


def _mark(name: str, content: object) -> _Mark | None:
    found = content.get("estimates") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        return None
    right, up = plotted(found.get(ACROSS)), plotted(found.get(UP))
    gains = (plotted(found.get(key)) for name in GAINS for key in (name, f"{name}.test"))
    if right is None or up is None:
        return None
    return _Mark(visible(name), right, up, next((gain for gain in gains if gain is not None), None))


def _drawn(marks: Sequence[_Mark], xs: Pair, ys: Pair) -> list[Markup]:
    """Whiskers, dots, and names that do not lie on each other or on a dot."""
    numbers = [(mark.across, mark.up) for mark in marks]
    taken = dots(numbers, xs, ys)
    parts = [part for mark in marks for part in cross(_tone(mark.gain), (mark.across, mark.up), xs, ys)]
    points = [(across(right.value, xs), upward(up.value, ys)) for right, up in numbers]
    for mark, (x, y) in sorted(zip(marks, points, strict=True), key=lambda item: (item[1][1], item[1][0])):
        parts.append(_name(mark, x, y, taken))
    return parts


def _name(mark: _Mark, x: float, y: float, taken: list[Box]) -> Markup:
    """Name and gain, next to the dot."""
    at, top, anchor = name_place(x, y, NAME_WIDTH, taken)
    text = Markup(
        '<text class="t-text" x="{x}" y="{y}" text-anchor="{anchor}"><tspan class="c-name">{name}</tspan>'
        '<tspan x="{x}" dy="15">{gain}</tspan></text>'
    )
    return text.format(
        x=coordinate(at), y=coordinate(top), anchor=anchor, name=isolate(shorten(mark.name, 34)), gain=_gain(mark)
    )


def _tone(gain: PlottedNumber | None) -> str:
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
    nats, distance = number(mark.across.value, mark.across.unit), number(mark.up.value, mark.up.unit)
    return f"information gain {nats}, total variation at least {distance}, {_gain(mark)}"
