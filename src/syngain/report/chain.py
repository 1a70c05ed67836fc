"""The picture of the chain: anchors, prompt, generator, curation, set, with bands as wide as their nats. Draws only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.report.safe import shorten
from syngain.report.words import MINUS, number

if TYPE_CHECKING:
    from syngain.core.result import Chain, Flow

STATIONS = ("anchors", "prompt", "generator", "curation", "set")
WIDTH, HEIGHT = 820.0, 300.0
LEFT, STEP = 60.0, 175.0  # of the stations
MIDDLE, THICK, THINNEST = 150.0, 110.0, 1.5  # of the bands
KINDS = {"prompt": "c-prompt", "generator": "c-gain"}


def chain_svg(chain: Chain) -> Markup:
    """An inline SVG; empty when nothing flows."""
    total = sum(flow.nats for flow in chain.flows if flow.station in KINDS)
    if not math.isfinite(total) or total <= 0:
        return Markup("")
    scale = THICK / total
    prompt, gain = (_first(chain, station) for station in KINDS)
    leaving = [flow for flow in chain.flows if flow.leaves and flow.nats > 0]
    kept = 1.0 - sum(flow.nats for flow in leaving) / total
    marks = [
        *_stations(),
        *_bands(prompt.nats * scale, gain.nats * scale, kept),
        *_leaving(leaving, scale),
        _label(_x("prompt"), MIDDLE - THICK / 2 - 44, prompt),
        _label(_x("generator") + 60, MIDDLE - THICK / 2 - 20, gain),
        *(_label(_x("set"), MIDDLE - THICK / 2 - 20, flow) for flow in chain.flows if flow.station == "set"),
    ]
    spoken = "; ".join(f"{flow.name} {_amount(flow)}" for flow in chain.flows)
    svg = Markup('<svg class="chain" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return svg.format(f"{WIDTH:g}", f"{HEIGHT:g}", shorten(spoken, 600), Markup("").join(marks))


def _first(chain: Chain, station: str) -> Flow:
    return next(flow for flow in chain.flows if flow.station == station)


def _x(station: str) -> float:
    return LEFT + STEP * STATIONS.index(station)


def _stations() -> list[Markup]:
    """The names below, with a line up to the bands."""
    tick = Markup(
        '<path class="c-tick" d="M{x} {top}V{bottom}"/><text x="{x}" y="{y}" text-anchor="middle">{name}</text>'
    )
    return [
        tick.format(x=f"{_x(name):g}", top="40", bottom=f"{HEIGHT - 28:g}", y=f"{HEIGHT - 10:g}", name=name)
        for name in STATIONS
    ]


def _bands(prompt: float, gain: float, kept: float) -> list[Markup]:
    """What the prompt decides, below; what the generator adds, above; both narrower after curation."""
    low, cut, end = _x("generator"), _x("curation"), _x("set")
    base = MIDDLE + THICK / 2
    parts = []
    for name, bottom, height, start in (("c-prompt", 0.0, prompt, _x("anchors")), ("c-gain", prompt, gain, low)):
        y = base - bottom
        shown = max(height, THINNEST)
        after, narrow = base - bottom * kept, max(height * kept, THINNEST)
        parts.append(
            Markup('<path class="{}" d="M{} {}H{}L{} {}H{}V{}H{}L{} {}H{}Z"/>').format(
                name,
                _n(start), _n(y), _n(cut), _n(cut + 25), _n(after), _n(end),
                _n(after - narrow), _n(cut + 25), _n(cut), _n(y - shown), _n(start),
            )
        )  # fmt: skip
    top = base - prompt - gain
    arrow = Markup('<path class="c-in" d="M{x} {a}V{b}m-5 -7l5 7l5 -7"/>')
    parts.append(arrow.format(x=_n(low + 8), a=_n(top - 26), b=_n(top - 2)))
    return parts


def _leaving(flows: list[Flow], scale: float) -> list[Markup]:
    """What each step of curation took, side by side downwards."""
    parts = []
    x, base = _x("curation"), MIDDLE + THICK / 2
    box = Markup('<path class="c-out" d="M{} {}h{}v14h-{}z"/>')
    for place, flow in enumerate(flows[:3]):
        width = max(flow.nats * scale, THINNEST)
        parts.append(box.format(_n(x), _n(base + 8), _n(width), _n(width)))
        x += width + 3
        words = f"{shorten(flow.name, 18)} {_amount(flow)}"
        text = Markup('<text class="c-small" x="{}" y="{}">{} {}</text>')
        parts.append(text.format(_n(_x("curation") + 4), _n(base + 36 + 13 * place), MINUS, words))
    return parts


def _label(x: float, y: float, flow: Flow) -> Markup:
    text = Markup('<text x="{x}" y="{y}" text-anchor="middle"><tspan class="c-name">{name}</tspan>'
                  '<tspan x="{x}" dy="15">{amount}</tspan></text>')  # fmt: skip
    return text.format(x=_n(x), y=_n(y), name=shorten(flow.name, 48), amount=_amount(flow))


def _amount(flow: Flow) -> str:
    """For example ``41.2 nats (39.0 to 43.4)``."""
    words = ("≤ " if flow.at_most else "") + number(flow.nats, "nats")
    if flow.low is None or flow.high is None or not math.isfinite(flow.high):
        return words
    return f"{words} ({number(flow.low, '')} to {number(flow.high, '')})"


def _n(value: float) -> str:
    return f"{value:.1f}"
