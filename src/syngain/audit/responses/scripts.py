"""Scripts of a text: which letters it is written in."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.core.arrays import Ints

SEEN = 300  # characters of a text that are looked at
# first code point of a range, its script; letters of other ranges are "other"
_RANGES: tuple[tuple[int, int, str], ...] = (
    (0x0041, 0x005A, "Latin"),
    (0x0061, 0x007A, "Latin"),
    (0x00C0, 0x024F, "Latin"),
    (0x0370, 0x03FF, "Greek"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0531, 0x058A, "Armenian"),
    (0x0591, 0x05F4, "Hebrew"),
    (0x0620, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"),
    (0x0A80, 0x0AFF, "Gujarati"),
    (0x0B00, 0x0B7F, "Odia"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"),
    (0x0D00, 0x0D7F, "Malayalam"),
    (0x0D80, 0x0DFF, "Sinhala"),
    (0x0E01, 0x0E7F, "Thai"),
    (0x0E81, 0x0EFF, "Lao"),
    (0x0F00, 0x0FFF, "Tibetan"),
    (0x1000, 0x109F, "Burmese"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1100, 0x11FF, "Hangul"),
    (0x1200, 0x137F, "Ethiopic"),
    (0x1780, 0x17FF, "Khmer"),
    (0x1800, 0x18AF, "Mongolian"),
    (0x1E00, 0x1EFF, "Latin"),
    (0x1F00, 0x1FFF, "Greek"),
    (0x3041, 0x30FF, "Kana"),
    (0x3130, 0x318F, "Hangul"),
    (0x3400, 0x4DBF, "Han"),
    (0x4E00, 0x9FFF, "Han"),
    (0xAC00, 0xD7AF, "Hangul"),
    (0xF900, 0xFAFF, "Han"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE70, 0xFEFC, "Arabic"),
    (0xFF66, 0xFF9D, "Kana"),
    (0x20000, 0x2FA1F, "Han"),
)
SCRIPTS: tuple[str, ...] = ("", *dict.fromkeys(name for _, _, name in _RANGES))
_STARTS: Ints = np.array([start for start, _, _ in _RANGES])
_ENDS: Ints = np.array([end for _, end, _ in _RANGES])
_CODES: Ints = np.array([SCRIPTS.index(name) for _, _, name in _RANGES])
_WITHOUT_LETTERS = str.maketrans("", "", string.ascii_letters)


def letters(text: str) -> dict[str, int]:
    """Letters of a text by script, of its first 300 characters."""
    part = text[:SEEN]
    if part.isascii():
        found = len(part) - len(part.translate(_WITHOUT_LETTERS))
        return {"Latin": found} if found else {}
    points = np.frombuffer(part.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
    place = np.searchsorted(_STARTS, points, side="right") - 1
    inside = (place >= 0) & (points <= _ENDS[place])
    counts = np.bincount(_CODES[place[inside]], minlength=len(SCRIPTS))
    return {SCRIPTS[code]: int(counts[code]) for code in np.flatnonzero(counts)}


def main_script(text: str) -> tuple[str, float, int]:
    """The script of most letters, its fraction of them, and the number of letters; Han with kana is Japanese."""
    found = letters(text)
    total = sum(found.values())
    if not total:
        return "", 0.0, 0
    if found.get("Kana", 0) >= 0.05 * total and "Han" in found:
        found = {**found, "Kana": found["Kana"] + found["Han"], "Han": 0}
    name = max(found, key=lambda script: (found[script], script))
    return name, found[name] / total, total
