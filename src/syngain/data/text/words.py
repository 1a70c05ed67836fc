"""Words of a text; characters in scripts without spaces between words. The one rule that all of syngain uses.

A character is a letter with its combining marks and stacked letters. No segmenter: it would be a download per
language, and its errors differ between real and generated text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal["base", "character", "run", "word", "piece", "piece and space"]
WORD_COST, HAN_COST, LETTER_COST = 24, 15, 8  # of a word, a character of Han, a letter of Thai, kana and the like
GLUED = "\x1f"  # before a piece without white space before it; white space itself, so no piece of a text contains it
# small blocks of scripts without spaces: their letters and digits are read off the Unicode tables
BLOCKS: tuple[tuple[int, int], ...] = (
    (0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x0F00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF),  # Thai to Khmer
    (0x1950, 0x19DF), (0x1A20, 0x1AAF), (0x1B00, 0x1B7F), (0xA980, 0xA9FF), (0xAA60, 0xAADF),  # Tai, Balinese, Javanese
    (0x3041, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F),  # kana, Bopomofo
)  # fmt: skip
HAN: tuple[tuple[int, int], ...] = (
    (0x2E80, 0x2FDF), (0x3005, 0x3007), (0x3021, 0x3029), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),
    (0x1B000, 0x1B16F), (0x20000, 0x323AF),
)  # fmt: skip
PUNCTUATION: tuple[tuple[int, int], ...] = ((0x3000, 0x303F), (0xFF00, 0xFF65))
"""Marks that only scripts without spaces use; those of ``BLOCKS`` as well."""
STACKERS = "\u17d2\u1039\u1a60\ua9c0\u1b44"  # the letter after one stands below the letter before it
JOINERS: tuple[tuple[int, int], ...] = (
    (0x0300, 0x036F), (0x200C, 0x200D), (0x3099, 0x309A), (0xFE00, 0xFE0F), (0xE0100, 0xE01EF),
)  # fmt: skip
_MARKS = {0x0E33, 0x0EB3, 0xFF9E, 0xFF9F}  # letters by category, marks by use: am of Thai and Lao, voiced kana
_SPACED_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")  # an apostrophe inside a word belongs to it
_WITH_SPACE = re.compile(r"\S+\s*")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)?")


def letters_and_marks() -> tuple[list[int], list[int]]:
    """Code points of letters and digits of ``BLOCKS``, and of their marks."""
    letters, marks = [], []
    for point in (point for low, high in BLOCKS for point in range(low, high + 1)):
        category = unicodedata.category(chr(point))
        if point in _MARKS or category[0] == "M":
            marks.append(point)
        elif category[0] in "LN":
            letters.append(point)
    return letters, marks


def _class(points: Sequence[int]) -> str:
    """The points as ranges of a character class."""
    starts = [point for before, point in pairwise([-2, *points]) if point != before + 1]
    ends = [point for point, after in pairwise([*points, -2]) if after != point + 1]
    return _ranges(zip(starts, ends, strict=True))


def _ranges(bounds: Iterable[tuple[int, int]]) -> str:
    return "".join(f"{chr(low)}-{chr(high)}" for low, high in bounds)


@cache
def pattern(kind: Kind) -> re.Pattern[str]:
    """Patterns of text in scripts without spaces; compiled when the first such text comes."""
    letters, marks = letters_and_marks()
    base = _class(letters) + _ranges(HAN)
    tails = _class(marks)
    character = rf"[{base}](?:[{STACKERS}][{base}]|[{tails}{_ranges(JOINERS)}])*"
    return re.compile(
        {
            "base": rf"[{base}]",
            "character": character,
            "run": rf"(?:{character})+",
            "word": rf"{character}|[^\W_{base}{tails}]+(?:['\u2019][^\W_{base}{tails}]+)?",
            "piece": rf"{character}|[^{base}]+",
            "piece and space": rf"(?:{character}|[^\s{base}]+)\s*",
        }[kind]
    )


def unspaced(text: str) -> bool:
    """Whether a text has characters of scripts without spaces."""
    return not text.isascii() and pattern("base").search(text) is not None


def word_pattern(text: str) -> re.Pattern[str]:
    """The pattern of the words of this text."""
    if text.isascii():
        return _ASCII_WORD
    return pattern("word") if unspaced(text) else _SPACED_WORD


def words(text: str) -> list[str]:
    """The words of a text, lower case, in order; split at punctuation and underscores.

    Characters in scripts without spaces.
    """
    lower = text.lower()
    return word_pattern(lower).findall(lower)


def first_words(text: str, most: int) -> list[str]:
    """The first ``most`` words of a text, as :func:`words`; of scripts without spaces as many characters as these have.

    Five words are 8 characters of Chinese, or 15 letters of Thai, Khmer, kana and the like.
    """
    lower, found, left = text.lower(), [], WORD_COST * most
    for match in word_pattern(lower).finditer(lower):
        found.append(match.group())
        left -= _cost(found[-1])
        if left <= 0:
            break
    return found


def _cost(word: str) -> int:
    """A word costs ``WORD_COST``, a character less: what it has to tell."""
    if not unspaced(word):
        return WORD_COST
    return HAN_COST if any(low <= ord(word[0]) <= high for low, high in HAN) else LETTER_COST


def phrase(tokens: Iterable[str]) -> str:
    """Words as a phrase: a space between two words, none next to a character."""
    out, glue = "", True
    for token in tokens:
        character = unspaced(token)
        out += token if glue or character else f" {token}"
        glue = character
    return out


def runs(text: str) -> tuple[list[str], str]:
    """The runs of characters of a text, and the rest, with a space for every run."""
    return (pattern("run").findall(text), pattern("run").sub(" ", text)) if unspaced(text) else ([], text)


def terms(text: str) -> list[str]:
    """Terms of a text: its words, and pairs of neighboring characters, lower case."""
    parts, rest = runs(text.lower())
    pairs = ("".join(pair) for part in parts for pair in pairwise(pattern("character").findall(part)))
    return [*words(rest), *pairs]


def pieces(text: str) -> list[str]:
    """A text split at white space, in scripts without spaces at every character too; see :func:`joined`.

    A piece that follows another one without white space begins with ``GLUED``.
    """
    if not unspaced(text):
        return text.split()
    out: list[str] = []
    for part in text.split():
        first, *rest = pattern("piece").findall(part)
        out += [first, *(GLUED + piece for piece in rest)]
    return out


def joined(parts: Iterable[str]) -> str:
    """The text of these pieces, with single spaces."""
    return " ".join(parts).replace(f" {GLUED}", "").removeprefix(GLUED)


def token(piece: str, *, first: bool) -> str:
    """A piece as a token: with the space before it, if it has one."""
    return piece.removeprefix(GLUED) if first or piece.startswith(GLUED) else f" {piece}"


def spaced_pieces(text: str) -> list[str]:
    """Pieces of a text, each with the white space after it.

    Joined they are the text without its leading white space.
    """
    if not unspaced(text):
        return _WITH_SPACE.findall(text)
    return pattern("piece and space").findall(text)


def length(text: str) -> int:
    """Words of a text; characters in scripts without spaces."""
    return len(pieces(text))


def length_unit(texts: Sequence[str], looked_at: int = 200) -> str:
    """What the lengths of these texts count: ``words``, ``characters``, or ``words and characters``."""
    step = max(1, len(texts) // looked_at)
    characters = total = 0
    for text in islice(texts, 0, None, step):
        total += length(text)
        characters += 0 if text.isascii() else len(pattern("character").findall(text))
    if 10 * characters <= total:
        return "words"
    return "characters" if 2 * characters >= total else "words and characters"


def mention(name: str) -> str:
    """A pattern of a name as a whole word; in scripts without spaces anywhere."""
    before, after = ("" if unspaced(end) else r"\w" for end in (name[:1], name[-1:]))
    return (f"(?<!{before})" if before else "") + re.escape(name) + (f"(?!{after})" if after else "")


def beginning(stem: str) -> str:
    """A pattern of a stem at the beginning of a word; in scripts without spaces anywhere."""
    return re.escape(stem) if unspaced(stem[:1]) else rf"\b{re.escape(stem)}"
