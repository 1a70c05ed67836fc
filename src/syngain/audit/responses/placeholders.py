"""Empty responses and placeholders where a response should be."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response

SHORT = 80  # characters; a longer response is no placeholder
_NAMES = (
    "n/a na none null nil nan undefined todo tbd tba tbc fixme xxx placeholder blank empty response answer output "
    "[] {} () \"\" ''"
)
_WORDS = frozenset(_NAMES.split())
_ALONE = re.compile(r"^[\s\"'`*_#>\-]*(?P<word>[\w/\[\]{}()\"']+)[\s\"'`*_.!:…]*$")
_ASKS = (  # what a template asks a writer to fill in
    r"insert|enter|add|your|type|write|put|fill|place|todo|tbd|answer|response|output|text|content|name|description|"
    r"antwort|réponse|respuesta|risposta|resposta|ответ|答案|回答|回复|応答|답변|إجابة"
)
_BRACKETED = re.compile(
    rf"^\W*[\[<{{(（【《「]+[^\[\]<>{{}}()\n\"\':,]{{0,60}}?(?<!\w)(?:{_ASKS})(?!\w)"
    rf"[^\[\]<>{{}}()\n\":,]{{0,60}}?[\]>}})）】》」]+\W*$",
    re.IGNORECASE,
)
_CJK_BRACKETED = re.compile(
    r"^\W*[\[<{(（【《「]+[^\[\]<>{}()\n]{0,30}?(?:答案|回答|回复|応答|답변)[^\[\]<>{}()\n]{0,30}?[\]>})）】》」]+\W*$"
)
_TEMPLATE = re.compile(
    r"^\W*(?:\{\{[^{}\n]{1,60}\}\}|\$\{[^{}\n]{1,60}\}|<[A-Z][A-Z_ ]{2,40}>|"
    r"%\(?\w+\)?s|<\w+>|\[[A-Z][A-Z_ ]{2,40}\])\W*$"
)
_LOREM = re.compile(r"\blorem ipsum\b|\bto be (?:added|filled|completed|determined|written)\b", re.IGNORECASE)
_MARKS = frozenset(
    ".-_?!…,;:*#\"'`~=/\\|–—·•。！？،؟।「」『』《》【】()[]{}<> \t\n\r\u200b\u200c\u200d\ufeff\u00a0\u2060"
)
_INVISIBLE = frozenset("CZ")  # first letters of the categories of characters that show nothing


def is_empty(answer: Response) -> bool:
    """Whether the response is empty, or holds nothing but a placeholder."""
    text = answer.final
    if not text:
        return not answer.text  # reasoning without an answer is a kind of its own
    if len(text) > SHORT:
        return len(text) < 5 * SHORT and text[:40].lower().lstrip(" *\"'").startswith("lorem ipsum")
    if all(character in _MARKS or unicodedata.category(character)[0] in _INVISIBLE for character in text):
        return text not in answer.prompt or len(set(text)) == 1
    alone = _ALONE.match(text)
    if alone and _placeholder_word(alone["word"].lower(), answer):
        return True
    found = (pattern.match(text) for pattern in (_BRACKETED, _CJK_BRACKETED, _TEMPLATE))
    return any(found) or (bool(_LOREM.search(text)) and len(answer.tokens) <= 8)


def has_no_prompt(answer: Response) -> bool:
    """Whether the prompt is empty."""
    return not answer.prompt


def _placeholder_word(word: str, answer: Response) -> bool:
    """A word such as TODO that the prompt does not ask for: ``null`` is right where the prompt names it."""
    return word in _WORDS and word not in answer.prompt.lower()
