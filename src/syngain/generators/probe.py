"""What a server can say, found out with a few tiny requests; each "no" with the server's own reason.

Whether log-probabilities are those of the model (raw) or of what is sampled from (processed) shows at two temperatures:
the log-odds of two tokens double from temperature 1 to 1/2 only where temperature was applied.
"""

from __future__ import annotations

import asyncio
import json
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
    from collections.abc import Awaitable, Callable

    from syngain.generators.openai import OpenAIGenerator

ASK: Messages = (("user", "Name one animal. Answer with one word."),)
SCHEMA = {
    "type": "object",
    "properties": {"animal": {"type": "string"}},
    "required": ["animal"],
    "additionalProperties": False,
}
TOPS = (20, 5)  # vLLM and OpenAI give up to 20, some servers 5
SEEDS = 6  # tries to see the same token at two temperatures
TRIES, PAUSE = 3, 0.5
ANSWER, LONGEST_ANSWER = 4, 24  # tokens of an answer; of one in JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was found.

    Attributes:
        reasons: why a capability is missing, by its name. requests: how many were sent. replies: what came back.
    """

    models: tuple[str, ...] | None
    capabilities: Capabilities
    reasons: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    replies: tuple[Reply, ...] = ()


@dataclass
class _Prober:
    """One probe in progress."""

    generator: OpenAIGenerator
    reasons: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    replies: list[Reply] = field(default_factory=list)

    async def say(
        self, *, temperature: float = 1.0, top: int | None = None, seed: int = 1, schema: bool = False
    ) -> Reply:
        """One tiny answer; ``top`` None asks for no log-probabilities."""
        sampling = Sampling(
            temperature=temperature,
            max_tokens=LONGEST_ANSWER if schema else ANSWER,
            top_logprobs=top or 0,
            logprobs=top is not None,
        )
        call = Call(key="probe", messages=ASK, sampling=sampling, seed=seed, schema=SCHEMA if schema else None)

        async def work() -> Reply:
            return (await self.generator.generate([call]))[0]

        return await self.patiently(work)

    async def patiently(self, work: Callable[[], Awaitable[Reply]]) -> Reply:
        """A few tries; a server that stays silent is unreachable."""
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


async def probe(generator: OpenAIGenerator, *, prompt: bool = True, schema: bool = True, mode: bool = True) -> Probe:
    """Find out what a server can say. The flags save requests whose answer nobody needs.

    Raises:
        UsageError: the key is refused or the model unknown. UnfinishedError: the server cannot be reached.
    """
    prober = _Prober(generator)
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
    """The richest answer the server gives: with top-k, with chosen tokens only, or with text alone."""
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
            expected="a model that answers a chat message",
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
    """Raw or processed, from the first token at temperatures 1 and 1/2; None where it cannot be told."""
    for seed in range(1, SEEDS + 1):
        cold = await prober.say(temperature=0.5, top=top, seed=seed)
        found = _compared(first, cold)
        if found is not None:
            return found
    prober.reasons["mode"] = "no token with odds to compare was seen at two temperatures"
    return None


def _compared(warm: Reply, cold: Reply) -> Mode | None:
    """From the log-odds of two alternatives, else from the log-probability of the same chosen token."""
    one, half = _first(warm), _first(cold)
    common = sorted(set(one) & set(half), key=lambda token: -one[token])[:2]
    if len(common) == 2:
        odds, cold_odds = (law[common[0]] - law[common[1]] for law in (one, half))
        if odds < 0.05:
            return None
        return "processed" if cold_odds > 1.5 * odds else "raw"
    if len(common) == 1 and one[common[0]] < -0.05:
        return "raw" if abs(one[common[0]] - half[common[0]]) < 1e-3 else "processed"
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
