"""Chat layout: tokens of the template and of the messages.

Messages never become special tokens: the content of a real row stays text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.generators.protocol import Messages

MARK = "syngain-5c1e-{}-"  # a placeholder for message content, which no template contains


class Reads(Protocol):
    """Tokens of a text."""

    def __call__(self, text: str, /) -> Sequence[int]:
        """The tokens, none of an empty text."""
        ...


def chat_tokens(
    messages: Messages, template: Callable[[list[dict[str, str]]], str], *, special: Reads, plain: Reads, name: str
) -> list[int]:
    """Tokens of messages in a chat template, up to the start of the answer.

    Args:
        messages: the messages, by role.
        template: formats messages for the model.
        special: tokenizes the template, with ``<|im_start|>`` and the like as single tokens.
        plain: tokenizes messages, where such marks are plain characters.
        name: of the model, for the error.

    Raises:
        UsageError: the template leaves a message out.
    """
    whole = template([{"role": role, "content": MARK.format(i)} for i, (role, _) in enumerate(messages)])
    ids: list[int] = []
    for i, (_, text) in enumerate(messages):
        before, mark, whole = whole.partition(MARK.format(i))
        if not mark:
            raise UsageError(
                f"the chat template of {name} drops message {i + 1}",
                expected="a template that includes every message",
                todo="leave out `system`, or set `chat: false`",
            )
        ids += [*special(before), *plain(text)]
    return [*ids, *special(whole)]


def bare_tokens(messages: Messages, start: int, *, plain: Reads) -> list[int]:
    """Tokens of messages for a model without chat template, separated by empty lines."""
    return [start, *plain("\n\n".join(text for _, text in messages) + "\n\n")]
