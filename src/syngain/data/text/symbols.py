"""Texts in scripts without spaces as symbols: one for each character, bytes for the rest."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from syngain.data.text.words import BLOCKS, HAN, JOINERS, PUNCTUATION, STACKERS, letters_and_marks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.core.arrays import Flags, Ints, Unsigned

CHARACTER = np.uint64(1 << 63)  # symbols from here on are characters; below are bytes, and marks from 256 on
MULTIPLIER = np.uint64(0xD1342543DE82EF95)  # of a linear congruential generator [steele2022]
_OTHER, _LETTER, _MARK, _PUNCTUATION, _JOINER = range(5)


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of every code point."""
    out = np.zeros(0x110000, dtype=np.uint8)
    for low, high in (*BLOCKS, *PUNCTUATION):
        out[low : high + 1] = _PUNCTUATION
    letters, marks = letters_and_marks()
    for low, high in JOINERS:
        out[low : high + 1] = _JOINER
    out[letters] = _LETTER
    out[marks] = _MARK
    for low, high in HAN:
        out[low : high + 1] = _LETTER
    return out


def of_text(text: str) -> Unsigned:
    """The symbols of a text (T,): UTF-8 bytes, and one symbol for every character of scripts without spaces."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)
    kind = _kinds()[codes]
    inside = _continued(codes, kind)
    starts = np.flatnonzero(~inside)
    codes_of, kinds = codes[starts], kind[starts]
    other = (kinds == _OTHER) | (kinds == _JOINER)
    size = np.where(other, 1 + (codes_of >= 0x80) + (codes_of >= 0x800) + (codes_of >= 0x10000), 1)
    out = np.zeros(int(size.sum()), dtype=np.uint64)
    first = np.cumsum(size) - size
    out[first[~other]] = codes_of[~other].astype(np.uint64)
    letter = kinds == _LETTER
    out[first[letter]] = _characters(codes, inside, starts)[letter] | CHARACTER
    for place in range(4):
        here = other & (size > place)
        out[first[here] + place] = _byte(codes_of[here], size[here], place)
    return out


def _continued(codes: Ints, kind: NDArray[np.uint8]) -> Flags:
    """Whether a code point belongs to the character before it: marks, and letters that stand below it."""
    after = (kind == _MARK) | (kind == _JOINER)
    marks = _within(after, kind)
    below = np.zeros(codes.size, dtype=bool)
    below[1:] = (kind[1:] == _LETTER) & marks[:-1] & np.isin(codes[:-1], [ord(one) for one in STACKERS])
    return _within(after | below, kind)


def _within(after: Flags, kind: NDArray[np.uint8]) -> Flags:
    head = np.maximum.accumulate(np.where(after, 0, np.arange(after.size)))
    return np.asarray(after & (kind[head] == _LETTER) & (head < np.arange(after.size)))


def _characters(codes: Ints, inside: Flags, starts: Ints) -> Unsigned:
    """One number for every character, from its letter and marks in order; below ``CHARACTER``."""
    if not starts.size:
        return np.empty(0, np.uint64)
    place = np.arange(codes.size) - np.maximum.accumulate(np.where(inside, 0, np.arange(codes.size)))
    powers = np.multiply.accumulate(np.full(int(place.max()) + 1, MULTIPLIER))
    sums = np.add.reduceat(codes.astype(np.uint64) * powers[place], starts)
    return np.asarray(sums & (CHARACTER - np.uint64(1)))


def _byte(codes: Ints, size: Ints, place: int) -> Unsigned:
    """The UTF-8 byte at ``place`` of code points with ``size`` bytes."""
    bits = codes >> (6 * (size - 1 - place))
    lead = np.array([0, 0, 0xC0, 0xE0, 0xF0])[size]
    return np.where(place > 0, 0x80 | (bits & 0x3F), lead | bits).astype(np.uint64)
