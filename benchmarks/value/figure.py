"""One picture: every predictor's rank correlation and regret with their intervals, as an SVG without scripts."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from benchmarks.value.names import displayed
from benchmarks.value.table import Mean, rank_correlation, regret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.value.table import Told

LINE, NAMES, PANEL, GAP, TOP, BOTTOM = 24, 190, 300, 28, 40, 34
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1b1f24; }
.title { font-weight: 600; }
.soft { fill: #57606a; }
.grid { stroke: #e6e8eb; }
.zero { stroke: #57606a; stroke-dasharray: 2 3; }
"""


def figure(cases: Sequence[Told], zeros: Mapping[str, bool]) -> str:
    """Predictors from the best rank correlation to the worst; ours in color."""
    ranks = {name: Mean.of(rank_correlation(cases, name)) for name in zeros}
    lost = {name: Mean.of(regret(cases, name, zero=zero)) for name, zero in zeros.items()}
    order = sorted((name for name in ranks if ranks[name].tasks), key=lambda name: -ranks[name].value)
    width, height = NAMES + 2 * PANEL + GAP + 16, TOP + LINE * len(order) + BOTTOM
    head = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {head} aria-label="Rank correlation and regret of every predictor">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        *_panel("Rank correlation with the measured gain", ranks, order, NAMES, (-1.0, 1.0)),
        *_panel("Regret of the decision (0 best, 1 worst)", lost, order, NAMES + PANEL + GAP, (0.0, 1.0)),
    ]
    for number, name in enumerate(order):
        weight = ' class="title"' if name == "syngain" else ""
        label = escape(displayed(name))
        parts.append(f'<text{weight} text-anchor="end" x="{NAMES - 12}" y="{_y(number) + 4}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _panel(
    title: str, found: Mapping[str, Mean], order: Sequence[str], left: int, limits: tuple[float, float]
) -> list[str]:
    low, high = limits
    bottom = TOP + LINE * len(order)

    def x(value: float) -> str:
        inside = min(max(value, low), high) if math.isfinite(value) else (low if value < 0 else high)
        return f"{left + PANEL * (inside - low) / (high - low):.1f}"

    parts = [f'<text class="title" x="{left}" y="20">{escape(title)}</text>']
    for step in range(5):
        tick = low + (high - low) * step / 4
        parts.append(f'<line class="grid" x1="{x(tick)}" x2="{x(tick)}" y1="{TOP - 8}" y2="{bottom}"/>')
        parts.append(f'<text class="soft" text-anchor="middle" x="{x(tick)}" y="{bottom + 18}">{tick:g}</text>')
    parts.append(f'<line class="zero" x1="{x(0)}" x2="{x(0)}" y1="{TOP - 8}" y2="{bottom}"/>')
    for number, name in enumerate(order):
        mean, color = found[name], "#d9730d" if name == "syngain" else "#2b7bba"
        y = _y(number)
        parts.append(
            f'<line stroke="{color}" stroke-width="2" x1="{x(mean.low)}" x2="{x(mean.high)}" y1="{y}" y2="{y}"/>'
        )
        parts.append(f'<circle fill="{color}" cx="{x(mean.value)}" cy="{y}" r="4"/>')
    return parts


def _y(number: int) -> int:
    return TOP + LINE * number + LINE // 2
