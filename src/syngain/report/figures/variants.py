"""Ways to balance classes side by side: macro-F1 with its interval, and each proxy model. Draws only."""

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

SCORE = "balance.macro_f1"
WIDTH, LINE, TOP = 860.0, 44.0, 16.0
LEFT, RIGHT = 150.0, 250.0


@dataclass(frozen=True, slots=True)
class _Line:
    """A variant with its score, the 90% interval, and the score of each proxy model."""

    name: str
    value: float
    low: float
    high: float
    models: Mapping[str, float]


def variants_svg(sets: Mapping[str, object]) -> Markup:
    """The picture; empty unless two sets have a macro-F1 of balanced rows."""
    lines = [line for name, content in sets.items() if (line := _line(name, content)) is not None]
    if len(lines) < 2:
        return Markup("")
    ends = [end for line in lines for end in (line.value, line.low, line.high, *line.models.values())]
    low = max(0.0, math.floor(min(ends) * 20 - 1e-9) / 20)
    high = min(1.0, math.ceil(max(ends) * 20 + 1e-9) / 20)
    span = (low, high if high > low else low + 0.05)
    height = TOP + LINE * len(lines) + 30
    best = max(line.value for line in lines)
    parts = [*_axis(span, TOP + LINE * len(lines))]
    for at, line in enumerate(lines):
        parts += _drawn(line, span, TOP + LINE * (at + 0.5), best=line.value == best)
    svg = Markup('<svg class="chain" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    spoken = "; ".join(f"{line.name}: {number(line.value, 'share')}" for line in lines)
    return svg.format(f"{WIDTH:g}", f"{height:g}", shorten(spoken, 600), Markup("").join(parts))


def _line(name: str, content: object) -> _Line | None:
    found = content.get("estimates") if isinstance(content, Mapping) else None
    item = found.get(SCORE) if isinstance(found, Mapping) else None
    value = item.get("value") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(value, (int, float)):
        return None
    intervals, models = item.get("intervals"), item.get("references")
    pair = intervals.get("0.90") if isinstance(intervals, Mapping) else None
    ends = [float(value)] * 2
    if isinstance(pair, (list, tuple)) and len(pair) == 2:
        ends = [ends[at] if end is None else float(end) for at, end in enumerate(pair)]
    known = models.items() if isinstance(models, Mapping) else ()
    shown = {visible(str(model)): float(one) for model, one in known if isinstance(one, (int, float))}
    return _Line(visible(name.replace("_", " ")), float(value), ends[0], ends[1], shown)


def _x(value: float, span: tuple[float, float]) -> str:
    share = (value - span[0]) / (span[1] - span[0])
    return f"{LEFT + share * (WIDTH - LEFT - RIGHT):.1f}"


def _axis(span: tuple[float, float], bottom: float) -> list[Markup]:
    """Three vertical lines with their numbers."""
    line, text = (
        Markup('<path class="t-axis" d="M{} {}V{}"/>'),
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>'),
    )
    out = []
    for share in (span[0], (span[0] + span[1]) / 2, span[1]):
        out += [line.format(_x(share, span), f"{TOP:g}", f"{bottom:g}")]
        out += [text.format(_x(share, span), f"{bottom + 18:g}", bare(share, "share"))]
    return out


def _drawn(line: _Line, span: tuple[float, float], y: float, *, best: bool) -> Sequence[Markup]:
    """The name, the interval, the dot, a tick for each proxy model, the numbers."""
    tone = "t-gain" if best else "t-open"
    text = Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>')
    whisker = Markup('<path class="t-whisker {}" d="M{} {}H{}"/>')
    dot = Markup('<circle class="t-dot {}" cx="{}" cy="{}" r="7"/>')
    tick = Markup('<path class="s-ref" d="M{} {}v14"><title>{}</title></path>')
    words = f"{number(line.value, 'share')} ({interval((line.low, line.high), 'share')})"
    return [
        text.format("c-name", f"{LEFT - 16:g}", f"{y + 4:g}", "end", isolate(shorten(line.name, 24))),
        whisker.format(tone, _x(line.low, span), f"{y:g}", _x(line.high, span)),
        dot.format(tone, _x(line.value, span), f"{y:g}"),
        *(
            tick.format(_x(score, span), f"{y - 7:g}", f"{model}: {number(score, 'share')}")
            for model, score in sorted(line.models.items())
        ),
        text.format("t-text", f"{WIDTH - RIGHT + 20:g}", f"{y + 4:g}", "start", words),
    ]
