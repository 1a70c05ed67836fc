"""Responses that repeat themselves: the same words, sentences or characters again and again."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response

TURNS = 4  # repeats in a row of the same words
ROUND = 0.25  # of the response lies in the repeats ...
LENGTH = 60  # ... or so many characters
SAME_SENTENCES = 4
RUN = 20  # characters
SENTENCES = 0.5  # of the characters of a response lie in such sentences
_SENTENCE = re.compile(r"[.!?。！？।؟۔։።៖\n]+")
_CHARACTERS = re.compile(r"(?P<part>\S{1,6}?)(?P=part){11,}")
_LETTER = re.compile(r"[^\W\d_]")
_ORDERS = (3, 9)  # tokens that mark a place: more of them where a repeated part repeats itself inside
_VARIED_WORDS = 0.8  # of the tokens differ: then no long loop is among them
_VARIED = 0.7  # of the places differ: then more tokens show nothing new


def loops(answer: Response) -> bool:
    """Whether a part of the response repeats itself without end."""
    if len(answer.text) < 24:
        return False
    # a run of characters is a long word
    return (
        (max(map(len, answer.tokens), default=0) >= RUN and _characters(answer.plain))
        or _in_a_row(answer.tokens, len(answer.final))
        or _sentences(answer.prose)
    )


def _characters(text: str) -> bool:
    """A run of the same few characters; lines of dashes and rows of zeros are layout."""
    return any(_LETTER.search(match["part"]) and len(match[0]) >= RUN for match in _CHARACTERS.finditer(text))


def _in_a_row(tokens: list[str], characters: int) -> bool:
    """The same tokens again and again: places whose last three tokens came before at the same distance."""
    if len(set(tokens)) > _VARIED_WORDS * len(tokens):
        return False
    for order in _ORDERS:
        places = len(tokens) - order + 1
        if places < order:
            return False
        distinct, found = _runs(tokens, order, characters)
        if found or distinct > _VARIED * places:
            return found
    return False


def _runs(tokens: list[str], order: int, characters: int) -> tuple[int, bool]:
    """Different places, and whether a run of repeats makes a loop."""
    last: dict[tuple[str, ...], int] = {}
    distance = run = 0
    for place, key in enumerate(zip(*(tokens[i:] for i in range(order)), strict=False)):
        found = place - last.get(key, place)
        last[key] = place
        if found and found == distance:
            run += 1
        else:
            distance, run = found, int(bool(found))
        # the first turn lies before the run, where the run began to repeat it
        if run + order >= TURNS * distance and run >= 6 and _is_loop(tokens[place - run : place + order], characters):
            return len(last), True
    return len(last), False


def _is_loop(part: list[str], characters: int) -> bool:
    """Whether the repeats are words, and long enough."""
    size = sum(map(len, part))
    words = sum(_LETTER.search(token) is not None for token in part)
    return (2 * words > len(part) or len(set(part)) > 3) and (size >= ROUND * characters or size >= LENGTH)


def _sentences(text: str) -> bool:
    """The same sentences several times, not always in a row."""
    parts = [part.strip().lower() for part in _SENTENCE.split(text)]
    parts = [part for part in parts if len(part) >= 8]
    if len(parts) < SAME_SENTENCES:
        return False
    repeated = [(part, times) for part, times in Counter(parts).items() if times >= SAME_SENTENCES]
    return sum(times * len(part) for part, times in repeated) >= SENTENCES * len(text)
