"""Hostile text made inert: control characters visible, strings short, JSON that cannot leave its script tag."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import is_dataclass

from markupsafe import Markup

from syngain.core.phrases import isolated

# C0, DEL and C1 controls drive terminals; the bidirectional controls reorder what is read; lone surrogates cannot be
# written as UTF-8. Newline and tab are handled by the caller's wish.
_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029{_BIDI}\ud800-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SCRIPT = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def visible(text: object, *, lines: bool = False) -> str:
    """The text with every control character replaced by a picture of it; ``lines`` keeps line breaks."""
    whole = str(text).replace("\r\n", "\n").replace("\t", "    ")
    if not lines:
        return _UNSEEN.sub(_picture, whole.replace("\n", " ⏎ "))
    return "\n".join(_UNSEEN.sub(_picture, line) for line in whole.split("\n"))


def shorten(text: object, limit: int, *, lines: bool = False) -> str:
    """A visible text of at most ``limit`` characters, the last one an ellipsis where something was cut."""
    head = str(text)[: limit + 1]  # cut first: a row may hold a whole book
    shown = visible(head, lines=lines)
    return shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"


def terminal_text(text: object) -> str:
    """A visible text for terminals: ASCII minus signs and plain spaces, so that numbers can be copied."""
    return (
        isolated(visible(text)).replace("\u2212", "-").replace("\u202f", " ").replace("≥ ", ">= ").replace("≤ ", "<= ")
    )


def plain(value: object) -> object:
    """The value in what JSON can hold: NaN and infinity are null, lone surrogates are replaced, the rest is text."""
    if isinstance(value, Mapping):
        return {_whole(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if is_dataclass(value) and hasattr(value, "as_json"):
        return plain(value.as_json())
    return _leaf(value)


def script_json(value: object) -> Markup:
    """JSON to stand inside a ``<script>`` element: nothing in it can end the element or start a comment."""
    text = json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in _SCRIPT.items():
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704  (escaped on the lines above)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else "\ufffd"


def _leaf(value: object) -> object:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _whole(str(value))


def _whole(text: str) -> str:
    return _SURROGATE.sub("\ufffd", text)
