"""A GGUF model run by llama.cpp in this process (``xllamacpp``), without torch.

It computes with the quantized weights. Its server listens on the loopback interface only, with a new key for every
load. Prompts are sent as tokens, so that the content of a real row never becomes a special token.

Log-probabilities come in two modes. ``processed`` (the default) are those of the sampling distribution, after
temperature and top-p; ``raw`` the model's own before both. Under a schema they are raw, and ignore the schema.

The server returns no log-probabilities of a given text. :meth:`LlamaCppGenerator.score` therefore forces each token
with a bias, which is applied after the raw log-probabilities are computed. This costs as much as generation.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx
import numpy as np

from syngain.core.errors import InputError, UsageError
from syngain.core.optional import require
from syngain.core.progress import Progress, silent
from syngain.generators import llamacpp_wire as words
from syngain.generators import wire
from syngain.generators.layout import bare_tokens, chat_tokens
from syngain.generators.protocol import Call, Capabilities, Messages, RefusedError, Reply, RetryableError, Scored
from syngain.models.checkpoints import gguf_file, head_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from syngain.core.arrays import Floats

PATIENCE = 1_800.0  # seconds for one answer of this process before it counts as stuck
EXTRA = "llamacpp"
Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaCppSettings:
    """Load settings of a GGUF file.

    Attributes:
        mode: the kind of log-probabilities in answers. chat: whether messages are laid out by the chat template of the
            file, when it has one. batch: outputs computed in parallel.
        context: maximum tokens of prompt and output together.
        threads: of the computation; None uses the cores available to this process.
    """

    mode: Literal["processed", "raw"] = "processed"
    chat: bool = True
    batch: int = 4
    context: int = 2048
    threads: int | None = None


@dataclass(frozen=True)
class LlamaCppGenerator:
    """A loaded GGUF file.

    Attributes:
        mode: of the log-probabilities of answers. context: maximum tokens of prompt and output together.
        batch: outputs computed in parallel, each with memory for ``context`` tokens.
        end: the token that ends an output; None when the file names none. start: the first token of a bare prompt.
        ordinary: a token of whole characters, drawn when only the distribution is needed.
    """

    name: str
    digest: str
    chat: bool
    batch: int
    context: int
    mode: Literal["processed", "raw"]
    vocabulary: int
    end: int | None
    start: int
    ordinary: int
    _server: list[object] = field(repr=False, compare=False)
    _client: httpx.Client = field(repr=False, compare=False)

    @classmethod
    def load(
        cls, model: str, settings: LlamaCppSettings | None = None, *, progress: Progress = silent
    ) -> LlamaCppGenerator:
        """Load a GGUF file from a catalog name (``smollm2``), a file or a folder.

        Raises:
            MissingDependencyError: xllamacpp or the catalog model is not installed.
            InputError: it is not a GGUF file, or llama.cpp cannot read it.
        """
        settings = settings or LlamaCppSettings()
        path, server, client = _served(model, settings, progress)
        known = client.get("/props").json()
        end = _one_token(client, known.get("eos_token"))
        start = _one_token(client, known.get("bos_token"))
        return cls(
            name=path.stem,
            digest=head_digest(path),
            chat=settings.chat and bool(known.get("chat_template")),
            batch=settings.batch,
            context=settings.context,
            mode=settings.mode,
            vocabulary=int(client.get("/v1/models").json()["data"][0]["meta"]["n_vocab"]),
            end=end,
            start=start if start is not None else end or 0,
            ordinary=_tokens(client, "a", special=False)[0],
            _server=[server],
            _client=client,
        )

    @property
    def identity(self) -> Mapping[str, object]:
        """The file, and whether messages use its chat template."""
        return {"kind": "llamacpp", "file": self.digest, "chat": self.chat}

    @property
    def capabilities(self) -> Capabilities:
        """Chosen tokens, alternatives, given texts and schemas; no full distributions."""
        return Capabilities(chosen=True, top=self.vocabulary, prompt=True, full=False, mode=self.mode, schema=True)

    async def generate(self, calls: Sequence[Call]) -> Sequence[Reply]:
        """One reply per call, computed in parallel; see :class:`Generator`."""
        return await asyncio.to_thread(self._side_by_side, self._one, calls)

    async def score(self, messages: Messages, texts: Sequence[str], *, temperature: float = 1.0) -> Sequence[Scored]:
        """Score by the raw distribution at any temperature, end token included.

        Each token is forced in turn.
        """
        del temperature
        slots: SimpleQueue[int] = SimpleQueue()
        for slot in range(self.batch):
            slots.put(slot)  # a text stays where its prompt has been read
        return await asyncio.to_thread(
            self._side_by_side, partial(self._scored, self.tokens_of(messages), slots), texts
        )

    async def close(self) -> None:
        """Unload the model."""
        self._client.close()
        self._server.clear()

    def tokens_of(self, messages: Messages) -> list[int]:
        """The input tokens, equal to those of a transformers tokenizer of the file."""
        if not self.chat:
            return bare_tokens(messages, self.start, plain=self._plain)
        special = partial(_tokens, self._client, special=True)
        return chat_tokens(messages, self._template, special=special, plain=self._plain, name=self.name)

    def raw_steps(self, prompt: Sequence[int], tokens: Sequence[int], *, slot: int = -1) -> list[tuple[str, float]]:
        """Text and raw log-probability (nats) of each of some tokens after the prompt."""
        if len(prompt) + len(tokens) > self.context:
            raise UsageError(
                f"a text of {len(tokens)} tokens after a prompt of {len(prompt)}",
                expected=f"{self.context} at most",
                todo="raise `context`",
            )
        steps = []
        for i, token in enumerate(tokens):
            before = [*prompt, *tokens[:i]]
            answer = self._post("/completion", words.forced(before, token, top=1, slot=slot))
            listed = answer.get("completion_probabilities")  # none, where the token ends inside a character
            step = listed[0] if listed else words.step(token, self._law(before, slot), {}, top=0)
            steps.append((str(step["token"]), float(step["logprob"])))
        return steps

    def _side_by_side(self, work: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
        with ThreadPoolExecutor(self.batch) as pool:
            return list(pool.map(work, items))

    def _one(self, call: Call) -> Reply:
        """One output, with a log-probability for each of its tokens."""
        sampling, prompt = call.sampling, self.tokens_of(call.messages)
        if len(prompt) + sampling.max_tokens > self.context:
            raise RefusedError(
                f"a prompt of {len(prompt)} tokens and {sampling.max_tokens} more do not fit `context: {self.context}`"
            )
        mode = "raw" if call.schema is not None else self.mode
        answer = self._post("/completion", words.body(prompt, call, mode=mode))
        steps = self._steps(answer, prompt, call, mode) if sampling.logprobs else None
        reply = wire.reply(words.as_protocol(answer, steps), api="completions", mode=mode)
        return replace(reply, end_included=steps is not None and answer["stop_type"] == "eos")

    def _steps(
        self, answer: Mapping[str, Any], prompt: Sequence[int], call: Call, mode: Literal["processed", "raw"]
    ) -> list[words.Step]:
        """Log-probabilities of every token; missing ones come from the full distribution."""
        tokens, given = list(answer["tokens"]), list(answer.get("completion_probabilities") or ())
        sampling, steps = call.sampling, []
        for i, at in enumerate(words.aligned(tokens, [step["id"] for step in given])):
            if at is not None:
                steps.append(given[at] if sampling.top_logprobs else words.chosen_only(given[at]))
                continue
            names: dict[int, str] = {}
            law = self._law([*prompt, *tokens[:i]], names=names)
            if mode == "processed":
                law = words.warped(law, temperature=sampling.temperature, top_p=sampling.top_p)
            steps.append(words.step(tokens[i], law, names, top=sampling.top_logprobs))
        return steps

    def _law(self, before: Sequence[int], slot: int = -1, *, names: dict[int, str] | None = None) -> Floats:
        """Raw log-probabilities of every token (vocabulary,).

        Token texts are added to ``names``. Slow, because all of it is JSON.
        """
        asked = words.forced(before, self.ordinary, top=self.vocabulary, slot=slot)
        listed = self._post("/completion", asked)["completion_probabilities"][0]["top_logprobs"]
        law = np.full(self.vocabulary, -np.inf)
        law[[item["id"] for item in listed]] = [item["logprob"] for item in listed]
        if names is not None:
            names |= {item["id"]: item["token"] for item in listed}
        return law

    def _scored(self, prompt: Sequence[int], slots: SimpleQueue[int], text: str) -> Scored:
        tokens = [*self._plain(text), *([] if self.end is None else [self.end])]
        slot = slots.get()
        try:
            steps = self.raw_steps(prompt, tokens, slot=slot)
        finally:
            slots.put(slot)
        logs = np.array([log for _, log in steps], dtype=np.float32)
        return Scored(
            tokens=tuple(token for token, _ in steps), logprobs=logs, end_included=self.end is not None, mode="raw"
        )

    def _plain(self, text: str) -> list[int]:
        return _tokens(self._client, text, special=False)

    def _template(self, messages: list[dict[str, str]]) -> str:
        return str(self._post("/apply-template", {"messages": messages})["prompt"])

    def _post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        """The JSON of an answer.

        Raises:
            RefusedError: the request can never work. RetryableError: it did not work this time.
        """
        try:
            response = self._client.post(path, json=dict(body))
        except httpx.TransportError as error:
            raise RetryableError(f"llama.cpp does not respond: {error}") from error
        if response.status_code == httpx.codes.OK:
            content: dict[str, Any] = response.json()
            return content
        reason = f"llama.cpp: {words.complaint(response.text)}"
        raise RefusedError(reason) if response.status_code < 500 else RetryableError(reason)


def _served(model: str, settings: LlamaCppSettings, progress: Progress) -> tuple[Path, object, httpx.Client]:
    """The file, its running server, and a client with the server's key."""
    library = require("xllamacpp", extra=EXTRA, purpose=f"llama.cpp for {model}")
    path, key = gguf_file(model), secrets.token_urlsafe(32)
    progress(f"loading {model}", 0.0)
    threads = settings.threads or _cores()
    given = words.settings(library, str(path), batch=settings.batch, context=settings.context, threads=threads)
    given.api_keys = [key]
    try:
        server = library.Server(given)
    except RuntimeError as error:
        raise InputError(
            f"llama.cpp cannot load {model} ({error})",
            expected="a GGUF file of a causal language model that fits into memory",
            todo="name another file, or a smaller `context` or `batch`",
        ) from error
    client = httpx.Client(
        base_url=server.listening_address,
        headers={"Authorization": f"Bearer {key}"},
        timeout=PATIENCE,
        trust_env=False,  # no proxy stands between a process and itself
    )
    return path, server, client


def _tokens(client: httpx.Client, text: str, *, special: bool) -> list[int]:
    """Tokens of a text; ``<|im_end|>`` and the like are single tokens or characters."""
    clean = text.encode("utf-8", "replace").decode()
    if not clean:
        return []
    asked = {"content": clean, "add_special": False, "parse_special": special}
    return [int(token) for token in client.post("/tokenize", json=asked).json()["tokens"]]


def _one_token(client: httpx.Client, text: object) -> int | None:
    found = _tokens(client, text, special=True) if isinstance(text, str) else []
    return found[0] if len(found) == 1 else None


def _cores() -> int:
    """Number of cores available to this process."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1
