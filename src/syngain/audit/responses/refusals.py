"""Refusals: by how they begin in many languages, and by one answer to many prompts, whatever its language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from syngain.audit.responses.lexicon.refusal_patterns import APOLOGY, DECLINE
from syngain.audit.responses.repeats import openings, unlike_real, whole_answers

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags

BEGINNING = 180  # characters in which a refusal is looked for
SHORT = 500  # characters; a longer response answers something
SHORTEST, LONGEST = 4, 60  # tokens of an answer that counts as a refusal because many prompts get it
_DECLINE = re.compile("|".join(f"(?:{pattern})" for pattern in DECLINE.values()), re.IGNORECASE)
_SORRY = re.compile(rf"\W*(?:{'|'.join(APOLOGY.values())})", re.IGNORECASE)
_SPEAKS = re.compile(  # the writer of the response is who declines; a story about others is no refusal
    r"\W*(?:i|i['\u2019]\w+|we|as an?|this|that|your|the request|it|my|our|no, i|"
    r"unable|not able|cannot|can['\u2019]t|request)\b",
    re.IGNORECASE,
)
_LATIN = re.compile(r"[A-Za-z]")
# letters of which every pattern needs one: a quick look before the slow one
_NEEDS = re.compile(
    r"(?i:can|unable|not|won['\u2019]|decline|refus|against|violat|nicht|kein|ablehn|peux|puis|pouv|suis|somm|refus|imposs|"
    r"no|non|n[ãa]o|nie|odma|не|отказ"
    r"|不|无|無|拒|ません|ない|かね|断|없|어렵|못|거절|거부|لا|لن|لست|أعتذر|أرفض|नहीं|असमर्थ|अस्वीकार|mam|yoru|mem|không|chối|tidak|tolak)"
)


def is_refusal(answer: Response) -> bool:
    """Whether the response is short and begins as a refusal does, in one of the languages of the patterns."""
    text = answer.final
    if not text or len(text) > SHORT:
        return False
    start = text[:BEGINNING]
    if not _NEEDS.search(start):
        return False
    found = _DECLINE.search(start)
    if found is None:
        return False
    if _SORRY.match(text):
        return True
    return _first_person(text, found.start()) and not _asks_for_words(answer)


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
