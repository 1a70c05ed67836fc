"""Next-token distributions from logits: temperature, top-p, entropy, draws.

These are sampling distributions: with temperature T the logits divided by T, with top-p the smallest set of most
probable tokens whose mass reaches p, renormalized.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.generators.protocol import Sampling


@dataclass
class Drawn:
    """One unfinished output: symbols, log-probabilities, entropies and alternatives."""

    rng: np.random.Generator
    sampling: Sampling
    symbols: list[int] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    tops: list[tuple[Ints, Floats]] = field(default_factory=list)
    ended: bool = False
    stopped: bool = False


@dataclass(frozen=True)
class Law:
    """Next-token log-probabilities of every output, shape (outputs, vocabulary)."""

    logs: Any
    entropies: Floats

    @classmethod
    def of(cls, logits: Any, *, temperature: float, top_p: float) -> Law:  # noqa: ANN401  (a tensor)
        """The distribution of logits at a temperature and top-p; temperature 0 is greedy."""
        import torch

        if temperature == 0:
            best = logits.argmax(dim=-1, keepdim=True)
            logs = torch.full_like(logits, -torch.inf).scatter(1, best, 0.0)
            return cls(logs, np.zeros(logits.shape[0]))
        logs = torch.log_softmax(logits / temperature, dim=-1)
        if top_p < 1:
            ordered, order = logs.sort(dim=-1, descending=True)
            mass = ordered.exp().cumsum(dim=-1)
            outside = (mass - ordered.exp()) >= top_p  # the mass before a token reaches p already
            logs = logs.masked_fill(torch.zeros_like(outside).scatter(1, order, outside), -torch.inf)
            logs = torch.log_softmax(logs, dim=-1)
        finite = torch.where(torch.isfinite(logs), logs, torch.zeros_like(logs))
        entropies = -(logs.exp() * finite).sum(dim=-1)
        return cls(logs, entropies.double().cpu().numpy())

    def draw(self, outputs: Sequence[Drawn], ends: frozenset[int]) -> Ints:
        """Draw and record one token per output.

        By inverse transform of a number from the output's own random stream.
        """
        import torch

        uniform = torch.from_numpy(np.array([one.rng.random() for one in outputs])).to(self.logs.device)
        cumulative = self.logs.double().exp().cumsum(dim=-1)
        symbols = torch.searchsorted(cumulative, (uniform * cumulative[:, -1])[:, None], right=True)[:, 0]
        symbols = symbols.clamp(max=self.logs.shape[1] - 1)
        chosen = self.logs.gather(1, symbols[:, None])[:, 0].double().cpu().numpy()
        taken: Ints = symbols.cpu().numpy()
        k = outputs[0].sampling.top_logprobs
        best = self.logs.topk(min(k, self.logs.shape[1]), dim=-1) if k else None
        for i, one in enumerate(outputs):
            one.symbols.append(int(taken[i]))
            one.logs.append(float(chosen[i]))
            one.entropies.append(float(self.entropies[i]))
            one.ended = int(taken[i]) in ends
            if best is not None:
                logs = best.values[i].double().cpu().numpy()
                here = np.isfinite(logs)
                one.tops.append((best.indices[i].cpu().numpy()[here], logs[here]))
        return taken
