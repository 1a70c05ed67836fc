"""Rows as tokens for a causal language model: context, then scored tokens.

Of a pair the response with its end token is scored, of a text all tokens. Prompt and response are formatted by the
model's chat template if it has one, else separated by an empty line. Which tokens are trained on is one setting for
every training run, ``CausalProxy.loss``; scores are of the response whatever it is, so that runs are comparable.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from syngain.core.errors import InputError
from syngain.core.optional import require
from syngain.data.columns.roles import Kind
from syngain.models.checkpoints import EXTRA, reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Flags, Ints
    from syngain.data.dataset import Dataset
    from syngain.models.checkpoints import Library, Tokenizer

ASKED, SAID = "syngain-7f3a-asked", "syngain-7f3a-said"  # placeholders that no template contains
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


@dataclass(frozen=True, slots=True)
class Completion:
    """One row in tokens.

    Attributes:
        ids: context, then scored tokens. start: position of the first scored token, at least 1.
        size: UTF-8 bytes of the scored text. cut: whether prompt or response were truncated.
        taught: positions before ``start`` that are trained on as well, never scored.
    """

    ids: tuple[int, ...]
    start: int
    size: int
    cut: bool
    taught: tuple[Span, ...] = ()

    @property
    def scored(self) -> int:
        """Number of scored tokens."""
        return len(self.ids) - self.start

    @property
    def trained(self) -> int:
        """Number of tokens that are trained on."""
        return self.scored + sum(end - first for first, end in self.taught)


@dataclass(frozen=True, slots=True)
class CompletionLayout:
    """Template text around prompt and response.

    Attributes:
        head: before the prompt. middle: between prompt and response. end: token ids after the response, scored.
        first: token ids before everything.
    """

    head: str
    middle: str
    end: tuple[int, ...]
    first: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Tokenizes rows to :class:`Completion`, with at most ``max_tokens`` each.

    A prompt may take half of the tokens that the layout leaves, and more where the response is short; the rest is
    truncated at its end. A truncated response has no end token. ``loss`` says which tokens are trained on.
    """

    tokenizer: Tokenizer
    layout: CompletionLayout
    max_tokens: int
    loss: LossTokens = "completion"

    @classmethod
    def of(
        cls, tokenizer: Tokenizer, kind: Kind, *, max_tokens: int, chat: bool, loss: LossTokens = "completion"
    ) -> Reader:
        """The reader of rows of one kind.

        Raises:
            InputError: for a table, for a template that loses prompt or response, or that fills the tokens by itself.
        """
        if kind is Kind.TABLE:
            raise InputError(
                "the rows are a table of columns",
                expected="texts, or pairs of prompt and response, for a language model",
                todo="name the fields: --text prompt+response",
            )
        pairs = kind is Kind.PAIR
        templated = pairs and chat and getattr(tokenizer, "chat_template", None)
        layout = _chat_layout(tokenizer) if templated else _plain_layout(tokenizer, "\n\n" if pairs else "")
        reader = cls(tokenizer, layout, max_tokens, loss)
        fixed = len(reader.context("")) + len(layout.end)
        if fixed + 8 > max_tokens:
            raise InputError(
                f"the chat template alone uses {fixed} of max_tokens = {max_tokens}",
                expected="tokens left for prompt and response",
                todo=f"raise max_tokens to at least {fixed + 64}",
            )
        return reader

    def read(self, prompt: str, response: str) -> Completion:
        """Tokenize one row; the prompt of a text is empty."""
        room = self.max_tokens - len(self.context("")) - len(self.layout.end)
        (asked, ends_asked), (said, ends) = self._spans(prompt), self._spans(response)
        keep = max(room // 2, room - len(said))  # of the prompt
        prompt = prompt if len(asked) <= keep else prompt[: ends_asked[keep - 1]]
        context = self.context(prompt)
        room = max(self.max_tokens - len(context) - len(self.layout.end), 1)
        cut = len(said) > room
        ids = (*context, *said[:room], *(() if cut else self.layout.end))
        text = response[: ends[room - 1]] if cut else response
        start = max(len(context), 1)  # without a start token nothing predicts the first one
        size = len(text.encode("utf-8", "replace"))
        return Completion(ids, start, size, cut or len(asked) > keep, self._taught(prompt, start))

    def alternatives(self, prompt: str, responses: Sequence[str]) -> list[Completion]:
        """Rows of one prompt with each response, truncated to fit the longest response."""
        longest = max(responses, key=lambda response: len(self._ids(response)))
        whole = self.read(prompt, longest)
        context = whole.ids[: whole.start]
        room = max(self.max_tokens - len(context) - len(self.layout.end), 1)
        found = []
        for response in responses:
            said = self._ids(response)
            ids = (*context, *said[:room], *(() if len(said) > room else self.layout.end))
            found.append(Completion(ids, whole.start, len(response.encode("utf-8", "replace")), whole.cut))
        return found

    def context(self, prompt: str) -> tuple[int, ...]:
        """The context tokens."""
        return (*self.layout.first, *self._ids(self.layout.head + prompt + self.layout.middle))

    def _taught(self, prompt: str, start: int) -> tuple[Span, ...]:
        """Positions of the context that are trained on; the first token has nothing to be predicted from."""
        if self.loss == "completion" or start < 2:
            return ()
        if self.loss == "all":
            return ((1, start),)
        turns, head = assistant_turns(prompt), len(self.layout.head)
        if not turns:
            return ()
        _, ends = self._spans(self.layout.head + prompt + self.layout.middle)
        return tokens_of([(head + first, head + end) for first, end in turns], ends, len(self.layout.first))

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer(_clean(text), add_special_tokens=False)["input_ids"]) if text else []

    def _spans(self, text: str) -> tuple[list[int], list[int]]:
        """Token ids of a text, and the number of characters up to each token."""
        if not text:
            return [], []
        if not self.tokenizer.is_fast:
            ids = self._ids(text)
            return ids, [len(self.tokenizer.decode(ids[: i + 1])) for i in range(len(ids))]
        found = self.tokenizer(_clean(text), add_special_tokens=False, return_offsets_mapping=True)
        return list(found["input_ids"]), [end for _, end in found["offset_mapping"]]


