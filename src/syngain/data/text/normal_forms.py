"""Normal forms of text: what counts as the same row, what counts as a word."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")  # an apostrophe inside a word belongs to it


def normal_text(text: str) -> str:
    """The text as it counts for equality: compatibility form, case folded, white space collapsed."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def words(text: str) -> list[str]:
    """The words of a text, lower case, in order; punctuation and underscores separate."""
    return WORD.findall(text.lower())


def joined_sides(sides: Sequence[Sequence[str]]) -> list[str]:
    """One text per row from the sides of the pair, in their order, separated by a line break."""
    if len(sides) == 1:
        return list(sides[0])
    return ["\n".join(parts) for parts in zip(*sides, strict=True)]
