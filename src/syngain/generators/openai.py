"""Models behind an address: OpenAI-compatible servers, Anthropic's and Google's.

This module does HTTP; a wire is the format of messages, and a dialect what one server wants to be worded in another
way. Keys come from named environment variables and are never stored. They are removed from all server messages.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from syngain.core.errors import UnfinishedError, UsageError
from syngain.generators import wire
from syngain.generators.answers import uncollected
from syngain.generators.protocol import Capabilities, Messages, Mode, RefusedError, Reply, RetryableError, Scored
from syngain.generators.servers import headers, http_body
from syngain.generators.servers.dialect import Dialect, merged
from syngain.generators.servers.lanes import Lanes
from syngain.generators.servers.lessons import BadRequestError, DialectLearner
from syngain.generators.servers.secrets import loaded, without
from syngain.generators.servers.statuses import Asked, batch_answer, failure, remedy
from syngain.generators.servers.wires import WIRES, Api

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.generators.protocol import Call

LISTED = 64 << 20  # bytes of a list of models, or of the log-probabilities of a given text


@dataclass(frozen=True, kw_only=True)
class OpenAIGenerator:
    """A model behind an address.

    Attributes:
        base_url: up to and including ``/v1``. key_env: the variable with the key; not needed for local servers.
        api: ``chat``, ``completions`` for base models, ``anthropic`` or ``gemini``.
        timeout: seconds for a complete answer. mode: the kind of the server's log-probabilities.
        extra, headers: fields and headers of every request; ``${NAME}`` in a header is the environment variable.
        connections: maximum number of parallel connections. learner: the dialect of the server, as far as it is known.
        questions: parameters whose refusal is an answer (of a probe), and teaches nothing.
    """

    base_url: str
    model: str
    key_env: str = "OPENAI_API_KEY"
    api: Api = "chat"
    timeout: float = 120.0
    mode: Mode = "raw"
    extra: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    connections: int = 64
    learner: DialectLearner = field(default_factory=DialectLearner, compare=False)
    questions: frozenset[str] = frozenset()
    known: Capabilities = field(default_factory=Capabilities)
    _lanes: Lanes = field(default_factory=Lanes, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            address = httpx.URL(self.base_url)
        except httpx.InvalidURL as error:
            raise UsageError(
                f"base_url {self.base_url!r} ({error})",
                expected="an address such as http://host:8000/v1",
                todo="correct base_url",
            ) from error
        if address.scheme not in {"http", "https"} or not address.host:
            raise UsageError(
                f"base_url {self.base_url!r}",
                expected="an address such as http://host:8000/v1",
                todo="correct base_url",
            )
        if address.userinfo or set(address.params) - {"api-version"}:
            raise UsageError(
                "base_url contains a user name, a password or a query",
                expected="an address without secrets; `?api-version=...` is the only query",
                todo=f"put the key into the environment variable {self.key_env}",
            )
        headers.check_variable(self.key_env)
        headers.resolved(self.headers)
        headers.check_fields(self.extra, "extra_body")
        headers.check_fields({"model": self.model, "base_url": self.base_url}, "generator")

    @property
    def identity(self) -> Mapping[str, object]:
        """Kind, model and extra fields of requests, without the address."""
        kind = self.api if self.api in {"anthropic", "gemini"} else "openai"
        return {"kind": kind, "model": self.model, "api": self.api, "extra": dict(self.extra)}

    @property
    def name(self) -> str:
        """The model."""
        return self.model

    @property
    def batch(self) -> int:
        """One."""
        return 1

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities found by a probe, or none."""
        return self.known

    async def generate(self, calls: Sequence[Call]) -> Sequence[Reply]:
        """One request per call; see :class:`Generator`."""
        return [await self._one(call) for call in calls]

    async def score(self, messages: Messages, texts: Sequence[str], *, temperature: float = 1.0) -> Sequence[Scored]:
        """Score by ``prompt_logprobs`` (vLLM), else by ``echo`` for completions.

        Of the raw distribution, at any temperature. The end of a text is not scored.

        Raises:
            UsageError: when the server offers neither. RetryableError: when another try may work.
        """
        del temperature
        return [await self._scored(messages, text) for text in texts]

    async def _scored(self, messages: Messages, text: str) -> Scored:
        from syngain.generators.echo import read_scores, requests_for

        if self.api not in {"chat", "completions"}:
            raise self._unscored()
        for request in requests_for(messages, text, model=self.model, api=self.api):
            try:
                answer = await self._send("POST", request.path, dict(request.body) | dict(self.extra))
            except RefusedError:
                continue
            scored = read_scores(answer, request, text)
            if scored is not None:
                return scored
        raise self._unscored()

    def _unscored(self) -> UsageError:
        return UsageError(
            f"{self.model} does not return log-probabilities of a given text",
            expected="a server with prompt_logprobs (vLLM) or echo with logprobs (completions)",
            todo="score with another generator, or leave out --generator",
        )

    async def post(self, path: str, body: Mapping[str, object], most: int) -> object:
        """The JSON of the answer, of at most so many bytes, to a request with the extra fields.

        Raises:
            FailedError: no answer. UsageError: the key or the address is refused.
        """
        found: object = await self._send("POST", path, merged(body, self.extra), most)
        return found

    async def models(self) -> list[str] | None:
        """The models that the server lists, at no cost; None without a list.

        Raises:
            UsageError: the key is refused. UnfinishedError: the server cannot be reached or is broken.
        """
        try:
            answer = await self._send("GET", "models", None)
        except RefusedError:
            return None
        except RetryableError as error:
            raise self.unreachable(error.reason) from error
        return WIRES[self.api].models(answer)

    def unreachable(self, reason: str) -> UnfinishedError:
        """The error for a server without a valid answer."""
        return UnfinishedError(
            f"{self.base_url} returned no usable answer ({reason})",
            expected="an OpenAI-compatible server at this address",
            todo=f"{remedy(reason)}, then continue with --resume",
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._lanes.close()

    def request(self, call: Call) -> dict[str, object]:
        """The JSON of a request, in the dialect that is known."""
        return self._worded(call, self.learner.dialect)[1]

    def _worded(self, call: Call, dialect: Dialect) -> tuple[dict[str, object], dict[str, object]]:
        """A request in its inner form, and as it is sent."""
        way = WIRES[self.api]
        worded = dialect.worded(wire.body(call, model=self.model, api=way.form))
        return worded, merged(way.translated(worded), self.extra)

    def _reply(self, answer: object, call: Call, dialect: Dialect) -> Reply:
        """The reply in an answer."""
        way = WIRES[self.api]
        return dialect.adapted(wire.reply(way.restored(answer), api=way.form, mode=self.mode), call.sampling)

    @property
    def batch_path(self) -> str:
        """Where the requests of a batch file go."""
        return f"/v1/{WIRES[self.api].path(self.model)}"

    def batch_reply(self, line: Mapping[str, object], call: Call, dialect: Dialect) -> Reply:
        """The reply in a line of an output file of a batch, whose request was written in a dialect.

        Raises:
            FailedError: the request failed. RetryableError where its error teaches another wording.
        """
        try:
            return self._reply(batch_answer(line, self._clean), call, dialect)
        except BadRequestError as error:
            if self.learner.learns(error.problem, self._worded(call, dialect)[0], dialect, frozenset(self.extra)):
                raise RetryableError(error.reason) from error
            raise

    def loaded(self, content: bytes) -> object:
        """The JSON of a text, without keys.

        Raises:
            ValueError, RecursionError: it is no JSON.
        """
        found: object = loaded(self._secrets, content)
        return found

    @property
    def notes(self) -> dict[str, object]:
        """What is known about the server, as a store keeps it."""
        known = self.known
        return {
            "mode": self.mode,
            "schema": known.schema,
            "chosen": known.chosen,
            "dialect": self.learner.dialect.as_json(),
        }

    async def _one(self, call: Call) -> Reply:
        """The answer to a call in the dialect of the server; a refused wording costs nothing, and is learned once."""
        way, sampling = WIRES[self.api], call.sampling
        most = http_body.limit(sampling.max_tokens, sampling.top_logprobs)
        while True:
            dialect = self.learner.dialect
            worded, body = self._worded(call, dialect)
            try:
                content = await self._body("POST", way.path(self.model), body, most)
                with uncollected():
                    return self._reply(self._read(content, steps=sampling.logprobs), call, dialect)
            except BadRequestError as error:
                problem = error.problem.under(way.names)
                if not self.learner.learns(problem, worded, dialect, self.questions | set(self.extra)):
                    raise

    async def _send(self, method: str, path: str, body: Mapping[str, object] | None, most: int = LISTED) -> Any:  # noqa: ANN401  (JSON)
        """The JSON of an answer of at most so many bytes, or an error that tells whether to retry."""
        content = await self._body(method, path, body, most)
        with uncollected():
            return self._read(content)

    def _read(self, content: bytes, *, steps: bool = False) -> Any:  # noqa: ANN401  (JSON)
        try:
            return loaded(self._secrets, content, steps=steps)
        except (ValueError, RecursionError) as error:
            raise RetryableError("the answer is not JSON, or was cut", billed=True) from error

    async def _body(self, method: str, path: str, body: Mapping[str, object] | None, most: int) -> bytes:
        """The body of an answer of at most so many bytes, or an error that tells whether to retry."""
        try:
            async with (
                self._lanes.one(self.connections, self.timeout) as client,
                asyncio.timeout(self.timeout),  # httpx limits single reads; a slow stream needs its own limit
                client.stream(method, self._url(path), json=body, headers=self._headers()) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise failure(response, await http_body.beginning(response), self._asked)
                return await http_body.read(response, most)
        except (TimeoutError, httpx.ReadTimeout) as error:
            raise RetryableError(f"no answer within {self.timeout:g} s", throttled=True, billed=True) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryableError(self._clean(f"no connection: {error}")) from error
        except httpx.TransportError as error:
            raise RetryableError(self._clean(f"the connection broke: {error}"), billed=True) from error

    def _url(self, path: str) -> str:
        base, mark, query = self.base_url.partition("?")
        return f"{base.rstrip('/')}/{path}{mark}{query}"

    @property
    def _key(self) -> str:
        return os.environ.get(self.key_env, "").strip()

    @property
    def _secrets(self) -> tuple[str, ...]:
        return (self._key, *headers.secrets(self.headers))

    @property
    def _asked(self) -> Asked:
        return Asked(model=self.model, key_env=self.key_env, has_key=bool(self._key), clean=self._clean)

    def _headers(self) -> dict[str, str]:
        named = headers.resolved(self.headers)
        key = "" if headers.authorizes(named) else headers.valid(self._key, self.key_env)
        return {"Accept-Encoding": http_body.ACCEPTED, **WIRES[self.api].headers(key), **named}

    def _clean(self, text: str) -> str:
        return str(without(self._secrets, text))
