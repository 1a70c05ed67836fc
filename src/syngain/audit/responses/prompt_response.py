"""Prompts and responses as the detectors of bad responses see them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from syngain.data.blocks import row_values
from syngain.data.text import near_duplicates
from syngain.data.text.words import words as tokens
from syngain.data.tool_calls.problems import call_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.arrays import Ints
    from syngain.data.tool_calls.conversations import Conversation

FENCE = re.compile(r"^[ \t]*(```+|~~~+)[^\n`]*\n.*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`[^`\n]*`|\$\$.*?\$\$|(?<![\w$])\$(?![\d\s])[^$\n]*\$", re.DOTALL)
LAST_USER = re.compile(r"(?:^|\n)user: ")
THOUGHT = r"think|thinking|thought|thoughts|reasoning|reason|analysis|scratchpad|reflection|plan"
CLOSED = re.compile(rf"</(?:{THOUGHT})>|\[/THINK\]|<\|end_of_thought\|>|<\|/think\|>|◁/think▷", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
BEGINNING, ENOUGH = 160, 4  # characters of a response in which its first tokens are, and how many are needed
LONG = 20_000  # characters of a response that are looked at: its first and last halves

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Response:
    """A response with its prompt.

    Attributes:
        prompt, text: both sides, without white space around them. conversation: with tools, where there are some.
    """

    prompt: str
    text: str
    conversation: Conversation | None = None

    @classmethod
    def of(cls, prompt: str, response: str, conversation: Conversation | None = None) -> Response:
        """The answer of a row; the middle of very long texts is left out."""
        return cls(_bounded(prompt).strip(), _bounded(response).strip(), conversation)

    @cached_property
    def has_digits(self) -> bool:
        """Whether there is a digit on either side."""
        return _DIGIT.search(self.text) is not None or _DIGIT.search(self.prompt) is not None

    @property
    def is_call(self) -> bool:
        """Whether the response is a tool call and no text for a reader."""
        return self.conversation is not None and self.conversation.ends_in_call

    @cached_property
    def call_problems(self) -> frozenset[str]:
        """What is wrong with the tool calls of the row."""
        return frozenset() if self.conversation is None else call_problems(self.conversation)

    @cached_property
    def final(self) -> str:
        """The response after its last closed reasoning; the whole response where it has none."""
        ends = [match.end() for match in CLOSED.finditer(self.text)] if "<" in self.text or "[" in self.text else []
        return self.text[ends[-1] :].strip() if ends else self.text

    @cached_property
    def prose(self) -> str:
        """The final response without code fences."""
        return FENCE.sub("\n", self.final) if "```" in self.final or "~~~" in self.final else self.final

    @cached_property
    def plain(self) -> str:
        """The prose without inline code and formulas."""
        return INLINE.sub(" ", self.prose) if "`" in self.prose or "$" in self.prose else self.prose

    @cached_property
    def tokens(self) -> list[str]:
        """Words in lower case; characters in scripts that have no spaces."""
        return tokens(self.final)

    @cached_property
    def first_tokens(self) -> list[str]:
        """The first tokens, at least four where the response has so many; the last one may be a part of a word."""
        found = tokens(self.final[:BEGINNING]) if len(self.final) > BEGINNING else []
        return found if len(found) > ENOUGH else self.tokens

    @cached_property
    def asked_tokens(self) -> list[str]:
        """The tokens of the last turn of the prompt."""
        return tokens(self.asked)

    @cached_property
    def asked(self) -> str:
        """The last turn of the prompt."""
        turns = LAST_USER.split(self.prompt) if "user: " in self.prompt else [self.prompt]
        return turns[-1].strip()


@dataclass(frozen=True)
class Responses:
    """The prompts and responses of one dataset, with what several detectors need.

    Attributes:
        conversations: of all rows, where some have tool calls.
    """

    prompts: Sequence[str]
    responses: Sequence[str]
    conversations: Sequence[Conversation] | None = None
    _known: dict[Callable[[Response], object], object] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.responses)

    def take(self, rows: Sequence[int]) -> Responses:
        """The same rows, only some of them."""
        called = self.conversations
        return Responses(
            [self.prompts[row] for row in rows],
            [self.responses[row] for row in rows],
            None if called is None else [called[row] for row in rows],
        )

    def answer(self, row: int) -> Response:
        """The answer of one row."""
        conversation = None if self.conversations is None else self.conversations[row]
        return Response.of(self.prompts[row], self.responses[row], conversation)

    def values(self, compute: Callable[[Response], Sequence[int]]) -> Ints:
        """Integers of every row, from its own text alone (n, k); computed once for each ``compute``."""
        if compute not in self._known:
            self._known[compute] = self._values(compute)
        found = self._known[compute]
        assert isinstance(found, np.ndarray)  # noqa: S101  (written by the line above)
        return found

    def prepare(self, computes: Sequence[Callable[[Response], Sequence[int]]]) -> None:
        """Compute the values of several functions in one pass over the rows."""
        missing = [compute for compute in computes if compute not in self._known]
        if not missing or not len(self):
            return
        widths = [len(compute(self.answer(0))) for compute in missing]
        found = self._values(lambda answer: [value for compute in missing for value in compute(answer)])
        ends = np.cumsum(widths).tolist()
        for compute, end, width in zip(missing, ends, widths, strict=True):
            self._known[compute] = found[:, end - width : end]

    def _values(self, compute: Callable[[Response], Sequence[int]]) -> Ints:
        def block(part: slice) -> list[Sequence[int]]:
            found = repeat(None) if self.conversations is None else self.conversations[part]
            rows = zip(self.prompts[part], self.responses[part], found, strict=False)
            return [compute(Response.of(prompt, response, conversation)) for prompt, response, conversation in rows]

        return row_values(block, len(self), np.int64)

    @cached_property
    def prompt_codes(self) -> Ints:
        """An integer per row, equal for equal prompts (n,)."""
        return near_duplicates.codes(self.prompts)


def _bounded(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG // 2] + text[-LONG // 2 :]
