"""Probe a server's capabilities with a few tiny requests.

Each missing capability has the server's own reason. Two temperatures show whether log-probabilities are the model's
(raw) or of the sampling distribution (processed). A model that reasons gets room for it. What the server wants to be
worded in another way is learned from its errors, and by trial where they name nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from syngain.core.errors import UnfinishedError, UsageError
from syngain.generators.protocol import (
    CUT,
    Call,
    Capabilities,
    DeclinedError,
    Messages,
    Mode,
    RefusedError,
    Reply,
    RetryableError,
    Sampling,
)
from syngain.generators.servers.dialect import STRUCTURED
from syngain.generators.servers.lessons import guesses
from syngain.generators.servers.statuses import remedy

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from syngain.generators.openai import OpenAIGenerator

ASK: Messages = (("user", "Name one animal. Answer with one word."),)
BRIEF: Messages = (("system", "Answer briefly."),)
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
ROOMS = (0, 512, 4096)  # tokens for reasoning before an answer
QUESTIONS = frozenset({"logprobs", "top_logprobs", "response_format"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """The result of a probe.

    Attributes:
        reasons: why a capability is missing, by its name. requests: number of requests sent. replies: their replies.
        learned: how requests are worded for this server. reasoning: tokens of a one-word answer of a model that
            reasons, at most; 0 for others.
    """

    models: tuple[str, ...] | None
    capabilities: Capabilities
    reasons: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    replies: tuple[Reply, ...] = ()
    learned: tuple[str, ...] = ()
    reasoning: int = 0


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
    rooms: tuple[int, ...] = ROOMS

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
        return await self.ask(sampling, seed=seed, schema=schema)

    async def ask(self, sampling: Sampling, *, seed: int = 1, schema: bool = False, system: bool = False) -> Reply:
        """Request an answer, with more room while the reasoning is cut, and again after a refusal.

        Raises:
            UsageError: the reasoning does not end. RefusedError: the server refuses the request.
        """
        last = seed + TRIES
        while True:
            given = replace(sampling, max_tokens=sampling.max_tokens + self.rooms[0])
            messages = (*BRIEF, *ASK) if system else ASK
            call = Call(key="probe", messages=messages, sampling=given, seed=seed, schema=SCHEMA if schema else None)
            try:
                return await self.patiently(partial(self._answer, call))
            except DeclinedError as error:
                if error.reason != CUT and seed == last:
                    raise
                if error.reason != CUT:
                    seed += 1
                    continue
                self.rooms = self.rooms[1:]
                if not self.rooms:
                    raise _endless(self.generator.model, given.max_tokens) from error

    async def _answer(self, call: Call) -> Reply:
        with self.account(call) as billed:
            return billed((await self.generator.generate([call]))[0])

    @property
    def reasoning(self) -> int:
        """Tokens of the longest answer, where the model reasons; 0 where it does not."""
        if self.rooms == ROOMS and not any(reply.reasoning for reply in self.replies):
            return 0
        return max((reply.completion_tokens or 0 for reply in self.replies), default=0) or 1

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a probe asks for; each costs a few small requests.

    Attributes:
        prompt, schema, mode: log-probabilities of a given text, structured output, the kind of log-probabilities.
        samplings: parameters that are tried. system: whether a system message is tried.
    """

    prompt: bool = True
    schema: bool = True
    mode: bool = True
    samplings: tuple[Sampling, ...] = ()
    system: bool = False


async def probe(generator: OpenAIGenerator, wanted: Wanted | None = None, *, account: Account = free) -> Probe:
    """Probe a server's capabilities.

    ``account`` is entered around every request for an answer.

    Raises:
        UsageError: the key is refused or the model unknown. UnfinishedError: the server cannot be reached.
    """
    asked = wanted or Wanted()
    prober = _Prober(replace(generator, questions=QUESTIONS), account)
    models = await generator.models()
    first, top = await _speak(prober)
    chosen = first.tokens is not None
    found = Capabilities(
        chosen=chosen,
        top=top if chosen else 0,
        prompt=await _scores(prober) if asked.prompt else None,
        mode=await _mode(prober, first, top) if asked.mode and chosen else None,
        schema=await _structured(prober) if asked.schema else None,
    )
    for sampling in asked.samplings:
        await _taken(prober, sampling)
    if asked.system and not generator.learner.dialect.folded:
        await _with_system(prober)
    learner = generator.learner
    if not chosen and "logprobs" in prober.reasons:
        learner.change(learner.dialect.omitting("logprobs", prober.reasons["logprobs"]))
    return Probe(
        models=None if models is None else tuple(models),
        capabilities=found,
        reasons=prober.reasons,
        requests=prober.sent,
        replies=tuple(prober.replies),
        learned=learner.dialect.sentences,
        reasoning=prober.reasoning,
    )


