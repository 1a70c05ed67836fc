"""Layouts of conversations: ``messages``, OpenAI, Oumi and ShareGPT."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from syngain.data.layouts.entry import (
    Emitted,
    Entry,
    LayoutError,
    Message,
    Row,
    finished,
    message,
    messages_of,
    rest,
    tools_of,
    unjudged,
    with_system,
)

OPENAI_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
OPENAI_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal", "weight"})
OUMI_ROLES = frozenset({"system", "user", "assistant", "tool"})
FROM = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "observation": "tool",
    "tool": "tool",
    "function_response": "tool",
    "ipython": "tool",
}
BETWEEN = "\n</tool_response>\n<tool_response>\n"  # LLaMA-Factory, between the results of parallel calls
CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)  # and around calls after a text
CALL_TAGS = frozenset({"function_call", "tool_call"})


@dataclass(frozen=True, slots=True)
class Messages:
    """``{"messages": [{"role", "content", ...}], "tools": [...]}``: any conversation."""

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        found = messages_of(row.get("messages"), "messages")
        if not found:
            raise LayoutError("`messages` is empty", "at least one message")
        found, system = with_system(found, row)
        return Entry(messages=found, tools=tools_of(row.get("tools")), extra=rest(row, "messages", "tools", *system))

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry; only a rejected answer is lost."""
        kept, lost = unjudged(entry, "messages")
        content: Row = {"messages": [dict(item) for item in kept.messages]}
        if kept.tools is not None:
            content["tools"] = kept.tools
        return finished(content, kept, lost, ("messages", "tools"))


@dataclass(frozen=True, slots=True)
class OpenAI:
    """OpenAI's fine-tuning format: messages and tools, and no other field."""

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        return Messages().parse(row)

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry; other fields and unknown fields of messages are lost."""
        kept, lost = unjudged(entry, "openai")
        messages = []
        for item in kept.messages:
            if item["role"] not in OPENAI_ROLES:
                raise LayoutError(f"the role `{item['role']}`", f"one of {', '.join(sorted(OPENAI_ROLES))}")
            lost += [f"messages[].{name}" for name in item if name not in OPENAI_FIELDS]
            messages.append({name: value for name, value in item.items() if name in OPENAI_FIELDS})
        content: Row = {"messages": messages}
        if kept.tools is not None:
            content["tools"] = kept.tools
        return Emitted(content, tuple(dict.fromkeys([*lost, *kept.extra])))


@dataclass(frozen=True, slots=True)
class Oumi:
    """Oumi's format: ``messages`` of role and content; other fields in ``metadata``."""

    def parse(self, row: Row) -> Entry:
        """Read a row; fields of ``metadata`` become fields of the row."""
        found = messages_of(row.get("messages"), "messages")
        metadata = row.get("metadata")
        inner = dict(metadata) if isinstance(metadata, Mapping) else {}
        outer = rest(row, "messages", "metadata", "tools")
        if not found or inner.keys() & outer.keys():
            raise LayoutError(
                "no messages, or `metadata` repeats a field of the row", "conversations in the format of Oumi"
            )
        return Entry(messages=found, tools=tools_of(row.get("tools")), extra=outer | inner)

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry; tools, tool calls and further fields of messages are lost."""
        kept, lost = unjudged(entry, "oumi")
        if kept.tools is not None:
            lost.append("tools")
        messages = []
        for item in kept.messages:
            if item["role"] not in OUMI_ROLES or item["content"] is None:
                problem = (
                    f"a message of `{item['role']}` {'without content' if item['content'] is None else ''}".strip()
                )
                raise LayoutError(problem, f"content, from one of {', '.join(sorted(OUMI_ROLES))}")
            lost += [f"messages[].{name}" for name in item if name not in {"role", "content"}]
            messages.append({"role": item["role"], "content": item["content"]})
        metadata = {name: value for name, value in kept.extra.items() if name != "conversation_id"}
        content: Row = {"messages": messages, "metadata": metadata}
        if "conversation_id" in kept.extra:
            content = {"conversation_id": kept.extra["conversation_id"], **content}
        return Emitted(content, tuple(dict.fromkeys(lost)))


@dataclass(frozen=True, slots=True)
class ShareGPT:
    """ShareGPT conversations with the tags of LLaMA-Factory.

    ``{"conversations": [{"from", "value"}], "tools": "..."}``. A message with tool calls is one turn from
    ``function_call`` whose value is the JSON of the call, or of a list of calls; ids of calls are not stored. Arguments
    are objects here and texts in chat formats.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row; a ``system`` field is the first turn."""
        turns = row.get("conversations")
        if not isinstance(turns, list) or not turns:
            raise LayoutError("`conversations` is not a list of turns", "turns with `from` and `value`")
        messages = [one for index, turn in enumerate(turns) for one in _messages(turn, index)]
        if not isinstance(row.get("system"), (str, type(None))):
            raise LayoutError("`system` is not text", "the text of the system message")
        found, system = with_system(tuple(messages), row)
        extra = rest(row, "conversations", "tools", "system", *system)
        return Entry(messages=found, tools=tools_of(row.get("tools")), extra=extra)

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry; further fields of messages and calls are lost."""
        kept, lost = unjudged(entry, "sharegpt")
        content: Row = {"conversations": [sharegpt_turn(item, lost) for item in kept.messages]}
        if isinstance(kept.tools, (str, list, dict)):
            content["tools"] = kept.tools if isinstance(kept.tools, str) else json.dumps(kept.tools, ensure_ascii=False)
        elif kept.tools is not None:
            lost.append("tools")
        return finished(content, kept, lost, ("conversations", "tools", "system"))


