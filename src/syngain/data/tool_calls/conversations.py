"""Conversations with tools: who calls what, and which results follow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.data.rows import Lazy
from syngain.data.tool_calls.calls import ToolCall, calls_in, calls_of, is_call, results_in
from syngain.data.tool_calls.tools import FIELDS, Tools, tools_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.data.dataset import Dataset

ROOTS = ("function", "tool", "arguments", "observation: ", "TOOL_CALLS", "python_tag")
MARKS = re.compile(
    r"\"(?:function|arguments|tool_use)\"|function_call: |(?:^|\n)(?:tool|function|observation): |<\|?tool|tool_call"
    r"|functioncall>|\[TOOL_CALLS\]|<\|python_tag\|>|<function="
)
ASSISTANTS = frozenset({"assistant", "gpt", "model", "bot", "chatgpt", "function_call", "tool_call", "function-call"})
RESULTS = frozenset({"tool", "function", "observation", "tool_response", "ipython", "function_response"})
CALLS = frozenset({"function_call", "tool_call", "function-call"})
LISTS = ("messages", "conversations")

Message = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Turn:
    """A message of a conversation.

    Attributes:
        role: ``assistant``, ``tool`` or another. calls: in it. results: for each result in it, the id of its call.
    """

    role: str
    calls: tuple[ToolCall, ...] = ()
    results: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """The tools, calls and results of a row.

    Attributes:
        tools: that the row offers; None where nothing says.
    """

    turns: tuple[Turn, ...]
    tools: Tools | None

    @property
    def ends_in_call(self) -> bool:
        """Whether the last turn of the assistant is a call."""
        last = next((turn for turn in reversed(self.turns) if turn.role == "assistant"), None)
        return last is not None and bool(last.calls)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the conversation of a row from its record; a class, so that datasets can be pickled."""

    records: Sequence[Mapping[str, object]]
    fields: tuple[str, ...]

    def __call__(self, row: int) -> Conversation:
        record = self.records[row]
        messages = _messages(record, self.fields)
        turns = tuple(_turn(message) for message in messages) if messages else tuple(self._written(record))
        return Conversation(turns, tools_of(record, "\n".join(_instructions(record, messages, self.fields))))

    def _written(self, record: Mapping[str, object]) -> Iterator[Turn]:
        """The turns of a prompt and a response that are texts."""
        response = record.get(self.fields[-1]) if self.fields else None
        for name in self.fields[:-1]:
            text = record.get(name)
            if isinstance(text, str):
                yield Turn("user", results=(None,) * results_in(text))
        if isinstance(response, str):
            tagged = calls_in(response)
            yield Turn("assistant", tagged or (calls_of(response) if self._is_call(record, response) else ()))

    def _is_call(self, record: Mapping[str, object], response: str) -> bool:
        """Whether a response is JSON of calls, or should be: it starts as JSON in a row that offers tools."""
        offered = "answers" in self.fields or any(record.get(name) for name in FIELDS)
        return is_call(response.strip()) or (offered and response.lstrip()[:1] in {"[", "{"})


def conversations(data: Dataset) -> Sequence[Conversation] | None:
    """The conversation of every row, read on demand; None where no text of the dataset shows a call."""
    if not any(_shows_call(text) for side in data.sides.values() for text in side):
        return None
    return Lazy(len(data), _Reader(data.records, data.roles.text))


def _shows_call(text: str) -> bool:
    return any(root in text for root in ROOTS) and MARKS.search(text) is not None


def _messages(record: Mapping[str, object], fields: tuple[str, ...]) -> list[Message]:
    """The messages of a row; of a prompt and a response, both."""
    parts = [found for name in fields if (found := _list(record.get(name)))]
    if not parts:
        return next((found for name in LISTS if (found := _list(record.get(name)))), [])
    if len(parts) > 1 and parts[-1][: len(parts[0])] == parts[0]:  # the response repeats the prompt
        return parts[-1]
    return [message for part in parts for message in part]


def _list(value: object) -> list[Message]:
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if not isinstance(value, (list, tuple)):
        return []
    return [item for item in value if isinstance(item, Mapping) and ("role" in item or "from" in item)]


def _turn(message: Message) -> Turn:
    role = str(message.get("role", message.get("from"))).strip().lower()
    content = message.get("content", message.get("value"))
    texts, calls, results = _content(content)
    if role in CALLS:
        return Turn("assistant", calls_of(content) if isinstance(content, (str, list, Mapping)) else calls)
    if role in ASSISTANTS:
        named = [message[name] for name in ("tool_calls", "function_call") if message.get(name)]
        calls += tuple(call for value in named for call in calls_of(value))
        return Turn("assistant", calls or tuple(call for text in texts for call in calls_in(text)))
    if role in RESULTS:
        known = message.get("tool_call_id")
        several = max(sum(map(results_in, texts)), 1)
        return Turn("tool", results=results or ((known if isinstance(known, str) and known else None),) * several)
    count = sum(map(results_in, texts)) if role in {"user", "human"} else 0
    return Turn("tool" if count or results else "user", results=results or (None,) * count)


def _content(content: object) -> tuple[list[str], tuple[ToolCall, ...], tuple[str | None, ...]]:
    """Texts, calls and results of the parts of a message."""
    if isinstance(content, str):
        return [content], (), ()
    parts = [part for part in content if isinstance(part, Mapping)] if isinstance(content, (list, tuple)) else []
    texts = [text for part in parts if isinstance(text := part.get("text", part.get("value")), str)]
    calls = [part for part in parts if part.get("type") in {"tool_use", "tool_call"}]
    named = [part.get("tool_use_id", part.get("tool_call_id")) for part in parts if part.get("type") == "tool_result"]
    return texts, calls_of(calls) if calls else (), tuple(name if isinstance(name, str) else None for name in named)


def _instructions(record: Mapping[str, object], messages: Sequence[Message], fields: tuple[str, ...]) -> Iterator[str]:
    """Texts in which tools can be written: those of the system, and prompts that are texts."""
    given = record.get("system")
    if isinstance(given, str):
        yield given
    for message in messages:
        if str(message.get("role", message.get("from"))).lower() in {"system", "developer"}:
            yield from _content(message.get("content", message.get("value")))[0]
    for name in () if messages else fields[:-1]:
        text = record.get(name)
        if isinstance(text, str):
            yield text
