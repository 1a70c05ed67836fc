"""Normal forms of text for equality, and words."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")  # an apostrophe inside a word belongs to it


def normal_text(text: str) -> str:
    """Normalize text for equality.

    Compatibility form, case folded, white space collapsed.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """The words of a text, lower case, in order; split at punctuation and underscores."""
    return WORD.findall(text.lower())


def joined_sides(sides: Sequence[Sequence[str]]) -> list[str]:
    """Join the sides of a row with a line break, in order."""
    if len(sides) == 1:
        return list(sides[0])
    return ["\n".join(parts) for parts in zip(*sides, strict=True)]
