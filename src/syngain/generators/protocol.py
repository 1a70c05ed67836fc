"""What every generator offers: speak with log-probabilities, score a given text, say what it can. Knows no transport.

Log-probabilities are in nats. ``mode`` says of which distribution they are: ``exact`` is the one really sampled from,
``processed`` the same as a server claims it (after temperature and top-p), ``raw`` the model's own before both.
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
Message = tuple[str, str]  # role and what it says
Messages = tuple[Message, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How an output is drawn.

    Attributes:
        top_logprobs: alternatives per token whose log-probabilities are kept. stop: texts that end an output.
        logprobs: whether log-probabilities are asked for at all.
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
    """One output that is asked for. ``key`` identifies it, ``seed`` makes it repeatable where the generator can."""

    key: str
    messages: Messages
    sampling: Sampling
    seed: int
    schema: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopLogprobs:
    """The most probable tokens of every step: ``counts`` (steps,), tokens and log-probabilities laid end to end."""

    counts: tuple[int, ...]
    tokens: tuple[str, ...]
    logprobs: Singles


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a generator said.

    Attributes:
        finish: ``stop``, or ``length`` when it was cut. tokens: None without log-probabilities.
        logprobs: of each token (steps,), in nats, NaN where the generator does not say.
        entropies: exact entropy of the law sampled from at each step (steps,), where the whole law is known.
        end_included: whether the last token is the end token, which the text does not show.
        prompt_tokens, completion_tokens: as billed; None when the generator does not count.
        id: of the response; empty when it has none.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A given text under a given prompt: its tokens and their log-probabilities (steps,), in nats."""

    tokens: tuple[str, ...]
    logprobs: Singles
    end_included: bool
    mode: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a generator can say beyond text. None: not found out."""

    chosen: bool | None = None
    top: int | None = None
    prompt: bool | None = None
    full: bool = False
    mode: Mode | None = None
    schema: bool | None = None


class Generator(Protocol):
    """Who can speak. ``identity`` enters the keys of requests; ``batch`` is how many calls it likes at once."""

    @property
    def identity(self) -> Mapping[str, object]:
        """What distinguishes its distribution from others': model, settings. No address and no key."""
        ...

    @property
    def name(self) -> str:
        """What rows say of who made them."""
        ...

    @property
    def batch(self) -> int:
        """How many calls it takes at once; 1 for servers."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can say beyond text, as far as it is known."""
        ...

    async def generate(self, calls: Sequence[Call]) -> Sequence[Reply]:
        """One reply per call.

        Raises:
            RetryableError: another try may work. RefusedError: this call will never work.
            SyngainError: no call will.
        """
        ...

    async def score(self, messages: Messages, texts: Sequence[str], *, temperature: float = 1.0) -> Sequence[Scored]:
        """Log-probabilities of given outputs of one prompt; a server knows those at temperature 1 only.

        Raises:
            UsageError: when it cannot. RetryableError: another try may work.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and memory."""
        ...


class RetryableError(Exception):
    """A call failed in a way that may not repeat itself.

    Attributes:
        after: seconds the server asked to wait, if it did. throttled: whether it is asked too much.
        billed: whether the work may have been done, and paid, all the same.
    """

    def __init__(
        self, reason: str, *, after: float | None = None, throttled: bool = False, billed: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after
        self.throttled = throttled
        self.billed = billed


class RefusedError(Exception):
    """A call will fail however often it is tried; other calls may work."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def canonical(value: object) -> bytes:
    """Canonical JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()


def request_key(
    identity: Mapping[str, object], messages: Messages, parameters: Mapping[str, object], sample: int
) -> str:
    """SHA-256 (hex) of the canonical JSON of model, prompt, parameters and sample index."""
    content = {"model": identity, "prompt": list(map(list, messages)), "parameters": parameters, "sample": sample}
    return hashlib.sha256(canonical(content)).hexdigest()


def prompt_hash(messages: Messages) -> str:
    """Sixteen hexadecimal digits that name a prompt."""
    return hashlib.sha256(canonical(list(map(list, messages)))).hexdigest()[:16]
