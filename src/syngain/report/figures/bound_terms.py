"""The terms of three bounds for each strategy, as stacked bars with intervals. Draws only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from syngain.core.phrases import isolate
from syngain.report.numbers import bare, number
from syngain.report.safe import shorten, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMS = {
    "bound.valid": "valid",
    "bound.memorization": "from losses",
    "bound.published": "published: not valid",
}
TERMS = {"divergence": "c-out", "curation": "c-cut", "information": "c-gain"}
WIDTH, BAR, GAP, TOP = 860.0, 13.0, 12.0, 18.0
LEFT, RIGHT = 190.0, 190.0


@dataclass(frozen=True, slots=True)
class _Bar:
    """A form of the bound: its terms in order, the sum and its bounds."""

    form: str
    terms: tuple[tuple[str, float], ...]
    value: float
    low: float
    high: float


def bound_terms_svg(sets: Mapping[str, object]) -> Markup:
    """The picture; empty unless two strategies have a bound."""
    found = [(visible(name), bars) for name, content in sets.items() if (bars := _bars(content))]
    if len(found) < 2:
        return Markup("")
    most = max(max(bar.value, bar.high) for _, bars in found for bar in bars)
    height, parts = TOP, list[Markup]()
    for name, bars in found:
        parts.append(_text("c-name", LEFT - 12, height + BAR - 2, "end", isolate(shorten(name, 26))))
        for bar in bars:
            parts += _drawn(bar, height, most)
            height += BAR
        height += GAP
    parts = [*_axis(most, height), *parts]
    svg = Markup('<svg class="chain" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    spoken = "; ".join(f"{name}: {', '.join(f'{b.form} {b.value:.2f}' for b in bars)}" for name, bars in found)
    return svg.format(f"{WIDTH:g}", f"{height + 26:g}", shorten(spoken, 600), Markup("").join(parts))


def _bars(content: object) -> list[_Bar]:
    found = content.get("estimates") if isinstance(content, Mapping) else None
    if not isinstance(found, Mapping):
        return []
    return [bar for name in FORMS if (bar := _bar(FORMS[name], found.get(name))) is not None]


def _bar(form: str, item: object) -> _Bar | None:
    if not isinstance(item, Mapping) or not isinstance(item.get("value"), (int, float)):
        return None
    references, intervals = item.get("references"), item.get("intervals")
    if not isinstance(references, Mapping):
        return None
    terms = tuple((name, float(references[name])) for name in TERMS if isinstance(references.get(name), (int, float)))
    value = float(item["value"])
    pair = intervals.get("0.90") if isinstance(intervals, Mapping) else None
    known = isinstance(pair, (list, tuple)) and all(isinstance(end, (int, float)) for end in pair)
    low, high = (float(pair[0]), float(pair[1])) if known and pair is not None else (value, value)
    return _Bar(form, terms, value, low, high)


def _x(value: float, most: float) -> float:
    return LEFT + max(value, 0.0) / most * (WIDTH - LEFT - RIGHT)


def _drawn(bar: _Bar, top: float, most: float) -> Sequence[Markup]:
    """The terms side by side, the interval of the sum, the form and its value."""
    box = Markup('<path class="{}" d="M{} {}H{}V{}H{}Z"><title>{}</title></path>')
    start, parts = 0.0, list[Markup]()
    for name, size in bar.terms:
        ends = (_n(_x(start, most)), _n(top + 1), _n(_x(start + size, most)), _n(top + BAR - 2), _n(_x(start, most)))
        parts.append(box.format(TERMS[name], *ends, f"{name} {number(size, '')}"))
        start += size
    middle = _n(top + BAR / 2)
    line = Markup('<path class="t-whisker t-open" d="M{} {}H{}"/>')
    if math.isfinite(bar.high) and bar.high > bar.low:
        parts.append(line.format(_n(_x(bar.low, most)), middle, _n(_x(bar.high, most))))
    parts.append(_text("c-small", WIDTH - RIGHT + 10, top + BAR - 3, "start", f"{number(bar.value, '')} {bar.form}"))
    return parts


def _axis(most: float, bottom: float) -> list[Markup]:
    """Lines at round values; at 1 a bound on a loss in [0, 1] says nothing more."""
    line = Markup('<path class="t-axis" d="M{} {}V{}"/>')
    out = []
    for value in sorted({0.0, 1.0, float(math.floor(most))}):
        at = _x(value, most)
        out += [line.format(_n(at), f"{TOP - 6:g}", _n(bottom - 6))]
        out += [_text("c-small", at, bottom + 12, "middle", bare(value, ""))]
    return out


def _text(kind: str, x: float, y: float, anchor: str, words: object) -> Markup:
    text = Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>')
    return text.format(kind, _n(x), _n(y), anchor, words)


def _n(value: float) -> str:
    return f"{value:.1f}"
