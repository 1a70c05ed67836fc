"""Hidden states of a frozen causal language model: one forward pass per row, kept on disk."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import InputError
from syngain.core.progress import Progress, silent
from syngain.core.threads import one_thread_each, side_by_side
from syngain.learners.causal_scoring import GPU_FACTOR, SCORE_TOKENS, is_half, memory_named, torch_module
from syngain.learners.completions import Completion, Reader, like_lengths, padded
from syngain.learners.frozen.state_cache import RowStates, StateCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Halves, Ints, Singles
    from syngain.data.columns.roles import Kind
    from syngain.learners.causal import CausalProxy
    from syngain.models.checkpoints import Network, Tensor, Tokenizer

BLOCK = 16  # batches between two writes to the cache
MASS_ROWS = 256  # positions whose logits over the whole vocabulary are in memory at once
AGREE = 0.05  # nats by which the output layer may differ from the network, in bf16
PROBE = "The quick brown fox jumps over the lazy dog."


@dataclass(slots=True)
class Costs:
    """CPU seconds of the frozen model and of the fits on it.

    Attributes:
        features: of forward passes. mass: of logits over the whole vocabulary. fit: of corrections.
        rows: read by the model. cached: found on disk. fits: how many.
    """

    features: float = 0.0
    mass: float = 0.0
    fit: float = 0.0
    rows: int = 0
    cached: int = 0
    fits: int = 0

    def plus(self, other: Costs) -> Costs:
        """The sum of both."""
        return Costs(
            self.features + other.features,
            self.mass + other.mass,
            self.fit + other.fit,
            self.rows + other.rows,
            self.cached + other.cached,
            self.fits + other.fits,
        )

    @property
    def sentence(self) -> str:
        """For example ``Cost: 41 CPU s features (512 rows read, 88 from the cache), 9 mass, 120 fit (90 fits).``."""
        read = f"{self.rows:,} rows read, {self.cached:,} from the cache"
        return (
            f"Cost: {self.features:.0f} CPU s features ({read}), {self.mass:.0f} mass, {self.fit:.0f} fit "
            f"({self.fits:,} fits)."
        )


@dataclass(slots=True)
class FrozenModel:
    """A loaded model whose weights never change.

    Attributes:
        name: as it was asked for. device: of the network. max_tokens: of a row. output: output matrix (V, d), float32.
        bias: of the output (V,), zeros without. costs: what was spent so far. parameters: number of weights.
    """

    name: str
    tokenizer: Tokenizer
    network: Network
    device: str
    max_tokens: int
    output: Singles
    bias: Singles
    cache: StateCache
    parameters: int
    costs: Costs = field(default_factory=Costs)

    @classmethod
    def open(cls, proxy: CausalProxy, *, cache: StateCache | None = None, progress: Progress = silent) -> FrozenModel:
        """Load the model.

        Raises:
            MissingDependencyError: when torch, transformers or the catalog model is not installed.
            InputError: when it is no causal language model with a linear output layer, or does not fit into memory.
            UnfinishedError: when it is neither found nor fetched.
        """
        base = proxy.base(progress)
        network, torch = base.network.eval(), torch_module()
        head = network.get_output_embeddings()
        if head is None or getattr(head, "weight", None) is None:
            raise _no_linear_output(proxy.model)
        limit = int(getattr(network.config, "max_position_embeddings", None) or proxy.max_tokens)
        with torch.inference_mode():
            output = head.weight.detach().float().cpu().numpy()
            own = getattr(head, "bias", None)
            bias = np.zeros(output.shape[0], np.float32) if own is None else own.detach().float().cpu().numpy()
        found = cls(
            name=proxy.model,
            tokenizer=base.tokenizer,
            network=network,
            device=base.device,
            max_tokens=min(proxy.max_tokens, limit),
            output=output,
            bias=bias,
            cache=cache or StateCache(f"{base.identity} {base.device}"),
            parameters=sum(weight.numel() for weight in network.parameters()),
        )
        found._check_output()
        return found

    def reader(self, kind: Kind, *, chat: bool = True) -> Reader:
        """The reader of rows of this kind; see :meth:`Reader.of`."""
        return Reader.of(self.tokenizer, kind, max_tokens=self.max_tokens, chat=chat)

    def states(self, rows: Sequence[Completion], progress: Progress = silent) -> list[RowStates]:
        """States of all rows, from the cache where it has them; equal rows are read once."""
        found: dict[tuple[int, tuple[int, ...]], RowStates] = {}
        absent: list[Completion] = []
        for key, row in {(row.start, row.ids): row for row in rows}.items():
            kept = self.cache.get(row)
            if kept is None:
                absent.append(row)
            else:
                found[key] = kept
        self.costs.cached += len(found)
        self.costs.rows += len(absent)
        parts = like_lengths(absent, SCORE_TOKENS * (GPU_FACTOR if self.device == "cuda" else 1))
        for first in range(0, len(parts), BLOCK):
            progress(f"reading rows with {self.name}", first / len(parts))
            block = parts[first : first + BLOCK]
            made = self._read(absent, block)
            self.cache.put(made)
            found |= {(row.start, row.ids): states for row, states in made}
        return [found[row.start, row.ids] for row in rows]

    def _read(self, rows: Sequence[Completion], parts: Sequence[list[int]]) -> list[tuple[Completion, RowStates]]:
        """Forward passes of some batches, then the logits of their tokens over the whole vocabulary."""
        torch, begun = torch_module(), time.process_time()
        sizes = [len(part) * len(rows[part[0]].ids) for part in parts]

        def work(part: list[int]) -> list[Halves]:
            return self.hidden([rows[i] for i in part])

        with memory_named(self.name, self.max_tokens), one_thread_each(torch):
            run = map(work, parts) if self.device == "cuda" else side_by_side(torch, work, parts, sizes)
            hidden = [
                (rows[i], states)
                for part, made in zip(parts, run, strict=True)
                for i, states in zip(part, made, strict=True)
            ]
        read = time.process_time()
        out = [(row, self._with_mass(row, states)) for row, states in hidden]
        self.costs.features += read - begun
        self.costs.mass += time.process_time() - read
        return out

    def hidden(self, rows: Sequence[Completion]) -> list[Halves]:
        """Last hidden states before each scored token, one float16 array (t, d) per row."""
        torch = torch_module()
        ids, mask, scored = padded(rows)
        with (
            torch.inference_mode(),
            torch.autocast(self.device, dtype=torch.bfloat16, enabled=is_half(self.network), cache_enabled=False),
        ):
            last = self._last(torch.from_numpy(ids), torch.from_numpy(mask)).float().cpu().numpy()
        return [_narrow(last[i, np.flatnonzero(scored[i]) - 1]) for i in range(len(rows))]

    def _last(self, ids: Tensor, mask: Tensor) -> Tensor:
        body = self.network.base_model
        return body(
            input_ids=ids.to(self.device), attention_mask=mask.to(self.device), use_cache=False
        ).last_hidden_state

    def _with_mass(self, row: Completion, hidden: Halves) -> RowStates:
        target = np.array(row.ids[row.start :], dtype=np.int64)
        total, own = log_mass(hidden, self.output, self.bias, target)
        return RowStates(hidden, total, own)

    def _check_output(self) -> None:
        """Whether logits are the output matrix times the last hidden states.

        Raises:
            InputError: they are not, as where a model caps its logits.
        """
        torch = torch_module()
        ids = torch.tensor([self.tokenizer(PROBE, add_special_tokens=False)["input_ids"][:32] or [0]])
        try:
            with torch.inference_mode():
                logits = self.network(input_ids=ids.to(self.device), use_cache=False).logits[0].float().cpu().numpy()
                last = self._last(ids, torch.ones_like(ids))[0].float().cpu().numpy()
            ours = last @ self.output.T + self.bias
        except (AttributeError, TypeError, ValueError) as error:
            raise _no_linear_output(self.name) from error
        theirs, mine = (part - _logsumexp(part)[:, None] for part in (logits, ours))
        gap = np.abs(np.exp(theirs) - np.exp(mine)).sum(axis=1).max()
        if not gap < AGREE:
            raise _no_linear_output(self.name)


def log_mass(hidden: Halves, output: Singles, bias: Singles, target: Ints) -> tuple[Singles, Singles]:
    """Log of the summed exponentials of all logits, and log-probability of each target, both (t,)."""
    total = np.empty(target.size, np.float32)
    own = np.empty(target.size, np.float32)
    for first in range(0, target.size, MASS_ROWS):
        part = slice(first, first + MASS_ROWS)
        logits = hidden[part].astype(np.float32) @ output.T + bias
        total[part] = _logsumexp(logits)
        own[part] = logits[np.arange(logits.shape[0]), target[part]] - total[part]
    return total, own


def _logsumexp(logits: Singles) -> Floats:
    top = logits.max(axis=1, keepdims=True)
    out: Floats = np.log(np.exp(logits - top).sum(axis=1, dtype=np.float64)) + top[:, 0]
    return out


def _narrow(hidden: Singles) -> Halves:
    """Float16, or float32 where a value is out of its range."""
    small = np.abs(hidden).max(initial=0.0) < np.finfo(np.float16).max
    return hidden.astype(np.float16) if small else hidden


def _no_linear_output(model: str) -> InputError:
    return InputError(
        f"the logits of {model} are not a linear function of its last hidden states",
        expected="a causal language model with a plain output layer",
        todo="name another model, for example smollm2, or measure it with --proxy lm",
    )
