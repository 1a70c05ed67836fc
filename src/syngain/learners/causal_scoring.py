"""Forward passes of a causal language model: logits, surprisals, scores in nats.

Contains no training code. A row's score is independent of the other rows and of the number of cores.
"""

from __future__ import annotations

import copy
import inspect
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from syngain.core.errors import UnfinishedError, UsageError
from syngain.core.optional import require
from syngain.core.threads import one_thread_each, side_by_side
from syngain.learners.completions import Completion, like_lengths, padded
from syngain.models.checkpoints import EXTRA, NO_MEMORY, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.models.checkpoints import Library, Network, Tensor

Part = TypeVar("Part")

CHUNK = 32  # rows that are scored together; fixed, so that a row's neighbors do not depend on how many are scored
SCORE_TOKENS = 512  # padded tokens per pass on a CPU: as fast as more, and less padding and memory
GPU_FACTOR = 32


@dataclass(frozen=True, slots=True)
class CausalScorer:
    """Scores rows with the current network.

    Attributes:
        device: the device of the network. name, max_tokens: of the model, for errors.
    """

    network: Network
    device: str
    name: str
    max_tokens: int

    def score(self, rows: Sequence[Completion], *, temperature: float = 1.0) -> Floats:
        """Summed surprisal of the scored tokens of each row, in nats, shape (n,).

        NaN where the model's output is not finite. At a ``temperature`` above 0, the logits are divided by it.
        """
        torch, out = torch_module(), np.zeros(len(rows))

        def nats(part: list[int]) -> Floats:
            with torch.inference_mode():
                return _summed(self._nats([rows[i] for i in part], temperature))

        for part, sums in self._read(rows, nats):
            out[part] = sums
        return out

    def score_and_match(self, rows: Sequence[Completion]) -> tuple[Floats, Flags]:
        """As :meth:`score`, and whether all scored tokens are the most likely ones.

        Both have shape (n,). If so, greedy decoding generates exactly the response. One forward pass gives both.
        """
        torch, out, right = torch_module(), np.zeros(len(rows)), np.ones(len(rows), dtype=bool)

        def judged(part: list[int]) -> tuple[Floats, Flags]:
            with torch.inference_mode():
                logits, targets = self._logits([rows[i] for i in part])
                hits = (logits.argmax(dim=2) == targets) | (targets == -100)
                return _summed(_surprisal(logits, targets)), hits.all(dim=1).cpu().numpy()

        for part, (sums, hits) in self._read(rows, judged):
            out[part], right[part] = sums, hits
        return out, right

    def score_after(self, rows: Sequence[Completion], *, temperature: float = 1.0) -> Floats:
        """As :meth:`score`, for rows with one common context, which is computed once.

        Raises:
            UsageError: rows of different contexts.
        """
        start = rows[0].start if rows else 0
        context = rows[0].ids[: start - 1] if rows else ()
        if any(row.start != start or row.ids[: start - 1] != context for row in rows):
            raise UsageError(
                "rows with different contexts",
                expected="rows with one context",
                todo="score each context in its own call",
            )
        if len(rows) < 2 or not context:
            return self.score(rows, temperature=temperature)
        torch, out = torch_module(), np.zeros(len(rows))
        rests = [Completion(row.ids[start - 1 :], 1, row.size, row.cut) for row in rows]
        with memory_named(self.name, self.max_tokens), one_thread_each(torch_module()), torch.inference_mode():
            ids = torch.tensor([context], device=self.device)
            read = self.cache()
            with self.precision():
                self.network(input_ids=ids, logits_to_keep=1, **self.cached(read))

            def nats(part: list[int]) -> Floats:
                with torch.inference_mode():
                    cache = copy.deepcopy(read)
                    cache.batch_repeat_interleave(len(part))
                    return _summed(self._nats([rests[i] for i in part], temperature, cache))

            parts = like_lengths(rests, SCORE_TOKENS * self.factor)
            for part, sums in zip(parts, self.each(nats, parts, rests), strict=True):
                out[part] = sums
        return out

    def score_alternatives(self, groups: Sequence[Sequence[Completion]]) -> list[Floats]:
        """As :meth:`score`, for groups of rows with one context each.

        Groups are as in :meth:`Reader.alternatives`. On a CPU every context is computed once. On a GPU the rows of all
        groups are batched, because launches take longer than the computation.
        """
        if self.device != "cuda":
            return [self.score_after(group) for group in groups]
        nats = self.score([row for group in groups for row in group])
        return np.split(nats, np.cumsum([len(group) for group in groups])[:-1])

    def surprisals(
        self,
        rows: Sequence[Completion],
        temperature: float = 1.0,
        cache: Library = None,
        *,
        taught: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Surprisal of every token, and the mask of scored tokens, both (rows, columns).

        With ``taught`` of the tokens that are trained on instead.
        """
        torch = torch_module()
        if all(not (row.trained if taught else row.scored) for row in rows):
            none = torch.zeros((len(rows), 1), device=self.device)
            return adapter_weights(self.network)[0].sum() * none, none.bool()
        logits, targets = self._logits(rows, cache, taught=taught)
        return _surprisal(logits, targets, temperature), targets != -100

    def each(
        self, work: Callable[[list[int]], Part], parts: Sequence[list[int]], rows: Sequence[Completion]
    ) -> Iterator[Part]:
        """Process all parts of the rows, in order.

        Sequentially on a GPU, else in parallel.
        """
        if self.device == "cuda":
            return map(work, parts)
        return side_by_side(torch_module(), work, parts, [len(part) * len(rows[part[0]].ids) for part in parts])

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Precision of the network's calls.

        Over a bf16 base, adapter products are in bf16 too. Adapter weights and gradients stay float32. On SmolLM2 a
        step takes 5% less CPU time, and surprisals and gradients are as close to the float32 model as before.
        """
        torch, half = torch_module(), is_half(self.network)
        with torch.autocast(
            self.device, dtype=torch.bfloat16, enabled=half, cache_enabled=False
        ):  # threads use one in common
            yield

    def cache(self) -> Library:
        """An empty cache of keys and values."""
        kind = require("transformers", extra=EXTRA, purpose="a language model").DynamicCache
        takes = "config" in inspect.signature(kind).parameters
        return kind(config=self.network.get_base_model().config) if takes else kind()

    def cached(self, cache: Library) -> dict[str, Library]:
        """The cache under the argument name of this version of the library."""
        if cache is None:
            return {"use_cache": False}
        known = inspect.signature(type(self.network.get_base_model()).forward).parameters
        return {"use_cache": True, "cache" if "cache" in known else "past_key_values": cache}

    def _read(self, rows: Sequence[Completion], work: Callable[[list[int]], Part]) -> Iterator[tuple[list[int], Part]]:
        """Apply the work to every part of the rows, with the positions of that part."""
        parts = []
        for first in range(0, len(rows), CHUNK):
            chunk = like_lengths(rows[first : first + CHUNK], SCORE_TOKENS * self.factor)
            parts += [[first + i for i in part] for part in chunk]
        with memory_named(self.name, self.max_tokens), one_thread_each(torch_module()):
            yield from zip(parts, self.each(work, parts, rows), strict=True)

    def _nats(self, rows: Sequence[Completion], temperature: float = 1.0, cache: Library = None) -> Tensor:
        """Surprisal of every token in float32 (rows, columns), zero where not scored."""
        return self.surprisals(rows, temperature, cache)[0]

    def _logits(
        self, rows: Sequence[Completion], cache: Library = None, *, taught: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Logits (rows, columns, vocabulary) of scored columns, and their targets.

        Targets are -100 elsewhere. ``cache`` contains the context of the rows.
        """
        torch = torch_module()
        ids, mask, scored = padded(rows, taught=taught)
        columns = np.flatnonzero(scored.any(axis=0))  # the logits of other columns are never computed
        tensors = [torch.from_numpy(array).to(self.device) for array in (ids, mask, columns - 1)]
        if cache is not None:
            before = torch.ones((len(rows), cache.get_seq_length()), dtype=torch.int64, device=self.device)
            tensors[1] = torch.cat([before, tensors[1]], dim=1)
        with self.precision():
            logits = self.network(
                input_ids=tensors[0],
                attention_mask=tensors[1],
                **self.cached(cache),
                logits_to_keep=tensors[2],
            ).logits
        return logits, torch.from_numpy(np.where(scored, ids, -100)[:, columns]).to(self.device)

    @property
    def factor(self) -> int:
        """Multiple of a CPU pass's tokens that are processed at once."""
        return GPU_FACTOR if self.device == "cuda" else 1


@contextmanager
def memory_named(model: str, max_tokens: int) -> Iterator[None]:
    """Convert out-of-memory errors into errors with a fix."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not NO_MEMORY.search(str(error)):
            raise
        raise UnfinishedError(
            f"not enough memory to train {model} on rows of {max_tokens} tokens ({reason(error)})",
            expected="memory for the weights and one training step",
            todo="lower max_tokens, name a smaller model, or use dtype bf16",
        ) from error


def adapter_weights(network: Network) -> list[Tensor]:
    """The trainable tensors, in a fixed order."""
    return [weight for _, weight in sorted(network.named_parameters()) if weight.requires_grad]


def is_half(network: Network) -> bool:
    """Whether the base weights are in bf16."""
    return bool(network.get_input_embeddings().weight.dtype == torch_module().bfloat16)


def torch_module() -> Library:
    """The torch module."""
    return require("torch", extra=EXTRA, purpose="a language model")


def _surprisal(logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
    """Surprisal in float32, zero where the target is -100; shape of the targets."""
    nats = torch_module().nn.functional.cross_entropy(
        logits.flatten(0, 1).float() / temperature, targets.flatten(), reduction="none", ignore_index=-100
    )
    return nats.reshape(targets.shape)


def _summed(nats: Tensor) -> Floats:
    sums: Floats = nats.double().sum(dim=1).cpu().numpy()
    return sums
