"""Entropy bounds of an output from the k most probable tokens per step, in nats.

Three numbers per output: a control variate of mean zero, and two ends of the summed next-token entropy. Also the
conversion of raw to sampling distributions. The steps are those of the output, the end token included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import entr

from syngain.core.errors import UsageError

if TYPE_CHECKING:
    from syngain.core.arrays import Floats

COMPLETE = 1e-6  # allowed missing mass of a full distribution in float32 log-probabilities
SAME = 1e-6  # log-probabilities nearer than this are those of one token
TOO_MUCH = 1e-3  # excess above one that makes a distribution invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Sums over the steps of one output.

    Attributes:
        excess: surprisal minus entropy of the outcome "which of the k tokens, or any other": mean zero.
        lower, upper: ends of the summed next-token entropy; ``upper`` is infinite when the vocabulary is not known.
        complete: whether the listed tokens are the full distribution, so that ``lower`` is the entropy itself.
    """

    excess: float
    lower: float
    upper: float
    complete: bool


def steps(chosen: Floats, top: Floats, *, vocabulary: int | None = None) -> Steps:
    """Sums over one output from log-probabilities (T,) and top-k lists (T, k).

    ``top`` is padded with minus infinity where a step lists fewer. The tail of mass r beyond the k-th probability p_k
    has entropy at least ``-r ln r`` (one token) and, when r exceeds p_k, at least ``r ln(1 / p_k)``; at most
    ``r ln((V - k) / r)``.

    Raises:
        UsageError: probabilities that sum to more than one, or a token outside a complete list.
    """
    excess, lower, upper = each_step(chosen, top, vocabulary=vocabulary)
    return Steps(
        excess=float(excess.sum()),
        lower=float(lower.sum()),
        upper=float(upper.sum()),
        complete=bool(np.array_equal(lower, upper)),
    )


def each_step(chosen: Floats, top: Floats, *, vocabulary: int | None = None) -> tuple[Floats, Floats, Floats]:
    """Excess, lower and upper end of every step, shapes ``(T,)``; see :func:`steps`."""
    ordered = -np.sort(-top, axis=1)
    p = np.exp(ordered)
    total = p.sum(axis=1)
    if np.any(total > 1 + TOO_MUCH):
        raise UsageError(
            f"top log-probabilities that sum to a probability of {float(total.max()):.4f}",
            expected="at most 1 at every step",
            todo="pass natural logarithms of probabilities, each token once",
        )
    listed = np.isfinite(ordered).sum(axis=1)
    lowest = np.where(listed > 0, ordered[np.arange(len(ordered)), np.maximum(listed - 1, 0)], 0.0)
    inside = (chosen >= lowest - SAME) & (listed > 0)
    tail = np.where(1 - total > COMPLETE, 1 - total, 0.0)
    if np.any(~inside & (tail == 0)):
        raise UsageError(
            "a chosen token outside a list whose probabilities sum to 1",
            expected="chosen and listed tokens from one distribution",
            todo="use log-probabilities of one sampling setting",
        )
    hidden = -np.log(np.where(tail > 0, tail, 1.0))  # surprisal of "any other"
    head = entr(p).sum(axis=1)
    excess = np.where(inside, -chosen, hidden) - head - tail * hidden
    lower = head + tail * np.maximum(hidden, -lowest)
    others = np.log(np.maximum((vocabulary or 0) - listed, 1))
    spread = np.full(len(tail), np.inf) if vocabulary is None else hidden + others
    upper = np.where(tail > 0, head + tail * np.where(tail > 0, spread, 0.0), lower)
    return excess, lower, np.maximum(upper, lower)


def sampled_law(logs: Floats, temperature: float, top_p: float = 1.0) -> Floats:
    """Sampling log-probabilities from a *full* raw distribution (k,), in nats.

    First the temperature, then the smallest set of most probable tokens with mass ``top_p``, renormalized: the usual
    order of servers. Temperature 0 keeps the most probable token.
    """
    if temperature < 0 or not 0 < top_p <= 1:
        raise UsageError(
            f"temperature {temperature}, top_p {top_p}",
            expected="temperature at least 0, top_p above 0 and at most 1",
            todo="set temperature=1 and top_p=1",
        )
    if temperature == 0:
        return np.where(np.arange(len(logs)) == int(np.argmax(logs)), 0.0, -np.inf)
    scaled = logs / temperature
    scaled = scaled - np.logaddexp.reduce(scaled)
    if top_p < 1:
        order = np.argsort(-scaled, kind="stable")
        before = np.cumsum(np.exp(scaled[order])) - np.exp(scaled[order])
        scaled[order[before >= top_p]] = -np.inf
        scaled = scaled - np.logaddexp.reduce(scaled)
    return np.asarray(scaled)
