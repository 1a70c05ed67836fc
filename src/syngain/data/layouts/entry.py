"""Common form of rows between layouts: a conversation or text, and other fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

Row = dict[str, object]
Message = dict[str, object]
SYSTEM = ("system", "system_prompt")
INPUT = "syngain_input"  # the part of an instruction from its own field


class LayoutError(Exception):
    """A row does not fit a layout.

    ``problem`` is a sentence, ``expected`` names a valid form.
    """

    def __init__(self, problem: str, expected: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.expected = expected


class SkippedError(LayoutError):
    """A row that a trainer skips or that its loader refuses; ``--lossy`` leaves it out."""


def refuse_null(row: Row, *names: str) -> None:
    """Refuse a row that has nothing where its text belongs; a conversion that may leave rows out leaves it out.

    Raises:
        SkippedError: one of the fields is null.
    """
    for name in names:
        if name in row and row[name] is None:
            raise SkippedError(f"`{name}` is null", "a text in every row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The content of a row, independent of its layout.

    Two normal forms: fields of a message that are null are absent, except that ``content`` is null where a message has
    tool calls and no content; a call without a type is one of a function; tools written as JSON text are read.

    Attributes:
        messages: in order, each with ``role`` and ``content``; empty for a text. text: of a row without messages.
        rejected: messages of a worse answer. tools: the available tools. extra: all other fields. asked: how many
            messages are the prompt, which is not in the loss; None where the layout does not say.
    """

    messages: tuple[Message, ...] = ()
    text: str | None = None
    rejected: tuple[Message, ...] | None = None
    tools: object = None
    extra: Row = field(default_factory=dict)
    asked: int | None = None


@dataclass(frozen=True, slots=True)
class Emitted:
    """A row in a layout, and the fields that the layout cannot store."""

    row: Row
    lost: tuple[str, ...]


class Layout(Protocol):
    """A row format.

    Formats of other tools can be parsed only: they raise on ``emit``.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row.

        Raises:
            LayoutError: the row is not of this layout.
        """

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry; fields that the layout cannot store are dropped and named.

        Raises:
            LayoutError: the remainder would be a different row.
        """


def messages_of(value: object, where: str) -> tuple[Message, ...]:
    """A list of messages in normal form.

    Raises:
        LayoutError: it is not a list of objects with a role.
    """
    if isinstance(value, str) and value[:1] == "[":
        value = _read(value)  # CSV holds conversations as JSON text
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise LayoutError(f"`{where}` is not a list", "a list of messages with `role` and `content`")
    out = []
    for index, item in enumerate(value):
        if not isinstance(item, Mapping) or not isinstance(item.get("role"), str):
            raise LayoutError(f"`{where}[{index}]` has no role", "messages with `role` and `content`")
        plain = len(item) == 2 and isinstance(item.get("content"), str)  # most messages
        out.append(dict(item) if plain else message(dict(item)))
    return tuple(out)


def _read(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def with_system(messages: tuple[Message, ...], row: Row) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """The messages after the system message that a column holds, and the names of that column."""
    name = next((one for one in SYSTEM if isinstance(row.get(one), str) and row[one]), "")
    return ((said("system", str(row[name])), *messages), (name,)) if name else (messages, ())


def message(item: Message) -> Message:
    """A message in normal form."""
    kept = {name: value for name, value in item.items() if value is not None or name == "content"}
    if "content" not in kept:
        kept["content"] = None
    calls = kept.get("tool_calls")
    if isinstance(calls, list):
        kept["tool_calls"] = [{"type": "function", **call} if _is_call(call) else call for call in calls]
    return kept


def _is_call(call: object) -> bool:
    return isinstance(call, Mapping) and isinstance(call.get("function"), Mapping)


def said(role: str, content: str) -> Message:
    """A plain message."""
    return {"role": role, "content": content}


def tools_of(value: object) -> object:
    """Tools as a value; JSON text is parsed, empty text is none."""
    if isinstance(value, str):
        try:
            read = json.loads(value)
        except ValueError:
            return value or None
        return read if isinstance(read, (list, dict)) else value
    return value


def rest(row: Row, *taken: str) -> Row:
    """The fields of a row outside its layout."""
    return {name: value for name, value in row.items() if name not in taken}


def finished(content: Row, entry: Entry, lost: Sequence[str], reserved: tuple[str, ...]) -> Emitted:
    """A row from the layout's fields and the other ones.

    Other fields with a ``reserved`` name are lost.
    """
    clash = [name for name in entry.extra if name in reserved]
    row = content | {name: value for name, value in entry.extra.items() if name not in reserved}
    return Emitted(row, tuple(dict.fromkeys([*lost, *clash])))


def unjudged(entry: Entry, layout: str) -> tuple[Entry, list[str]]:
    """The entry without its rejected answer, and the names of what is lost.

    Only ``preference`` stores a rejected answer.

    Raises:
        LayoutError: the entry is a text and not a conversation.
    """
    if not entry.messages:
        raise LayoutError("the row is a single text", f"a conversation, or a prompt and a response, for {layout}")
    if entry.rejected is None:
        return entry, []
    return replace(entry, rejected=None), ["rejected"]


def plain_messages(messages: Sequence[Message]) -> tuple[list[Message], list[str]]:
    """Messages of role and text only, and the names of what is lost.

    Raises:
        LayoutError: a message has no text.
    """
    lost: list[str] = []
    out = []
    for item in messages:
        lost += [f"messages[].{name}" for name in item if name not in {"role", "content"}]
        content = item["content"]
        if not isinstance(content, str):
            raise LayoutError(
                f"a message of `{item['role']}` has no text", "messages with text, or the layout `messages`"
            )
        out.append(said(str(item["role"]), content))
    return out, list(dict.fromkeys(lost))


def last_answer(messages: Sequence[Message], asked: int | None = None) -> tuple[list[Message], list[Message]]:
    """The prompt, and the answer: all messages from ``asked`` on, else the last one.

    Raises:
        LayoutError: the last message is from another role.
    """
    if asked is not None and asked < len(messages):
        return [dict(item) for item in messages[:asked]], [dict(item) for item in messages[asked:]]
    if messages[-1]["role"] != "assistant":
        raise LayoutError(f"the last message is from `{messages[-1]['role']}`", "an answer of the assistant at the end")
    return [dict(item) for item in messages[:-1]], [dict(messages[-1])]
