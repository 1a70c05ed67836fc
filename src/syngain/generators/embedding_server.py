"""Sentence encoder behind an address: an OpenAI-compatible ``/v1/embeddings``.

It is asked like a generator: keys from named environment variables only, answers of a limited size, retries where
another try may work, errors that name the first cause.
"""

from __future__ import annotations

import asyncio
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from syngain.core.documents.validation import first_problem
from syngain.core.documents.warned import literal, tally
from syngain.core.documents.yaml_documents import yaml_value
from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.core.fingerprint import fingerprint
from syngain.core.threads import wait_for
from syngain.data.text.hashed_ngrams import batches
from syngain.data.text.texts import Texts
from syngain.generators.openai import OpenAIGenerator
from syngain.generators.pace import Pace, Patience
from syngain.generators.protocol import RefusedError, RetryableError
from syngain.generators.servers import embeddings
from syngain.generators.servers.embedding_memory import EmbeddingMemory
from syngain.generators.servers.http_body import MEBIBYTE
from syngain.generators.servers.lessons import BadRequestError
from syngain.generators.servers.statuses import remedy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats

EXAMPLE = "{model: text-embedding-3-small, base_url: https://api.openai.com/v1}"
NAMED = re.compile(r"^(?P<model>.+)@(?P<address>https?://.+)$")
AT_ONCE = 8_192  # texts whose answers are in memory together
PROBED = "a"  # the text that tells the length of the embeddings
SHORTEST = 64  # characters: a text that is refused although it is no longer is not refused for its length
_ELSEWHERE = {"identity": False}  # settings that change no number


