"""Information gain H(M(p) | p) from log-probabilities, in nats per output.

It is the entropy of an output given its prompt, and largest for noise: read it with a divergence and a measured gain.
All log-probabilities are those of the *sampling distribution*, the end token included; :func:`cross_entropy` is for
others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from syngain.core.errors import UsageError
from syngain.information.estimators.clustered_prompts import ClusteredPrompts, Over, mean, ratio

if TYPE_CHECKING:
    from syngain.core.arrays import Flags, Floats
    from syngain.core.estimate import Estimate

FEW_CLUSTERS = 4  # below, the weight is cross-fitted over outputs instead of clusters of prompts
_OVER = {
    "population": "conditional entropy of an output given its prompt, over the population of prompts",
    "these": "conditional entropy of an output given its prompt, over these prompts",
}


def plain(own: Floats, design: ClusteredPrompts, over: Over = "population") -> Estimate:
    """Mean of minus the log-probability of outputs under their prompts. Unbiased.

    ``own`` has shape (n,).
    """
    check_logs(own, design)
    method = "minus the log-probability of outputs under their own prompt; prompts resampled"
    return mean(-own, design, over).estimate(design, method=method, estimand=_OVER[over])


def rao_blackwell(entropies: Floats, design: ClusteredPrompts, over: Over = "population") -> Estimate:
    """Mean of exact next-token entropies summed over each output (n,). Unbiased.

    Its variance is lower than the plain one's where lengths are fixed; where they vary it need not be.
    """
    design.check(entropies, "step entropies")
    method = "exact next-token entropies, summed over each output; prompts resampled"
    return mean(entropies, design, over).estimate(design, method=method, estimand=_OVER[over])


def combined(own: Floats, excess: Floats, design: ClusteredPrompts, over: Over = "population") -> Estimate:
    """The plain estimator with a cross-fitted control variate.

    The control variate ``excess`` (n,) is surprisal minus entropy of the distribution of each step, summed over an
    output: its mean is zero for every prompt, so any weight independent of the output leaves the estimate unbiased.
    With full distributions it is plain minus Rao-Blackwell and this is ``RB + beta (plain - RB)``; with the k most
    probable tokens and "any other" as outcomes it still has mean zero, so top-k lists suffice.
    """
    check_logs(own, design)
    method = "minus the log-probability, with surprisal minus entropy of each step as a cross-fitted control variate"
    controlled = -own - control_weight(own, excess, design) * excess
    return mean(controlled, design, over).estimate(design, method=method, estimand=_OVER[over])


def control_weight(own: Floats, excess: Floats, design: ClusteredPrompts) -> Floats:
    """The variance-minimal weight of the control per output (n,), from the other half.

    Halves are every other cluster of prompts; with fewer than four clusters every other output of a prompt.
    """
    design.check(excess, "excess of surprisal over entropy")
    if design.clusters >= FEW_CLUSTERS:
        half = design.cluster[design.prompt] % 2
    else:
        order = np.argsort(design.prompt, kind="stable")
        starts = np.cumsum(design.samples) - design.samples
        half = np.empty(len(own), dtype=np.int64)
        half[order] = (np.arange(len(own)) - starts[design.prompt[order]]) % 2
    weights = np.zeros(len(own))
    for side in (0, 1):
        weights[half == side] = _slope(-own, excess, design, half != side)
    return weights


def cross_entropy(own: Floats, design: ClusteredPrompts) -> Estimate:
    """An upper bound of the gain, from log-probabilities of another distribution.

    They are not those of the sampling distribution. ``E[-ln p] = H + KL(sampled || p)`` (KL: Kullback-Leibler
    divergence): raw log-probabilities of chosen tokens at another temperature or top-p.
    """
    check_logs(own, design)
    method = "minus the log-probability under the raw distribution, not the sampling distribution; prompts resampled"
    estimand = (
        "cross-entropy of outputs under the raw distribution, at least their conditional entropy given the prompt"
    )
    return mean(-own, design).estimate(design, method=method, estimand=estimand, direction="upper")


def top_k_bounds(lower: Floats, upper: Floats, design: ClusteredPrompts) -> tuple[Estimate, Estimate]:
    """Bounds of the Rao-Blackwell estimator from the k most probable tokens per step.

    ``lower`` and ``upper`` (n,) are sums over steps as
    :class:`syngain.information.estimators.token_entropy.Steps` gives them.

    Raises:
        UsageError: infinite upper ends, as without the size of the vocabulary.
    """
    estimand = _OVER["population"]
    method = "next-token entropies with the tail beyond the top k {}, summed over each output; prompts resampled"
    least = mean(lower, design).estimate(
        design, method=method.format("at maximal concentration"), estimand=estimand, direction="lower"
    )
    if not np.all(np.isfinite(upper)):
        raise UsageError(
            "infinite upper ends of the entropy", expected="finite upper ends", todo="pass the size of the vocabulary"
        )
    most = mean(upper, design).estimate(
        design, method=method.format("uniform over the vocabulary"), estimand=estimand, direction="upper"
    )
    return least, most


def bits_per_byte(own: Floats, sizes: Floats, design: ClusteredPrompts) -> Estimate:
    """Surprisal in bits per UTF-8 byte: a ratio of sums, sizes (n,) in bytes."""
    check_logs(own, design)
    found = ratio(-own / np.log(2.0), sizes, design)
    method = "minus the log-probability over the bytes of the text, ratio of means over prompts; prompts resampled"
    estimand = "surprisal of outputs under their generator per byte, over the population of prompts"
    return found.estimate(design, method=method, estimand=estimand, unit="bits per byte")


def check_logs(own: Floats, design: ClusteredPrompts) -> None:
    """Refuse invalid log-probabilities of outputs.

    Raises:
        UsageError: another shape, not finite, or above zero.
    """
    design.check(own, "log-probabilities")
    if np.any(own > 1e-6):
        raise UsageError(
            f"a log-probability of {float(own.max()):g}",
            expected="natural logarithms of probabilities, at most 0",
            todo="pass the logarithms of the probabilities",
        )


def _slope(values: Floats, excess: Floats, design: ClusteredPrompts, chosen: Flags) -> float:
    """Least-squares slope within prompts, weighted as in the error of the mean.

    Prompts with a single chosen output are used only when all have one; then around the common mean.
    """
    samples = np.bincount(design.prompt[chosen], minlength=design.prompts).astype(np.float64)
    rows = chosen & (samples[design.prompt] >= 2)
    if not rows.any():
        x, y = excess[chosen], values[chosen]
        spread = float(x @ x)
        return float(x @ (y - y.mean())) / spread if spread > 0 else 0.0
    size = np.maximum(samples, 2.0)
    x, y = (
        v - (np.bincount(design.prompt, v * rows, minlength=design.prompts) / size)[design.prompt]
        for v in (excess, values)
    )
    weight = (rows / (size * (size - 1.0))[design.prompt]).astype(np.float64)
    spread = float(weight @ (x * x))
    return float(weight @ (x * y)) / spread if spread > 0 else 0.0
