"""The fields of a prompt and its response, and of prompts alone, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.data.columns.content import BadCellError, turns_of
from syngain.data.columns.preferences import SYSTEM
from syngain.data.columns.values import parsed, written_number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from syngain.data.columns.finder import Finder
    from syngain.data.rows import Loaded

    PairShape = Literal["chat", "pair", "instances", "text"]
    Found = tuple[PairShape, tuple[str, ...]]

CHATS = ("messages", "conversations")
ASKING = {"user", "system", "developer"}  # roles of prompts
FIRST_CHATS = 200  # rows that are looked at: one with a response among them makes a chat
OTHER_CHATS = ("conversation", "dialogue", "dialog", "chat")  # only where they hold turns
RESPONSES = ("completion", "response", "chosen")  # the field next to `prompt`, first match
FURTHER = (  # prompt and response by further names, first match; only where both hold text
    ("prompt", ("generation", "output", "answer", "target")),
    ("instruction", ("response", "generation", "completion", "answer")),
    ("question", ("completion", "output", "generation")),
    ("query", ("response", "answer", "output", "completion")),
    ("problem", ("solution", "answer", "response", "generation")),
    ("input", ("output", "response", "completion", "answer")),
    ("user", ("assistant",)),
    ("article", ("summary", "highlights")),
    ("document", ("summary",)),
)
CONTEXTS = ("context", "passage", "article")  # before a question, after an instruction
ALONE = ("prompt", "instruction")


def pair(finder: Finder, near: tuple[str, ...]) -> Found | None:
    """The shape and the fields of prompt and response, the response last; None for rows of other kinds."""
    found = _chat(finder) or _documented(finder, near) or _further(finder)
    if found is None or found[0] == "text":
        return found
    shape, fields = found
    return shape, (*_before(finder, fields, chat=shape == "chat"), *fields)


def alone(finder: Finder) -> str | None:
    """The field of a prompt in rows without a response; None where there is none."""
    if _documented(finder, ()) or _further(finder):
        return None
    return next((f for name in ALONE for f in finder.candidates([name])[:1] if _is_text(finder.loaded, f)), None)


def _chat(finder: Finder) -> Found | None:
    for name in CHATS:
        found = finder.candidates([name])
        if found:
            return _spoken(finder.loaded, found[0]), (found[0],)
    for name in OTHER_CHATS:
        found = finder.candidates([name])
        if found and _turns(finder.loaded, found[0]):
            return "chat", (found[0],)
    return None


def _spoken(loaded: Loaded, name: str) -> PairShape:
    """A chat, or a text where no conversation of the first rows has a response (prompts alone)."""
    first, asked = max(loaded.fields[name].first, 0), False
    for place in range(first, min(len(loaded.rows), first + FIRST_CHATS)):
        roles = _roles(loaded.rows[place].get(name))
        if not set(roles) <= ASKING:
            return "chat"
        asked = asked or bool(roles)
    return "text" if asked else "chat"


def _documented(finder: Finder, near: tuple[str, ...]) -> Found | None:
    response_near = near[-1] if near else None
    prompt = finder.candidates(["prompt"])
    response = next((found for name in RESPONSES if (found := finder.candidates([name]))), [])
    if prompt and response:
        return "pair", (prompt[0], response[0])
    asked = finder.candidates(["instruction"])
    if asked:
        done = finder.one(("output", "instances"), ("response", f"--text {asked[0]}+output or --text"), response_near)
        if done:
            given = finder.candidates(["input"]) if done.casefold() == "output" else []
            return ("pair" if done.casefold() == "output" else "instances"), (asked[0], *given[:1], done)
    question = finder.candidates(["question"])
    if question:
        names = ("answer", "solution", "response")
        found_one = finder.one(names, ("response", f"--text {question[0]}+FIELD, for example --text"), response_near)
        if found_one:
            return "pair", (*_context(finder), question[0], found_one)
    calls = [name for field in ("query", "tools", "answers") for name in finder.candidates([field])]
    return ("pair", (calls[0], calls[2])) if len(calls) == 3 else None  # a request, tools and the calls of them


def _further(finder: Finder) -> Found | None:
    for asked, answers in FURTHER:
        prompt = finder.candidates([asked])
        response = next((found for name in answers if (found := finder.candidates([name]))), [])
        if prompt and response and _is_text(finder.loaded, prompt[0]) and _is_text(finder.loaded, response[0]):
            given = finder.candidates(["input"])[:1] if asked == "instruction" else []
            context = [name for name in _context(finder) if name not in (prompt[0], response[0])]
            fields = (prompt[0], *given, *context) if asked == "instruction" else (*context, prompt[0])
            return "pair", (*fields, response[0])
    return None


def _context(finder: Finder) -> list[str]:
    found = next((found for name in CONTEXTS if (found := finder.candidates([name]))), [])
    return [name for name in found[:1] if _is_text(finder.loaded, name)]


def _before(finder: Finder, fields: Sequence[str], *, chat: bool) -> list[str]:
    """The system message and the earlier rounds, which have columns of their own."""
    system = next((found for name in SYSTEM if (found := finder.candidates([name]))), [])
    history = [] if chat else [name for name in finder.candidates(["history"]) if _first(finder.loaded, name, list)]
    return [name for name in (*system[:1], *history[:1]) if name not in fields and _holds(finder.loaded, name)]


def _holds(loaded: Loaded, name: str) -> bool:
    return _first(loaded, name, list) or _is_text(loaded, name)


def _is_text(loaded: Loaded, name: str) -> bool:
    """Whether the first value of a field is a text that is no number, a conversation, or an object with a text."""
    first = loaded.fields[name].first
    value = loaded.rows[first].get(name) if first >= 0 else None
    if isinstance(value, str):
        return written_number(value) is None
    return isinstance(value, (list, dict))


def _first(loaded: Loaded, name: str, kind: type) -> bool:
    first = loaded.fields[name].first
    return first >= 0 and isinstance(loaded.rows[first].get(name), kind)


def _turns(loaded: Loaded, name: str) -> list[str]:
    """The roles of the first conversation of a field; none where it holds something else."""
    first = loaded.fields[name].first
    return _roles(loaded.rows[first].get(name)) if first >= 0 else []


def _roles(value: object) -> list[str]:
    """The roles of a conversation; none where the value is something else."""
    value = parsed(value) if isinstance(value, str) else value
    if not isinstance(value, list) or not value:
        return []
    try:
        return [role for role, _ in turns_of(value, 0)]
    except BadCellError:
        return []
