"""OpenAI-compatible endpoints: vLLM, llama.cpp server, Ollama, OpenAI.

This module does HTTP; ``wire`` does the message format. The key comes from a named environment variable and is never
stored. It is removed from all server messages.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from syngain.core.errors import UnfinishedError, UsageError
from syngain.generators import http_body, wire
from syngain.generators.protocol import Call, Capabilities, Messages, Mode, RefusedError, Reply, RetryableError, Scored
from syngain.generators.secrets import loaded, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
UNCERTAIN = RETRYABLE - {425, 429, 503, 529}  # the others say that no work was done
SHOWN = 200  # characters of a server's message in an error
LISTED = 64 << 20  # bytes of a list of models, or of the log-probabilities of a given text


@dataclass(frozen=True, kw_only=True)
class OpenAIGenerator:
    """A model at an OpenAI-compatible address.

    Attributes:
        base_url: up to and including ``/v1``. key_env: the variable with the key; not needed for local servers.
        api: ``chat``, or ``completions`` for base models. timeout: seconds for a complete answer.
        mode: the kind of the server's log-probabilities. extra: fields of every request.
        connections: maximum number of parallel connections.
    """

    base_url: str
    model: str
    key_env: str = "OPENAI_API_KEY"
    api: wire.Api = "chat"
    timeout: float = 120.0
    mode: Mode = "raw"
    extra: Mapping[str, object] = field(default_factory=dict)
    connections: int = 64
    known: Capabilities = field(default_factory=Capabilities)
    _clients: list[httpx.AsyncClient] = field(default_factory=list, repr=False, compare=False)

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
        if address.userinfo or address.query:
            raise UsageError(
                "base_url contains a user name, a password or a query",
                expected="an address without secrets",
                todo=f"put the key into the environment variable {self.key_env}",
            )

    @property
    def identity(self) -> Mapping[str, object]:
        """Kind, model and extra fields of requests, without the address."""
        return {"kind": "openai", "model": self.model, "api": self.api, "extra": dict(self.extra)}

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

        for request in requests_for(messages, text, model=self.model, api=self.api):
            try:
                answer = await self._post(request.path, dict(request.body) | dict(self.extra), LISTED)
            except RefusedError:
                continue
            scored = read_scores(answer, request, text)
            if scored is not None:
                return scored
        raise UsageError(
            f"{self.model} does not return log-probabilities of a given text",
            expected="a server with prompt_logprobs (vLLM) or echo with logprobs (completions)",
            todo="score with another generator, or leave out --generator",
        )

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
        data = answer.get("data") if isinstance(answer, dict) else None
        return [str(item["id"]) for item in data if isinstance(item, dict) and "id" in item] if data else None

    def unreachable(self, reason: str) -> UnfinishedError:
        """The error for a server without a valid answer."""
        return UnfinishedError(
            f"{self.base_url} returned no usable answer ({reason})",
            expected="an OpenAI-compatible server at this address",
            todo="start the server, check the address (usually ends in /v1), then continue with --resume",
        )

    async def close(self) -> None:
        """Close the connections."""
        while self._clients:
            await self._clients.pop().aclose()

    async def _one(self, call: Call) -> Reply:
        path = "chat/completions" if self.api == "chat" else "completions"
        if self.known.schema is False:
            call = replace(call, schema=None)  # the answer is checked all the same
        most = http_body.limit(call.sampling.max_tokens, call.sampling.top_logprobs)
        body = wire.body(call, model=self.model, api=self.api, extra=self.extra)
        answer = await self._post(path, body, most)
        return wire.reply(answer, api=self.api, mode=self.mode)

    async def _post(self, path: str, body: Mapping[str, object], most: int) -> object:
        return await self._send("POST", path, body, most)

    async def _send(self, method: str, path: str, body: Mapping[str, object] | None, most: int = LISTED) -> Any:  # noqa: ANN401  (JSON)
        """The JSON of an answer of at most so many bytes, or an error that tells whether to retry."""
        url = f"{self.base_url.rstrip('/')}/{path}"
        try:
            async with (
                asyncio.timeout(self.timeout),  # httpx limits single reads; a slow stream needs its own limit
                self._client().stream(method, url, json=body, headers=self._headers()) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise self._failed(response, await http_body.beginning(response))
                content = await http_body.read(response, most)
        except (TimeoutError, httpx.ReadTimeout) as error:
            raise RetryableError(f"no answer within {self.timeout:g} s", throttled=True, billed=True) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise RetryableError(self._clean(f"no connection: {error}")) from error
        except httpx.TransportError as error:
            raise RetryableError(self._clean(f"the connection broke: {error}"), billed=True) from error
        try:
            return loaded(self._key, content)
        except (ValueError, RecursionError) as error:
            raise RetryableError("the answer is not JSON, or was cut", billed=True) from error

    def _client(self) -> httpx.AsyncClient:
        if not self._clients:
            limits = httpx.Limits(max_connections=self.connections, max_keepalive_connections=self.connections)
            self._clients.append(httpx.AsyncClient(limits=limits, timeout=self.timeout))
        return self._clients[0]

    @property
    def _key(self) -> str:
        return os.environ.get(self.key_env, "").strip()

    def _headers(self) -> dict[str, str]:
        key, accepted = self._key, {"Accept-Encoding": http_body.ACCEPTED}
        if not key:
            return accepted
        if not key.isascii() or not key.isprintable():
            raise UsageError(
                f"the key in {self.key_env} contains characters that HTTP headers do not allow",
                expected="printable ASCII",
                todo=f"export {self.key_env}=KEY with the key alone",
            )
        return accepted | {"Authorization": f"Bearer {key}"}

    def _failed(self, response: httpx.Response, body: bytes) -> Exception:
        """Map a status to a failure: retry, refuse this call, or refuse all calls."""
        code, words = response.status_code, self._words(body)
        if code in {401, 403}:
            came = f"the server refused the key in {self.key_env}" if self._key else f"{self.key_env} is not set"
            return UsageError(
                f"{came} (HTTP {code}: {words})",
                expected="a valid key in that environment variable",
                todo=f"export {self.key_env}=... and run again",
            )
        if code == 402 or b"insufficient_quota" in body[:2000]:  # payment required
            return UnfinishedError(
                f"the account has no credit left (HTTP {code}: {words})",
                expected="an account with credit",
                todo="add credit, then continue with --resume",
            )
        if code in RETRYABLE:
            throttled = code in {429, 503, 529}
            return RetryableError(
                f"HTTP {code}: {words}", after=_after(response), throttled=throttled, billed=code in UNCERTAIN
            )
        if code < 400:
            return RetryableError(f"HTTP {code} where an answer was expected", billed=code < 300)
        if code in {400, 413, 422} or (response.request.method == "GET" and code in {404, 405}):
            return RefusedError(f"HTTP {code}: {words}")
        return UsageError(
            f"the server answered HTTP {code} for the model {self.model!r}: {words}",
            expected="an OpenAI-compatible address (it usually ends in /v1) and a model of this server",
            todo="correct base_url or model; `syngain check URL` lists the models",
        )

    def _words(self, body: bytes) -> str:
        """The server's message, in one short line without the key."""
        try:
            content = json.loads(body)
            error = content.get("error", content) if isinstance(content, dict) else content
            said = str(error.get("message", error)) if isinstance(error, dict) else str(error)
        except (ValueError, RecursionError):
            said = body.decode("utf-8", "replace")
        shown = " ".join("".join(one if one.isprintable() else " " for one in self._clean(said)).split())
        return shown[:SHOWN]

    def _clean(self, text: str) -> str:
        return str(without(self._key, text))


def _after(response: httpx.Response) -> float | None:
    """Seconds of a Retry-After header; a date is ignored in favor of the backoff."""
    try:
        seconds = float(response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if np.isfinite(seconds) and seconds >= 0 else None
