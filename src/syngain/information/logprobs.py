"""Information from log-probabilities: how much a generator adds beyond its prompt, and how much the prompt decides.

Input: ``logs[i, s, j]``, the log-probability (nats, end token included) of output ``s`` of prompt ``i`` under prompt
``j``, taken from the law that was really sampled from. Estimators as in THEORY section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

LEVELS = (0.90, 0.95)


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptInformation:
    """I(p; output) in nats per output.

    Attributes:
        these: for exactly these K prompts, each equally likely; at most ln K.
        lower, upper: bounds, in expectation, for the population the prompts are a random sample of.
        ceiling: ln K. The population may hold more than the lower bound can ever show.
    """

    these: Estimate
    lower: Estimate
    upper: Estimate
    ceiling: float

    @property
    def saturated(self) -> bool:
        """Whether the upper confidence limit of the bracket exceeds what K prompts can show."""
        return self.upper.interval(0.95)[1] > self.ceiling


def information_gain(own: Array, step_entropies: Array | None = None) -> Estimate:
    """Entropy of the output given its prompt, ``H(M(p) | p)``, nats per output.

    Args:
        own: log-probability of each output under its own prompt, shape ``(K, S)``.
        step_entropies: exact next-token entropies of each output summed over its steps, shape ``(K, S)``. With them
            the two unbiased estimators are combined, the weight cross-fitted over prompts.
    """
    plain = -_table(own, "log-probabilities", 2)
    if step_entropies is None:
        return _clustered(plain.mean(axis=1), plain.size, "mean of minus log-probability")
    summed = _table(step_entropies, "step entropies", 2)
    if summed.shape != plain.shape:
        raise UsageError(f"step entropies of shape {summed.shape}", expected=f"the shape of the outputs, {plain.shape}")
    combined = summed + _cross_fitted_weights(plain, summed) * (plain - summed)
    method = "sum of next-token entropies, combined with minus log-probability by a cross-fitted weight"
    return _clustered(combined.mean(axis=1), plain.size, method)


def prompt_information(logs: Array) -> PromptInformation:
    """What the prompt decides about the output; ``logs`` ``(K, S, K)`` as in the module's docstring."""
    table = _table(logs, "log-probabilities", 3)
    prompts, samples, others = table.shape
    if prompts != others or prompts < 2:
        raise UsageError(
            f"log-probabilities of shape {table.shape}",
            expected="(K, S, K) with at least two prompts: every output scored under every prompt",
        )
    own = table[np.arange(prompts), :, np.arange(prompts)]
    together = special.logsumexp(table, axis=2) - math.log(prompts)
    apart = special.logsumexp(_without_own(table), axis=2) - math.log(prompts - 1)
    inner, outer = own - together, own - apart
    ceiling = math.log(prompts)
    n = prompts * samples
    return PromptInformation(
        these=_fixed(inner, n),
        lower=_population(inner, n, "lower", f"the same mean over all {prompts} prompts: at most ln K = {ceiling:.3f}"),
        upper=_population(outer, n, "upper", "each prompt left out, with its outputs, of the mean it is compared with"),
        ceiling=ceiling,
    )


def _without_own(table: Array) -> Array:
    """``table`` with the own prompt's column removed from the comparison (minus infinity)."""
    result = table.copy()
    prompts = len(table)
    result[np.arange(prompts), :, np.arange(prompts)] = -math.inf
    return result


def _cross_fitted_weights(plain: Array, summed: Array) -> Array:
    """Variance-minimal weight of ``plain - summed`` for each prompt, from the other half of the prompts: ``(K, 1)``.

    The difference has mean zero for every prompt, so any weight that does not see the prompt keeps the mean unbiased.
    With fewer than four prompts the weight is zero: the sum of entropies alone.
    """
    prompts = len(plain)
    weights = np.zeros((prompts, 1))
    if prompts < 4:
        return weights
    even = np.arange(prompts) % 2 == 0
    for half in (even, ~even):
        gap = (plain - summed)[~half].ravel()
        centered = (summed - summed.mean(axis=1, keepdims=True))[~half].ravel()
        spread = float(np.sum(gap * gap))
        weights[half] = -float(np.sum(gap * centered)) / spread if spread > 0 else 0.0
    return weights


def _fixed(values: Array, n: int) -> Estimate:
    """Mean over fixed prompts: only the outputs vary, independently within each prompt."""
    prompts, samples = values.shape
    error = math.nan
    if samples > 1:
        error = math.sqrt(float(np.sum(values.var(axis=1, ddof=1))) / samples) / prompts
    return Estimate(
        value=float(values.mean()),
        unit="nats per output",
        method="mean of log-ratio to the mean over the prompts",
        estimand="mutual information of these prompts, equally likely, and the output",
        intervals=_intervals(float(values.mean()), error, prompts * (samples - 1)),
        n=n,
        clusters=prompts,
    )


def _population(values: Array, n: int, direction: str, method: str) -> Estimate:
    own = values.mean(axis=1)
    return Estimate(
        value=float(own.mean()),
        unit="nats per output",
        method=method,
        estimand="mutual information of a random prompt and the output",
        intervals=_intervals(float(own.mean()), _standard_error(own), len(own) - 1),
        n=n,
        clusters=len(own),
        direction="lower" if direction == "lower" else "upper",
    )


def _clustered(own: Array, n: int, method: str) -> Estimate:
    return Estimate(
        value=float(own.mean()),
        unit="nats per output",
        method=method,
        estimand="entropy of the output given its prompt, for a random prompt",
        intervals=_intervals(float(own.mean()), _standard_error(own), len(own) - 1),
        n=n,
        clusters=len(own),
    )


def _standard_error(own: Array) -> float:
    return float(own.std(ddof=1) / math.sqrt(len(own))) if len(own) > 1 else math.nan


def _intervals(value: float, error: float, freedom: int) -> dict[float, tuple[float, float]]:
    """Student intervals; none when there is no standard error."""
    if not math.isfinite(error) or freedom < 1:
        return {}
    reach = {level: float(stats.t.ppf(0.5 + level / 2, freedom)) * error for level in LEVELS}
    return {level: (value - half, value + half) for level, half in reach.items()}


def _table(values: Array, name: str, dimensions: int) -> Array:
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != dimensions or table.size == 0:
        raise UsageError(f"{name} of shape {table.shape}", expected=f"a table of {dimensions} dimensions with entries")
    if np.any(np.isnan(table)) or np.any(table == math.inf):
        raise UsageError(f"{name} with NaN or plus infinity", expected="numbers, or minus infinity for impossible")
    return table
