"""A causal language model as a proxy: low-rank adapters [hu2022] are trained on rows, other rows are scored in nats.

Knows the network and its adapter; knows nothing of arms, budgets or gain. The base weights never change, so one copy
serves every arm: a fresh adapter is the untrained model again. Without dropout a run depends on its seed alone, to the
last bit on the same machine, however many cores it has free (on a GPU up to the order of sums).
"""

from __future__ import annotations

import copy
import inspect
import math
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from syngain.core.errors import InputError, UnfinishedError, UsageError
from syngain.core.optional import require
from syngain.core.progress import Progress, silent
from syngain.core.threads import one_thread_each, side_by_side
from syngain.learners.completions import Completion, Reader, balanced, like_lengths, padded
from syngain.models import checkpoints
from syngain.models.checkpoints import EXTRA, NO_MEMORY, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from syngain.core.arrays import Flags, Floats
    from syngain.data.columns.roles import Kind

Part = TypeVar("Part")
Weigh: TypeAlias = "Callable[[Any, Any, list[int]], Any]"
"""Surprisals and which of them count, both (rows, columns), and the places of the rows, to the sum that is lowered."""

CHUNK = 32  # rows that are scored together; fixed, so that a row's neighbors do not depend on how many are scored
TRAIN_TOKENS, SCORE_TOKENS = 256, 512  # padded tokens per pass on a CPU: as fast as more, and less padding and memory
GPU_FACTOR = 32
SHORT = 512  # tokens up to which a CPU attends faster in bf16 by plain products; their memory grows with the square
CLIP, WARM_UP = 1.0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalProxy:
    """Hyper-parameters of the proxy.

    Attributes:
        model: a name of the catalog, a folder, a GGUF file or a hub name.
        rank: of the adapters; their scale is 2. modules: which layers get one, ``all-linear`` or a name such as
            ``q_proj``.
        rates: learning rates to choose from, the default one first.
        batch: rows per optimizer step. max_tokens: tokens that are read of a row.
        dtype: of the base weights; the adapters are always float32. ``auto`` is bf16 where the processor computes in it
            (twice as fast; on SmolLM2 it moved rows by .01 to .03 nats per token, means of 64 rows by up to .0025)
            and float32 elsewhere, where bf16 is slower.
        device: ``auto`` takes a GPU when there is one.
        chat: whether pairs are laid out by the model's chat template.
    """

    model: str = "smollm2"
    rank: int = 8
    modules: str = "all-linear"
    rates: tuple[float, ...] = (1e-3, 5e-4)
    batch: int = 8
    max_tokens: int = 192
    dtype: Literal["auto", "float32", "bf16"] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    chat: bool = True

    def __post_init__(self) -> None:
        for name, value, least in (
            ("rank", self.rank, 1),
            ("batch", self.batch, 1),
            ("max_tokens", self.max_tokens, 16),
            ("learning rates", len(self.rates), 1),
        ):
            if value < least:
                raise UsageError(f"{name} = {value}", expected=f"at least {least}")
        if not all(0 < rate < math.inf for rate in self.rates):
            raise UsageError(f"learning rates {self.rates}", expected="positive numbers")
        for name, word, known in (
            ("dtype", self.dtype, ("auto", "float32", "bf16")),
            ("device", self.device, ("auto", "cpu", "cuda")),
        ):
            if word not in known:
                raise UsageError(f"{name} = {word!r}", expected=f"one of {', '.join(known)}")

    def open(self, progress: Progress = silent) -> CausalModel:
        """Load the model and put an untrained adapter on it.

        Raises:
            MissingDependencyError: when torch, transformers, peft or the catalog model is not here.
            InputError: when it is no causal language model, or has no such modules, or does not fit into memory.
            UnfinishedError: when it can be neither found nor fetched.
        """
        torch, peft = (
            require(name, extra=EXTRA, purpose=f"the language model {self.model}") for name in ("torch", "peft")
        )
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UsageError("device = 'cuda' on a machine without one", expected="auto or cpu")
        device = "cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu"
        half = self.dtype == "bf16" or (self.dtype == "auto" and _computes_in_bf16(torch, device))
        tokenizer, network = checkpoints.load(self.model, width=2 if half else 4, progress=progress)
        with memory_named(self):
            network = network.to(device=device, dtype=torch.bfloat16 if half else torch.float32)
            attend = getattr(network, "set_attn_implementation", None)  # older transformers have no such method
            if attend is not None and half and device == "cpu" and self.max_tokens <= SHORT:
                attend("eager")
            identity = checkpoints.identity(network)
            return CausalModel(self, tokenizer, _adapted(peft, network, self), identity, device)


