"""``messages`` of Hugging Face: what ``apply_chat_template`` takes; flags of the loss stay in the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import flagged_messages, hugging_face_part, read_template, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, conversation, unparsed

if TYPE_CHECKING:
    from syngain.data.layouts.entry import Row
    from syngain.data.layouts.trainers.meaning import Meaning


def write_messages(meaning: Meaning) -> Written:
    """Messages and tools; an assistant turn outside of the loss has ``weight: 0``."""
    turns = conversation(meaning, "messages")
    row: Row = {"messages": flagged_messages(meaning, "weight", hugging_face_part)}
    return with_tools(row, meaning), unparsed(turns)


def read_messages(row: Row) -> Meaning:
    """As a chat template reads a row, and with its weights; no trainer reads a label next to ``messages``."""
    return read_template(row["messages"], row.get("tools"))


MESSAGES = Form("messages", write_messages, read_messages, frozenset({"messages", "tools"}))
HUGGING_FACE = TrainerFormat("messages", {forms.SFT: (MESSAGES,)})
