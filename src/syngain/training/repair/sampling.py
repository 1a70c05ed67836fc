"""Sample responses from an adapted model in batches, seeded by row.

A row's draws depend on the seed and its position alone: token by token the inverse of the distribution function at a
uniform number of its own.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.optional import require
from syngain.core.threads import one_thread_each
from syngain.learners.causal_scoring import memory_named
from syngain.models.checkpoints import EXTRA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Reader
    from syngain.models.checkpoints import Library, Tensor

    Tokens = Sequence[int]

TOGETHER = 16  # prompts per batch


@dataclass(frozen=True, slots=True)
class SampledResponse:
    """The beginning of an answer.

    Attributes:
        text: without special tokens. ended: the end token of a turn came. broken: another special token came.
    """

    text: str
    ended: bool
    broken: bool


def say(model: CausalModel, reader: Reader, prompts: Sequence[str], *, tokens: int, seed: int) -> list[SampledResponse]:
    """The first ``tokens`` tokens of one answer per prompt, at temperature 1.

    Args:
        model: as its adapter is now.
        reader: lays prompts out as it does for training; a prompt that is too long loses its end.
        prompts: any number of them.
        tokens: at most drawn of each answer; it stops at any special token.
        seed: of all draws.

    Raises:
        UnfinishedError: not enough memory.
    """
    contexts = [_context(reader, prompt) for prompt in prompts]
    uniform = np.array([np.random.default_rng([seed, i]).random(tokens) for i in range(len(prompts))])
    order = sorted(range(len(contexts)), key=lambda i: (-len(contexts[i]), i))
    parts = [order[first : first + TOGETHER] for first in range(0, len(order), TOGETHER)]
    special = frozenset(int(token) for token in model.tokenizer.all_special_ids)

    def speak(part: list[int]) -> list[list[int]]:
        return _speak(model, [contexts[i] for i in part], uniform[part], special)

    out: dict[int, SampledResponse] = {}
    torch = require("torch", extra=EXTRA, purpose="a language model")
    threads = 1 if model.device == "cuda" else max(torch.get_num_threads(), 2)
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    with memory_named(model.proxy.model, model.proxy.max_tokens), one_thread_each(torch), pool:
        for part, drawn in zip(parts, pool.map(speak, parts), strict=True):
            out |= {i: _said(reader, symbols, special) for i, symbols in zip(part, drawn, strict=True)}
    return [out[i] for i in range(len(prompts))]


def _context(reader: Reader, prompt: str) -> Tokens:
    """The context: the prompt in its layout, as with an empty response."""
    read = reader.read(prompt, "")
    return read.ids[: len(read.ids) - len(reader.layout.end)] or read.ids[:1]


def _speak(model: CausalModel, contexts: Sequence[Tokens], uniform: Floats, special: frozenset[int]) -> list[list[int]]:
    """Sample in right-aligned batches; finished answers leave the batch."""
    torch = require("torch", extra=EXTRA, purpose="a language model")
    network = model.network.get_base_model()
    width = max(map(len, contexts))
    ids = np.zeros((len(contexts), width), dtype=np.int64)
    mask = np.zeros((len(contexts), width), dtype=np.int64)
    for i, context in enumerate(contexts):
        ids[i, width - len(context) :] = context
        mask[i, width - len(context) :] = 1
    positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
    drawn: list[list[int]] = [[] for _ in contexts]
    active = np.arange(len(contexts))
    scorer = model.scorer
    cache = scorer.cache()
    with torch.inference_mode(), scorer.precision():
        for step in range(uniform.shape[1]):
            tensors = [
                torch.from_numpy(np.ascontiguousarray(array)).to(model.device) for array in (ids, mask, positions)
            ]
            logits = network(
                input_ids=tensors[0],
                attention_mask=tensors[1],
                position_ids=tensors[2],
                logits_to_keep=1,
                **scorer.cached(cache),
            ).logits[:, -1]
            symbols = _draw(torch, logits, uniform[active, step])
            for row, symbol in zip(active, symbols, strict=True):
                drawn[row].append(int(symbol))
            keep = np.array([symbol not in special for symbol in symbols.tolist()])
            if not keep.any():
                break
            if not keep.all():
                active, symbols, mask, positions = active[keep], symbols[keep], mask[keep], positions[keep]
                cache.batch_select_indices(torch.from_numpy(np.flatnonzero(keep)).to(model.device))
            ids, positions = symbols[:, None], positions[:, -1:] + 1
            mask = np.concatenate([mask, np.ones((len(active), 1), dtype=np.int64)], axis=1)
    return drawn


def _draw(torch: Library, logits: Tensor, uniform: Floats) -> Ints:
    """The first token whose cumulated probability exceeds the uniform number."""
    cumulated = logits.double().softmax(dim=-1).cumsum(dim=-1)
    level = torch.from_numpy(uniform)[:, None].to(cumulated.device) * cumulated[:, -1:]
    found: Ints = (cumulated <= level).sum(dim=-1).clamp(max=cumulated.shape[1] - 1).cpu().numpy()
    return found


def _said(reader: Reader, symbols: Tokens, special: frozenset[int]) -> SampledResponse:
    last = symbols[-1] if symbols else None
    ended = last is not None and last in reader.layout.end
    text = reader.tokenizer.decode([symbol for symbol in symbols if symbol not in special])
    return SampledResponse(str(text), ended, last in special and not ended)
