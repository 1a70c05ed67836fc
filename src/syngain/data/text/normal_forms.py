"""Normal forms of text for equality."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def normal_text(text: str) -> str:
    """Normalize text for equality.

    Compatibility form, case folded, white space collapsed.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.casefold().split())


def joined_sides(sides: Sequence[Sequence[str]]) -> list[str]:
    """Join the sides of a row with a line break, in order."""
    if len(sides) == 1:
        return list(sides[0])
    return ["\n".join(parts) for parts in zip(*sides, strict=True)]
