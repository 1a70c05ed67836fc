"""Responses in another language than their prompt: by script, and by function words within a script."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.responses.lexicon.function_words import NATIVE, SCRIPT_LANGUAGES, WORDS
from syngain.audit.responses.scripts import SCRIPTS, main_script
from syngain.data.text.words import words as tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags, Ints

UNKNOWN = ""
_NAMED = [name for languages in WORDS.values() for name in languages]
LANGUAGES: tuple[str, ...] = tuple(
    dict.fromkeys([UNKNOWN, *_NAMED, *SCRIPT_LANGUAGES.values(), *(f"{name} script" for name in SCRIPTS if name)])
)
_INDEX = {name: place for place, name in enumerate(LANGUAGES)}
_SCRIPT_OF = {name: script for script, languages in WORDS.items() for name in languages} | {
    name: script for script, name in SCRIPT_LANGUAGES.items()
}
_ASKS = re.compile(
    r"translat|übersetz|traduc|traduz|traduit|vertaal|przetłum|перевед|перекла|翻译|翻譯|訳し|翻訳|번역|ترجم|अनुवाद|çevir|dịch|terjemah|"
    r"language|sprache|langue|idioma|lingua|bilingual",
    re.IGNORECASE,
)
_MARKS = {  # letters that few languages have
    "ñ": ("Spanish",), "¿": ("Spanish",), "¡": ("Spanish",), "ß": ("German",), "ä": ("German", "Swedish", "Finnish"),
    "ã": ("Portuguese",), "õ": ("Portuguese",), "ł": ("Polish",), "ę": ("Polish",), "ż": ("Polish",), "ř": ("Czech",),
    "ě": ("Czech",), "ů": ("Czech",), "ő": ("Hungarian",), "ű": ("Hungarian",), "ș": ("Romanian",), "ț": ("Romanian",),
    "ă": ("Romanian", "Vietnamese"), "ğ": ("Turkish",), "ı": ("Turkish",), "å": ("Swedish", "Danish or Norwegian"),
    "ø": ("Danish or Norwegian",), "æ": ("Danish or Norwegian",), "đ": ("Vietnamese",), "ư": ("Vietnamese",),
    "è": ("French", "Italian", "Catalan"), "ê": ("French", "Portuguese"), "ç": ("French", "Portuguese", "Catalan"),
    "œ": ("French",), "ò": ("Italian", "Catalan"), "ì": ("Italian",),
}  # fmt: skip
READ, WORDS_READ = 600, 50  # characters and words that are read
PROMPT_READ = 30  # words of a prompt that are read
LETTERS = 12  # of a response; a shorter one has no language
PURE = 0.75  # of the letters of a response are of one script
FEW_HITS = 1.4
HITS, MARGIN = 2.2, 2.0  # function words of a language at least, and times those of the next one
DENSITY = 0.12  # of the words of a response are function words
USUAL = 0.02  # of real responses to prompts in a language are in the other: then it is what the task wants
MOST = 0.9  # of the prompts are in one language: then undecided ones are too


def languages(answer: Response) -> tuple[int, int, int]:
    """Language of the prompt, of the response, and whether the prompt asks for another language."""
    asked = language(answer.asked, answer.asked_tokens[:PROMPT_READ], least=2, letters=4)
    words = answer.tokens if answer.plain == answer.final else tokens(answer.plain[:READ])
    given = language(answer.plain, words, least=HITS, letters=LETTERS, absent=asked)
    return _INDEX[asked], _INDEX[given], int(asked != given and bool(asked and given) and _wants(answer, given))


def language(text: str, words: Sequence[str], *, least: float, letters: int, absent: str = "") -> str:
    """The language of a text, with its words; a script where the language is open, "" where neither is clear.

    Fewer function words are enough where the text has none of the language ``absent``.
    """
    script, pure, number = main_script(text)
    if number < letters or pure < PURE:
        return UNKNOWN
    if script == "Han" and number < 8:
        return UNKNOWN
    if script in SCRIPT_LANGUAGES:
        return SCRIPT_LANGUAGES[script]
    return _by_words(text, words[:WORDS_READ], script, least, absent) or f"{script} script"


def _by_words(text: str, words: Sequence[str], script: str, least: float, absent: str) -> str:
    owners = _owners().get(script)
    if owners is None:
        return UNKNOWN
    hits = [(word, names) for word in dict.fromkeys(words) if (names := owners.get(word))]
    if len(hits) < 2:
        return UNKNOWN
    score: dict[str, float] = defaultdict(float)
    for word, names in hits:
        for name in names:
            score[name] += (0.5 if len(word) == 1 else 1.0) / len(names) ** 0.5
    for mark, names in _MARKS.items() if script == "Latin" and not text.isascii() else ():
        if mark in text:
            for name in names:
                score[name] += 1 / len(names)
    best = min(score, key=lambda name: (-score[name], name))
    if absent in WORDS.get(script, ()) and absent not in score and len(words) >= 8:
        least = FEW_HITS
    if score[best] < least or score[best] < DENSITY * len(words):
        return UNKNOWN
    near = [other for other in score if other != best and 2 * MARGIN * score[other] > score[best]]
    return best if all(_leads(best, other, hits) for other in near) else UNKNOWN


def _leads(best: str, other: str, hits: Sequence[tuple[str, tuple[str, ...]]]) -> bool:
    """Whether the words that only one of two languages has are clearly those of the first."""
    ours = sum(best in names and other not in names for _, names in hits)
    theirs = sum(other in names and best not in names for _, names in hits)
    return ours >= max(1.0, MARGIN * theirs)


@lru_cache(maxsize=1)
def _owners() -> dict[str, dict[str, tuple[str, ...]]]:
    """Script to function word to the languages that have it."""
    out: dict[str, dict[str, tuple[str, ...]]] = {}
    for script, languages_of in WORDS.items():
        owners = out.setdefault(script, {})
        for name, words in languages_of.items():
            for word in words.split():
                owners[word] = (*owners.get(word, ()), name)
    return out


def _wants(answer: Response, given: str) -> bool:
    """Whether the prompt asks for a translation, or names the language of the response."""
    prompt = answer.prompt.lower()
    targets = {match["name"] for match in _targets().finditer(prompt)}
    names = NATIVE.get(given, given.lower()).split()
    if targets:
        return any(name in targets for name in names)
    return bool(_ASKS.search(prompt)) or any(name in prompt for name in names)


@lru_cache(maxsize=1)
def _targets() -> re.Pattern[str]:
    """The language into which a prompt asks to translate."""
    names = [
        *(name for words in NATIVE.values() for name in words.split()),
        *(name.lower() for name in LANGUAGES if name),
    ]
    known = "|".join(sorted(map(re.escape, dict.fromkeys(names)), key=lambda name: (-len(name), name)))
    return re.compile(rf"(?:\b(?:into|to|in|auf|ins|en|al|em|na|на)\s+|[成为為])(?P<name>{known})")


def wrong_language(judged: Responses, real: Responses) -> Flags:
    """Responses in another language than their prompt, where real rows do not have that pair of languages; (n,)."""
    asked, given, wanted = _pairs(judged, real)
    real_asked, real_given, _ = _pairs(real, real)
    differ = (wanted == 0) & (asked > 0) & (given > 0) & (asked != given)
    for one, other in {(int(asked[row]), int(given[row])) for row in np.flatnonzero(differ)}:
        here = (asked == one) & (given == other)
        among = real_given[real_asked == one]
        usual = judged is not real and among.size and float((among == other).mean()) >= USUAL
        if usual or not _distinct(one, other):
            differ &= ~here
    return np.asarray(differ, dtype=bool)


def _pairs(rows: Responses, real: Responses) -> tuple[Ints, Ints, Ints]:
    """Languages of prompts and responses; an undecided prompt has the language of nearly all others of its script."""
    asked, given, wanted = rows.values(languages).T
    known = real.values(languages)[:, 0]
    out = asked.copy()
    for script in WORDS:
        inside = [_INDEX[name] for name in WORDS[script]]
        names, counts = np.unique(known[np.isin(known, inside)], return_counts=True)
        if counts.sum() >= 10 and counts.max() >= MOST * counts.sum():
            out[asked == _INDEX[f"{script} script"]] = names[counts.argmax()]
    return out, given, wanted


def _distinct(one: int, other: int) -> bool:
    """Whether two languages differ for certain: two scripts, or two languages of one script that are both known."""
    first, second = LANGUAGES[one], LANGUAGES[other]
    scripts = [_SCRIPT_OF.get(name, name.removesuffix(" script")) for name in (first, second)]
    return scripts[0] != scripts[1] or not (first.endswith(" script") or second.endswith(" script"))


def language_names(rows: Responses, real: Responses, flags: Flags) -> tuple[str, str, int] | None:
    """The most common pair of languages of the flagged rows: of the prompt, of the response, and its rows."""
    asked, given, _ = _pairs(rows, real)
    pairs = Counter((LANGUAGES[asked[row]], LANGUAGES[given[row]]) for row in np.flatnonzero(flags))
    if not pairs:
        return None
    for first, second in [pair for pair in pairs if pair[1].endswith(" script")]:  # too short to name its language
        script = second.removesuffix(" script")
        named = [pair for pair in pairs if pair[0] == first and _SCRIPT_OF.get(pair[1]) == script]
        if named:
            pairs[max(named, key=lambda pair: (pairs[pair], pair))] += pairs.pop((first, second))
    (first, second), count = min(pairs.items(), key=lambda item: (-item[1], item[0]))
    return first, second, count
