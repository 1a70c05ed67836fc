"""Texts as symbols of an n-gram model: bytes, or a code in which scripts without spaces take one symbol or two.

A UTF-8 character of these scripts takes three bytes: six bytes of context would be two letters. In the compact code a
letter of Thai, Lao, Burmese and Khmer is one symbol, after a symbol that names the script where it changes; a character
of Chinese and Japanese is two. Both codes can be decoded, so surprisals stay those of the text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from syngain.data.text.words import unspaced

if TYPE_CHECKING:
    from collections.abc import Sequence

BYTES, COMPACT = 257, 512
"""Symbols of the two codes, with the end, 256."""
_PAGES = (*range(0x2E, 0xA0), 0xF9, 0xFA, 0xFF)  # blocks of 256 code points: a symbol for the block, one inside it
_FIRST_PAGE, _FIRST_LETTER, _FIRST_SCRIPT = 257, 380, 508
_SCRIPTS = (0x0E00, 0x0E80, 0x1000, 0x1780)  # Thai, Lao, Burmese, Khmer: 128 letters each
_PARTS = re.compile(
    "(?P<pages>[\u2e00-\u9fff\uf900-\ufaff\uff00-\uffef]+)|"
    "(?P<letters>[\u0e00-\u0e7f]+|[\u0e80-\u0eff]+|[\u1000-\u107f]+|[\u1780-\u17ff]+)"
)
_SOME = 0.1  # of the texts have such characters: else the code of all would change for a few


def is_compact(texts: Sequence[str]) -> bool:
    """Whether enough of the texts are in scripts without spaces."""
    return sum(map(unspaced, texts)) >= max(1.0, _SOME * len(texts))


def symbols(text: str, *, compact: bool) -> str:
    """The symbols of a text, each as a code point below 512."""
    if not compact:
        return _bytes(text)
    out: list[str] = []
    script = place = 0
    for part in _PARTS.finditer(text):
        out.append(_bytes(text[place : part.start()]))
        place = part.end()
        if part["letters"]:
            own = ord(part[0][0]) & ~0x7F
            if own != script:
                out.append(chr(_FIRST_SCRIPT + _SCRIPTS.index(own)))
                script = own
        out.append(part[0].translate(_codes()))
    return "".join([*out, _bytes(text[place:])])


def _bytes(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


@cache
def _codes() -> dict[int, str]:
    """The symbols of every character that has some of its own."""
    letters = {low + at: chr(_FIRST_LETTER + at) for low in _SCRIPTS for at in range(128)}
    pages = {
        (page << 8) + at: chr(_FIRST_PAGE + place) + chr(at) for place, page in enumerate(_PAGES) for at in range(256)
    }
    return {**letters, **pages}
