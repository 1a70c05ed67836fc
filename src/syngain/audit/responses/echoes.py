"""Responses that repeat their prompt and add little."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from syngain.data.text.words import words as tokens_of

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response

LEAST = 5  # tokens of a prompt: shorter ones can be their own answer
COVERED = 0.9  # of the prompt's pairs of tokens appear in the response
OWN = 0.75  # of the response's pairs of tokens come from the prompt
NEW = 0.08  # of the response's tokens are new, or one of them


def echoes(answer: Response) -> bool:
    """Whether the response repeats nearly the whole prompt, and little more; its first paragraph or last turn count."""
    if not len(answer.tokens) >= LEAST:
        return False
    paragraph = answer.asked.partition("\n\n")[0]
    asked = [answer.asked_tokens] if paragraph == answer.asked else [answer.asked_tokens, tokens_of(paragraph)]
    return any(_repeats(words, answer.tokens) for words in asked)


def _repeats(words: list[str], tokens: list[str]) -> bool:
    if len(words) < LEAST or len(tokens) > 1.5 * len(words):
        return False
    theirs, ours = Counter(pairwise(words)), Counter(pairwise(tokens))
    new = (Counter(tokens) - Counter(words)).total()
    if new > max(1.0, NEW * len(tokens)):
        return False
    common = (theirs & ours).total()
    return common >= COVERED * theirs.total() and common >= OWN * ours.total()
