"""The JSON of answers, of which log-probabilities are most: these are read into structures, all else as plain JSON.

An answer of 100 tokens with 20 alternatives each has 4,200 objects as plain JSON. What is not exactly of the common
form is read as ``json`` reads it, so that one place says what is wrong with it.
"""

from __future__ import annotations

import gc
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterator


_NULL = msgspec.Raw(b"null")


class Alternative(msgspec.Struct, gc=False):
    """A token and its log-probability, in nats."""

    token: str
    logprob: float


class ChatStep(Alternative, gc=False):
    """A token of an answer with its alternatives, under the names of OpenAI and of llama.cpp."""

    top_logprobs: list[Alternative] | None = None
    top_probs: list[Alternative] | None = None

    @property
    def alternatives(self) -> list[Alternative]:
        """The alternatives under either name."""
        return self.top_logprobs or self.top_probs or []


class ChatSteps(msgspec.Struct):
    """The log-probabilities of an answer in the chat form."""

    content: list[ChatStep]


class _ChatAnswer(msgspec.Struct, gc=False):
    """What is read of an answer in the form of OpenAI."""

    choices: list[dict[str, msgspec.Raw]]
    id: msgspec.Raw = _NULL
    model: msgspec.Raw = _NULL
    system_fingerprint: msgspec.Raw = _NULL
    usage: msgspec.Raw = _NULL


_ANSWER = msgspec.json.Decoder(_ChatAnswer)
_FIELDS = ("id", "model", "system_fingerprint", "usage")
_STEPS = msgspec.json.Decoder(ChatSteps)


def parsed(content: bytes) -> Any:  # noqa: ANN401  (JSON)
    """As ``json`` reads it; pydantic's parser takes half the time, and refuses more (lone surrogates, depth).

    Raises:
        ValueError, RecursionError: it is no JSON.
    """
    try:
        return from_json(content)
    except ValueError:
        return json.loads(content)


def parsed_steps(content: bytes) -> Any:  # noqa: ANN401  (JSON)
    """As :func:`parsed`, but with the fields alone that a reply has, and with :class:`ChatSteps` as ``logprobs``.

    Where the answer or one of its choices has another form, as :func:`parsed`.

    Raises:
        ValueError, RecursionError: it is no JSON.
    """
    try:
        answer = _ANSWER.decode(content)
        choices = [_choice(choice) for choice in answer.choices]
        rest = {name: parsed(bytes(getattr(answer, name))) for name in _FIELDS}
    except (KeyError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return parsed(content)
    return {"choices": choices, **rest}


def _choice(raw: dict[str, msgspec.Raw]) -> dict[str, object]:
    steps = _STEPS.decode(raw.pop("logprobs"))
    return {name: parsed(bytes(one)) for name, one in raw.items()} | {"logprobs": steps}


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: an answer has thousands of objects and no cycles, and is dropped at once."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
