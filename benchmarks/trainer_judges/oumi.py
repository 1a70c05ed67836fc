"""Oumi: the class ``Conversation``."""

from __future__ import annotations

import json
from pathlib import Path

from trainer_judges.common import refused


def readings(job: dict, path: str) -> list[dict]:
    """The class ``Conversation``."""
    from oumi.core.types.conversation import Conversation

    out = []
    for line in Path(job["file"]).read_text(encoding="utf-8").splitlines():
        try:
            read = Conversation.model_validate(json.loads(line))
        except Exception as error:  # noqa: BLE001
            out.append(refused(error))
            continue
        turns = []
        for message in read.messages:
            text = "".join((item.content or "") if item.is_text() else "" for item in message.content_items)
            if message.reasoning_content:
                text = f"<think>\n{message.reasoning_content}\n</think>\n\n{text}"
            calls = [[call.function.name, call.function.arguments] for call in message.tool_calls or []]
            role = message.role.value
            turns.append({"role": role, "text": text, "calls": calls, "trained": role == "assistant"})
        out.append({"turns": turns})
    return out
