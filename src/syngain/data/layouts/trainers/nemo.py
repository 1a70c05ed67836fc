"""NeMo: ``ChatDataset`` of NeMo Automodel (SFT), and ``PreferenceDataset`` of NeMo RL.

Contents become text: parts are joined by spaces, images are dropped. A tool result names its call. Arguments reach the
chat template as JSON text, whatever the file has: a template that encodes text once more is wrong for NeMo.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Message, Row, SkippedError
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import all_answers, messages_of_turns, name_calls, read_template, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation, unparsed

if TYPE_CHECKING:
    from syngain.data.layouts.trainers.meaning import Meaning


def write_chat(meaning: Meaning) -> Written:
    """Messages and tools."""
    turns = conversation(meaning, "NeMo")
    ids: list[str] = []
    messages = messages_of_turns(turns)
    for message, turn in zip(messages, turns, strict=True):
        name_calls(message, turn, ids)
    return with_tools({"messages": messages}, meaning), unparsed(turns)


def read_chat(row: Row) -> Meaning:
    """As ``ChatDataset`` reads a row; every answer is trained."""
    messages = row["messages"]
    normal: list[Message] = []
    for item in messages if isinstance(messages, list) else []:
        content = item.get("content")
        if isinstance(content, list):
            text = " ".join(part["text"] for part in content if isinstance(part, Mapping) and "text" in part)
        else:
            text = "" if content is None else str(content)
        if item["role"] == "tool" and not (isinstance(item.get("tool_call_id"), str) and item["tool_call_id"]):
            raise SkippedError("a tool result without `tool_call_id`", "results that name their call")
        normal.append({**item, "content": text})
    return all_answers(read_template(normal, row.get("tools")))


def write_preference(meaning: Meaning) -> Written:
    """The context, and the completions by rank, the better one first."""
    if not meaning.rejected:
        raise SkippedError("the row has no rejected answer", "two answers, one of them rejected")
    asked, answer = answered(meaning)
    ranked = [messages_of_turns(answer), messages_of_turns(meaning.rejected)]
    row: Row = {
        "context": messages_of_turns(asked),
        "completions": [{"rank": rank, "completion": one} for rank, one in enumerate(ranked)],
    }
    return with_tools(row, meaning), unparsed((*meaning.turns, *meaning.rejected))


def read_preference(row: Row) -> Meaning:
    """As ``PreferenceDataset`` reads a row; tools are not read."""
    asked = list(row["context"])  # type: ignore[call-overload]
    ranked = sorted(row["completions"], key=lambda one: int(one["rank"]))  # type: ignore[call-overload]
    read = read_template([*asked, *ranked[0]["completion"]], asked=len(asked))
    return replace(read, rejected=read_template(ranked[1]["completion"], asked=0).turns)


CHAT = Form("messages", write_chat, read_chat, frozenset({"messages", "tools"}))
COMPARED = Form("context and completions", write_preference, read_preference, frozenset({"tools", "task_name"}))
NEMO = TrainerFormat(
    "NeMo",
    {forms.SFT: (CHAT,), forms.PREFERENCE: (COMPARED,)},
    (".jsonl", ".ndjson", ".json", ".parquet"),
)
