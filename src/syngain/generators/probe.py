"""Probe a server's capabilities with a few tiny requests.

Each missing capability has the server's own reason. Two temperatures show whether log-probabilities are the model's
(raw) or of the sampling distribution (processed).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from syngain.core.errors import UsageError
from syngain.generators.protocol import (
    Call,
    Capabilities,
    Messages,
    Mode,
    RefusedError,
    Reply,
    RetryableError,
    Sampling,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from syngain.generators.openai import OpenAIGenerator

ASK: Messages = (("user", "Name one animal. Answer with one word."),)
SCHEMA = {
    "type": "object",
    "properties": {"animal": {"type": "string"}},
    "required": ["animal"],
    "additionalProperties": False,
}
TOPS = (20, 5)  # vLLM and OpenAI give up to 20, some servers 5
SEEDS = 8  # requests at most to see the same token at two temperatures
ODDS = 0.1  # nats: what a rounding cannot explain
TRIES, PAUSE = 3, 0.5
ANSWER, LONGEST_ANSWER = 4, 24  # tokens of an answer; of one in JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The result of a probe.

    Attributes:
        reasons: why a capability is missing, by its name. requests: number of requests sent. replies: their replies.
    """

    models: tuple[str, ...] | None
    capabilities: Capabilities
    reasons: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    replies: tuple[Reply, ...] = ()


Billed = Callable[[Reply], Reply]
Account = Callable[[Call], AbstractContextManager[Billed]]
"""Reserves the cost of a call; the function it gives is told the reply."""


@contextmanager
def free(_call: Call) -> Iterator[Billed]:
    """No account is kept."""
    yield lambda reply: reply


@dataclass
class _Prober:
    """One probe in progress."""

    generator: OpenAIGenerator
    account: Account
    reasons: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    replies: list[Reply] = field(default_factory=list)

    async def say(
        self, *, temperature: float = 1.0, top: int | None = None, seed: int = 1, schema: bool = False
    ) -> Reply:
        """Request one tiny answer; ``top`` None asks for no log-probabilities."""
        sampling = Sampling(
            temperature=temperature,
            max_tokens=LONGEST_ANSWER if schema else ANSWER,
            top_logprobs=top or 0,
            logprobs=top is not None,
        )
        call = Call(key="probe", messages=ASK, sampling=sampling, seed=seed, schema=SCHEMA if schema else None)

        async def work() -> Reply:
            with self.account(call) as billed:
                return billed((await self.generator.generate([call]))[0])

        return await self.patiently(work)

    async def patiently(self, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """Retry a few times; a silent server is an error."""
        reason = ""
        for attempt in range(TRIES):
            self.sent += 1
            try:
                reply = await work()
                self.replies.append(reply)
            except RetryableError as error:
                reason = error.reason
                await asyncio.sleep(min(error.after or PAUSE * 2**attempt, 10.0))
            else:
                return reply
        raise self.generator.unreachable(reason)


async def probe(
    generator: OpenAIGenerator,
    *,
    prompt: bool = True,
    schema: bool = True,
    mode: bool = True,
    account: Account = free,
) -> Probe:
    """Probe a server's capabilities; flags skip requests whose answer is not needed.

    ``account`` is entered around every request for an answer.

    Raises:
        UsageError: the key is refused or the model unknown. UnfinishedError: the server cannot be reached.
    """
    prober = _Prober(generator, account)
    models = await generator.models()
    first, top = await _speak(prober)
    chosen = first.tokens is not None
    found = Capabilities(
        chosen=chosen,
        top=top if chosen else 0,
        prompt=await _scores(prober) if prompt else None,
        mode=await _mode(prober, first, top) if mode and chosen else None,
        schema=await _structured(prober) if schema else None,
    )
    return Probe(
        models=None if models is None else tuple(models),
        capabilities=found,
        reasons=prober.reasons,
        requests=prober.sent,
        replies=tuple(prober.replies),
    )


async def _speak(prober: _Prober) -> tuple[Reply, int]:
    """The most detailed answer: top-k, else chosen tokens, else text alone."""
    for top in (*TOPS, 0):
        try:
            reply = await prober.say(top=top)
        except RefusedError as error:
            prober.reasons["top" if top else "chosen"] = error.reason
            continue
        if reply.tokens is None:
            prober.reasons["chosen"] = "the answer has no log-probabilities although they were asked for"
            return reply, 0
        given = 0 if reply.top is None else max(reply.top.counts, default=0)
        if not given:
            prober.reasons.setdefault("top", "the answer has no alternatives although they were asked for")
        return reply, given
    try:
        return await prober.say(), 0
    except RefusedError as error:
        raise UsageError(
            f"the server refuses the simplest request ({error.reason})",
            expected="a model that accepts chat messages",
            todo="for a base model set `api: completions`",
        ) from error


async def _scores(prober: _Prober) -> bool:
    prober.sent += 1
    try:
        await prober.generator.score(ASK, ["Cat"])
    except UsageError as error:
        prober.reasons["prompt"] = error.came
        return False
    except RetryableError as error:
        prober.reasons["prompt"] = error.reason
        return False
    return True


async def _structured(prober: _Prober) -> bool:
    try:
        reply = await prober.say(schema=True)
    except RefusedError as error:
        prober.reasons["schema"] = error.reason
        return False
    try:
        value = json.loads(reply.text)
    except ValueError:
        value = None
    if isinstance(value, dict) and set(value) == {"animal"}:
        return True
    prober.reasons["schema"] = "the answer does not follow the schema"
    return False


async def _mode(prober: _Prober, first: Reply, top: int) -> Mode | None:
    """Raw or processed; None where undecided."""
    found = await (_mode_by_odds(prober, first, top) if top > 1 else _mode_by_greed(prober, first))
    if found is None:
        prober.reasons["mode"] = "no token had comparable odds at two temperatures"
    return found


async def _mode_by_odds(prober: _Prober, warm: Reply, top: int) -> Mode | None:
    """Compare the log-odds of the two best first tokens at two temperatures.

    At temperature 1/2 they are equal where raw, doubled where processed.
    """
    one = _first(warm)
    half = _first(await prober.say(temperature=0.5, top=top))
    common = sorted(set(one) & set(half), key=lambda token: -one[token])
    if len(common) < 2:
        return None
    best, far = common[0], common[-1]
    odds, cold_odds = one[best] - one[far], half[best] - half[far]
    if odds < ODDS:
        return None
    return "processed" if cold_odds > 1.5 * odds else "raw"


async def _mode_by_greed(prober: _Prober, warm: Reply) -> Mode | None:
    """Compare the chosen token's probability near temperature 0.

    It is certain where processed, and unchanged where raw. The token must be uncertain at temperature 1, because the
    model may be certain of it at any temperature.
    """
    cold = _first(await prober.say(temperature=0.01, top=0))
    if not cold:
        return None
    (token, log), *_ = cold.items()
    if log < -ODDS:
        return "raw"
    for seed in range(1, SEEDS):
        if _first(warm).get(token, 0.0) < -ODDS:
            return "processed"
        warm = await prober.say(top=0, seed=seed + 1)
    return None


def _first(reply: Reply) -> dict[str, float]:
    """Log-probabilities of the first step by token."""
    if not reply.tokens or reply.logprobs is None:
        return {}
    law = {reply.tokens[0]: float(reply.logprobs[0])}
    if reply.top is not None and reply.top.counts:
        count = reply.top.counts[0]
        law |= dict(zip(reply.top.tokens[:count], map(float, reply.top.logprobs[:count]), strict=True))
    return law