def sharegpt_message(turn: object, index: int) -> Message:
    """A turn of ShareGPT as a message.

    Raises:
        LayoutError: it is none.
    """
    where = f"`conversations[{index}]`"
    if not isinstance(turn, Mapping):
        raise LayoutError(f"{where} is not an object", "turns with `from` and `value`")
    if "from" not in turn and isinstance(turn.get("role"), str):  # the roles and contents of unsloth and axolotl
        content = {"content": turn["value"]} if "value" in turn and "content" not in turn else {}
        kept = {name: item for name, item in turn.items() if name != "value" or not content}
        return message({**kept, **content, "role": ROLES.get(str(turn["role"]), turn["role"])})
    tag, value = turn.get("from"), turn.get("value")
    further = {name: item for name, item in turn.items() if name not in {"from", "value"} and item is not None}
    if tag in CALL_TAGS and isinstance(value, str):
        inside = CALL.search(value)
        before = value.replace(inside.group(0), "") if inside else None
        calls = _calls(inside.group(1) if inside else value, where)
        return {"role": "assistant", "content": before, "tool_calls": calls, **further}
    if not isinstance(tag, str) or tag not in ROLES:
        raise LayoutError(f"{where} is from {tag!r}", f"one of {', '.join([*FROM.values(), 'function_call'])}")
    if not isinstance(value, str) or further.keys() & {"role", "content"}:
        raise LayoutError(f"{where} has no text in `value`", "turns with `from` and `value`")
    return message({"role": ROLES[tag], "content": value, **further})


def _messages(turn: object, index: int) -> list[Message]:
    """The messages of a turn: several results in one observation are several, as LLaMA-Factory joins them."""
    found = sharegpt_message(turn, index)
    text = found["content"]
    if found["role"] == "tool" and isinstance(text, str) and BETWEEN in text:
        return [{**found, "content": part} for part in text.split(BETWEEN)]
    return [found]


def _calls(value: str, where: str) -> list[object]:
    try:
        read = json.loads(value)
    except ValueError:
        read = None
    calls = read if isinstance(read, list) else [read]
    if not calls or not all(
        isinstance(call, dict) and call.keys() <= {"name", "arguments"} and "name" in call for call in calls
    ):
        raise LayoutError(
            f"{where} is not a function call", "the JSON of an object with `name` and `arguments`, or a list"
        )
    return [{"type": "function", "function": _spelled(call)} for call in calls]


def _spelled(call: dict[str, object]) -> dict[str, object]:
    """The call with its arguments as JSON text, as in chat formats."""
    given = call.get("arguments")
    return call if not isinstance(given, dict) else {**call, "arguments": json.dumps(given, ensure_ascii=False)}


def sharegpt_turn(item: Message, lost: list[str]) -> Row:
    """A message as a turn of ShareGPT; names of what is lost are added to ``lost``.

    Raises:
        LayoutError: it has another role, or no text.
    """
    calls = item.get("tool_calls")
    if item["role"] == "assistant" and isinstance(calls, list) and calls:
        lost += [f"messages[].{name}" for name in item if name not in {"role", "content", "tool_calls"}]
        if item["content"] is not None:
            lost.append("messages[].content")
        written = [_call(call, lost) for call in calls]
        value = written[0] if len(written) == 1 else written
        return {"from": "function_call", "value": json.dumps(value, ensure_ascii=False)}
    if item["role"] not in FROM:
        raise LayoutError(f"the role `{item['role']}`", f"one of {', '.join(FROM)}")
    if not isinstance(item["content"], str):
        raise LayoutError(f"a message of `{item['role']}` has no text", "messages with text, or tool calls")
    lost += [f"messages[].{name}" for name in item if name not in {"role", "content"}]
    return {"from": FROM[str(item["role"])], "value": item["content"]}


def _call(call: object, lost: list[str]) -> Row:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(call, Mapping) or not isinstance(function, Mapping) or "name" not in function:
        raise LayoutError("a tool call without a function", "calls with `function.name` and `function.arguments`")
    lost += [f"messages[].tool_calls[].{name}" for name in call if name not in {"type", "function"}]
    if call.get("type", "function") != "function":
        lost.append("messages[].tool_calls[].type")
    further = [name for name in function if name not in {"name", "arguments"}]
    lost += [f"messages[].tool_calls[].function.{name}" for name in further]
    written = {name: function[name] for name in ("name", "arguments") if name in function}
    if "arguments" in written:
        written["arguments"] = _opened(written["arguments"], lost)
    return written


def _opened(arguments: object, lost: list[str]) -> object:
    """Arguments as a JSON object; arguments that do not round-trip are lost."""
    read = arguments
    if isinstance(arguments, str):
        try:
            read = json.loads(arguments)
        except ValueError:
            return arguments
        if not isinstance(read, dict):
            return arguments
    if isinstance(read, dict) and json.dumps(read, ensure_ascii=False) != arguments:
        lost.append("messages[].tool_calls[].function.arguments (how they are written)")
    return read
