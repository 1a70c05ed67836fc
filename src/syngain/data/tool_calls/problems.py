"""What is wrong with tool calls: JSON, unknown tools, arguments against their schema, results without their call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.data.tool_calls.arguments import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.data.tool_calls.calls import ToolCall
    from syngain.data.tool_calls.conversations import Conversation
    from syngain.data.tool_calls.tools import Tools

JSON, TOOL, RESULT = "json", "tool", "result"


def call_problems(conversation: Conversation) -> frozenset[str]:
    """What is wrong with the calls and results of a row."""
    found: set[str] = set()
    tools = conversation.tools
    if tools is not None and tools.broken:
        found.add(JSON)
    for turn in conversation.turns:
        for call in turn.calls:
            found |= set(_of_call(call, tools))
    if not _results_match(conversation):
        found.add(RESULT)
    return frozenset(found)


def _of_call(call: ToolCall, tools: Tools | None) -> Iterator[str]:
    if call.broken:
        yield JSON
    if tools is None or tools.broken or call.name is None:
        return
    schema = tools.schemas.get(call.name)
    if schema is None:
        yield TOOL
    elif call.judged and call.arguments is not None:
        yield from problems(call.arguments, schema)


def _results_match(conversation: Conversation) -> bool:
    """Whether every result follows its call, and every call but those at the end has one.

    Results name calls by id where both have ids; else one message may hold the results of all open calls.
    """
    waiting: list[str | None] = []
    answered = False
    for turn in conversation.turns:
        if turn.role == "tool":
            for result in turn.results:
                if result is not None and None not in waiting:
                    if result not in waiting:
                        return False
                    waiting.remove(result)
                elif not waiting and not answered:
                    return False
                else:
                    waiting, answered = [], True
            continue
        if waiting:
            return False
        waiting, answered = [call.id for call in turn.calls], False
    return True