async def _speak(prober: _Prober) -> tuple[Reply, int]:
    """The most detailed answer: top-k, else chosen tokens, else text alone."""
    for top in (*TOPS, 0):
        try:
            reply = await prober.say(top=top)
        except DeclinedError as error:
            raise _declined(prober.generator.model, error) from error
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
    prober.reasons["logprobs"] = prober.reasons["chosen"]
    try:
        return await prober.say(), 0
    except RefusedError as error:
        return await _by_trial(prober, error), 0


async def _by_trial(prober: _Prober, refused: RefusedError) -> Reply:
    """The first answer to a request with fewer parameters, where an error names none.

    Raises:
        UsageError: there is none.
    """
    learner = prober.generator.learner
    before = learner.dialect
    for dialect in guesses(before):
        learner.change(dialect)
        try:
            return await prober.say()
        except RefusedError:
            continue
    learner.change(before)
    raise _refused(refused)


async def _with_system(prober: _Prober) -> None:
    """Ask with a system message; where that fails, it is put in front of the first user message."""
    learner, sampling = prober.generator.learner, Sampling(max_tokens=ANSWER, logprobs=False)
    try:
        await prober.ask(sampling, system=True)
    except DeclinedError:
        return
    except (RefusedError, UnfinishedError):
        learner.change(learner.dialect.folding("a request with a system message failed"))
        await prober.ask(sampling, system=True)


async def _taken(prober: _Prober, sampling: Sampling) -> None:
    """Ask with the parameters of the recipe: what the server does not take is learned before the run.

    Raises:
        UsageError: the server refuses them.
    """
    try:
        await prober.ask(replace(sampling, max_tokens=ANSWER, logprobs=False, top_logprobs=0))
    except DeclinedError:
        return
    except RefusedError as error:
        raise _refused(error) from error


def _refused(error: RefusedError) -> UsageError:
    todo = "leave out a parameter with `generator: {omit: [NAME]}`, or rename it with `rename: {NAME: OTHER}`"
    if "chat" in error.reason.lower() and "template" in error.reason.lower():
        todo = "for a base model set `api: completions`"
    return UsageError(
        f"the server refuses a simple request ({error.reason})",
        expected="a server that takes messages, `max_tokens` and the parameters of `sampling`",
        todo=todo,
    )


def _declined(model: str, error: DeclinedError) -> UnfinishedError:
    return UnfinishedError(
        f"{model} gave no text for a simple question, {1 + TRIES} times ({error.reason})",
        expected="a word",
        todo=f"{remedy(error.reason)}, then continue with --resume",
    )


def _endless(model: str, tokens: int) -> UsageError:
    return UsageError(
        f"{model} returned only reasoning within {tokens:,} tokens",
        expected="a text after the reasoning",
        todo="lower the effort, for example `generator: {extra_body: {reasoning_effort: low}}`",
    )


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
    """Whether the server follows a schema; else its dialect asks for JSON in the next best way that works."""
    learner = prober.generator.learner
    first = STRUCTURED.index(learner.dialect.structured)
    for way in STRUCTURED[first:]:
        if way != learner.dialect.structured:
            learner.change(learner.dialect.structuring(way, prober.reasons["schema"]))
        try:
            value = json.loads((await prober.say(schema=True)).text)
        except RefusedError as error:
            prober.reasons.setdefault("schema", error.reason)
            continue
        except ValueError:
            value = None
        if isinstance(value, dict) and set(value) == {"animal"}:
            return way == "json_schema"
        prober.reasons.setdefault("schema", "the answer does not follow the schema")
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
