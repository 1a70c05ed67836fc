"""unsloth: ``conversations`` as ``standardize_data_formats`` reads them; other stages and tools as TRL reads them."""

from __future__ import annotations

from dataclasses import replace

from syngain.data.layouts.entry import Row, SkippedError
from syngain.data.layouts.trainers import forms, trl
from syngain.data.layouts.trainers.chat import read_template
from syngain.data.layouts.trainers.forms import Form, Written, conversation
from syngain.data.layouts.trainers.meaning import KNOWN, Meaning

ROLES = frozenset({"system", "user", "assistant"})


def write_conversations(meaning: Meaning) -> Written:
    """Turns of role and content, both text."""
    turns = conversation(meaning, "unsloth")
    lost = [f"messages[].{name}" for turn in turns for name in turn.of if name not in KNOWN]
    return {"conversations": [{"role": turn.role, "content": turn.text} for turn in turns]}, lost


def read_conversations(row: Row) -> Meaning:
    """Text turns; every answer is trained (``train_on_responses_only``)."""
    turns = row["conversations"]
    for turn in turns if isinstance(turns, list) else []:
        if turn["role"] not in ROLES:
            raise SkippedError(f"a turn of `{turn['role']}`", "system, user and assistant turns with text")
    read = read_template(turns)
    if not any(turn.role == "assistant" for turn in read.turns):
        raise SkippedError("no turn of the assistant", "an assistant turn, which is what is trained")
    return read


CONVERSATIONS = Form("conversations", write_conversations, read_conversations, trl.RESERVED)
UNSLOTH = replace(trl.TRL, title="unsloth", forms={**trl.TRL.forms, forms.SFT: (CONVERSATIONS, trl.MESSAGES)})
