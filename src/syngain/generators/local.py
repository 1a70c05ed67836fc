"""A causal language model in this process, by transformers.

From a folder, a GGUF file, a hub name or the catalog (smollm2). The full distribution of every step is available, so
log-probabilities and entropies are those of the sampling distribution, temperature and top-p included. A prompt is
computed once for all its outputs; different prompts are batched. Texts of a prompt never become special tokens: the
content of a real row stays text.

An output depends on its seed and, through rounding of sums, on the other calls in its batch. The same call may differ
in a late token in another batch.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from syngain.core.errors import UnfinishedError, UsageError
from syngain.core.optional import require
from syngain.core.progress import Progress, silent
from syngain.generators.laws import Drawn, Law
from syngain.generators.layout import bare_tokens, chat_tokens
from syngain.generators.protocol import Call, Capabilities, Messages, RefusedError, Reply, Sampling, Scored, TopLogprobs
from syngain.models import checkpoints
from syngain.models.checkpoints import EXTRA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Ints, Singles

SCORED_TOGETHER = 512  # padded tokens in a pass: as fast as more, and less padding and memory


@dataclass(frozen=True)
class LocalGenerator:
    """A loaded model; ``ends`` are end tokens, ``length`` is the maximum of tokens."""

    name: str
    tokenizer: Any
    network: Any
    device: str
    digest: str
    chat: bool
    batch: int
    ends: frozenset[int]
    length: int
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def load(
        cls,
        model: str,
        *,
        dtype: Literal["auto", "float32", "bf16"] = "float32",
        device: Literal["auto", "cpu", "cuda"] = "auto",
        chat: bool = True,
        batch: int = 16,
        progress: Progress = silent,
    ) -> LocalGenerator:
        """Load a model in float32, or in bf16 on request (``auto``: bf16 on a GPU).

        Raises:
            MissingDependencyError: torch, transformers or the catalog model is not installed.
            InputError: it is not a causal language model, or does not fit into memory.
            UnfinishedError: it is neither found nor fetched.
        """
        torch = require("torch", extra=EXTRA, purpose=f"the language model {model}")
        cuda = torch.cuda.is_available()
        if device == "cuda" and not cuda:
            raise UsageError(
                "device = 'cuda', but torch finds no CUDA device", expected="auto or cpu", todo="set `device: auto`"
            )
        place = "cuda" if device != "cpu" and cuda else "cpu"
        half = dtype == "bf16" or (dtype == "auto" and place == "cuda")
        progress(f"loading {model}", 0.0)
        tokenizer, network = checkpoints.load(model, width=2 if half else 4, progress=progress)
        network = network.to(device=place, dtype=torch.bfloat16 if half else torch.float32).eval()
        templated = chat and bool(getattr(tokenizer, "chat_template", None))
        return cls(
            name=Path(model).name if Path(model).exists() else model,
            tokenizer=tokenizer,
            network=network,
            device=place,
            digest=checkpoints.identity(network),
            chat=templated,
            batch=batch,
            ends=_ends(tokenizer, network),
            length=int(getattr(network.config, "max_position_embeddings", None) or 1 << 20),
        )

    @property
    def identity(self) -> Mapping[str, object]:
        """The weights, and whether messages use the chat template."""
        return {"kind": "transformers", "weights": self.digest, "chat": self.chat}

    @property
    def capabilities(self) -> Capabilities:
        """Everything but structured output."""
        return Capabilities(
            chosen=True, top=int(self.network.config.vocab_size), prompt=True, full=True, mode="exact", schema=False
        )

    async def generate(self, calls: Sequence[Call]) -> Sequence[Reply]:
        """One reply per call; calls with equal parameters are batched."""
        return await asyncio.to_thread(self._generate, calls)

    async def score(self, messages: Messages, texts: Sequence[str], *, temperature: float = 1.0) -> Sequence[Scored]:
        """Exact log-probabilities, end token included; the prompt is computed once."""
        return await asyncio.to_thread(self._score, messages, texts, temperature)

    async def close(self) -> None:
        """Do nothing: memory is freed with the object."""

    def tokens_of(self, messages: Messages) -> list[int]:
        """The input tokens: the template's own, and the messages as plain text."""
        if not self.chat:
            start = self.tokenizer.bos_token_id if self.tokenizer.bos_token_id is not None else min(self.ends)
            return bare_tokens(messages, start, plain=self._plain)
        return chat_tokens(messages, self._template, special=self._special, plain=self._plain, name=self.name)

    def _template(self, messages: list[dict[str, str]]) -> str:
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _special(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"]) if text else []

    def _plain(self, text: str) -> list[int]:
        """Tokens of a text in which ``<|im_end|>`` and the like are only characters."""
        clean = text.encode("utf-8", "replace").decode()
        if not clean:
            return []
        ids = self.tokenizer(clean, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        special = set(self.tokenizer.all_special_ids) - {self.tokenizer.unk_token_id}
        return [token for token in ids if token not in special]

    def _generate(self, calls: Sequence[Call]) -> list[Reply]:
        replies: dict[int, Reply] = {}
        groups: dict[Sampling, list[int]] = {}
        for i, call in enumerate(calls):
            groups.setdefault(call.sampling, []).append(i)
        with self._lock, _inference(), _memory_named(self.name):
            for sampling, members in groups.items():
                drawn = self._draw([calls[i] for i in members], sampling)
                replies |= dict(zip(members, drawn, strict=True))
        return [replies[i] for i in range(len(calls))]

    def _draw(self, calls: Sequence[Call], sampling: Sampling) -> list[Reply]:
        """Process the different prompts as one batch, then draw tokens for all outputs."""
        prompts = list(dict.fromkeys(call.messages for call in calls))
        read = [self.tokens_of(messages) for messages in prompts]
        longest = max(map(len, read))
        if longest + sampling.max_tokens > self.length:
            raise RefusedError(f"a prompt of {longest} tokens and {sampling.max_tokens} more do not fit {self.length}")
        owner = np.array([prompts.index(call.messages) for call in calls])
        cache, logits, mask, positions = self._read(read, owner)
        drawn = [Drawn(np.random.default_rng(call.seed), sampling) for call in calls]
        active = np.arange(len(calls))
        for step in range(sampling.max_tokens):
            law = Law.of(logits, temperature=sampling.temperature, top_p=sampling.top_p)
            symbols = law.draw([drawn[i] for i in active], self.ends)
            keep = np.array([not self._over(drawn[i], sampling) for i in active])
            if step + 1 == sampling.max_tokens or not keep.any():
                break
            if not keep.all():
                active, symbols = active[keep], symbols[keep]
                cache.batch_select_indices(self._tensor(np.flatnonzero(keep)))
                mask, positions = mask[keep], positions[keep]
            mask = np.concatenate([mask, np.ones((len(active), 1), dtype=np.int64)], axis=1)
            positions = positions + 1
            logits = self._forward(symbols[:, None], mask, positions[:, None], cache)[:, -1]
        counts = [len(read[i]) for i in owner]
        return [self._reply(one, count) for one, count in zip(drawn, counts, strict=True)]

    def _read(self, prompts: Sequence[Sequence[int]], owner: Ints) -> tuple[Any, Any, Ints, Ints]:
        """Cache, next-token logits, attention mask and last position of every output.

        Each prompt is computed once.
        """
        width = max(map(len, prompts))
        ids = np.full((len(prompts), width), min(self.ends, default=0), dtype=np.int64)
        mask = np.zeros((len(prompts), width), dtype=np.int64)
        for i, tokens in enumerate(prompts):
            ids[i, width - len(tokens) :] = tokens
            mask[i, width - len(tokens) :] = 1
        positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
        cache = _cache(self.network)
        logits = self._forward(ids, mask, positions, cache, last=True)[:, -1]
        cache.batch_select_indices(self._tensor(owner))
        return cache, logits[self._tensor(owner)], mask[owner], positions[owner, -1]

    def _forward(self, ids: Ints, mask: Ints, positions: Ints, cache: Any, *, last: bool = False) -> Any:  # noqa: ANN401
        given = {
            "input_ids": self._tensor(ids),
            "attention_mask": self._tensor(mask),
            "position_ids": self._tensor(positions),
            "logits_to_keep": 1 if last else 0,
            _cache_name(self.network): cache,
        }
        out = self.network(**given, use_cache=True)
        return out.logits.float()

    def _tensor(self, array: Ints) -> Any:  # noqa: ANN401  (untyped library)
        torch = require("torch", extra=EXTRA, purpose="a language model")
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _over(self, one: Drawn, sampling: Sampling) -> bool:
        """Whether an output has ended, by its end token or by a stop text."""
        if one.ended or not sampling.stop:
            return one.ended
        one.stopped = any(stop in self._text(one.symbols) for stop in sampling.stop)
        return one.stopped

    def _text(self, symbols: Sequence[int]) -> str:
        said = [symbol for symbol in symbols if symbol not in self.ends]
        return str(self.tokenizer.decode(said, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _reply(self, one: Drawn, prompt_tokens: int) -> Reply:
        text = self._text(one.symbols)
        for stop in one.sampling.stop:
            text = text.split(stop)[0]
        counts = tuple(len(symbols) for symbols, _ in one.tops)
        top = None
        if one.sampling.top_logprobs:
            words = tuple(self._word(int(k)) for symbols, _ in one.tops for k in symbols)
            logs = np.concatenate([logs for _, logs in one.tops]).astype(np.float32)
            top = TopLogprobs(counts=counts, tokens=words, logprobs=logs)
        return Reply(
            text=text,
            finish="stop" if one.ended or one.stopped else "length",
            tokens=tuple(map(self._word, one.symbols)),
            logprobs=np.array(one.logs, dtype=np.float32),
            top=top,
            entropies=np.array(one.entropies, dtype=np.float32),
            end_included=one.ended,
            mode="exact",
            prompt_tokens=prompt_tokens,
            completion_tokens=len(one.symbols),
        )

    def _word(self, symbol: int) -> str:
        return str(self.tokenizer.decode([symbol], clean_up_tokenization_spaces=False))

    def _score(self, messages: Messages, texts: Sequence[str], temperature: float) -> list[Scored]:
        """Score texts in batches of similar length, with one cache of the prompt."""
        prompt, end = self.tokens_of(messages), self._end()
        coded = [[*self._plain(text), *([] if end is None else [end])] for text in texts]
        width = max(map(len, coded), default=0)
        if len(prompt) + width > self.length:
            raise UsageError(
                f"a text of {width} tokens after a prompt of {len(prompt)}",
                expected=f"at most {self.length} tokens together",
                todo="shorten the prompt or the text, or name a model with a longer context",
            )
        logs: dict[int, Singles] = {}
        with self._lock, _inference(), _memory_named(self.name):
            read = self._read([prompt], np.zeros(1, dtype=np.int64))
            for part in _parts([len(tokens) for tokens in coded]):
                found = self._logs(read, [coded[i] for i in part], temperature)
                logs |= dict(zip(part, found, strict=True))
        return [
            Scored(tokens=tuple(map(self._word, tokens)), logprobs=logs[i], end_included=end is not None, mode="exact")
            for i, tokens in enumerate(coded)
        ]

    def _logs(
        self, read: tuple[Any, Any, Ints, Ints], part: Sequence[Sequence[int]], temperature: float
    ) -> list[Singles]:
        """Log-probabilities of the tokens of each text after a computed prompt."""
        torch = require("torch", extra=EXTRA, purpose="a language model")
        cache, first, mask, last = read
        width, owner = max(map(len, part)), np.zeros(len(part), dtype=np.int64)
        ids = np.zeros((len(part), width), dtype=np.int64)
        own = np.zeros((len(part), width), dtype=np.int64)
        for i, tokens in enumerate(part):
            ids[i, : len(tokens)] = tokens
            own[i, : len(tokens)] = 1
        targets = self._tensor(ids)
        laws = [first.expand(len(part), -1)[:, None]]
        if width > 1:
            cache = copy.deepcopy(cache)
            cache.batch_select_indices(self._tensor(owner))
            seen = np.concatenate([mask[owner], own[:, :-1]], axis=1)
            positions = last[owner, None] + 1 + np.arange(width - 1)
            laws.append(self._forward(ids[:, :-1], seen, positions, cache))  # nothing follows the last token
        begun, logs = 0, []
        for law in laws:  # large arrays: divide once and sum the normalizer, without another copy
            warm = law / temperature
            asked = targets[:, begun : begun + warm.shape[1], None]
            logs.append(warm.gather(2, asked)[:, :, 0] - warm.logsumexp(dim=-1))
            begun += warm.shape[1]
        found = torch.cat(logs, dim=1).cpu().numpy()
        return [found[i, : len(tokens)] for i, tokens in enumerate(part)]

    def _end(self) -> int | None:
        own = self.tokenizer.eos_token_id
        return int(own) if own in self.ends else min(self.ends, default=None)


def _parts(lengths: Sequence[int]) -> list[list[int]]:
    """Batches of texts of similar length, longest first.

    The number of padded tokens per batch is limited.
    """
    parts: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if parts and lengths[parts[-1][0]] * (len(parts[-1]) + 1) <= SCORED_TOGETHER:
            parts[-1].append(i)
        else:
            parts.append([i])
    return parts


def _ends(tokenizer: Any, network: Any) -> frozenset[int]:  # noqa: ANN401  (untyped libraries)
    """The end tokens, from the tokenizer and the generation settings of the weights."""
    configured = getattr(getattr(network, "generation_config", None), "eos_token_id", None)
    listed = configured if isinstance(configured, (list, tuple)) else [configured]
    return frozenset(int(token) for token in (tokenizer.eos_token_id, *listed) if token is not None)


def _cache(network: Any) -> Any:  # noqa: ANN401  (untyped library)
    transformers = require("transformers", extra=EXTRA, purpose="a language model")
    return transformers.DynamicCache(config=network.config)


def _cache_name(network: Any) -> str:  # noqa: ANN401  (untyped library)
    """The cache argument's name, which changed in Transformers 5."""
    return "cache" if "cache" in inspect.signature(network.forward).parameters else "past_key_values"


def _inference() -> Any:  # noqa: ANN401  (untyped library)
    return require("torch", extra=EXTRA, purpose="a language model").inference_mode()


@contextmanager
def _memory_named(model: str) -> Iterator[None]:
    """Convert out-of-memory errors into errors with a fix."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not re.search(
            r"out of memory|can't allocate", str(error), re.IGNORECASE
        ):
            raise
        raise UnfinishedError(
            f"not enough memory to generate with {model}",
            expected="memory for one batch",
            todo="set a smaller `batch`, fewer `max_tokens` or `dtype: bf16`, and resume with --resume",
        ) from error
