"""Responses that stop before their end: no end mark where real rows have one, open fences, brackets and quotations."""

from __future__ import annotations

import json
import re
import zlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.responses.prompt_response import FENCE
from syngain.audit.responses.scripts import SCRIPTS, main_script

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags, Ints

HABIT = 0.9  # of the real responses of a kind end in an end mark: then one without it was cut
LAST_LINE, MOSTLY = 0.97, 0.3  # of real and of judged responses have the same beginning of the last line
NEAR = 160  # characters at the end of a line that say how it ends
COMMON = 0.01  # of longer responses start with the same word
LEAST = 15  # real responses of a kind from which its habit is known
END = frozenset(".!?…。！？｡।॥؟۔։፧።៖។၊။৷᙮‽⁈⁉︙") | frozenset("\U0001f600\U0001f642😊🙂👍🎉❤✅😀")
CLOSING = "\"'”’»)]}>*_`~ \t\n」』】）》〉］｝›“‘|$"
OPENS = re.compile(
    r"(?:[,;\u2013\u2014&/+=(\[{«„「『（【、，；：]|(?<![\d\s!:-])-"
    r"|\b(?:and|or|but|the|of|to|a|an|with|for|in|because|which|that|und|oder|der|die|das|mit|et|ou|le|la|les|de|y|o|el"
    r"|los|e|i|и|или|в|на)) *$"
)
CONJUNCTION = re.compile(
    r"\b(?:and|or|the|of|because|und|oder|weil|et|ou|que|les|y|porque|и|или|что|oraz|że"
    r"|en|het|dat|e|ou|và|dan|ve) *$",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"[;{}]\s*$|^\s*(?:def |class |import |from \w+ import|"
    r"#include|SELECT |<\w+|</\w+>|public |var |let |const |function )",
    re.MULTILINE,
)
_ITEM = re.compile(r"^\s*(?:[-*•·–]|\(?\d{1,3}[.)、:]|\(?[a-zA-Z][.)]|[#|]|\w[\w ]{0,30}[:：] \S+(?: \S+){0,5}$)")
_NO_MARK = re.compile(
    r"[:;=]['-]?[()DPp]$|#\w+\W*$|(?:https?://|www\.)\S+$|\S+@\S+$|[=+*/<>≈^]\s*[-$€£]?[\w.,()]+\W*$|^[^.!?]*:\s*[\w$€£.,%-]+$|\]\W*$"
)
QUOTES = "\"'“”„«»「」『』‘’"
_SENTENCE = re.compile(r"\w{3}[.!?؟](?=\s)|[。！？।]")
_COMMA = re.compile(r"[,、，،]")
_INNER = re.compile(r"[.!?;:](?=\s)|[。！？；：。।؟؛;।]")  # the end of a sentence inside a text
_PAIRS = (
    ("(", ")"),
    ("[", "]"),
    ("（", "）"),
    ("「", "」"),
    ("『", "』"),
    ("«", "»"),
    ("【", "】"),
    ("《", "》"),
    ("\u201c", "\u201d"),
)
_SMILEY = re.compile(r"[:;=]-?[()\[\]]|^\s*\(?\w{1,3}[)\]]", re.MULTILINE)
SHORT, LINE, QUOTED, LISTED, ITEMS, CODE, PROSE, NUMBERS = range(8)
OWN_HABIT = frozenset({SHORT, QUOTED, LISTED})  # titles and enumerations: only real ones show how they end


def ending(answer: Response) -> tuple[int, int, int, int, int]:
    """How a response ends: its shape, its script, whether with an end mark, whether something is left open.

    And a number for the first word of prose, 0 for a title.
    """
    text = answer.plain.strip()
    kind = _shape(answer, text)
    script = SCRIPTS.index(_script(text))
    last = text.rstrip(CLOSING)[-1:]
    marked = not last or kind == NUMBERS or last in END or _ends_in_code(answer, last) or _ends_openly(text, kind)
    left_open = bool(text) and _left_open(answer, text, kind)
    return kind, script, int(marked), int(left_open), _first_word(answer, text, kind)


def _first_word(answer: Response, text: str, kind: int) -> int:
    if kind not in {LINE, PROSE} or not answer.first_tokens or _is_title(text):
        return 0
    return zlib.crc32(answer.first_tokens[0].encode("utf-8", "surrogatepass"))


def _is_title(text: str) -> bool:
    """Whether most words after the first begin with a capital letter."""
    first = [word[0] for word in text[:200].split()[1:]]
    letters = sum(map(str.isalpha, first))
    return letters > 0 and 2 * sum(map(str.isupper, first)) > letters


def _ends_in_code(answer: Response, last: str) -> bool:
    return answer.final[-1:] == "`" or (last in ":：" and answer.plain.strip() != answer.final)


def _ends_openly(text: str, kind: int) -> bool:
    """Ends that have no mark by nature: hashtags, links, equations, verses, and lists whose items have none."""
    *before, line = [line for line in text.split("\n") if line.strip()]
    if _NO_MARK.search(line[-NEAR:]):
        return True
    marked = sum(one.rstrip(CLOSING)[-1:] in END for one in before if kind != ITEMS or _ITEM.match(one))
    items = sum(_ITEM.match(one) is not None for one in before) if kind == ITEMS else len(before)
    if kind == ITEMS:
        return marked < 0.7 * items or not items
    return bool(before) and 2 * marked <= len(before) and (len(before) > 1 or not marked)


