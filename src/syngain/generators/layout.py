"""What a model in this process is given: the words of its chat template, and between them what the messages say.

Messages are never read as special tokens: what an anchor says stays text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.generators.protocol import Messages

MARK = "syngain-5c1e-{}-"  # a stand-in for what a message says, which no template writes itself


class Reads(Protocol):
    """Tokens of a text."""

    def __call__(self, text: str, /) -> Sequence[int]:
        """The tokens, none of an empty text."""
        ...


def chat_tokens(
    messages: Messages, template: Callable[[list[dict[str, str]]], str], *, special: Reads, plain: Reads, name: str
) -> list[int]:
    """The tokens of messages laid out by a chat template that ends where the answer begins.

    Args:
        messages: who says what.
        template: writes messages as the model wants them.
        special: reads the template's own words, ``<|im_start|>`` and the like as single tokens.
        plain: reads what a message says, in which they are only characters.
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
    """The tokens of messages for a model without a chat template: an empty line after each."""
    return [start, *plain("\n\n".join(text for _, text in messages) + "\n\n")]
