"""The picture of the generation pipeline, with bands as wide as their nats. Draws only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.core.phrases import isolate
from syngain.report.numbers import MINUS, number
from syngain.report.safe import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.result import Chain, Flow

STATIONS = ("anchors", "prompt", "generator", "curation", "set")
WEIGHTS = "weights"  # a sixth station, where what a model memorized is known
WIDTH, HEIGHT = 860.0, 270.0
LEFT, STEP, NARROW = 60.0, 180.0, 146.0  # of five stations, of six
BASE, THICK, THINNEST = 190.0, 120.0, 1.5  # of the bands
TIP = 26.0  # how long a band takes to become narrower
KINDS = {"prompt": "c-prompt", "generator": "c-gain"}


def chain_svgs(chains: Sequence[Chain]) -> list[Markup]:
    """Inline SVGs with one common scale, so that chains compare; empty when nothing flows."""
    widest = max((total for total in map(_total, chains) if math.isfinite(total)), default=0.0)
    return [_svg(chain, THICK / widest) if widest > 0 and _total(chain) > 0 else Markup("") for chain in chains]


def _svg(chain: Chain, scale: float) -> Markup:
    total = _total(chain)
    prompt, gain = (_first(chain, station) for station in KINDS)
    leaving = [flow for flow in chain.flows if flow.leaves and flow.nats > 0]
    kept = 1.0 - sum(flow.nats for flow in leaving) / total
    top = BASE - total * scale
    memorized = next((flow for flow in chain.flows if flow.station == WEIGHTS), None)
    step = STEP if memorized is None else NARROW
    marks = [
        *_stations(step, WEIGHTS if memorized is not None else ""),
        *_bands(prompt.nats * scale, gain.nats * scale, kept, step),
        *_leaving(leaving, scale, step),
        _label(_x("prompt", step), BASE - prompt.nats * scale - 27, prompt, "middle"),
        _label(_x("generator", step) + 24, top - 27, gain, "start"),
        *(_label(_x("set", step), top - 27, flow, "middle") for flow in chain.flows if flow.station == "set"),
        *_memorized(memorized, scale, step),
    ]
    spoken = "; ".join(f"{flow.name} {_amount(flow)}" for flow in chain.flows)
    svg = Markup('<svg class="chain" viewBox="0 {} {} {}" role="img" aria-label="{}">{}</svg>')
    sky = top - 42
    return svg.format(_n(sky), f"{WIDTH:g}", _n(HEIGHT - sky), shorten(spoken, 600), Markup("").join(marks))


def _total(chain: Chain) -> float:
    return sum(flow.nats for flow in chain.flows if flow.station in KINDS)


def _first(chain: Chain, station: str) -> Flow:
    return next(flow for flow in chain.flows if flow.station == station)


def _x(station: str, step: float) -> float:
    return LEFT + step * (*STATIONS, WEIGHTS).index(station)


def _memorized(flow: Flow | None, scale: float, step: float) -> list[Markup]:
    """What a model of the rows memorized: a band from the dataset to the weights, on the same scale."""
    if flow is None:
        return []
    start, end, height = _x("set", step), _x(WEIGHTS, step), max(flow.nats * scale, THINNEST)
    band = Markup('<path class="c-gain" d="M{} {}H{}V{}H{}Z"/>')
    drawn = band.format(_n(start), _n(BASE), _n(end), _n(BASE - height), _n(start))
    return [drawn, _label(end, BASE - height - 27, flow, "middle")]


def _stations(step: float, last: str) -> list[Markup]:
    """The names below, each with a short line."""
    mark = Markup(
        '<path class="c-tick" d="M{x} {top}V{bottom}"/><text x="{x}" y="{y}" text-anchor="middle">{name}</text>'
    )
    return [
        mark.format(x=f"{_x(name, step):g}", top=_n(BASE + 6), bottom=_n(HEIGHT - 26), y=_n(HEIGHT - 8), name=name)
        for name in (*STATIONS, *filter(None, [last]))
    ]


def _bands(prompt: float, gain: float, kept: float, step: float) -> list[Markup]:
    """What the prompt decides, below; what the generator adds, above; both narrower after curation."""
    start, cut, end = _x("generator", step), _x("curation", step), _x("set", step)
    band = Markup('<path class="{}" d="M{} {}H{}L{} {}H{}V{}H{}L{} {}H{}Z"/>')
    parts = []
    for name, bottom, height, left in (("c-prompt", 0.0, prompt, _x("anchors", step)), ("c-gain", prompt, gain, start)):
        low, high = BASE - bottom, BASE - bottom - max(height, THINNEST)
        low_after = BASE - bottom * kept
        high_after = low_after - max(height * kept, THINNEST)
        corners = (left, low, cut, cut + TIP, low_after, end, high_after, cut + TIP, cut, high, left)
        parts.append(band.format(name, *map(_n, corners)))
    top = BASE - prompt - gain
    arrow = Markup('<path class="c-in" d="M{x} {a}V{b}m-5 -7l5 7l5 -7"/>')
    parts.append(arrow.format(x=_n(start + 10), a=_n(top - 30), b=_n(top - 2)))
    return parts


def _leaving(flows: Sequence[Flow], scale: float, step: float) -> list[Markup]:
    """What each step of curation took, side by side downwards; more than three steps are summed up."""
    parts = []
    x, box = _x("curation", step), Markup('<path class="c-out" d="M{} {}h{}v16h-{}z"/>')
    for flow in flows:
        width = max(flow.nats * scale, THINNEST)
        parts.append(box.format(_n(x), _n(BASE + 2), _n(width), _n(width)))
        x += width + 2
    text = Markup('<text class="c-small" x="{}" y="{}">{} {} {}</text>')
    named, rest = flows[:2] if len(flows) > 3 else flows, flows[2:] if len(flows) > 3 else ()
    lines = [(isolate(shorten(flow.name, 18)), _amount(flow)) for flow in named]
    if rest:
        lines.append((f"{len(rest)} more steps", number(sum(flow.nats for flow in rest), "nats")))
    for place, (name, amount) in enumerate(lines):
        parts.append(text.format(_n(_x("curation", step) + 8), _n(BASE + 31 + 12 * place), MINUS, name, amount))
    return parts


def _label(x: float, y: float, flow: Flow, anchor: str) -> Markup:
    text = Markup(
        '<text x="{x}" y="{y}" text-anchor="{anchor}"><tspan class="c-name">{name}</tspan>'
        '<tspan x="{x}" dy="15">{amount}</tspan></text>'
    )
    return text.format(x=_n(x), y=_n(y), anchor=anchor, name=isolate(shorten(flow.name, 48)), amount=_amount(flow))


def _amount(flow: Flow) -> str:
    """For example ``41.2 nats (39.0 to 43.4)``."""
    if flow.nats == 0 and flow.low is None and flow.station == "prompt":
        return ""
    words = ("≤ " if flow.at_most else "") + number(flow.nats, "nats")
    if flow.low is None or flow.high is None or not math.isfinite(flow.high):
        return words
    return f"{words} ({number(flow.low, '')} to {number(flow.high, '')})"


def _n(value: float) -> str:
    return f"{value:.1f}"
