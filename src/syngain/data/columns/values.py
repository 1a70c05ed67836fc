"""Single values: missing, equal, numeric."""

from __future__ import annotations

import json
import math
import re
from numbers import Number

SURROGATES = re.compile("[\ud800-\udfff]")
WHOLE = re.compile(r"[+-]?\d+\.0+")
DECIMAL_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+", re.ASCII)
THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,})", re.ASCII)
TWO_MEANINGS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
MISSING = {"", "nan", "na", "n/a", "null", "none"}  # what tables write where a number is missing
EXACT = 1e15  # floats below it that are whole numbers are exactly that whole number


class NotPlainError(TypeError):
    """The value is a list or an object, or cannot be written as text."""


def plain(value: object) -> str | None:
    """A label, id or category as trimmed text; ``None`` where missing.

    "0", 0 and 0.0 are the same. Whole numbers lose their ``.0`` and true and false their capitals, also as text. A CSV
    file from pandas and a JSON file then agree.

    Raises:
        NotPlainError: for lists, objects and binary values.
    """
    if isinstance(value, str):
        return _plain_text(value)
    if value is None or isinstance(value, float):
        return None if value is None or math.isnan(value) else _plain_number(value)
    if isinstance(value, (dict, list, tuple, set, bytes, bytearray)):
        raise NotPlainError
    try:
        return _plain_text(str(value))  # numbers, Decimal, dates, numpy scalars
    except ValueError as error:  # integers of more digits than Python writes
        raise NotPlainError from error


def clean(text: str) -> str:
    """Replace lone surrogates, which no encoding supports, by U+FFFD.

    Returns the same object where there are none.
    """
    if text.isascii() or not SURROGATES.search(text):
        return text
    return SURROGATES.sub("\ufffd", text)


def number(value: object) -> float | None:
    """Convert a value to a number.

    NaN where it is missing; ``None`` where it is not a number. True and false are categories, as they are in a CSV
    file.
    """
    if value is None or (isinstance(value, str) and value == ""):
        return math.nan
    if isinstance(value, bool) or not isinstance(value, Number):
        return None
    return _converted(value)


def written_number(value: object) -> float | None:
    """Convert a number written as text, as in CSV: 12.5, 12,5, 1.234,5 and 1,234.5.

    ``1,234`` is not converted: it is 1234 in one country and 1.234 in another.
    """
    if not isinstance(value, str):
        return number(value)
    try:
        return float(value) if "_" not in value else None  # Python accepts 1_000, which is not a number in tables
    except ValueError:
        if "," in value:
            return _marked_number(value.strip())
        return math.nan if is_missing(value) else None


def _marked_number(text: str) -> float | None:
    """The number of a text with commas, where it has only one meaning."""
    if DECIMAL_COMMA.fullmatch(text) and not TWO_MEANINGS.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return float(text.replace(",", "")) if THOUSANDS.fullmatch(text) else None


def is_missing(value: object) -> bool:
    """Whether a table cell is empty."""
    if isinstance(value, str):
        return value.strip().casefold() in MISSING
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain_text(text: str) -> str | None:
    trimmed = clean(text.strip())
    if len(trimmed) <= 5 and trimmed.casefold() in {"true", "false"}:
        return trimmed.casefold()
    if trimmed.endswith("0") and WHOLE.fullmatch(trimmed):
        trimmed = trimmed.split(".")[0]
    return trimmed or None


def _plain_number(value: float) -> str:
    return str(int(value)) if abs(value) < EXACT and value.is_integer() else repr(float(value))


def _converted(value: Number) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]  # Decimal and numpy scalars convert; complex numbers do not
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def parsed(text: str) -> object:
    """The value of a JSON text; None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
