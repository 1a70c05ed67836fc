"""OpenAI's fine-tuning files: chats with tools and weights, and preferences.

The file is checked when it is uploaded: a refused row refuses the file. Arguments are JSON text, results name their
call, images are parts of requests, a turn of weight 0 is not in the loss.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Entry, Message, Row, SkippedError
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import message_of, name_calls, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation
from syngain.data.layouts.trainers.meaning import Meaning, meaning_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.layouts.trainers.meaning import MeantTurn

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "weight", "refusal"})
PARTS = frozenset({"text", "image_url"})


def part_of(kind: str, place: str) -> Row:
    """An image as a part; other media keep their kind, which OpenAI refuses."""
    return {"type": "image_url", "image_url": {"url": place}} if kind == "image" else {"type": kind}


def messages_written(turns: Sequence[MeantTurn], loss: Sequence[bool], lost: list[str]) -> list[Message]:
    """Messages whose calls have ids, which results name; names of fields that are not allowed are added to ``lost``."""
    ids: list[str] = []
    out = []
    for turn, trained in zip(turns, loss, strict=False):
        out_of_loss = turn.role == "assistant" and not trained
        made = message_of(turn, part_of, untrained="weight" if out_of_loss else "", text_arguments=True)
        if turn.of.get("role") == "developer":
            made["role"] = "developer"
        name_calls(made, turn, ids)
        if turn.calls and not turn.text and not turn.media:
            del made["content"]
        if turn.of.get("weight") == 1 and trained:
            made["weight"] = 1
        lost += [f"messages[].{name}" for name in made if name not in FIELDS and name != "reasoning_content"]
        out.append({name: value for name, value in made.items() if name in FIELDS})
    return out


def write_chat(meaning: Meaning) -> Written:
    """A chat."""
    lost: list[str] = []
    row: Row = {"messages": messages_written(conversation(meaning, "OpenAI"), meaning.loss, lost)}
    return with_tools(row, meaning), lost


def read_chat(row: Row) -> Meaning:
    """As the documentation of fine-tuning states.

    Raises:
        SkippedError: the file would be refused.
    """
    messages = row["messages"]
    listed: list[Message] = messages if isinstance(messages, list) else []
    _check(listed)
    if not listed or listed[-1]["role"] != "assistant":
        raise SkippedError("the last message is not from the assistant", "an answer of the assistant at the end")
    return meaning_of(Entry(messages=tuple(listed), tools=row.get("tools")))[0]


def _check(messages: Sequence[Message]) -> None:
    waiting: list[object] = []
    for item in messages:
        if item["role"] not in ROLES:
            raise SkippedError(f"a message of `{item['role']}`", f"messages of {', '.join(sorted(ROLES))}")
        content = item.get("content")
        for part in content if isinstance(content, list) else []:
            if part.get("type") not in PARTS or (part["type"] == "image_url" and item["role"] != "user"):
                what = f"a part of type `{part.get('type')}` in a message of `{item['role']}`"
                raise SkippedError(what, "texts, and images in requests")
        if item["role"] == "tool":
            if item.get("tool_call_id") not in waiting:
                raise SkippedError("a tool result without a call before it", "results after the call that they answer")
            waiting.remove(item["tool_call_id"])
        elif waiting:
            raise SkippedError("a call without its result", "one result for each call before the next turn")
        calls = item.get("tool_calls")
        waiting += [call["id"] for call in calls] if isinstance(calls, list) else []


def write_preference(meaning: Meaning) -> Written:
    """Input, preferred and non-preferred output: one message each."""
    if not meaning.rejected:
        raise SkippedError("the row has no rejected answer", "two answers, one of them rejected")
    asked, answer = answered(meaning)
    if len(answer) != 1 or len(meaning.rejected) != 1 or answer[0].calls or meaning.rejected[0].calls:
        raise SkippedError("an answer that is more than one text", "two answers of one message with text")
    lost: list[str] = []
    given = with_tools({"messages": messages_written(asked, [True] * len(asked), lost)}, meaning)
    outputs = [{"role": "assistant", "content": one.text} for one in (answer[0], meaning.rejected[0])]
    row: Row = {"input": given, "preferred_output": outputs[:1], "non_preferred_output": outputs[1:]}
    return row, lost


def read_preference(row: Row) -> Meaning:
    """As the documentation of preference fine-tuning states."""
    given = row["input"]
    asked: list[Message] = list(given["messages"])  # type: ignore[index]
    _check(asked)
    entry = Entry(
        messages=(*asked, *row["preferred_output"]),  # type: ignore[misc]
        rejected=tuple(row["non_preferred_output"]),  # type: ignore[arg-type]
        tools=given.get("tools"),  # type: ignore[attr-defined]
        asked=len(asked),
    )
    read = meaning_of(entry)[0]
    return replace(read, answer=len(asked))


CHAT = Form("messages", write_chat, read_chat, others="")
COMPARED = Form("input, preferred and non-preferred output", write_preference, read_preference, others="")
OPENAI = TrainerFormat("OpenAI", {forms.SFT: (CHAT,), forms.PREFERENCE: (COMPARED,)}, (".jsonl",))
OPENAI_PREFERENCE = TrainerFormat("OpenAI", {forms.PREFERENCE: (COMPARED,)}, (".jsonl",))
