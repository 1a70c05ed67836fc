"""Responses that repeat themselves: the same words, sentences or characters again and again."""

from __future__ import annotations

import re
from collections import Counter

from syngain.audit.responses.answers import Answer

TURNS = 4  # repeats in a row of the same words
ROUND = 0.25  # of the response lies in the repeats ...
LENGTH = 60  # ... or so many characters
SAME_SENTENCES = 4
SENTENCES = 0.4  # of the characters of a response lie in one repeated sentence
_SENTENCE = re.compile(r"[.!?。！？।؟۔։።៖\n]+")
_CHARACTERS = re.compile(r"(?P<part>\S{1,6}?)(?P=part){11,}")
_LETTER = re.compile(r"[^\W\d_]")
_ORDER = 3  # tokens that mark a place


def loops(answer: Answer) -> bool:
    """Whether a part of the response repeats itself without end."""
    if len(answer.text) < 24:
        return False
    return _characters(answer.plain) or _in_a_row(answer.tokens, len(answer.final)) or _sentences(answer.prose)


def _characters(text: str) -> bool:
    """A run of the same few characters; lines of dashes and rows of zeros are layout."""
    return any(_LETTER.search(match["part"]) and len(match[0]) >= 20 for match in _CHARACTERS.finditer(text))


def _in_a_row(tokens: list[str], characters: int) -> bool:
    """The same tokens again and again: places whose last three tokens came before at the same distance."""
    if len(tokens) < 2 * _ORDER:
        return False
    last: dict[tuple[str, ...], int] = {}
    distance = run = 0
    for place, key in enumerate(zip(tokens, tokens[1:], tokens[2:], strict=False)):
        found = place - last.get(key, place)
        last[key] = place
        if found and found == distance:
            run += 1
        else:
            distance, run = found, int(bool(found))
        if run and _is_loop(tokens[place + _ORDER - 1 - run : place + _ORDER], distance, run, characters):
            return True
    return False


def _is_loop(part: list[str], distance: int, run: int, characters: int) -> bool:
    if run + _ORDER < TURNS * distance or run < 2 * _ORDER:
        return False
    size = sum(map(len, part))
    words = sum(_LETTER.search(token) is not None for token in part)
    return 2 * words > len(part) and (size >= ROUND * characters or size >= LENGTH)


def _sentences(text: str) -> bool:
    """One sentence several times, not always in a row."""
    parts = [part.strip().lower() for part in _SENTENCE.split(text)]
    parts = [part for part in parts if len(part) >= 8]
    if len(parts) < SAME_SENTENCES:
        return False
    sentence, times = Counter(parts).most_common(1)[0]
    return times >= SAME_SENTENCES and times * len(sentence) >= SENTENCES * len(text)
