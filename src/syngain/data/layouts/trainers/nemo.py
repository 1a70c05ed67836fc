"""NeMo: ``ChatDataset`` of NeMo Automodel (SFT), and ``PreferenceDataset`` of NeMo RL.

Contents become text: no content would be the word "None", parts are joined by spaces, images are dropped. Tools are a
list; as text they would be dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Message, Row, SkippedError
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import all_answers, messages_of_turns, read_template, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation, unparsed

if TYPE_CHECKING:
    from syngain.data.layouts.trainers.meaning import Meaning


def write_chat(meaning: Meaning) -> Written:
    """Messages and tools."""
    turns = conversation(meaning, "NeMo")
    return with_tools({"messages": messages_of_turns(turns)}, meaning), unparsed(turns)


def read_chat(row: Row) -> Meaning:
    """As ``ChatDataset`` reads a row; every answer is trained."""
    messages = row["messages"]
    normal: list[Message] = []
    for item in messages if isinstance(messages, list) else []:
        content = item.get("content")
        if isinstance(content, list):
            text = " ".join(part["text"] for part in content if isinstance(part, Mapping) and "text" in part)
        else:
            text = str(content)
        normal.append({**item, "content": text})
    tools = row.get("tools")
    return all_answers(read_template(normal, tools if isinstance(tools, list) else None))


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