@dataclass(slots=True)
class TokenizedRows:
    """The rows of a dataset in tokens, tokenized on demand."""

    reader: Reader
    rows: Dataset
    read: dict[int, Completion] = field(default_factory=dict)

    def take(self, chosen: Sequence[int] | Ints) -> list[Completion]:
        """These rows, in this order."""
        sides = list(self.rows.sides.values())
        for row in (int(row) for row in chosen):
            if row not in self.read:
                prompt, response = ("", sides[0][row]) if len(sides) == 1 else (sides[0][row], sides[1][row])
                self.read[row] = self.reader.read(prompt, response)
        return [self.read[int(row)] for row in chosen]

    @property
    def cut(self) -> int:
        """The truncated rows."""
        return sum(row.cut for row in self.read.values())


def like_lengths(rows: Sequence[Completion], tokens: int) -> list[list[int]]:
    """Batches of rows of similar length, longest first.

    Each has at most ``tokens`` padded tokens.
    """
    parts: list[list[int]] = []
    for i in sorted(range(len(rows)), key=lambda i: (-len(rows[i].ids), i)):
        if parts and (len(parts[-1]) + 1) * len(rows[parts[-1][0]].ids) <= tokens:
            parts[-1].append(i)
        else:
            parts.append([i])
    return parts


def balanced(rows: Sequence[Completion], tokens: int) -> list[list[int]]:
    """As :func:`like_lengths`, with an even number of balanced parts.

    Two or four cores then finish together; results are independent of the number of cores.
    """
    count = len(like_lengths(rows, tokens))
    count += count % 2
    most = bisect_left(range(tokens), x=True, key=lambda most: len(like_lengths(rows, most)) <= count)
    return like_lengths(rows, most)


def padded(rows: Sequence[Completion], *, taught: bool = False) -> tuple[Ints, Ints, Flags]:
    """Token ids, attention mask and score mask, each (rows, longest row).

    With ``taught`` the last one is that of the tokens that are trained on.
    """
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids, mask, scored = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    for i, row in enumerate(rows):
        ids[i, : len(row.ids)] = row.ids
        mask[i, : len(row.ids)] = 1
        scored[i, row.start : len(row.ids)] = True
        for first, end in row.taught if taught else ():
            scored[i, first:end] = True
    return ids, mask, scored


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


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # a lone surrogate has no token


def _plain_layout(tokenizer: Tokenizer, middle: str) -> CompletionLayout:
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    end = tokenizer.eos_token_id
    return CompletionLayout("", middle, () if end is None else (end,), () if start is None else (start,))


def _chat_layout(tokenizer: Tokenizer) -> CompletionLayout:
    messages = [{"role": "user", "content": ASKED}, {"role": "assistant", "content": SAID}]
    jinja: Library = require("jinja2.exceptions", extra=EXTRA, purpose="a chat template")
    try:
        whole = str(tokenizer.apply_chat_template(messages, tokenize=False))
    except (jinja.TemplateError, ValueError, TypeError, KeyError) as error:
        raise _bad_template(reason(error)) from error
    if whole.count(ASKED) != 1 or whole.count(SAID) != 1 or whole.index(ASKED) > whole.index(SAID):
        raise _bad_template("it does not contain the prompt once and then the response once")
    head, rest = whole.split(ASKED)
    middle, tail = rest.split(SAID)
    return CompletionLayout(head, middle, _end(tokenizer, tail), () if head else _plain_layout(tokenizer, "").first)


def _end(tokenizer: Tokenizer, tail: str) -> tuple[int, ...]:
    """End tokens of a response.

    Up to the first special token after it, else the end of text.
    """
    ids: Sequence[int] = tokenizer(tail, add_special_tokens=False)["input_ids"] if tail else ()
    added = getattr(tokenizer, "added_tokens_decoder", {}).items()
    special = {*tokenizer.all_special_ids, *(number for number, token in added if token.special)}
    for position, token in enumerate(ids):
        if token in special:
            return tuple(ids[: position + 1])
    return () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)


def _bad_template(why: str) -> InputError:
    return InputError(
        f"the chat template of the model cannot be used: {why}",
        expected="a template for a user and an assistant message",
        todo="pass --no-chat (Python: chat=False), or name another model",
    )