@dataclass(frozen=True, slots=True)
class CausalModel:
    """A loaded model with one adapter.

    Attributes:
        identity: sixteen hexadecimal digits of its weights, tokens and settings. device: where it runs.
    """

    proxy: CausalProxy
    tokenizer: Any
    network: Any
    identity: str
    device: str

    def reader(self, kind: Kind) -> Reader:
        """How rows of this kind are read; see :meth:`Reader.of`."""
        limit = getattr(self.network.config, "max_position_embeddings", None) or self.proxy.max_tokens
        tokens = min(self.proxy.max_tokens, int(limit))
        return Reader.of(self.tokenizer, kind, max_tokens=tokens, chat=self.proxy.chat)

    def weights(self) -> list[Any]:
        """The adapter's tensors, in a fixed order."""
        return [weight for _, weight in sorted(self.network.named_parameters()) if weight.requires_grad]

    def reset(self, seed: int) -> None:
        """A fresh adapter: the model is its base again, and will learn from the directions of this seed."""
        torch = _torch()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for name, weight in sorted(self.network.named_parameters()):
                if weight.requires_grad:
                    fresh = torch.zeros(weight.shape, dtype=torch.float32)
                    if "lora_B" not in name:  # the product with B = 0 is zero whatever A is
                        torch.nn.init.kaiming_uniform_(fresh, a=math.sqrt(5))
                    weight.data.copy_(fresh)

    def learn(self, rows: Sequence[Completion], optimizer: Any, rate: float) -> float:  # noqa: ANN401  (untyped)
        """One optimizer step on these rows: the mean surprisal of their scored tokens goes down. Returns that mean."""
        torch = _torch()
        for group in optimizer.param_groups:
            group["lr"] = rate
        weights = self.weights()
        total, slopes = self.slopes(rows)
        with memory_named(self.proxy):
            for weight, slope in zip(weights, slopes, strict=True):
                weight.grad = slope
            torch.nn.utils.clip_grad_norm_(weights, CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return total

    def slopes(self, rows: Sequence[Completion], weigh: Weigh | None = None) -> tuple[float, list[Any]]:
        """The loss of these rows and its gradient in the adapter's tensors (None where there is none).

        Args:
            rows: of one step.
            weigh: makes the loss of some of them out of surprisals; None for their sum. Summed over all rows and
                divided by the number of scored tokens, it is the loss.
        """
        torch = _torch()
        scored, weights = max(sum(row.scored for row in rows), 1), self.weights()

        def gradient(part: list[int]) -> tuple[float, Sequence[Any]]:
            nats, counted = self._surprisals([rows[i] for i in part])
            loss = nats.sum() if weigh is None else weigh(nats, counted, part)
            return float(loss.detach()), torch.autograd.grad(loss / scored, weights, allow_unused=True)

        total, sums = 0.0, [None] * len(weights)
        with memory_named(self.proxy), one_thread_each(_torch()):
            divide = like_lengths if self.device == "cuda" else balanced
            for loss, gradients in self._each(gradient, divide(rows, TRAIN_TOKENS * self._factor()), rows):
                total += loss  # parts are summed in their order, whoever was first
                for i, slope in enumerate(gradients):
                    if slope is not None:
                        sums[i] = slope if sums[i] is None else sums[i].add_(slope)  # type: ignore[attr-defined]
        return total / scored, sums

    def optimizer(self) -> Any:  # noqa: ANN401  (untyped library)
        """AdamW [loshchilov2019] without decay: the rank is the regularization, the number of steps the tuning."""
        return _torch().optim.AdamW(self.weights(), lr=self.proxy.rates[0], weight_decay=0.0)

    def score(self, rows: Sequence[Completion], *, temperature: float = 1.0) -> Floats:
        """Surprisal of the scored tokens of each row, summed, in nats, shape (n,); NaN where the model breaks down.

        At a ``temperature`` above 0 the law of every token is that of the logits divided by it.
        """
        torch, out = _torch(), np.zeros(len(rows))

        def nats(part: list[int]) -> Floats:
            with torch.inference_mode():
                return _summed(self._nats([rows[i] for i in part], temperature))

        for part, sums in self._read(rows, nats):
            out[part] = sums
        return out

    def score_and_match(self, rows: Sequence[Completion]) -> tuple[Floats, Flags]:
        """As :meth:`score`, and whether the most likely token is right at every scored place, both of shape (n,).

        Then greedy decoding says the response to the token; one reading of a row tells both.
        """
        torch, out, right = _torch(), np.zeros(len(rows)), np.ones(len(rows), dtype=bool)

        def judged(part: list[int]) -> tuple[Floats, Flags]:
            with torch.inference_mode():
                logits, targets = self._logits([rows[i] for i in part])
                hits = (logits.argmax(dim=2) == targets) | (targets == -100)
                return _summed(_surprisal(logits, targets)), hits.all(dim=1).cpu().numpy()

        for part, (sums, hits) in self._read(rows, judged):
            out[part], right[part] = sums, hits
        return out, right

    def _read(self, rows: Sequence[Completion], work: Callable[[list[int]], Part]) -> Iterator[tuple[list[int], Part]]:
        """What the work makes of every part of the rows, with the places of that part."""
        parts = []
        for first in range(0, len(rows), CHUNK):
            chunk = like_lengths(rows[first : first + CHUNK], SCORE_TOKENS * self._factor())
            parts += [[first + i for i in part] for part in chunk]
        with memory_named(self.proxy), one_thread_each(_torch()):
            yield from zip(parts, self._each(work, parts, rows), strict=True)

    def score_after(self, rows: Sequence[Completion], *, temperature: float = 1.0) -> Floats:
        """As :meth:`score`, for rows that share their context: it is read once, and its keys and values are reused.

        Raises:
            UsageError: rows of different contexts.
        """
        start = rows[0].start if rows else 0
        context = rows[0].ids[: start - 1] if rows else ()
        if any(row.start != start or row.ids[: start - 1] != context for row in rows):
            raise UsageError("rows of different contexts", expected="rows that share what is given")
        if len(rows) < 2 or not context:
            return self.score(rows, temperature=temperature)
        torch, out = _torch(), np.zeros(len(rows))
        rests = [Completion(row.ids[start - 1 :], 1, row.size, row.cut) for row in rows]
        with memory_named(self.proxy), one_thread_each(_torch()), torch.inference_mode():
            ids = torch.tensor([context], device=self.device)
            read = self.cache()
            with self.precision():
                self.network(input_ids=ids, logits_to_keep=1, **self.cached(read))

            def nats(part: list[int]) -> Floats:
                with torch.inference_mode():
                    cache = copy.deepcopy(read)
                    cache.batch_repeat_interleave(len(part))
                    return _summed(self._nats([rests[i] for i in part], temperature, cache))

            parts = like_lengths(rests, SCORE_TOKENS * self._factor())
            for part, sums in zip(parts, self._each(nats, parts, rests), strict=True):
                out[part] = sums
        return out

    def score_alternatives(self, groups: Sequence[Sequence[Completion]]) -> list[Floats]:
        """As :meth:`score`, for groups of rows of which each shares its context, as :meth:`Reader.alternatives` does.

        On a CPU every context is read once. A GPU waits longer for its orders than it computes: there the rows of all
        groups are read side by side.
        """
        if self.device != "cuda":
            return [self.score_after(group) for group in groups]
        nats = self.score([row for group in groups for row in group])
        return np.split(nats, np.cumsum([len(group) for group in groups])[:-1])

    def _each(
        self, work: Callable[[list[int]], Part], parts: Sequence[list[int]], rows: Sequence[Completion]
    ) -> Iterator[Part]:
        """The work of every part of the rows, in their order: one after the other on a GPU, else side by side."""
        if self.device == "cuda":
            return map(work, parts)
        return side_by_side(_torch(), work, parts, [len(part) * len(rows[part[0]].ids) for part in parts])

    def _nats(self, rows: Sequence[Completion], temperature: float = 1.0, cache: Any = None) -> Any:  # noqa: ANN401
        """Surprisal of every token in float32, zero where a token is not scored, shape (rows, columns)."""
        return self._surprisals(rows, temperature, cache)[0]

    def _surprisals(
        self,
        rows: Sequence[Completion],
        temperature: float = 1.0,
        cache: Any = None,  # noqa: ANN401
    ) -> tuple[Any, Any]:
        """Surprisal of every token, and which of them are scored, both of shape (rows, columns)."""
        torch = _torch()
        if all(not row.scored for row in rows):
            none = torch.zeros((len(rows), 1), device=self.device)
            return self.weights()[0].sum() * none, none.bool()
        logits, targets = self._logits(rows, cache)
        return _surprisal(logits, targets, temperature), targets != -100

    def _logits(self, rows: Sequence[Completion], cache: Any = None) -> tuple[Any, Any]:  # noqa: ANN401  (untyped)
        """Logits (rows, columns, vocabulary) of the columns in which a row is scored, and targets (-100 elsewhere).

        ``cache`` holds what was read before the rows.
        """
        torch = _torch()
        ids, mask, scored = padded(rows)
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

    @contextmanager
    def precision(self) -> Iterator[None]:
        """Where the network is called: over a bf16 base the adapter's products too are in bf16.

        Its weights and their slopes stay float32. On SmolLM2 a step takes 5 % less of a CPU, and surprisals and slopes
        are as far from the model in float32 as before.
        """
        torch, half = _torch(), _is_half(self.network)
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=half, cache_enabled=False):  # threads share one
            yield

    def cache(self) -> Any:  # noqa: ANN401  (untyped library)
        """An empty cache of keys and values."""
        kind = require("transformers", extra=EXTRA, purpose="a language model").DynamicCache
        takes = "config" in inspect.signature(kind).parameters
        return kind(config=self.network.get_base_model().config) if takes else kind()

    def cached(self, cache: Any) -> dict[str, Any]:  # noqa: ANN401  (untyped library)
        """The cache under the name this version of the library gives it."""
        if cache is None:
            return {"use_cache": False}
        known = inspect.signature(type(self.network.get_base_model()).forward).parameters
        return {"use_cache": True, "cache" if "cache" in known else "past_key_values": cache}

    def _factor(self) -> int:
        return GPU_FACTOR if self.device == "cuda" else 1


