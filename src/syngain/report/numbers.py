"""Numbers for readers: fractions in percent, differences of fractions in percentage points, three digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.core.estimate import Interval

MINUS = "\u2212"
NONE = "\u2013"
_SHARES = frozenset({"share", "share of rows", "fraction", "probability", "accuracy"})
_PURE = frozenset({"ratio", "number", "score", "squared kernel distance", "effective rows", "kappa"})
_COUNTS = frozenset({"rows", "row", "rank", "characters", "tokens", "words", "bytes"})


def number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """One value with its unit, for example ``12.4%``, ``0.312 nats``, ``1,204 rows``."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "above the measured range" if value > 0 else "below the measured range"
    return _digits(value, unit, signed=signed) + suffix(unit, signed=signed)


def interval(bounds: Interval | None, unit: str, *, signed: bool = False) -> str:
    """Two bounds without their unit, for example ``10.1 to 14.9``, ``from 57.1`` or ``up to 6.3``."""
    if bounds is None or any(math.isnan(end) for end in bounds) or all(math.isinf(end) for end in bounds):
        return NONE
    finite = [end for end in bounds if not math.isinf(end)]
    places = min(_decimals(_scaled(end, unit), unit) for end in finite if end != 0 or not any(finite))
    low, high = (_digits(end, unit, signed=signed, places=places) for end in bounds)
    if math.isinf(bounds[1]):
        return f"from {low}"
    return f"up to {high}" if math.isinf(bounds[0]) else f"{low} to {high}"


def bare(value: float, unit: str) -> str:
    """One value without its unit, except for the percent sign."""
    return _digits(value, unit) + ("%" if is_share(unit) else "")


def suffix(unit: str, *, signed: bool = False) -> str:
    """The unit as it follows a number; a difference of fractions is in percentage points."""
    if unit in _SHARES:
        return "\u202fpp" if signed else "%"
    return f"\u202f{unit}" if unit and unit not in _PURE else ""


def probability(p: float | None) -> str:
    """A p-value; very small ones by their bound."""
    if p is None or math.isnan(p):
        return NONE
    return "< .001" if p < 0.001 else f"{p:.3f}"


def count(value: int) -> str:
    """Rows with thousands separated."""
    return f"{value:,}"


def is_share(unit: str) -> bool:
    """Whether the unit is a fraction of one, shown in percent."""
    return unit in _SHARES


def _scaled(value: float, unit: str) -> float:
    return value * 100 if is_share(unit) else value


def _digits(value: float, unit: str, *, signed: bool = False, places: int | None = None) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    scaled = _scaled(value, unit)
    text = f"{abs(scaled):,.{_decimals(scaled, unit) if places is None else places}f}"
    if not any(character in "123456789" for character in text):
        return text
    sign = MINUS if scaled < 0 else ("+" if signed else "")
    return sign + text


def _decimals(scaled: float, unit: str) -> int:
    """Three digits at most, and fewer decimals for counts and percent."""
    size = abs(scaled)
    if unit in _COUNTS:
        return 0 if size >= 10 or size == int(size) else 1
    if is_share(unit):
        return 2 if 0 < size < 0.95 else 1
    steps = ((0, 0), (0.00095, 5), (0.0095, 4), (0.995, 3), (9.95, 2), (99.5, 1))
    return next((places for limit, places in steps if size <= limit), 0)
