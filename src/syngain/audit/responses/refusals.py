"""Refusals: by how they begin in many languages, and by one answer to many prompts, whatever its language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syngain.audit.responses.lexicon.refusal_patterns import APOLOGY, DECLINE, NEEDED
from syngain.audit.responses.repeats import openings, unlike_real, whole_answers

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags

BEGINNING = 180  # characters in which a refusal is looked for
SHORT = 500  # characters; a longer response answers something
SHORTEST, LONGEST = 4, 60  # tokens of an answer that counts as a refusal because many prompts get it
_DECLINE = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in DECLINE.items()}
_NEEDED = [(name, words.split("|")) for name, words in NEEDED.items()]
_NEEDED_ASCII = [(name, [word for word in words if word.isascii()]) for name, words in _NEEDED]
_SORRY = re.compile(rf"\W*(?:{'|'.join(APOLOGY.values())})", re.IGNORECASE)
_SPEAKS = re.compile(  # the writer of the response is who declines; a story about others is no refusal
    r"\W*(?:i|i['\u2019]\w+|we|as an?|this|that|your|the request|it|my|our|no, i|"
    r"unable|not able|cannot|can['\u2019]t|request)\b",
    re.IGNORECASE,
)
_LATIN = re.compile(r"[A-Za-z]")


def is_refusal(answer: Response) -> bool:
    """Whether the response is short and begins as a refusal does, in one of the languages of the patterns."""
    text = answer.final
    if not text or len(text) > SHORT:
        return False
    place = _place(text[:BEGINNING])
    if place is None:
        return False
    if _SORRY.match(text):
        return True
    return _first_person(text, place) and not _asks_for_words(answer)


def _place(start: str) -> int | None:
    """Where the refusal begins; a pattern is tried where a word that it needs appears."""
    lower = start.lower()
    places = []
    for name, words in _NEEDED_ASCII if lower.isascii() else _NEEDED:
        for word in words:
            if word in lower:
                match = _DECLINE[name].search(start)
                places += [match.start()] if match else []
                break
    return min(places, default=None)


def _first_person(text: str, place: int) -> bool:
    """Whether the refusal opens the response: within its first words, said of the writer."""
    return place <= 40 and (not _LATIN.match(text) or bool(_SPEAKS.match(text)) or place <= 12)


def _asks_for_words(answer: Response) -> bool:
    """Whether the prompt asks to rewrite, translate or continue a text: then the words are the user's."""
    return answer.final[:60].strip(" .!").lower() in answer.prompt.lower()


def one_answer_to_many(judged: Responses, real: Responses) -> Flags:
    """Responses that many different prompts get: the same text, or an opening that is most of it; shape (n,)."""
    same = unlike_real(judged, real, whole_answers(judged, SHORTEST, LONGEST), whole_answers(real, SHORTEST, LONGEST))
    for ours, theirs in zip(openings(judged, LONGEST), openings(real, LONGEST), strict=True):
        same |= unlike_real(judged, real, ours, theirs)
    return same