def cut(judged: Responses, real: Responses) -> Flags:
    """Responses that were cut, by what they leave open and by the real rows' habit of ending; shape (n,)."""
    found, habit = judged.values(ending), real.values(ending)
    expects = np.zeros(len(judged), dtype=bool)
    kinds = found[:, 0] * len(SCRIPTS) + found[:, 1]
    real_kinds = habit[:, 0] * len(SCRIPTS) + habit[:, 1]
    for kind in np.unique(kinds):
        here = kinds == kind
        expects[here] = _expects_mark(int(kind), real_kinds, habit)
        if kind // len(SCRIPTS) == LINE and int((real_kinds == kind).sum()) < LEAST:
            expects[here] &= np.isin(found[here, 4], _usual_starts(found, habit))
    flags: Flags = (found[:, 3] > 0) | (expects & (found[:, 2] == 0)) | _without_last_line(judged, real)
    return flags


def _without_last_line(judged: Responses, real: Responses) -> Flags:
    """Responses without the last line that all real rows begin alike (``#### 12``), where most judged rows have it."""
    ours, theirs = last_lines(judged), last_lines(real)
    line, count = Counter(theirs).most_common(1)[0]
    has = np.array([own == line for own in ours], dtype=bool)
    if line.isalpha() or count < LAST_LINE * len(theirs) or len(theirs) < LEAST or has.mean() < MOSTLY:
        return np.zeros(len(judged), dtype=bool)
    return ~has


def last_lines(rows: Responses) -> list[str]:
    """How the last line of every response begins: its first word, where it has several lines."""
    parts = [response.strip().rpartition("\n") for response in rows.responses]
    return [line.split(maxsplit=1)[0] if start and line.strip() else "a" for start, _, line in parts]


def _usual_starts(found: Ints, habit: Ints) -> Ints:
    """First words of the longer responses: a short one that starts alike may be the beginning of such a response."""
    longer = np.concatenate([part[part[:, 0] == PROSE, 4] for part in (found, habit)])
    words, counts = np.unique(longer[longer > 0], return_counts=True)
    return words[counts >= max(2.0, COMMON * longer.size)]


def _expects_mark(kind: int, real_kinds: Ints, habit: Ints) -> bool:
    """Whether real responses of this shape and script end in an end mark; of all shapes where these are too few."""
    shape, script = divmod(kind, len(SCRIPTS))
    if shape in {CODE, NUMBERS}:
        return False
    same = real_kinds == kind
    if shape not in OWN_HABIT and int(same.sum()) < LEAST:
        same = (habit[:, 1] == script) & (habit[:, 0] != CODE)
    return int(same.sum()) >= LEAST and float(habit[same, 2].mean()) >= HABIT


def _shape(answer: Response, text: str) -> int:
    if answer.is_call or answer.prose != answer.final or _CODE.search(text):
        return CODE
    if not text[:1].isalpha() and not any(map(str.isalpha, text)):
        return NUMBERS
    if len(answer.first_tokens) < 4:
        return SHORT
    return QUOTED if text[0] in QUOTES and text[-1] in QUOTES else _shape_of_words(answer, text)


def _shape_of_words(answer: Response, text: str) -> int:
    whole = not _INNER.search(text)  # no sentence ends inside
    if whole and 8 * len(_COMMA.findall(text)) >= len(answer.tokens) + 8:
        return LISTED
    if whole and len(answer.tokens) < 12:
        return LINE
    before, _, line = text.rpartition("\n")
    return ITEMS if _ITEM.match(line) and (before or not _SENTENCE.search(text)) else PROSE


def _script(text: str) -> str:
    return main_script(text[-300:])[0] or "Latin"


def _left_open(answer: Response, text: str, kind: int) -> bool:
    """An open fence; a comma, hyphen or conjunction at the end; an open bracket or quotation that never closes."""
    final = answer.final
    if ("```" in final or "~~~" in final) and _fence_is_open(final):
        return True
    if text[0] in "{[" and text[-1] not in ".!?" and _data_is_open(text):
        return True
    if kind == CODE or len(answer.first_tokens) < 3:
        return False
    if OPENS.search(text[-24:]) and not _ends_as_word(text, answer):
        return True
    return _bracket_is_open(text)


def _ends_as_word(text: str, answer: Response) -> bool:
    """A short or single-line answer may end in such a word: a preposition that was asked for, a line of items."""
    return text[-1].isalpha() and (CONJUNCTION.search(text[-24:]) is None or len(answer.first_tokens) < 4)


def _data_is_open(text: str) -> bool:
    """Whether a response that starts as JSON does not parse and opens more brackets than it closes."""
    if len(text) < 3 or sum(map(text.count, "{[")) <= sum(map(text.count, "}]")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return ":" in text or "," in text
    return False


def _fence_is_open(text: str) -> bool:
    fences = [match[0] for match in FENCE.finditer(text)]
    return any(not re.search(r"\n[ \t]*(?:```+|~~~+)[ \t]*$", fence) for fence in fences[-1:])


def _bracket_is_open(text: str) -> bool:
    """Whether the last paragraph opens more brackets or quotations than it closes."""
    part = text.rpartition("\n\n")[2]
    pairs = _PAIRS[:2] if part.isascii() else _PAIRS
    if any(part.count(first) > part.count(second) for first, second in pairs if first in part):
        cleaned = _SMILEY.sub("", part)
        return any(cleaned.count(first) > cleaned.count(second) for first, second in pairs)
    return part[-1] not in END and part.count('"') % 2 == 1 and not re.search(r"\d\"", part)
