"""Rank correlations with the measured gain: cells of a generator next to exactly solved simulations. Draws only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.core.phrases import isolate
from syngain.report.catalog import describe
from syngain.report.numbers import MINUS
from syngain.report.safe import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate

PREFIX = "ranking."
PARTS = {
    "": ("t-gain", "all cells"),
    "equal_divergence": ("t-open", "at equal divergence"),
    "exact_worlds": ("t-harm", "exact simulations"),
    "students": ("t-none", "fine-tuned models"),
}
WIDTH, STEP, GAP, TOP, LEFT, RIGHT = 860.0, 12.0, 12.0, 20.0, 300.0, 60.0


def rankings_svg(estimates: Mapping[str, Estimate]) -> Markup:
    """The picture; empty where no rank correlation was computed."""
    names = list(dict.fromkeys(name.partition("@")[0] for name in estimates if name.startswith(PREFIX)))
    names = [name for name in names if {name, f"{name}@students"} & set(estimates)]
    if not names:
        return Markup("")
    value = {name: estimates.get(name, estimates.get(f"{name}@students")) for name in names}
    known = {name: item.value for name, item in value.items() if item is not None}
    names.sort(key=lambda name: -known[name])
    shown = [part for part in PARTS if any((f"{name}@{part}" if part else name) in estimates for name in names)]
    line = STEP * len(shown) + GAP
    bottom = TOP + line * len(names)
    parts = _axis(bottom)
    for at, name in enumerate(names):
        y = TOP + line * (at + 0.5)
        parts.append(_text("c-name", LEFT - 14, y + 4, "end", isolate(shorten(visible(describe(name).name), 40))))
        for place, part in enumerate(shown):
            item = estimates.get(f"{name}@{part}" if part else name)
            if item is not None and math.isfinite(item.value):
                parts += _drawn(item, y + STEP * (place - (len(shown) - 1) / 2), PARTS[part][0])
    svg = Markup('<svg class="chain" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    spoken = "; ".join(f"{describe(name).name} {known[name]:+.2f}" for name in names)
    return svg.format(f"{WIDTH:g}", f"{bottom + 28:g}", shorten(spoken, 900), Markup("").join(parts))


def _x(value: float) -> str:
    return f"{LEFT + (min(max(value, -1.0), 1.0) + 1) / 2 * (WIDTH - LEFT - RIGHT):.1f}"


def _axis(bottom: float) -> list[Markup]:
    line = Markup('<path class="t-axis" d="M{} {}V{}"/>')
    out = []
    for value in (-1.0, -0.5, 0.0, 0.5, 1.0):
        out.append(line.format(_x(value), f"{TOP:g}", f"{bottom:g}"))
        out.append(_text("c-small", float(_x(value)), bottom + 18, "middle", f"{value:+.1f}".replace("-", MINUS)))
    return out


def _drawn(item: Estimate, y: float, tone: str) -> Sequence[Markup]:
    """The interval and the dot, with the number next to it."""
    low, high = item.interval(0.95)
    line, dot = (
        Markup('<path class="t-whisker {}" d="M{} {:.1f}H{}"/>'),
        Markup('<circle class="t-dot {}" cx="{}" cy="{:.1f}" r="5"/>'),
    )
    parts = [line.format(tone, _x(low), y, _x(high))] if math.isfinite(high - low) else []
    shown = f"{item.value:+.2f}".replace("-", MINUS)
    return [*parts, dot.format(tone, _x(item.value), y), _text("c-small", WIDTH - RIGHT + 8, y + 4, "start", shown)]


def _text(kind: str, x: float, y: float, anchor: str, words: object) -> Markup:
    text = Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    return text.format(kind, x, y, anchor, words)
