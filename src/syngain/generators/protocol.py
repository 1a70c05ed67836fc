"""Generator interface: sample, score, report capabilities.

Log-probabilities are in nats. ``mode`` names their distribution: ``exact`` is the sampling distribution, ``processed``
the same as reported by a server (after temperature and top-p), ``raw`` the model's own before both.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Singles

Mode = Literal["exact", "processed", "raw"]
Message = tuple[str, str]  # role and text
Messages = tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Sampling parameters of an output.

    Attributes:
        top_logprobs: number of alternatives per token with log-probabilities. stop: texts that end an output.
        logprobs: whether log-probabilities are requested.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 128
    top_logprobs: int = 0
    stop: tuple[str, ...] = ()
    logprobs: bool = True

    def as_json(self) -> dict[str, object]:
        """The parameters by name."""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "top_logprobs": self.top_logprobs,
            "stop": list(self.stop),
            "logprobs": self.logprobs,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One requested output.

    ``key`` identifies it; ``seed`` makes it repeatable where the generator supports it.
    """

    key: str
    messages: Messages
    sampling: Sampling
    seed: int
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopLogprobs:
    """The most probable tokens of every step, concatenated.

    ``counts`` has shape (steps,).
    """

    counts: tuple[int, ...]
    tokens: tuple[str, ...]
    logprobs: Singles


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply of a generator.

    Attributes:
        finish: ``stop``, or ``length`` when it was cut. tokens: None without log-probabilities.
        logprobs: of each token (steps,), in nats, NaN where unknown.
        entropies: exact entropy of the sampling distribution at each step (steps,), where the full distribution is
            known.
        end_included: whether the last token is the end token, which is not in the text.
        prompt_tokens, completion_tokens: as billed; None when the generator does not count.
        id: of the response; empty when it has none. reasoning: what the model thought before the text.
    """

    text: str
    finish: str
    tokens: tuple[str, ...] | None = None
    logprobs: Singles | None = None
    top: TopLogprobs | None = None
    entropies: Singles | None = None
    end_included: bool = False
    mode: Mode | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    id: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of a prompt and of its completion, as a server reports them, reasoning included."""

    prompt: int
    completion: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Tokens and log-probabilities (steps,) of a given text under a prompt, in nats."""

    tokens: tuple[str, ...]
    logprobs: Singles
    end_included: bool
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Capabilities of a generator beyond text; None means unknown."""

    chosen: bool | None = None
    top: int | None = None
    prompt: bool | None = None
    full: bool = False
    mode: Mode | None = None
    schema: bool | None = None


class Generator(Protocol):
    """A generator of text.

    ``identity`` enters the keys of requests; ``batch`` is the preferred number of calls at once.
    """

    @property
    def identity(self) -> Mapping[str, object]:
        """What identifies its distribution: model and settings, without address and key."""
        ...

    @property
    def name(self) -> str:
        """The generator's name in rows."""
        ...

    @property
    def batch(self) -> int:
        """Preferred number of calls at once; 1 for servers."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities beyond text, as far as known."""
        ...

    async def generate(self, calls: Sequence[Call]) -> Sequence[Reply]:
        """One reply per call.

        Raises:
            RetryableError: a retry may succeed. RefusedError: this call always fails. SyngainError: every call fails.
        """
        ...

    async def score(self, messages: Messages, texts: Sequence[str], *, temperature: float = 1.0) -> Sequence[Scored]:
        """Log-probabilities of given outputs of one prompt.

        Servers support temperature 1 only.

        Raises:
            UsageError: when it is not supported. RetryableError: a retry may succeed.
        """
        ...

    async def close(self) -> None:
        """Close connections and free memory."""
        ...


class FailedError(Exception):
    """A call failed.

    Attributes:
        billed: whether the failed call may have been billed. usage: what the server says it billed, if anything.
        declined: an answer without a text: why, where no retry gives one.
    """

    declined = ""

    def __init__(self, reason: str, *, billed: bool = False, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.billed = billed
        self.usage = usage


class RetryableError(FailedError):
    """A call failed, and a retry may succeed.

    Attributes:
        after: seconds to wait, if the server named them. throttled: whether the server is overloaded.
    """

    def __init__(
        self,
        reason: str,
        *,
        after: float | None = None,
        throttled: bool = False,
        billed: bool = False,
        usage: Usage | None = None,
        declined: str = "",
    ) -> None:
        super().__init__(reason, billed=billed, usage=usage)
        self.after = after
        self.throttled = throttled
        self.declined = declined


class RefusedError(FailedError):
    """A call fails on every try; other calls may succeed."""


class DeclinedError(RefusedError):
    """An answer came and was billed, and it has no text for a row; its reason is one of ``DECLINED``."""


REFUSAL = "the model refused to answer"
FILTERED = "the server filtered the content"
CUT = "cut inside the reasoning, before any text"
EMPTY = "the answer has no text"
CALLED = "the model called a tool in place of a text"
DECLINED = frozenset({REFUSAL, FILTERED, CUT, EMPTY, CALLED})
"""Why an answer has no text for a row."""


def canonical(value: object) -> bytes:
    """Canonical JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def request_key(
    identity: Mapping[str, object], messages: Messages, parameters: Mapping[str, object], sample: int
) -> str:
    """SHA-256 (hex) of the canonical JSON of a request.

    It contains model, prompt, parameters and sample index.
    """
    content = {"model": identity, "prompt": list(map(list, messages)), "parameters": parameters, "sample": sample}
    return hashlib.sha256(canonical(content)).hexdigest()


def prompt_hash(messages: Messages) -> str:
    """Sixteen hexadecimal digits that identify a prompt."""
    return hashlib.sha256(canonical(list(map(list, messages)))).hexdigest()[:16]
