"""Layouts of preferences: TRL's, ShareGPT's of LLaMA-Factory, and OpenAI's; all published shapes are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from syngain.data.columns.cells.comparisons import transcript
from syngain.data.columns.preferences import NAMES, PROMPTS
from syngain.data.layouts.chat import sharegpt_message, sharegpt_turn
from syngain.data.layouts.entry import (
    Emitted,
    Entry,
    LayoutError,
    Message,
    Row,
    finished,
    last_answer,
    messages_of,
    rest,
    said,
    tools_of,
    with_system,
)


@dataclass(frozen=True, slots=True)
class Preference:
    """TRL's ``prompt, chosen, rejected``: lists of messages, or texts.

    The prompt is removed from answers that are whole conversations. Without ``prompt``, it is the common beginning of
    both. Other names and shapes are read as well: ``messages`` or ``conversations`` with two answers, one message each,
    transcripts (``Human: ... Assistant: ...``), and OpenAI's ``preferred_output``.
    """

    def parse(self, row: Row) -> Entry:
        """Read a row; see :class:`Layout`."""
        names = named_responses(row)
        if names is None:
            raise LayoutError("no `chosen` with a `rejected`", "two answers, one of them rejected")
        field = next((name for name in PROMPTS if row.get(name) is not None), "")
        given = row.get(field)
        chosen, rejected = (_turns(row.get(name), name, alone=not field) for name in names)
        tools = given.get("tools") if isinstance(given, Mapping) and "messages" in given else row.get("tools")
        asked = _turns(given, field, alone=False) if field else shared_beginning(chosen, rejected)
        if field == "instruction" and isinstance(row.get("input"), str) and row["input"]:
            asked = (said("user", f"{given}\n{row['input']}"),)
            names = (*names, "input")
        if chosen[: len(asked)] == asked == rejected[: len(asked)]:  # whole conversations: the question once
            chosen, rejected = chosen[len(asked) :], rejected[len(asked) :]
        asked, system = with_system(asked, row)
        copied = ("messages",) if row.get("messages") == [*asked, *chosen] else ()  # UltraFeedback
        if not chosen or not rejected:
            raise LayoutError(f"`{names[0]}` or `{names[1]}` is empty", "two answers")
        return Entry(
            messages=(*asked, *chosen),
            rejected=rejected,
            tools=tools_of(tools),
            extra=rest(row, field, *names, "tools", *system, *copied),
            asked=len(asked),
        )

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry with two answers."""
        asked, answer, rejected = _compared(entry)
        content: Row = {"prompt": asked, "chosen": answer, "rejected": rejected}
        if entry.tools is not None:
            content["tools"] = entry.tools
        return finished(content, entry, [], ("prompt", "chosen", "rejected", "tools"))


@dataclass(frozen=True, slots=True)
class ShareGPTPreference(Preference):
    """LLaMA-Factory's ``conversations, chosen, rejected``: turns, and one turn for each answer."""

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry with two answers of one turn each; tools are lost."""
        asked, answer, rejected = _compared(entry)
        if len(rejected) != 1:
            raise LayoutError(f"a rejected answer of {len(rejected)} turns", "two answers of one turn each")
        lost: list[str] = [] if entry.tools is None else ["tools"]
        content: Row = {
            "conversations": [sharegpt_turn(item, lost) for item in asked],
            "chosen": sharegpt_turn(answer[0], lost),
            "rejected": sharegpt_turn(rejected[0], lost),
        }
        return finished(content, entry, lost, ("conversations", "chosen", "rejected"))


@dataclass(frozen=True, slots=True)
class OpenAIPreference(Preference):
    """OpenAI's ``input, preferred_output, non_preferred_output``."""

    def emit(self, entry: Entry) -> Emitted:
        """Write an entry with two answers."""
        asked, answer, rejected = _compared(entry)
        given: Row = {"messages": asked}
        if entry.tools is not None:
            given["tools"] = entry.tools
        content: Row = {"input": given, "preferred_output": answer, "non_preferred_output": rejected}
        return finished(content, entry, [], ("input", "preferred_output", "non_preferred_output"))


def named_responses(fields: Mapping[str, object]) -> tuple[str, ...] | None:
    """The names of the chosen and of the rejected response among these fields; None where there are none."""
    return next((names for names in NAMES if all(fields.get(name) is not None for name in names)), None)


def _compared(entry: Entry) -> tuple[list[Message], list[Message], list[Message]]:
    if entry.rejected is None or not entry.messages:
        raise LayoutError("the row has no rejected answer", "two answers, one of them rejected")
    return *last_answer(entry.messages, entry.asked), [dict(item) for item in entry.rejected]


def _turns(value: object, name: str, *, alone: bool) -> tuple[Message, ...]:
    """The messages of a field; ``alone``: no other field holds the prompt, a text may be a transcript."""
    role = "user" if name in PROMPTS else "assistant"
    if isinstance(value, str):
        return tuple(said(who, text) for who, text in transcript(value)) if alone else (said(role, value),)
    if isinstance(value, Mapping):
        return _turns(value.get("messages", [value]), name, alone=alone)
    if isinstance(value, Sequence) and value and all(isinstance(one, Mapping) and "from" in one for one in value):
        return tuple(sharegpt_message(one, index) for index, one in enumerate(value))
    return messages_of(value, name)


def shared_beginning(chosen: tuple[Message, ...], rejected: tuple[Message, ...]) -> tuple[Message, ...]:
    """The common beginning of both conversations, without their last messages."""
    most = min(len(chosen), len(rejected)) - 1
    same = next((i for i in range(most) if chosen[i] != rejected[i]), max(most, 0))
    return chosen[:same]
