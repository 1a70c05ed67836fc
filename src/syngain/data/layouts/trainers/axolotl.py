"""axolotl: ``chat_template``, ``chat_template.default`` (DPO, ORPO), ``chatml.argilla_chat`` (KTO) and ``completion``.

A turn with ``training: false`` is not in the loss, with ``message_field_training: training`` in the configuration.
Parts of a content are joined to one text; images are read by other loaders only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from syngain.data.layouts.entry import Row, SkippedError, said
from syngain.data.layouts.trainers import forms
from syngain.data.layouts.trainers.chat import flagged_messages, read_template, with_tools
from syngain.data.layouts.trainers.forms import Form, TrainerFormat, Written, answered, conversation, one_text, unparsed
from syngain.data.layouts.trainers.meaning import Meaning, turns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.layouts.entry import Message
    from syngain.data.layouts.trainers.meaning import MeantTurn

RESERVED = frozenset({"messages", "conversations", "system", "tools", "chosen", "rejected", "completion", "prompt"})
VISION = frozenset({"images", "image"})  # a column of these turns DPO into the one of vision models


def write_chat(meaning: Meaning) -> Written:
    """Messages and tools."""
    turns = conversation(meaning, "axolotl")
    row: Row = {"messages": flagged_messages(meaning, "training")}
    return with_tools(row, meaning), unparsed(turns)


def read_chat(row: Row) -> Meaning:
    """As ChatTemplateStrategy reads a row: assistant turns are in the loss unless their flag is false.

    Raises:
        SkippedError: arguments are no JSON, which stops the loader.
    """
    messages = row["messages"]
    if unparsed(turns_of(messages if isinstance(messages, list) else [])):
        raise SkippedError("arguments of a call that are no JSON object", "arguments as an object or its JSON text")
    return read_template(messages, row.get("tools"))


def write_preference(meaning: Meaning) -> Written:
    """Messages, and one message for each answer; only role and content are read."""
    if not meaning.rejected:
        raise SkippedError("the row has no rejected answer", "two answers, one of them rejected")
    asked, answer = answered(meaning)
    row: Row = {
        "messages": _plain(asked),
        "chosen": said("assistant", one_text(answer)),
        "rejected": said("assistant", one_text(meaning.rejected)),
    }
    return row, []


def read_preference(row: Row) -> Meaning:
    """As the strategy ``chat_template.default`` for DPO reads a row."""
    asked = list(row["messages"])  # type: ignore[call-overload]
    read = read_template([*asked, row["chosen"]], asked=len(asked))
    worse = read_template([row["rejected"]], asked=0).turns
    return replace(read, rejected=worse)


def write_judged(meaning: Meaning) -> Written:
    """The whole conversation in ``completion``, and its label."""
    if meaning.liked is None:
        raise SkippedError("the row has no label that is true or false", "`label`: true or false")
    _, answer = answered(meaning)
    one_text(answer)
    return {"completion": _plain(meaning.turns), "label": meaning.liked}, []


def read_judged(row: Row) -> Meaning:
    """As ``chatml.argilla_chat`` reads a row: the last message is the answer."""
    messages = list(row["completion"])  # type: ignore[call-overload]
    return read_template(messages, asked=len(messages) - 1, extra={"label": row["label"]})


def _plain(turns: Sequence[MeantTurn]) -> list[Message]:
    return [{"role": turn.role, "content": turn.text} for turn in turns]


CHAT = Form("messages for chat_template", write_chat, read_chat, RESERVED)
COMPARED = Form("messages for chat_template.default", write_preference, read_preference, RESERVED | VISION)
JUDGED = Form("completion for chatml.argilla_chat", write_judged, read_judged, RESERVED)
AXOLOTL = TrainerFormat(
    "axolotl",
    {
        forms.SFT: (CHAT,),
        forms.PREFERENCE: (COMPARED,),
        forms.KTO: (JUDGED,),
        forms.TEXT: (forms.text_form(),),
    },
)
