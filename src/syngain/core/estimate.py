"""Point estimates with intervals and expected range."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Direction = Literal["estimate", "lower", "upper", "forecast"]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A point estimate with intervals and expected range; clipped by :meth:`within` only.

    Attributes:
        value: the point estimate, in ``unit``.
        intervals: level (for example ``0.95``) to (low, high).
        null: the expected 95% range of the measure on sound data, when known.
        p: the probability of a value at least this far from the null, unadjusted.
        adjusted_p: ``p`` after Holm over the measures of the report.
        n: rows that entered. clusters: independent units among them.
        unit: ``share``, ``nats``, ``rows``, ``ratio``, ``bytes per byte`` ...
        method: the method, in a sentence. estimand: the estimated quantity.
        direction: ``estimate``, one-sided ``lower`` or ``upper`` bound, or ``forecast``.
        marks: short warnings about the number.
        references: named values for comparison (``real``, ``noise`` ...).
    """

    value: float
    unit: str
    method: str
    estimand: str
    intervals: Mapping[float, Interval] = field(default_factory=dict)
    null: Interval | None = None
    p: float | None = None
    adjusted_p: float | None = None
    n: int = 0
    clusters: int = 0
    direction: Direction = "estimate"
    marks: tuple[str, ...] = ()
    references: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for level, (low, high) in self.intervals.items():
            if not 0 < level < 1:
                raise UsageError(
                    f"interval level {level}",
                    expected="a level between 0 and 1",
                    todo="pass levels as fractions, such as 0.95",
                )
            if low > high:
                raise UsageError(f"interval [{low}, {high}]", expected="low at most high", todo="swap the two bounds")

    @property
    def null_range(self) -> Interval | None:
        """The expected range: ``null``."""
        return self.null

    @property
    def warnings(self) -> tuple[str, ...]:
        """Short warnings about the number: ``marks``."""
        return self.marks

    @property
    def kind(self) -> Direction:
        """The kind of value: estimate, lower or upper bound, or forecast (``direction``)."""
        return self.direction

    def interval(self, level: float = 0.95) -> Interval:
        """The interval at ``level``; (-inf, inf) when none was computed."""
        return self.intervals.get(level, (-math.inf, math.inf))

    def adjusted(self, p: float) -> Estimate:
        """The same estimate with its adjusted p-value."""
        return replace(self, adjusted_p=p)

    def within(self, low: float, high: float) -> Estimate:
        """The same estimate with value, intervals and expected range inside the bounds of its quantity."""

        def clipped(value: float) -> float:
            return value if math.isnan(value) else min(max(value, low), high)

        ends = {level: (clipped(a), clipped(b)) for level, (a, b) in self.intervals.items()}
        null = None if self.null is None else (clipped(self.null[0]), clipped(self.null[1]))
        references = {name: clipped(value) for name, value in self.references.items()}
        return replace(self, value=clipped(self.value), intervals=ends, null=null, references=references)

    def as_json(self) -> dict[str, object]:
        """Return the estimate as in ``report.json``; NaN and infinity become null."""
        return {
            "value": finite(self.value),
            "intervals": {f"{level:.2f}": [finite(a), finite(b)] for level, (a, b) in sorted(self.intervals.items())},
            "null": None if self.null is None else [finite(self.null[0]), finite(self.null[1])],
            "p": finite(self.p),
            "adjusted_p": finite(self.adjusted_p),
            "n": self.n,
            "clusters": self.clusters,
            "unit": self.unit,
            "method": self.method,
            "direction": self.direction,
            "estimand": self.estimand,
            "marks": list(self.marks),
            "references": {name: finite(value) for name, value in sorted(self.references.items())},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Estimate:
        """The estimate of a ``report.json``; null values become NaN, null bounds infinite.

        Raises:
            UsageError: levels or bounds that no estimate has.
        """

        def bounds(ends: Sequence[float | None]) -> Interval:
            return (-math.inf if ends[0] is None else ends[0], math.inf if ends[1] is None else ends[1])

        value = content.get("value")
        null = content.get("null")
        return cls(
            value=math.nan if value is None else value,
            unit=content.get("unit", ""),
            method=content.get("method", ""),
            estimand=content.get("estimand", ""),
            intervals={float(level): bounds(ends) for level, ends in content.get("intervals", {}).items()},
            null=None if null is None else bounds(null),
            p=content.get("p"),
            adjusted_p=content.get("adjusted_p"),
            n=content.get("n", 0),
            clusters=content.get("clusters", 0),
            direction=content.get("direction", "estimate"),
            marks=tuple(content.get("marks", ())),
            references={name: value for name, value in content.get("references", {}).items() if value is not None},
        )


def finite(value: float | None) -> float | None:
    """The value for JSON: null where it is missing, NaN or infinite."""
    if value is None or not math.isfinite(value):
        return None
    return float(value)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm-adjust p-values [holm1979].

    Adjusted values are at most 1 and monotone in the order of p.
    """
    ordered = sorted(p_values.items(), key=lambda item: (item[1], item[0]))
    adjusted: dict[str, float] = {}
    running = 0.0
    for rank, (name, p) in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) - rank) * p))
        adjusted[name] = running
    return adjusted
