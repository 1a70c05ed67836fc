"""The first problem that pydantic finds in a document, in words: where, what came, what is expected."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.errors import SyngainError
from syngain.core.phrases import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

MISSING = "is missing"
SHOWN = 60  # characters of a value
TYPES = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a finite number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping of names to values",
    "mapping": "a mapping of names to values",
    "model": "a mapping of fields to values",
    "date": "a date such as 2026-01-31",
}
BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """A wrong place of a document.

    Attributes:
        place: its names and numbers, from the top. came: what is wrong there. expected: the right form.
        unknown: whether the field itself is not known. fix: what to do, where the document's own rules say it.
    """

    place: tuple[int | str, ...]
    came: str
    expected: str
    unknown: bool = False
    fix: str = ""


def first_problem(error: ValidationError) -> WrongPlace:
    """The first problem, in words."""
    found = error.errors(include_url=False)[0]
    kind, place, context = found["type"], found["loc"], dict(found.get("ctx") or {})
    if kind == "extra_forbidden":
        return WrongPlace(place, "is unknown", "a known field", unknown=True)
    if kind == "missing":
        return WrongPlace(place, MISSING, "a value for it")
    if kind.startswith("union_tag_"):
        return _tagged(kind, place, context, found["input"])
    if kind == "value_error":
        cause = getattr(context.get("error"), "__cause__", None)
        if isinstance(cause, SyngainError):
            return WrongPlace(place, cause.came, cause.expected, fix=cause.todo)
        return WrongPlace(place, found["msg"].removeprefix("Value error, "), "")
    return WrongPlace(place, f"is {_value(found['input'])}", _expected(kind, context, found))


def _tagged(kind: str, place: tuple[int | str, ...], context: Mapping[str, object], given: object) -> WrongPlace:
    """The problem of a part whose fields depend on its kind."""
    name = str(context.get("discriminator", "kind")).strip("'")
    if kind == "union_tag_invalid":
        return WrongPlace(
            (*place, name), f"is {_value(context.get('tag'))}", f"one of {_plain(context['expected_tags'])}"
        )
    came = f"has no `{name}`" if isinstance(given, dict) else f"is {_value(given)}"
    return WrongPlace(place, came, f"a mapping with `{name}` and its fields")


def _expected(kind: str, context: Mapping[str, object], found: ErrorDetails) -> str:
    """What a type of problem expects in place of the value."""
    if kind in BOUNDS:
        key, words = BOUNDS[kind]
        return f"a number {words} {context[key]}"
    if kind == "literal_error":
        return f"one of {_plain(context['expected'])}"
    if kind in {"too_short", "too_long"}:
        least = "min_length" if kind == "too_short" else "max_length"
        return f"{'at least' if kind == 'too_short' else 'at most'} {context[least]} values"
    if kind == "string_pattern_mismatch":
        return f"a text of the form {context['pattern']}"
    base = next((name for name in TYPES if re.match(rf"{name}(?:_|$)", kind)), "")
    return TYPES[base] if base else found["msg"]


def _plain(listed: object) -> str:
    """A list of words without quotes."""
    return str(listed).replace("'", "").replace(" or ", ", ")


def _value(value: object) -> str:
    """A value as it came, short, with its type where the text does not show it."""
    if isinstance(value, dict):
        return "a mapping"
    if value is None:
        return "empty"
    return shortened(repr(value), SHOWN)