def paced(rate: float, step: int) -> float:
    """The learning rate of a step, from 0: constant after a short warm-up, so that every step may be the last."""
    return rate * min(1.0, (step + 1) / WARM_UP)


@contextmanager
def memory_named(proxy: CausalProxy) -> Iterator[None]:
    """Out of memory as an error a person can act on."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not NO_MEMORY.search(str(error)):
            raise
        raise UnfinishedError(
            f"not enough memory to train {proxy.model} on rows of {proxy.max_tokens} tokens ({reason(error)})",
            expected="memory for the weights and for one pass",
            todo="read fewer tokens of a row, name a smaller model, or use dtype bf16",
        ) from error


def _computes_in_bf16(torch: Any, device: str) -> bool:  # noqa: ANN401  (untyped library)
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"\b(avx512_bf16|amx_bf16)\b", flags) is not None


def _torch() -> Any:  # noqa: ANN401  (untyped library)
    return require("torch", extra=EXTRA, purpose="a language model")


def _surprisal(logits: Any, targets: Any, temperature: float = 1.0) -> Any:  # noqa: ANN401  (untyped library)
    """In float32, zero where the target is -100, of the shape of the targets."""
    nats = _torch().nn.functional.cross_entropy(
        logits.flatten(0, 1).float() / temperature, targets.flatten(), reduction="none", ignore_index=-100
    )
    return nats.reshape(targets.shape)


def _summed(nats: Any) -> Floats:  # noqa: ANN401  (untyped library)
    sums: Floats = nats.double().sum(dim=1).cpu().numpy()
    return sums


def _adapted(peft: Any, network: Any, proxy: CausalProxy) -> Any:  # noqa: ANN401  (untyped libraries)
    modules = proxy.modules if proxy.modules == "all-linear" else [name.strip() for name in proxy.modules.split(",")]
    config = peft.LoraConfig(
        r=proxy.rank, lora_alpha=2 * proxy.rank, lora_dropout=0.0, target_modules=modules, task_type="CAUSAL_LM"
    )
    try:
        with warnings.catch_warnings():  # transformers warns peft of a name it will drop in version 6
            warnings.filterwarnings("ignore", message=r".*is_gradient_checkpointing", category=FutureWarning)
            adapted = peft.get_peft_model(network, config).eval()  # nothing in training mode differs but dropout
    except ValueError as error:
        raise InputError(
            f"{proxy.model} cannot take an adapter on {proxy.modules} ({reason(error)})",
            expected="names of its linear layers",
            todo="use all-linear, or correct the names",
        ) from error
    for module in adapted.modules():
        if hasattr(module, "cast_input_dtype_enabled"):  # else every layer copies what it reads to float32
            module.cast_input_dtype_enabled = not _is_half(adapted)
    return adapted


def _is_half(network: Any) -> bool:  # noqa: ANN401  (untyped library)
    return bool(network.get_input_embeddings().weight.dtype == _torch().bfloat16)
