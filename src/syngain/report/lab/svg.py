"""Panels as one SVG, written by ourselves: small, without scripts, the same bytes for the same numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from syngain.report.safe import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.report.lab.content import CurveContent, LabContent, PanelContent

COLUMNS = 3
WIDTH, HEIGHT = 340, 250
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 34, 42  # margins of a panel
COLORS = ("#2b7bba", "#d9730d", "#1a7f4b", "#8250a8", "#b3261e")
MOST_POINTS = 2_000  # drawn of one cloud

STYLE = """
text { font: 11px system-ui, sans-serif; fill: #1b1f24; }
.title { font-weight: 600; font-size: 12px; }
.soft { fill: #57606a; }
.axis { stroke: #8a929b; fill: none; }
.grid { stroke: #e6e8eb; fill: none; }
.zero { stroke: #57606a; stroke-dasharray: 2 3; fill: none; }
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to pixels, linearly or by their logarithm."""

    low: float
    high: float
    start: float
    stop: float
    log: bool

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high, at = (self._scaled(x) for x in (self.low, self.high, value))
        return self.start + (self.stop - self.start) * (at - low) / (high - low)

    def ticks(self) -> list[float]:
        """About five round values inside the axis."""
        if self.log:
            return _log_ticks(self.low, self.high)
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A curve without the entries that cannot be drawn."""

    name: str
    style: str
    x: list[float]
    y: list[float]
    lower: list[float]
    upper: list[float]


def lab_svg(result: LabContent, *, columns: int = COLUMNS) -> str:
    """All panels of a lab result (its JSON) side by side; an SVG document."""
    panels = result["panels"]
    rows = max(1, math.ceil(len(panels) / columns))
    width, height = WIDTH * min(columns, max(1, len(panels))), HEIGHT * rows
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{_text(result["preset"])}">'
    )
    parts = [head, f"<style>{STYLE}</style>", f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        parts.append(f'<g transform="translate({column * WIDTH} {row * HEIGHT})">')
        parts += _panel(panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: PanelContent) -> list[str]:
    curves = [_finite(curve, panel) for curve in panel["curves"]]
    xs = [x for curve in curves for x in curve.x]
    ys = [y for curve in curves for column in (curve.y, curve.lower, curve.upper) for y in column]
    title = f'<text class="title" x="{LEFT}" y="16">{_text(panel["title"])}</text>'
    if not xs:
        return [title, f'<text class="soft" x="{LEFT}" y="{HEIGHT / 2:g}">nothing to draw</text>']
    if panel["zero"] and not panel["y_log"]:
        ys.append(0.0)
    x = _axis(xs, LEFT, WIDTH - RIGHT, log=panel["x_log"])
    y = _axis(ys, HEIGHT - BOTTOM, TOP, log=panel["y_log"])
    parts = [title, *_frame(panel, x, y)]
    for number, curve in enumerate(curves):
        parts += _curve(curve, COLORS[number % len(COLORS)], x, y)
    return [*parts, *_legend(curves)]


def _frame(panel: PanelContent, x: Axis, y: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = []
    for tick in y.ticks():
        at = _n(y(tick))
        parts.append(f'<path class="grid" d="M{LEFT} {at}H{right}"/>')
        parts.append(f'<text class="soft" text-anchor="end" x="{LEFT - 5}" y="{_n(y(tick) + 4)}">{_label(tick)}</text>')
    for tick in x.ticks():
        at = _n(x(tick))
        parts.append(f'<path class="axis" d="M{at} {bottom}v4"/>')
        parts.append(f'<text class="soft" text-anchor="middle" x="{at}" y="{bottom + 16}">{_label(tick)}</text>')
    if panel["zero"] and not panel["y_log"]:
        parts.append(f'<path class="zero" d="M{LEFT} {_n(y(0.0))}H{right}"/>')
    middle = (LEFT + right) / 2
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    parts.append(f'<text text-anchor="middle" x="{middle:g}" y="{HEIGHT - 10}">{_text(panel["x_name"])}</text>')
    up = (TOP + bottom) / 2
    parts.append(
        f'<text text-anchor="middle" transform="translate(12 {up:g}) rotate(-90)">{_text(panel["y_name"])}</text>'
    )
    return parts


def _curve(curve: _Drawn, color: str, x: Axis, y: Axis) -> list[str]:
    if curve.style == "points":
        step = max(1, math.ceil(len(curve.x) / MOST_POINTS))
        pairs = list(zip(curve.x, curve.y, strict=True))[::step]
        dots = "".join(f"M{_n(x(a))} {_n(y(b))}h0" for a, b in pairs)
        return [f'<path d="{dots}" stroke="{color}" stroke-width="3" stroke-linecap="round" stroke-opacity="0.45"/>']
    parts = []
    if curve.lower and curve.upper:
        up = [(x(a), y(b)) for a, b in zip(curve.x, curve.upper, strict=True)]
        down = [(x(a), y(b)) for a, b in zip(curve.x, curve.lower, strict=True)]
        parts.append(f'<path d="{_path([*up, *reversed(down)])}Z" fill="{color}" fill-opacity="0.18"/>')
    dash = ' stroke-dasharray="5 3"' if curve.style == "dashed" else ""
    line = _path([(x(a), y(b)) for a, b in zip(curve.x, curve.y, strict=True)])
    return [*parts, f'<path d="{line}" fill="none" stroke="{color}" stroke-width="1.6"{dash}/>']


def _legend(curves: Sequence[_Drawn]) -> list[str]:
    """Names of the curves in their colors, in one line, when there are several."""
    if len(curves) < 2:
        return []
    spans = [
        f'<tspan fill="{COLORS[number % len(COLORS)]}">{_text(curve.name)}</tspan>'
        for number, curve in enumerate(curves)
    ]
    return [f'<text x="{LEFT + 4}" y="{TOP - 5}">{" &#160; ".join(spans)}</text>']


def _finite(curve: CurveContent, panel: PanelContent) -> _Drawn:
    """The curve without the entries that cannot be drawn (null, or not positive on a logarithmic axis)."""
    columns = [curve["x"], curve["y"]]
    logs = [panel["x_log"], panel["y_log"], panel["y_log"], panel["y_log"]]
    if curve["lower"] and curve["upper"]:
        columns += [curve["lower"], curve["upper"]]
    kept: list[list[float]] = [[] for _ in range(4)]
    for entry in zip(*columns, strict=True):
        values = [v for v, log in zip(entry, logs, strict=False) if v is not None and (v > 0 or not log)]
        if len(values) == len(columns):
            for column, value in zip(kept, values, strict=False):
                column.append(value)
    x, y, lower, upper = kept
    return _Drawn(curve["name"], curve["style"], x, y, lower, upper)


def _axis(values: Sequence[float], start: float, stop: float, *, log: bool) -> Axis:
    low, high = min(values), max(values)
    if log:
        return Axis(low, high if high > low else low * 10, start, stop, log=True)
    margin = 0.05 * (high - low) or max(abs(high), 1.0) * 0.1
    return Axis(low - margin, high + margin, start, stop, log=False)


def _round_step(raw: float) -> float:
    power = 10.0 ** math.floor(math.log10(raw))
    return next(unit * power for unit in (1, 2, 2.5, 5, 10) if unit * power >= raw * (1 - 1e-9))


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for units in ((1,), (1, 3), (1, 2, 5)):
        ticks = [
            unit * 10.0**power
            for power in powers
            for unit in units
            if low * 0.999 <= unit * 10.0**power <= high * 1.001
        ]
        if len(ticks) >= 3:
            break
    return ticks


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(a)} {_n(b)}" for a, b in points)


def _n(value: float) -> str:
    """A coordinate with one decimal, never minus zero."""
    return f"{value + 0.0:.1f}".replace("-0.0", "0.0")


def _label(value: float) -> str:
    return f"{value:.5g}" if value else "0"


def _text(value: object) -> str:
    return escape(visible(value))
