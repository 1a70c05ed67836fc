"""Numbers and names to text: one way for all sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 160  # characters of an example


def number(value: float) -> str:
    """A gain: three decimals where it is small, else two."""
    return f"{value:.3f}" if abs(value) < 0.0995 else f"{value:.2f}"


def two_digits(count: int) -> int:
    """A count rounded to two leading digits, at least 10: a forecast of it is no better."""
    if count < 100:
        return max(10 * round(count / 10), 10)
    scale = 10 ** (len(str(count)) - 2)
    return int(round(count / scale) * scale)


def percent(fraction: float) -> str:
    """A fraction as people read it: ``39%``, ``2.5%``."""
    return f"{fraction:.0%}" if fraction >= 0.1 or fraction == 0 else f"{fraction:.1%}"


def capital(words: str) -> str:
    """The words with a capital at the beginning."""
    return words[:1].upper() + words[1:]


def listed(names: Sequence[str]) -> str:
    """The first five names."""
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def shortened(text: str, most: int = SHOWN) -> str:
    """One line of at most ``most`` characters."""
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
