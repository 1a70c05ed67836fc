"""Formatting of numbers and names in sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 160  # characters of an example
# letters of scripts that are written from right to left; each part of a line that has them is isolated
_R = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
_LEFTWARD = re.compile(f"[{_R}]")
_PARTS = re.compile(
    rf"(?P<quote>['\"`])(?P<inside>(?:(?!(?P=quote))[^\n])*)(?P=quote)|[{_R}](?:(?:[^\w\n'\"`]|\d|[{_R}])*[{_R}])?"
)
_FIRST, _POP = "\u2068", "\u2069"  # the direction of an isolated part is that of its first letter


def number(value: float) -> str:
    """Format a gain: three decimals if small, else two."""
    return f"{value:.3f}" if abs(value) < 0.0995 else f"{value:.2f}"


def two_digits(count: int) -> int:
    """Round a forecast count to two leading digits, at least 10."""
    if count < 100:
        return max(10 * round(count / 10), 10)
    scale = 10 ** (len(str(count)) - 2)
    return int(round(count / scale) * scale)


def percent(fraction: float) -> str:
    """Format a fraction as a percentage: ``39%``, ``2.5%``."""
    return f"{fraction:.0%}" if fraction >= 0.1 or fraction == 0 else f"{fraction:.1%}"


def capital(words: str) -> str:
    """Capitalize the first letter."""
    return words[:1].upper() + words[1:]


def listed(names: Sequence[str]) -> str:
    """The first five names."""
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def shortened(text: str, most: int = SHOWN) -> str:
    """Shorten to one line of at most ``most`` characters."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[: most - 1] + "…"


def signed(value: float, unit: str = "") -> str:
    """A gain with its sign and unit: ``+0.011 nats``; fractions (``unit="pp"``) in percentage points."""
    scaled = 100 * value if unit == "pp" else value
    digits = 2 if abs(scaled) >= 0.0995 else 3
    text = f"{scaled:+.1f}" if unit == "pp" else f"{scaled:+.{digits}f}"
    return f"{text} {unit}".rstrip()


def interval_words(bounds: tuple[float, float], unit: str = "", level: float = 0.9) -> str:
    """The interval of a gain: ``90% CI [-0.038, +0.061]``."""
    low, high = (signed(end, unit).removesuffix(unit).rstrip() for end in bounds)
    return f"{level:.0%} CI [{low}, {high}]"


def isolate(text: str) -> str:
    """A text of somebody else inside a line: whole, so that its direction does not reorder the rest of the line."""
    return f"{_FIRST}{text}{_POP}" if _LEFTWARD.search(text) and _FIRST not in text else text


def isolated(text: str) -> str:
    """A line with its right-to-left parts isolated: quoted texts whole, other words as they stand together."""
    if text.isascii() or not _LEFTWARD.search(text):
        return text
    return _PARTS.sub(_isolated_part, text)


def _isolated_part(match: re.Match[str]) -> str:
    quote, inside = match["quote"], match["inside"]
    if quote is None:
        return isolate(match[0])
    return f"{quote}{isolate(inside)}{quote}"
