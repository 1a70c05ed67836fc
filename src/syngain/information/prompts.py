"""Information gain and prompt information from log-probabilities, in nats.

``L[i, s, j]`` is the log-probability of output s of prompt i under prompt j, the end token included, of the
distribution *really sampled from*: shape (K prompts, S samples, K prompts). Rows of one prompt share it, so they are
averaged first and prompts are resampled.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import logsumexp

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.core.estimate import Direction, Interval

    Array = NDArray[np.float64]

LEVELS = (0.90, 0.95)


def information_gain(own: Array, step_entropies: Array | None = None) -> Estimate:
    """``information.gain``: H(M(p) | p), the plain estimator -mean L[(i, s), i] [exact, unbiased].

    It is maximized by noise: never read it without a divergence and a measured gain.

    Args:
        own: log-probability of every output under its own prompt, shape (K, S).
        step_entropies: exact next-token entropies of each output summed over its steps, shape (K, S): the
            Rao-Blackwell estimator, combined with the plain one by a weight cross-fitted over prompts.
    """
    _check(own, 2)
    values, method = -own, "minus the mean log-probability of outputs under their own prompt; prompts resampled"
    if step_entropies is not None:
        if step_entropies.shape != own.shape or not np.all(np.isfinite(step_entropies)):
            raise UsageError(
                f"step entropies of shape {step_entropies.shape}", expected=f"finite ones, of shape {own.shape}"
            )
        values = step_entropies + _cross_fitted(-own, step_entropies) * (-own - step_entropies)
        method = "summed next-token entropies, combined with minus the log-probability; prompts resampled"
    return _estimate(
        values.mean(axis=1),
        method=method,
        estimand="conditional entropy of an output given its prompt, over the population of prompts",
        direction="estimate",
    )


def prompt_information(L: Array) -> Estimate:
    """``information.prompt_lower`` for these K prompts, uniformly weighted: I(p; M(p)) exactly in expectation.

    mean_i mean_s [L[i, s, i] - log mean_j exp L[i, s, j]], unbiased for these K prompts and at most ln K; for the
    population of prompts a lower bound.
    """
    _check(L, 3)
    return _estimate(
        _gaps(L, without_own=False).mean(axis=1),
        method="log-probability under the own prompt minus that under the mixture of all prompts",
        estimand="mutual information of these prompts and their outputs; at most ln K",
        direction="lower",
        fixed_prompts=_gaps(L, without_own=False),
    )


def prompt_information_upper(L: Array) -> Estimate:
    """``information.prompt_upper``: leaving out prompt i with all its outputs, an upper bound for the population."""
    _check(L, 3)
    return _estimate(
        _gaps(L, without_own=True).mean(axis=1),
        method="log-probability under the own prompt minus that under the mixture of all other prompts",
        estimand="upper bound of the mutual information over the population of prompts, in expectation",
        direction="upper",
    )


def bracket(L: Array, level: float = 0.95) -> tuple[Interval, bool]:
    """Prompt information of the population: from the lower limit of the lower bound to the upper one of the upper.

    The flag says "saturated": the upper end exceeds ln K, so these prompts are too few to tell.
    """
    low = prompt_information(L).interval(level)[0]
    high = prompt_information_upper(L).interval(level)[1]
    return (low, high), high > math.log(L.shape[0])


def _cross_fitted(plain: Array, summed: Array) -> Array:
    """Variance-minimal weight of ``plain - summed`` for each prompt, from the other half of the prompts: (K, 1).

    The difference has mean zero for every prompt, so a weight that has not seen the prompt leaves the mean unbiased.
    With fewer than four prompts the weight is zero: the summed entropies alone.
    """
    weights = np.zeros((len(plain), 1))
    if len(plain) < 4:
        return weights
    even = np.arange(len(plain)) % 2 == 0
    for half in (even, ~even):
        gap = (plain - summed)[~half].ravel()
        around = (summed - summed[~half].mean())[~half].ravel()
        spread = float(gap @ gap)
        weights[half] = -float(gap @ around) / spread if spread > 0 else 0.0
    return weights


def _gaps(L: Array, *, without_own: bool) -> Array:
    """L[i, s, i] minus the log-probability under the mixture, shape (K, S)."""
    count = L.shape[0]
    own = np.einsum("isi->is", L)
    others = L
    if without_own:
        others = L.copy()
        others[np.arange(count), :, np.arange(count)] = -np.inf
    mixture = logsumexp(others, axis=2) - math.log(count - 1 if without_own else count)
    return np.asarray(own - mixture)


def _estimate(
    per_prompt: Array, *, method: str, estimand: str, direction: Direction, fixed_prompts: Array | None = None
) -> Estimate:
    """Mean over prompts; error over prompts, or over samples within them when the prompts are the population."""
    count = per_prompt.size
    if fixed_prompts is None:
        error, freedom = float(per_prompt.std(ddof=1)) / math.sqrt(count), count - 1
    else:
        samples = fixed_prompts.shape[1]
        error = math.sqrt(float(fixed_prompts.var(axis=1, ddof=1).mean()) / (samples * count))
        freedom = count * (samples - 1)
    value = float(per_prompt.mean())
    intervals = {}
    for level in LEVELS:
        half = float(stats.t.isf((1 - level) / 2, freedom)) * error
        intervals[level] = (value - half, value + half)
    return Estimate(
        value=value,
        unit="nats",
        method=method,
        estimand=estimand,
        intervals=intervals,
        n=count,
        clusters=count,
        direction=direction,
    )


def _check(L: Array, dimensions: int) -> None:
    if L.ndim != dimensions or L.shape[0] < 2 or L.shape[1] < 1 + (dimensions == 3):
        raise UsageError(
            f"log-probabilities of shape {L.shape}",
            expected=f"{dimensions} dimensions: prompts (at least 2), samples"
            + (", prompts" if dimensions == 3 else ""),
        )
    if dimensions == 3 and L.shape[0] != L.shape[2]:
        raise UsageError(f"log-probabilities of shape {L.shape}", expected="as many prompts in the last dimension")
    if np.any(np.isnan(L)) or np.any(L > 1e-6):
        raise UsageError("log-probabilities above zero or missing", expected="natural logarithms of probabilities")
