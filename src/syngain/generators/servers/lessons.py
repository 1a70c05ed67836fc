"""What the errors of a server teach about its dialect.

A refused request costs nothing. Its error names the parameter: in a field (`param`, `loc`), or in its words. A limit
of a value is not a lesson: what the recipe asks for is not changed in silence, except where fewer alternatives come.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from syngain.generators.protocol import RefusedError
from syngain.generators.servers.dialect import LIMITS, STRUCTURED, Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SHOWN = 160  # characters of the server's words that are kept with a lesson
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(LIMITS, LIMITS),
    "seed": ("random_seed",),
    "stop": ("stop_sequences",),
}
ADAPTED = (*LIMITS, "temperature", "top_p", "seed", "stop", "logprobs", "top_logprobs", "response_format")
_WORDS = frozenset({"stop"})  # words of ordinary sentences: they must be quoted to name a parameter
_REFUSED = re.compile(
    r"unsupported|unavailable|unrecogni[sz]ed|unknown|unexpected|forbidden|deprecated|incompatible|extra inputs"
    r"|(?:not|n't) (?:yet |currently |be )?(?:support|permit|allow|accept|available|enabled|implemented|recogni|used|"
    r"specified|valid)|invalid (?:parameter|argument|field|name)|no such|cannot find field",
    re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"(?:use|try|mean|to|with)\s+(?:the\s+)?['\"`]?(\w+)['\"`]?", re.IGNORECASE)
_LARGEST = re.compile(
    r"(?:<=|\u2264|at most|less than or equal to|no more than|up to|max(?:imum)?(?: \w+)?(?: is| of|:)?|to|and)"
    r"\s*(\d+)",
    re.IGNORECASE,
)
_VALUE = re.compile(r"too (?:large|small|high|low)|at (?:most|least)|[<>]=?\s*\d|minimum|maximum|exceed|range|between")
_DEFAULT = re.compile(r"default \(([\d.]+)\)")
_ROLE = re.compile(
    r"system['\"`]?[ _]?(?:role|message|prompt|instruction)s?\b.{0,60}?(?:not|n't|unsupported|invalid)"
    r"|(?:not|n't) support\w*.{0,40}system|unsupported.{0,60}system|roles? must alternate"
    r"|only user and (?:assistant|model) roles|role.{0,40}\bsystem\b.{0,40}(?:not|invalid|unsupported)",
    re.IGNORECASE | re.DOTALL,
)
_CUT = re.compile(
    r"(?:max_tokens|output limit|token limit).{0,40}\b(?:was )?reached|could not finish the message", re.IGNORECASE
)
_UNREAD = frozenset({"type", "code", "url", "object", "request_id", "id", "input"})
_PLACE = re.compile(r"'loc': \('body', '(\w+)'")  # an error of pydantic inside of a text
MOST = 20  # changes of a dialect: a server whose errors contradict each other is not followed for ever
DEEP, MANY = 8, 20  # of the JSON of an error, as far as it is read
_BOTH = re.compile(r"\bboth\b|only one of|together", re.IGNORECASE)


@dataclass(frozen=True)
class Problem:
    """The error of a server: its words, and the parameters that its fields name."""

    text: str
    named: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: bytes, clean: Callable[[str], str]) -> Problem:
        """The problem in the body of an error; ``clean`` removes what must not be shown."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            return cls(clean(body.decode("utf-8", "replace")))
        texts = [(name, clean(text)) for name, text in _texts(content)]
        named = [text for name, text in texts if name == "param"]
        named += [place for _, text in texts for place in _PLACE.findall(text)]
        return cls(" ".join(text for name, text in texts if name not in {"param", "loc"}), tuple(named))

    def under(self, names: Mapping[str, str]) -> Problem:
        """The problem with the parameters of a wire under the names of the inner form."""
        if not names:
            return self
        text = self.text
        for name, other in names.items():
            text = re.sub(rf"\b{re.escape(name)}\b", other, text)
        return Problem(text, tuple(names.get(re.split(r"[.\[]", name)[-1], name) for name in self.named))

    @property
    def refuses_system(self) -> bool:
        """Whether system messages are refused."""
        places = any(name.startswith("messages") and "role" in name for name in self.named)
        return bool(_ROLE.search(self.text)) or (places and "system" in self.text)

    @property
    def refuses_parameter(self) -> bool:
        """Whether the words refuse a parameter that requests have."""
        return bool(_REFUSED.search(self.text)) and bool(_mentioned(self.text, list(ADAPTED)))

    @property
    def is_cut(self) -> bool:
        """Whether the answer did not fit into the limit of the output."""
        return bool(_CUT.search(self.text))


class BadRequestError(RefusedError):
    """The server refused a request for what it contains, without any work."""

    def __init__(self, reason: str, problem: Problem) -> None:
        super().__init__(reason)
        self.problem = problem


@dataclass
class DialectLearner:
    """The dialect of a server while it is learned.

    Attributes:
        tell: called with every change. learned: changes by errors so far, at most :data:`MOST`.
    """

    dialect: Dialect = field(default_factory=Dialect)
    tell: Callable[[Dialect], None] = lambda _dialect: None
    learned: int = 0

    def change(self, dialect: Dialect) -> None:
        """Use this dialect from now on."""
        self.dialect = dialect
        self.tell(dialect)

    def learns(self, problem: Problem, sent: Mapping[str, object], used: Dialect, questions: frozenset[str]) -> bool:
        """Whether a refused request may be sent again: its dialect has changed since, or changes by this problem.

        A refusal of ``questions`` is the answer that a probe looks for.
        """
        if used is not self.dialect:
            return True
        found = lesson(used, problem, sent, questions) if self.learned < MOST else None
        if found is None:
            return False
        self.learned += 1
        self.change(found)
        return True


