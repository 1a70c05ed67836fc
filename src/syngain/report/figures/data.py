"""Data of the interactive pictures, in columns and within a budget of bytes. The page's script draws them."""

from __future__ import annotations

import itertools
import json
import math
import re
from typing import TYPE_CHECKING, cast

from syngain.core.phrases import isolate, isolated
from syngain.report.safe import plain, shorten, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.result import Distribution, Dropped, MapPoint, MapRegion, Series

POINTS = 2_000
DROPS = 1_000
_POINT_BYTES = 200_000
_DROP_BYTES = 120_000
_TEXT_LIMITS = (160, 120, 80, 40, 12)
_NAME_LIMIT = 60
_BARS = 200
_RINGS = 40
_GROUPS = ("synthetic", "dropped", "real")  # drawn in this order: the few real rows on top
_RANGE = re.compile(r"^\D{0,2}-?\d[\d,.]*\s*(?:\D{1,4}\s*-?\d[\d,.]*)?\D{0,2}$")

Columns = dict[str, object]


def map_figure(points: Sequence[MapPoint], regions: Sequence[MapRegion]) -> Columns:
    """The points drawn, one trace per group, and the missing regions as rings."""
    seen = [point for point in points if math.isfinite(point.x) and math.isfinite(point.y)]
    names = [*_GROUPS, *sorted({point.group for point in seen} - set(_GROUPS))]
    traces = {name: [point for point in seen if point.group == name] for name in names}
    drawn = {name: _spaced(rows, _share(len(rows), len(seen))) for name, rows in traces.items() if rows}
    labels = sorted({visible(point.label) for rows in drawn.values() for point in rows if point.label is not None})
    places = {label: place for place, label in enumerate(labels)}

    def columns(limit: int) -> Columns:
        return {
            "labels": [isolate(shorten(label, min(limit, _NAME_LIMIT))) for label in labels],
            "traces": [_trace(name, rows, places, limit) for name, rows in drawn.items()],
            "rings": [_ring(number, region) for number, region in enumerate(missing(regions), start=1)],
        }

    return _within(columns, _POINT_BYTES)


def profile_axes(figure: Columns) -> Columns:
    """The points of a profile on numbered axes: variability and confidence."""
    return {**figure, "axes": ["variability, p (1 - p)", "confidence in the given label"]}


def missing(regions: Sequence[MapRegion]) -> list[MapRegion]:
    """The largest regions of the real rows that the set does not reach."""
    found = (region for region in regions if region.missing)
    return sorted(found, key=lambda region: (-region.real, region.name))[:_RINGS]


def drop_table(dropped: Sequence[Dropped]) -> Columns:
    """The first rows advised to drop, in columns; reasons by their place in a list."""
    rows = dropped[:DROPS]
    reasons = sorted({visible(reason) for item in rows for reason in item.reasons})
    places = {reason: place for place, reason in enumerate(reasons)}

    def columns(limit: int) -> Columns:
        return {
            **_ids([item.id for item in rows], limit),
            "reasons": [isolate(shorten(reason, min(limit, _NAME_LIMIT))) for reason in reasons],
            "label": [None if item.label is None else shorten(item.label, min(limit, _NAME_LIMIT)) for item in rows],
            "why": [[places[visible(reason)] for reason in item.reasons] for item in rows],
            "score": [_rounded(item.score) for item in rows],
            "text": [shorten(item.text, limit) for item in rows],
        }

    return _within(columns, _DROP_BYTES)


def distribution_figure(item: Distribution) -> Columns:
    """Bars in the order given for bins; sorted by their difference, largest first, for named categories."""
    bars = list(zip(item.categories, item.real, item.synthetic, strict=True))
    binned = len(bars) <= 40 and all(_RANGE.match(name) for name, _, _ in bars)
    if not binned and len(bars) > 8:
        bars.sort(key=lambda bar: (-abs(bar[1] - bar[2]), bar[0]))
    total, bars = len(bars), bars[:_BARS]
    return {
        "title": isolated(visible(item.title)),
        "total": total,
        "flat": not binned,
        "names": [isolate(shorten(name, _NAME_LIMIT)) for name, _, _ in bars],
        "real": [_rounded(real) for _, real, _ in bars],
        "synthetic": [_rounded(synthetic) for _, _, synthetic in bars],
    }


def series_figure(identifier: str, name: str, item: Series) -> Columns:
    """A curve with its band."""
    columns = {"x": item.x, "value": item.value, "lower": item.lower, "upper": item.upper}
    return {
        "title": isolated(f"{name} ({visible(identifier)})"),
        "x_name": visible(item.x_name),
        "level": f"{item.level * 100:.0f} %",
        **{key: [_rounded(value, 5) for value in values] for key, values in columns.items()},
    }


def _trace(name: str, rows: Sequence[MapPoint], places: dict[str, int], limit: int) -> Columns:
    return {
        "name": visible(name),
        **_ids([point.id for point in rows], limit),
        "x": [_rounded(point.x) for point in rows],
        "y": [_rounded(point.y) for point in rows],
        "label": [-1 if point.label is None else places[visible(point.label)] for point in rows],
        "text": [isolate(shorten(point.text, limit)) for point in rows],
    }


def _ring(place: int, region: MapRegion) -> Columns:
    return {
        "number": place,
        "x": _rounded(region.x),
        "y": _rounded(region.y),
        "name": isolate(shorten(region.name, _NAME_LIMIT)),
        "counts": region_counts(region),
        "examples": [isolate(shorten(text, 160)) for text in region.examples[:3]],
    }


def region_counts(region: MapRegion) -> str:
    """For example ``12 real, 0 synthetic (expected 14)``."""
    expected = f"{region.expected:,.0f}" if math.isfinite(region.expected) else "unknown"
    return f"{region.real:,} real, {region.synthetic:,} synthetic (expected {expected})"


def _ids(identifiers: Sequence[str], limit: int) -> Columns:
    """Row ids without what they all start with: file names repeat thousands of times. The end of a long id is kept."""
    names = [visible(name[-2 * POINTS :]) for name in identifiers]
    prefix = _shared_start(min(names), max(names)) if len(names) > 1 else ""
    rests = (name[len(prefix) :] for name in names)
    shown = [rest if len(rest) <= limit else f"…{rest[1 - limit :]}" for rest in rests]
    return {"prefix": prefix if len(prefix) <= _NAME_LIMIT else f"…{prefix[-_NAME_LIMIT:]}", "id": shown}


def _shared_start(first: str, last: str) -> str:
    """What all strings between these two, in the order of strings, start with."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(character for character, _ in same)


def _share(size: int, total: int) -> int:
    return size if total <= POINTS else size * POINTS // total


def _spaced(rows: Sequence[MapPoint], wanted: int) -> list[MapPoint]:
    """``wanted`` rows at even distances, at least one."""
    keep = min(len(rows), max(wanted, 1))
    return [rows[place * len(rows) // keep] for place in range(keep)]


def _within(columns: Callable[[int], Columns], budget: int) -> Columns:
    """The columns with the longest texts whose JSON is within the budget."""
    for limit in _TEXT_LIMITS:
        shown = columns(limit)
        if _size(shown) <= budget:
            break
    return shown


def _size(columns: Columns) -> int:
    return len(json.dumps(plain(columns), ensure_ascii=False, separators=(",", ":")).encode())


def _rounded(value: float, digits: int = 4) -> float | None:
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def drawn(figure: Columns) -> int:
    """How many points a map figure draws."""
    traces = cast("list[dict[str, list[str]]]", figure["traces"])
    return sum(len(trace["id"]) for trace in traces)
