"""Convert the cells of a preference row to prompt, chosen and rejected response.

Published rows differ in what holds the prompt: a field of its own, the common beginning of two conversations, or the
beginning of two transcripts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from syngain.data.columns.content import BadCellError, joined, rendered, turns_of, words_of
from syngain.data.columns.values import parsed
from syngain.data.rows import type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.data.columns.content import Turn

LONG = 20  # characters of a prompt that both responses repeat before they begin
EXPECTED = "a text, a message or a list of messages"
SPEAKERS = {"human": "user", "user": "user", "system": "system", "assistant": "assistant", "ai": "assistant"}
SPEAKER = re.compile(r"(?:\A\s*|\n\n)(Human|User|System|Assistant|AI): ?")
ANSWER_AFTER = re.compile(  # where the response begins in a prompt template
    r"<\|im_start\|>assistant\n|<\|assistant\|>\n?|<\|start_header_id\|>assistant<\|end_header_id\|>\s*"
    r"|<start_of_turn>model\n|\[/INST\] ?|###? ?(?:Response|Assistant|Answer):\s*|\n(?:Assistant|ASSISTANT|Answer): ?"
)


def compared(cells: Sequence[object]) -> tuple[str, str, str, str]:
    """Prompt, chosen response, rejected response, and the prompt of the rejected one.

    The cells are those of the prompt (none, or several), then of both responses.

    Raises:
        BadCellError: a cell holds no text, or there is no prompt although a field is named.
    """
    *given, chosen, rejected = cells
    last, alone = len(given), not any(cell not in (None, "") for cell in given)
    better, worse = _side(chosen, last, alone=alone), _side(rejected, last + 1, alone=alone)
    own, other, better, worse = _split(better, worse)
    if alone:
        if given and not (own or other):
            raise BadCellError(0, f"is {type_name(given[0])}" if given[0] != "" else "is empty")
        prompt, beside = rendered(own), rendered(other) if own != other else rendered(own)
    else:
        prompt = beside = joined([_asked(cell, place, better) for place, cell in enumerate(given)])
        if own and other and own != other:
            prompt, beside = rendered(own), rendered(other)
    first, second = rendered(better), rendered(worse)
    whole = len(prompt) >= LONG and all(len(one) > len(prompt) and one.startswith(prompt) for one in (first, second))
    if whole and not alone:
        first, second = first[len(prompt) :].lstrip(), second[len(prompt) :].lstrip()
    return prompt, first, second, prompt if beside == prompt else beside


def _side(cell: object, position: int, *, alone: bool) -> list[Turn]:
    """The turns of one side, the assistant last; ``alone``: no other field holds the prompt."""
    messages = _messages(cell)
    if messages is None:
        if not isinstance(cell, str):
            raise BadCellError(position, f"is {type_name(cell)}", EXPECTED)
        return transcript(cell) if alone else [("assistant", cell)]
    turns = turns_of(messages, position)
    if isinstance(cell, Mapping) and len(turns) == 1:
        return [("assistant", turns[0][1])]
    while turns and turns[-1][0] != "assistant":
        turns.pop()
    if not turns:
        raise BadCellError(position, "has no assistant message", "a conversation with an assistant message")
    return turns


def _messages(cell: object) -> list[object] | None:
    """The messages of a cell: a list, one message, an object with ``messages``, or JSON text of these."""
    if isinstance(cell, str):
        if cell[:1] not in {"[", "{"}:
            return None
        read = parsed(cell)
        whole = read if isinstance(read, list) else [read]
        if not whole or not all(isinstance(one, Mapping) and "content" in one for one in whole):
            return None
        cell = read
    if isinstance(cell, Mapping):
        inner = cell.get("messages")
        return inner if isinstance(inner, list) else [cell]
    return cell if isinstance(cell, list) else None


def transcript(text: str) -> list[Turn]:
    """The turns of a transcript (``Human: ... Assistant: ...``) or of a filled prompt template; else one response."""
    marks = list(SPEAKER.finditer(text))
    if marks and not text[: marks[0].start()].strip() and any(SPEAKERS[m[1].lower()] == "assistant" for m in marks):
        ends = [mark.start() for mark in marks[1:]] + [len(text)]
        turns = [(SPEAKERS[m[1].lower()], text[m.end() : end].strip()) for m, end in zip(marks, ends, strict=True)]
        while turns[-1][0] != "assistant":
            turns.pop()
        return turns
    found = list(ANSWER_AFTER.finditer(text))
    if found:
        return [("user", text[: found[-1].end()].strip()), ("assistant", text[found[-1].end() :])]
    return [("assistant", text)]


def _split(better: list[Turn], worse: list[Turn]) -> tuple[list[Turn], list[Turn], list[Turn], list[Turn]]:
    """The prompts of both sides, and what is compared: all from where both answer the same turns differently."""
    most = min(len(better), len(worse)) - 1
    same = next((i for i in range(most) if better[i] != worse[i]), most)
    if better[same][0] == worse[same][0] == "assistant":
        return better[:same], worse[:same], better[same:], worse[same:]
    return better[:-1], worse[:-1], better[-1:], worse[-1:]


def _asked(cell: object, position: int, better: Sequence[Turn]) -> str:
    """The text of a field of the prompt; a conversation without the chosen response at its end."""
    if isinstance(cell, Mapping) and not {"role", "from", "messages"} & cell.keys():
        return words_of(cell, position)
    messages = _messages(cell)
    if messages is None:
        if cell is None or isinstance(cell, str):
            return cell or ""
        raise BadCellError(position, f"is {type_name(cell)}", EXPECTED)
    turns = turns_of(messages, position)
    if len(turns) > 1 and turns[-1] == better[-1]:
        turns = turns[:-1]
    return rendered(turns)
