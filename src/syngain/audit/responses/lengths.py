"""Responses far shorter or longer than real ones to prompts of their length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from syngain.audit.responses.prompt_response import Response, Responses
    from syngain.core.arrays import Flags, Floats

REACH = 3.0  # ranges between quartiles beyond the quartiles
LEAST = 40  # real rows of a kind of prompt


def sizes(answer: Response) -> tuple[int, int]:
    """Tokens of the prompt and of the response."""
    return len(answer.asked_tokens), len(answer.tokens)


def unusual_length(judged: Responses, real: Responses) -> Flags:
    """Responses outside the log-length range of real responses to prompts of similar length, shape (n,)."""
    ours, theirs = judged.values(sizes), real.values(sizes)
    cuts = np.quantile(theirs[:, 0], (0.25, 0.5, 0.75)) if len(real) >= 4 * LEAST else np.empty(0)
    kind, real_kind = np.searchsorted(cuts, ours[:, 0]), np.searchsorted(cuts, theirs[:, 0])
    log, real_log = np.log1p(ours[:, 1]), np.log1p(theirs[:, 1])
    out = np.zeros(len(judged), dtype=bool)
    for one in np.unique(kind):
        among = real_log[real_kind == one]
        low, high = _range(among if among.size >= LEAST else real_log)
        here = kind == one
        out[here] = (log[here] < low) | (log[here] > high)
    return out


def _range(log: Floats) -> tuple[float, float]:
    """Quartiles of log-lengths, moved out; a tenth as long is usual where real lengths hardly vary."""
    low, high = (float(q) for q in np.quantile(log, (0.25, 0.75)))
    reach = max(REACH * (high - low), math.log(4))
    return low - reach, high + reach
