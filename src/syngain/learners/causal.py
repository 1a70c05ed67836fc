"""Causal language model as a proxy: low-rank adapters [hu2022], scores in nats.

Contains the network and its adapter, without variants, budgets or gain. The base weights never change, so one copy is
used for every variant: a new adapter restores the untrained model. Without dropout a run depends on its seed alone. It
is bit-identical on one machine for any number of cores (on a GPU up to the order of sums).
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from syngain.core.errors import InputError, UsageError
from syngain.core.optional import require
from syngain.core.progress import Progress, silent
from syngain.core.threads import one_thread_each
from syngain.learners.causal_scoring import CausalScorer, adapter_weights, is_half, memory_named, torch_module
from syngain.learners.completions import LOSSES, Completion, LossTokens, Reader, balanced, like_lengths
from syngain.models import checkpoints
from syngain.models.checkpoints import EXTRA, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from syngain.core.arrays import Floats
    from syngain.data.columns.roles import Kind
    from syngain.models.checkpoints import Library, Network, Optimizer, Tensor, Tokenizer

Weigh: TypeAlias = "Callable[[Tensor, Tensor, list[int]], Tensor]"
"""Surprisals and their mask (rows, columns), and the row positions, to the minimized sum."""

TRAIN_TOKENS = 256  # padded tokens per pass on a CPU: as fast as more, and less padding and memory
SHORT = 512  # tokens up to which a CPU attends faster in bf16 by plain products; their memory grows with the square
CLIP, WARM_UP = 1.0, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalProxy:
    """Hyper-parameters of the proxy.

    Attributes:
        model: a name of the catalog, a folder, a GGUF file or a hub name.
        rank: of the adapters; their scale is 2. modules: layers with an adapter, ``all-linear`` or a name such as
            ``q_proj``.
        rates: learning rates to choose from, the default one first.
        batch: rows per optimizer step. max_tokens: maximum tokens per row; longer rows are truncated.
        dtype: of the base weights; the adapters are always float32. ``auto`` is bf16 where the processor computes in it
            (twice as fast; on SmolLM2 it moved rows by .01 to .03 nats per token, means of 64 rows by up to .0025)
            and float32 elsewhere, where bf16 is slower.
        device: ``auto`` uses a GPU if available.
        chat: whether pairs use the model's chat template.
        loss: the tokens that are trained on: ``completion``, the response; ``assistant``, every assistant turn of a
            conversation; ``all``, those of the prompt too. Losses are measured on the response.
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
    loss: LossTokens = "completion"

    def __post_init__(self) -> None:
        for name, value, least in (
            ("rank", self.rank, 1),
            ("batch", self.batch, 1),
            ("max_tokens", self.max_tokens, 16),
            ("learning rates", len(self.rates), 1),
        ):
            if value < least:
                raise UsageError(
                    f"{name} = {value}", expected=f"at least {least}", todo=f"set {name} to {least} or more"
                )
        if not all(0 < rate < math.inf for rate in self.rates):
            raise UsageError(
                f"learning rates {self.rates}", expected="positive numbers", todo="pass for example rates=(1e-4,)"
            )
        for name, word, known in (
            ("dtype", self.dtype, ("auto", "float32", "bf16")),
            ("device", self.device, ("auto", "cpu", "cuda")),
            ("loss", self.loss, tuple(LOSSES)),
        ):
            if word not in known:
                todo = f"set {name}={known[0]!r}"
                raise UsageError(f"{name} = {word!r}", expected=f"one of {', '.join(known)}", todo=todo)

    def open(self, progress: Progress = silent) -> CausalModel:
        """Load the model and add an untrained adapter.

        Raises:
            MissingDependencyError: when torch, transformers, peft or the catalog model is not installed.
            InputError: when it is not a causal language model, or has no such modules, or does not fit into memory.
            UnfinishedError: when it is neither found nor fetched.
        """
        peft = require("peft", extra=EXTRA, purpose=f"the language model {self.model}")
        found = self.base(progress)
        with memory_named(self.model, self.max_tokens):
            return CausalModel(self, found.tokenizer, _adapted(peft, found.network, self), found.identity, found.device)

    def base(self, progress: Progress = silent) -> BaseModel:
        """Load the model without an adapter.

        Raises:
            MissingDependencyError: when torch, transformers or the catalog model is not installed.
            InputError: when it is not a causal language model, or does not fit into memory.
            UnfinishedError: when it is neither found nor fetched.
        """
        torch = require("torch", extra=EXTRA, purpose=f"the language model {self.model}")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UsageError(
                "device = 'cuda', but torch finds no CUDA device", expected="auto or cpu", todo="set device='auto'"
            )
        device = "cuda" if self.device != "cpu" and torch.cuda.is_available() else "cpu"
        half = self.dtype == "bf16" or (self.dtype == "auto" and _computes_in_bf16(torch, device))
        tokenizer, network = checkpoints.load(self.model, width=2 if half else 4, progress=progress)
        with memory_named(self.model, self.max_tokens):
            network = network.to(device=device, dtype=torch.bfloat16 if half else torch.float32)
            attend = getattr(network, "set_attn_implementation", None)  # older transformers have no such method
            if attend is not None and half and device == "cpu" and self.max_tokens <= SHORT:
                attend("eager")
            return BaseModel(tokenizer, network, checkpoints.identity(network), device)


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A loaded model as it is on disk.

    Attributes:
        identity: sixteen hexadecimal digits of its weights. device: the device of the network.
    """

    tokenizer: Tokenizer
    network: Network
    identity: str
    device: str


@dataclass(frozen=True, slots=True)
class CausalModel:
    """A loaded model with one adapter.

    Attributes:
        identity: sixteen hexadecimal digits of its weights, tokens and settings. device: the device of the network.
    """

    proxy: CausalProxy
    tokenizer: Tokenizer
    network: Network
    identity: str
    device: str

    def reader(self, kind: Kind) -> Reader:
        """The reader for rows of this kind; see :meth:`Reader.of`."""
        limit = getattr(self.network.config, "max_position_embeddings", None) or self.proxy.max_tokens
        tokens = min(self.proxy.max_tokens, int(limit))
        return Reader.of(self.tokenizer, kind, max_tokens=tokens, chat=self.proxy.chat, loss=self.proxy.loss)

    @property
    def scorer(self) -> CausalScorer:
        """The scorer of the current model."""
        return CausalScorer(self.network, self.device, self.proxy.model, self.proxy.max_tokens)

    def score(self, rows: Sequence[Completion], *, temperature: float = 1.0) -> Floats:
        """Surprisal of the scored tokens of each row in nats, shape (n,).

        See :meth:`CausalScorer.score`.
        """
        return self.scorer.score(rows, temperature=temperature)

    def weights(self) -> list[Tensor]:
        """The adapter's tensors, in a fixed order."""
        return adapter_weights(self.network)

    def reset(self, seed: int) -> None:
        """Reset the adapter: the model equals its base, with directions from this seed."""
        torch = torch_module()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for name, weight in sorted(self.network.named_parameters()):
                if weight.requires_grad:
                    fresh = torch.zeros(weight.shape, dtype=torch.float32)
                    if "lora_B" not in name:  # the product with B = 0 is zero whatever A is
                        torch.nn.init.kaiming_uniform_(fresh, a=math.sqrt(5))
                    weight.data.copy_(fresh)

    def shrink(self, kept: float) -> None:
        """Average the weights with those of the base model: ``base + kept * change``.

        The change is a product A B per layer, so scaling B scales it exactly.
        """
        for name, weight in self.network.named_parameters():
            if weight.requires_grad and "lora_B" in name:
                weight.data.mul_(kept)

    def learn(self, rows: Sequence[Completion], optimizer: Optimizer, rate: float) -> float:
        """Take one optimizer step on the mean surprisal of the tokens that are trained on.

        Returns that mean.
        """
        torch = torch_module()
        for group in optimizer.param_groups:
            group["lr"] = rate
        weights = self.weights()
        total, slopes = self.slopes(rows)
        with memory_named(self.proxy.model, self.proxy.max_tokens):
            for weight, slope in zip(weights, slopes, strict=True):
                weight.grad = slope
            torch.nn.utils.clip_grad_norm_(weights, CLIP)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return total

    def slopes(self, rows: Sequence[Completion], weigh: Weigh | None = None) -> tuple[float, list[Tensor]]:
        """The loss of these rows and its gradient in the adapter's tensors (or None).

        Args:
            rows: of one step.
            weigh: computes the loss of some rows from surprisals; None for their sum. Summed over all rows and
                divided by the number of tokens that are trained on, it is the loss.
        """
        torch, scorer = torch_module(), self.scorer
        scored, weights = max(sum(row.trained for row in rows), 1), self.weights()

        def gradient(part: list[int]) -> tuple[float, Sequence[Tensor]]:
            nats, counted = scorer.surprisals([rows[i] for i in part], taught=True)
            loss = nats.sum() if weigh is None else weigh(nats, counted, part)
            return float(loss.detach()), torch.autograd.grad(loss / scored, weights, allow_unused=True)

        total, sums = 0.0, [None] * len(weights)
        with memory_named(self.proxy.model, self.proxy.max_tokens), one_thread_each(torch):
            divide = like_lengths if self.device == "cuda" else balanced
            for loss, gradients in scorer.each(gradient, divide(rows, TRAIN_TOKENS * scorer.factor), rows):
                total += loss  # parts are summed in their order, whoever was first
                for i, slope in enumerate(gradients):
                    if slope is not None:
                        sums[i] = slope if sums[i] is None else sums[i].add_(slope)  # type: ignore[attr-defined]
        return total / scored, sums

    def optimizer(self) -> Optimizer:
        """AdamW [loshchilov2019] without weight decay.

        The rank regularizes, and the number of steps is tuned.
        """
        return torch_module().optim.AdamW(self.weights(), lr=self.proxy.rates[0], weight_decay=0.0)


def paced(rate: float, step: int) -> float:
    """The learning rate of a step, from 0: constant after a short warm-up.

    Every step may then be the last.
    """
    return rate * min(1.0, (step + 1) / WARM_UP)


def _computes_in_bf16(torch: Library, device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return re.search(r"\b(avx512_bf16|amx_bf16)\b", flags) is not None


def _adapted(peft: Library, network: Network, proxy: CausalProxy) -> Network:
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
            module.cast_input_dtype_enabled = not is_half(adapted)
    return adapted
