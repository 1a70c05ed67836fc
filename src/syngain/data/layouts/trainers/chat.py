"""Messages as chat templates of tokenizers read them: calls with objects, text parts joined, images as parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Entry, Message, Row, SkippedError
from syngain.data.layouts.trainers.meaning import KNOWN, Meaning, MeantTurn, meaning_of
from syngain.data.layouts.trainers.message_content import opened

if TYPE_CHECKING:
    from syngain.data.layouts.trainers.message_content import Media

TEMPLATE_ROLES = frozenset({"system", "user", "assistant", "tool"})
ShowMedia = Callable[[str, str], Row]  # a part from its kind and place


def hugging_face_part(kind: str, place: str) -> Row:
    """A part as the processors of transformers take it: data as base64, else a URL or a path."""
    if not place:
        return {"type": kind}
    if place.startswith("data:"):
        return (
            {"type": kind, "base64": place.partition("base64,")[2]} if kind == "image" else {"type": kind, "url": place}
        )
    return {"type": kind, "url" if "://" in place else "path": place}


def placeholder(kind: str, place: str) -> Row:  # noqa: ARG001  (one signature for all parts)
    """A part without its content, which a column of the row holds."""
    return {"type": kind}


def message_of(
    turn: MeantTurn, show: ShowMedia | None = None, *, untrained: str = "", text_arguments: bool = False
) -> Message:
    """A turn as a message.

    Args:
        turn: the turn.
        show: writes a part that is no text; None leaves such parts out.
        untrained: the field that takes the turn out of the loss; empty for none.
        text_arguments: whether arguments of calls are JSON text, as OpenAI has them; else objects.
    """
    of = turn.of
    if len(of) == 2 and not turn.media and not untrained:
        return (
            of if of["role"] == turn.role and of["content"] == turn.text else {"role": turn.role, "content": turn.text}
        )
    out: Message = {"role": turn.role, "content": _content(turn.text, turn.media, show)}
    if turn.thought:
        out["reasoning_content"] = turn.thought
    if turn.calls:
        out["tool_calls"] = _calls(turn, text_arguments=text_arguments)
    if of.get("tool_call_id") is not None:
        out["tool_call_id"] = of["tool_call_id"]
    if untrained:
        out[untrained] = 0 if untrained == "weight" else False
    out.update({name: value for name, value in of.items() if name not in KNOWN and name not in out})
    return out


def name_calls(message: Message, turn: MeantTurn, ids: list[str]) -> None:
    """Give the calls of a message ids, and a result the id of its call; ``ids`` are those of the calls so far."""
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        call.setdefault("id", f"call_{len(ids)}")
        ids.append(str(call["id"]))
    if turn.role == "tool" and 0 <= turn.answers < len(ids):
        message["tool_call_id"] = ids[turn.answers]


def messages_of_turns(turns: Sequence[MeantTurn], show: ShowMedia | None = None) -> list[Message]:
    """Turns as messages; see :func:`message_of`."""
    return [message_of(turn, show) for turn in turns]


def flagged_messages(meaning: Meaning, flag: str, show: ShowMedia | None = None) -> list[Message]:
    """Turns as messages; those of the assistant that are not in the loss have a flag."""
    return [
        message_of(turn, show, untrained=flag if turn.role == "assistant" and not trained else "")
        for turn, trained in zip(meaning.turns, meaning.loss, strict=True)
    ]


def _content(text: str, media: tuple[Media, ...], show: ShowMedia | None) -> object:
    if not media or show is None:
        return text
    parts: list[Row] = []
    done = 0
    for kind, place, at in media:
        if at > done:
            parts.append({"type": "text", "text": text[done:at]})
            done = at
        parts.append(json.loads(place) if kind.startswith("part") else show(kind, place))
    if done < len(text):
        parts.append({"type": "text", "text": text[done:]})
    return parts


def _calls(turn: MeantTurn, *, text_arguments: bool) -> list[Row]:
    given = turn.of.get("tool_calls")
    ids = [call.get("id") if isinstance(call, Mapping) else None for call in given] if isinstance(given, list) else []
    out = []
    for place, (name, arguments) in enumerate(turn.calls):
        call: Row = {"id": ids[place]} if place < len(ids) and ids[place] is not None else {}
        value = opened(arguments)
        if text_arguments and not isinstance(value, str):
            value = arguments
        out.append({**call, "type": "function", "function": {"name": name, "arguments": value}})
    return out


def read_template(
    messages: object, tools: object = None, *, asked: int | None = None, extra: Row | None = None
) -> Meaning:
    """What a chat template makes of messages.

    Raises:
        SkippedError: it has no words for a role.
    """
    if not isinstance(messages, list) or not messages:
        raise SkippedError("there are no messages", "at least one message")
    for item in messages:
        if item["role"] not in TEMPLATE_ROLES:
            raise SkippedError(f"a message of `{item['role']}`", f"messages of {', '.join(sorted(TEMPLATE_ROLES))}")
    entry = Entry(messages=tuple(messages), tools=tools, extra=extra or {}, asked=asked)
    return meaning_of(entry, rendered=True)[0]


def with_tools(row: Row, meaning: Meaning) -> Row:
    """The row with the tools of a conversation, as objects."""
    if meaning.tools:
        row["tools"] = opened(meaning.tools)
    return row


def all_answers(read: Meaning) -> Meaning:
    """The meaning for a trainer that trains every turn of the assistant."""
    return replace(read, loss=tuple([turn.role == "assistant" for turn in read.turns]))