@dataclass(frozen=True, slots=True)
class EmbeddingServer:
    """Embeddings of an OpenAI-compatible server, scaled to unit length.

    Nothing is fitted to the rows. A text without a visible character is the zero vector and is not sent. A text that
    the server refuses for its length is cut to half until it is taken; a warning counts these texts.

    Attributes:
        model: its name at the server. base_url: up to and including ``/v1``; default: the variable OPENAI_BASE_URL.
        key_env: the variable with the key. headers: of every request; ``${NAME}`` is an environment variable.
        extra_body: further fields of requests, such as ``{dimensions: 256}``. batch: most texts of a request.
        timeout: seconds for a complete answer. attempts: of one request. connections: most requests at a time.
    """

    model: str
    base_url: str = field(default="", metadata=_ELSEWHERE)
    key_env: str = field(default="OPENAI_API_KEY", metadata=_ELSEWHERE)
    headers: Mapping[str, str] = field(default_factory=dict, hash=False, metadata=_ELSEWHERE)
    extra_body: Mapping[str, object] = field(default_factory=dict, hash=False)
    batch: int = field(default=64, metadata=_ELSEWHERE)
    timeout: float = field(default=120.0, metadata=_ELSEWHERE)
    attempts: int = field(default=6, metadata=_ELSEWHERE)
    connections: int = field(default=8, metadata=_ELSEWHERE)
    _memory: list[EmbeddingMemory] = field(default_factory=list, repr=False, compare=False)
    _forms: list[str] = field(default_factory=lambda: ["", "float", "base64"], repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value, least in (("batch", self.batch, 1), ("attempts", self.attempts, 1)):
            if value < least:
                raise UsageError(f"{name} = {value}", expected=f"at least {least}", todo=f"pass {name}={least} or more")
        if {"model", "input"} & set(self.extra_body):
            raise UsageError(
                f"extra_body sets {', '.join(sorted({'model', 'input'} & set(self.extra_body)))}",
                expected="further fields of a request, such as dimensions",
                todo="remove it from extra_body",
            )

    def __str__(self) -> str:
        return f"the model {self.model} behind an address"

    @property
    def key(self) -> str:
        """What the embeddings of a text depend on, in one text."""
        return fingerprint(["embeddings", self.model, self.address, dict(self.extra_body)])

    @property
    def address(self) -> str:
        """Where requests go.

        Raises:
            UsageError: neither ``base_url`` nor the environment names it.
        """
        found = self.base_url or os.environ.get("OPENAI_BASE_URL", "")
        if not found:
            raise UsageError(
                f"the embeddings of {self.model} have no address",
                expected="an address such as http://host:8000/v1",
                todo=f"name {self.model}@http://host:8000/v1, or export OPENAI_BASE_URL=...",
            )
        return found

    @property
    def form(self) -> str:
        """The ``encoding_format`` of requests, as far as it is known; empty for none."""
        return self._forms[0]

    def learns(self, form: str, reason: str) -> bool:
        """Whether to try another ``encoding_format`` after ``form`` was refused: some servers want one, some none."""
        if "encoding_format" not in reason or "encoding_format" in self.extra_body:
            return False
        if self.form != form:  # learned from another request
            return True
        if len(self._forms) == 1:
            return False
        del self._forms[0]
        return True

    def check(self) -> None:
        """Ask for the embedding of one letter: a wrong address, key or model is an error before the rows are read.

        Raises:
            UsageError: the key or the model is refused. UnfinishedError: no usable answer.
        """
        if not self._memory:
            found = wait_for(_Session(self, attempts=min(self.attempts, 2)).all([PROBED]))
            self._memory.append(EmbeddingMemory(found.shape[1]))
            self._memory[0].add([PROBED], found)

    def fit(self, texts: Sequence[str], rng: np.random.Generator) -> FittedEmbeddings:  # noqa: ARG002  (the protocol's)
        """Check the server once.

        Raises:
            UsageError: the key or the model is refused. UnfinishedError: no usable answer.
        """
        self.check()
        return FittedEmbeddings(self, self._memory[0])


@dataclass(frozen=True, slots=True)
class FittedEmbeddings:
    """The embeddings of a server; those it has given are not asked for again."""

    encoder: EmbeddingServer
    memory: EmbeddingMemory

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Embeddings of unit length (n, d), in row order; zero for a row without a visible character."""
        return Texts.of(texts).feature(("embeddings", self.encoder.key), self._encoded)

    def _encoded(self, texts: Sequence[str]) -> Floats:
        clean = [text.encode("utf-8", "replace").decode() for text in texts]  # a lone surrogate is no UTF-8
        shown = np.array([bool(text.strip()) for text in clean], dtype=bool)
        asked = [text for text in clean if text.strip()]
        new = self.memory.missing(asked)
        for part in batches(len(new), AT_ONCE):
            self.memory.add(new[part], wait_for(_Session(self.encoder, self.memory.width).all(new[part])))
        found = self.memory.of(asked)
        norms = np.linalg.norm(found, axis=1, keepdims=True)
        np.divide(found, norms, out=found, where=norms > 0)
        out: Floats = np.zeros((len(texts), self.memory.width))
        out[shown] = found
        return out


@dataclass
class _Session:
    """The requests for some texts."""

    encoder: EmbeddingServer
    width: int | None = None
    attempts: int | None = None
    cut: int = 0

    async def all(self, texts: Sequence[str]) -> Floats:
        """One embedding per text (n, d)."""
        encoder, size = self.encoder, self.encoder.batch
        client = OpenAIGenerator(
            base_url=encoder.address,
            model=encoder.model,
            key_env=encoder.key_env,
            timeout=encoder.timeout,
            headers=encoder.headers,
            extra=encoder.extra_body,
            connections=encoder.connections,
        )
        patience = Patience(attempts=self.attempts or encoder.attempts, concurrency=encoder.connections)
        pace, gate = Pace(patience, np.random.default_rng(0)), asyncio.Semaphore(encoder.connections)

        async def part(start: int) -> Floats:
            async with gate:
                return await self._part(client, pace, texts[start : start + size])

        try:
            found = await asyncio.gather(*(part(start) for start in range(0, len(texts), size)))
        finally:
            await client.close()
        limit = f"{literal(encoder.model)} takes no longer ones"
        tally(f"{{:,}} of {{:,}} texts were cut before their embedding: {limit}", self.cut, len(texts))
        return np.concatenate(found) if found else np.zeros((0, self.width or 0))

    async def _part(self, client: OpenAIGenerator, pace: Pace, texts: Sequence[str]) -> Floats:
        """The embeddings of a request; a refused one is halved, at last its text."""
        try:
            return await self._asked(client, pace, texts)
        except RefusedError as error:
            if len(texts) > 1:
                middle = len(texts) // 2
                parts = [await self._part(client, pace, half) for half in (texts[:middle], texts[middle:])]
                return np.concatenate(parts)
            text = texts[0]
            if len(text) <= SHORTEST or not embeddings.is_too_long(error.reason):
                raise _refused(self.encoder, text, error.reason) from error
        half = text[: len(text) // 2]
        while len(half) > SHORTEST:
            try:
                found = await self._asked(client, pace, [half])
            except RefusedError:
                half = half[: len(half) // 2]
            else:
                self.cut += 1
                return found
        raise _refused(self.encoder, text, "no part of it is taken")

    async def _asked(self, client: OpenAIGenerator, pace: Pace, texts: Sequence[str]) -> Floats:
        """The embeddings in the answer to one request, tried several times.

        Raises:
            RefusedError: the server does not take this request. UsageError, UnfinishedError: it takes none.
        """
        body: dict[str, object] = {"model": self.encoder.model, "input": list(texts)}
        most = MEBIBYTE + len(texts) * (self.width or embeddings.WIDEST) * embeddings.PER_NUMBER
        attempt = 0
        while True:
            await pace.turn()
            form = self.encoder.form
            try:
                asked = {**body, "encoding_format": form} if form else body
                found = embeddings.vectors(await client.post("embeddings", asked, most), len(texts), self.width)
                if not found.any(axis=1).all():
                    raise RefusedError("an embedding is all zeros, as for a text beyond the context of the model")
            except BadRequestError as error:
                if not self.encoder.learns(form, error.reason):
                    raise
            except RetryableError as error:
                if embeddings.is_overflow(error.reason):
                    raise RefusedError(error.reason) from error
                pace.bad(error)
                attempt += 1
                if attempt >= pace.patience.attempts:
                    raise _gave_up(client, error.reason) from error
                await asyncio.sleep(pace.delay(attempt - 1, error))
            else:
                self.width = found.shape[1]
                return found


def server_named(name: str) -> EmbeddingServer | None:
    """The server that ``MODEL@http://host:8000/v1`` or a YAML file names; None for other names.

    Raises:
        UsageError: an address without a model. InputError: the file cannot be read, or has a wrong field.
    """
    if name.endswith((".yaml", ".yml")):
        return read_server(Path(name))
    match = NAMED.match(name)
    if match:
        return EmbeddingServer(match["model"], match["address"])
    if "://" in name:
        raise UsageError(
            f"the encoder {name} names no model",
            expected="MODEL@http://host:8000/v1, such as text-embedding-3-small@https://api.openai.com/v1",
            todo="`syngain probe URL` lists the models of a server",
        )
    return None


def read_server(path: Path) -> EmbeddingServer:
    """The server that a YAML file describes, by the names of the attributes.

    Raises:
        InputError: it cannot be read, or a field is unknown, missing or wrong.
    """
    try:
        content: object = yaml_value(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        came = f"{path} cannot be read as YAML ({' '.join(str(error).split())})"
        raise InputError(came, expected="a YAML file", todo=f"for example `{EXAMPLE}`") from error
    try:
        read = _Described.model_validate(content)
    except ValidationError as error:
        problem = first_problem(error)
        where = ".".join(map(str, problem.place)) or "the whole"
        known = ", ".join(_Described.model_fields)
        raise InputError(
            f"{path}, `{where}` {problem.came}",
            expected=f"one of {known}" if problem.unknown else problem.expected,
            todo=f"for example `{EXAMPLE}`",
        ) from error
    return EmbeddingServer(**read.model_dump())


class _Described(BaseModel):
    """The fields of a file."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    base_url: str = ""
    key_env: str = "OPENAI_API_KEY"
    headers: dict[str, str] = {}
    extra_body: dict[str, object] = {}
    batch: int = Field(default=64, ge=1)
    timeout: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=6, ge=1)
    connections: int = Field(default=8, ge=1)


def _gave_up(client: OpenAIGenerator, reason: str) -> UnfinishedError:
    return UnfinishedError(
        f"{client.base_url}/embeddings returned no usable answer ({reason})",
        expected=f"an OpenAI-compatible server with embeddings of {client.model}",
        todo=f"{remedy(reason)}, then run again",
    )


def _refused(encoder: EmbeddingServer, text: str, reason: str) -> InputError:
    shown = text if len(text) <= SHORTEST else f"{text[:SHORTEST]}…"
    return InputError(
        f"{encoder.model} does not embed the text {shown!r} ({reason})",
        expected="a model of embeddings that takes the texts of the rows",
        todo="name another model, or set its fields in extra_body",
    )