def lesson(
    dialect: Dialect, problem: Problem, sent: Mapping[str, object], questions: frozenset[str] = frozenset()
) -> Dialect | None:
    """The dialect that a problem asks for; None where it names nothing that can be worded in another way."""
    said = " ".join(problem.text.split())[:SHOWN]
    if not dialect.folded and problem.refuses_system and _has_system(sent):
        return dialect.folding(said)
    found = _culprit(problem, sent)
    if found is None or found in questions or found not in sent:
        return None
    name = next((name for name, other in dialect.renamed.items() if other == found), found)
    if name in LIMITS:
        return _another_limit(dialect, name, found, problem, said)
    if name in {"logprobs", "top_logprobs"}:
        counted = "top_logprobs" if sent[found] is True else found
        most = _largest(problem.text, sent.get(counted))
        if most is not None and counted not in questions:
            return dialect.capping(counted, most, said)
    form = name == "response_format"  # "must be" one of its other types
    if not (form or _REFUSED.search(problem.text) or _BOTH.search(problem.text)):
        return None
    return _without(dialect, name, found, problem, said)


def _without(dialect: Dialect, name: str, found: str, problem: Problem, said: str) -> Dialect | None:
    """The dialect without a parameter as it was sent: under another name, in another form, or not at all."""
    if name == "response_format":
        following = STRUCTURED.index(dialect.structured) + 1
        return dialect.structuring(STRUCTURED[following], said) if following < len(STRUCTURED) else None
    other = next((other for other in _alternatives(problem.text, name) if other != found), None)
    if other is not None:
        return dialect.renaming(name, other, said)
    default = _DEFAULT.search(problem.text) or re.search(rf"only {name} ?= ?([\d.]*\d)", problem.text, re.IGNORECASE)
    if default and name not in dialect.values:
        return dialect.fixing(name, float(default[1]), said)
    return dialect.omitting(name, said)


def guesses(dialect: Dialect) -> Iterator[Dialect]:
    """Dialects to try on a server that refuses a simple request and names nothing, each further from the usual."""
    said = "found by trial"
    for name in ("seed", "top_p", "temperature"):
        if name not in dialect.omitted:
            dialect = dialect.omitting(name, said)
            yield dialect
    if "max_tokens" not in dialect.renamed:
        yield dialect.renaming("max_tokens", "max_completion_tokens", said)


def _another_limit(dialect: Dialect, name: str, found: str, problem: Problem, said: str) -> Dialect | None:
    """The limit under the name that the server gives, or the other usual one; never without."""
    named = _alternatives(problem.text, name)
    if not named and (_VALUE.search(problem.text) or not _REFUSED.search(problem.text) or found != "max_tokens"):
        return None
    other = next((other for other in named if other != found), "max_completion_tokens")
    return None if other == found else dialect.renaming(name, other, said)


def _alternatives(text: str, name: str) -> list[str]:
    return [word for word in _ALTERNATIVE.findall(text) if word in SYNONYMS.get(name, ()) and word != name]


def _largest(text: str, asked: object) -> int | None:
    numbers = [int(number) for number in _LARGEST.findall(text)]
    return next((most for most in numbers if isinstance(asked, int) and 0 < most < asked), None)


def _has_system(sent: Mapping[str, object]) -> bool:
    messages = sent.get("messages")
    return isinstance(messages, list) and any(message["role"] == "system" for message in messages)


def _culprit(problem: Problem, sent: Mapping[str, object]) -> str | None:
    """The parameter that the problem is about: one that its fields name, else the first in its words."""
    names = [name for name in sent if name in ADAPTED or name in {"random_seed", "stop_sequences"}]
    if _BOTH.search(problem.text) and {"temperature", "top_p"} <= set(_mentioned(problem.text, names)):
        return "top_p" if sent["top_p"] == 1 or sent["temperature"] != 1 else "temperature"
    for named in problem.named:
        parts = re.split(r"[.\[\]]+", named)
        for name in names:
            if name in parts:
                return name
    return next(iter(_mentioned(problem.text, names)), None)


def _mentioned(text: str, names: list[str]) -> list[str]:
    """The names in a text, in the order of the text; a quoted one goes before."""
    places = []
    for name in names:
        quoted = re.search(rf"['\"`\u201c]{name}(?:\.\w+)?['\"`\u201d]", text)
        bare = None if name in _WORDS else re.search(rf"(?<![\w.]){name}(?!\w)", text, re.IGNORECASE)
        if match := quoted or bare:
            places.append((quoted is None, match.start(), name))
    return [name for *_, name in sorted(places)]


def _texts(value: object, key: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """The texts in the JSON of an error with their keys, also those of JSON inside of a text."""
    if depth > DEEP or key in _UNREAD:
        return
    if isinstance(value, str):
        inner = _json(value)
        if inner is None:
            yield key, value
        else:
            yield from _texts(inner, key, depth + 1)
    elif isinstance(value, list) and key == "loc":
        yield "param", ".".join(map(str, value))
    elif isinstance(value, (dict, list)):
        for name, item in value.items() if isinstance(value, dict) else ((key, item) for item in value[:MANY]):
            yield from _texts(item, str(name), depth + 1)


def _json(text: str) -> dict[str, Any] | list[Any] | None:
    """The object or list that a text holds."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None
