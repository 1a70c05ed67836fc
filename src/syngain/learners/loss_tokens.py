"""Which tokens of a row are trained on: its response, every assistant turn, or all.

One setting, ``CausalProxy.loss``, for every training run of a language model. Scores are of the response whatever is
trained on, so that runs with different settings are comparable.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

LossTokens: TypeAlias = Literal["completion", "assistant", "all"]
LOSSES: dict[str, str] = {
    "completion": "the tokens of the response",
    "assistant": "the tokens of every assistant turn, those in the prompt included",
    "all": "all tokens, those of prompt and chat template included",
}
Span: TypeAlias = "tuple[int, int]"
"""First position, and the one after the last."""

_ROLE = re.compile(r"^(system|developer|user|assistant|tool|function|function_call|tool_call): ", re.MULTILINE)
_SAID = frozenset({"assistant", "function_call", "tool_call"})


def loss_sentence(loss: str) -> str:
    """The sentence of a report on the setting."""
    return f"Trained on {LOSSES[loss]} (--loss {loss}); losses are measured on the response."


def assistant_turns(prompt: str) -> list[Span]:
    """Characters of the assistant turns in a prompt that is a conversation.

    A conversation begins with a role and has several: ``user: ...`` and ``assistant: ...`` in lines, as conversations
    are read. Other prompts have no such turn.
    """
    marks = list(_ROLE.finditer(prompt))
    if len(marks) < 2 or marks[0].start() > 0:
        return []
    ends = [mark.start() - 1 for mark in marks[1:]] + [len(prompt)]  # without the line break between turns
    return [(mark.end(), end) for mark, end in zip(marks, ends, strict=True) if mark.group(1) in _SAID]


def tokens_of(turns: Sequence[Span], ends: Sequence[int], first: int) -> tuple[Span, ...]:
    """Spans of the tokens whose last character is in a turn.

    Args:
        turns: spans in characters.
        ends: of each token, in characters.
        first: the position of the first token.
    """
    spans = []
    for start, end in turns:
        inside = [first + at for at, last in enumerate(ends) if start < last <= end]
        if inside:
            spans.append((inside[0], inside[-1] + 1))
    return tuple(spans)
