"""Prompt information I(p; M(p)) from cross-scores, in nats per output.

``L[r, j]`` is the log-probability of output r under prompt j, shape (n, K), the end token included. Two estimands:
*these K prompts*, uniformly weighted, where it is exact in expectation and at most ln K; and *the population* they were
drawn from, where the same expression is a lower bound, and leaving out a prompt with all its outputs an upper one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logsumexp

from syngain.core.errors import UsageError
from syngain.information.estimators.clustered_prompts import ClusteredPrompts, Mean, mean, of_influence

if TYPE_CHECKING:
    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate

_LOWER = "log-probability under the own prompt minus that under the mixture of all prompts"
_UPPER = "log-probability under the own prompt minus that under the mixture of all prompts of other clusters"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bracket:
    """Interval of the population's prompt information.

    From the lower limit of the lower bound to the upper limit of the upper bound. ``saturated``: the upper end exceeds
    ln K (``ceiling``), so these prompts are too few.
    """

    low: float
    high: float
    ceiling: float

    @property
    def saturated(self) -> bool:
        """Whether these prompts are too few for an upper bound."""
        return self.high > self.ceiling


def these_prompts(L: Floats, design: ClusteredPrompts) -> Estimate:
    """Mutual information of an output and its index among these prompts.

    Unbiased, at most ln K. mean_i mean_s [L[(i, s), i] - log mean_j exp L[(i, s), j]]; its error is that of the outputs
    within prompts.
    """
    check_scores(L, design)
    return mean(_gaps(L, design), design, "these").estimate(
        design,
        method=_LOWER,
        estimand="mutual information of these prompts and an output; at most ln K",
        references={"ln K": math.log(design.prompts)},
    )


def population_lower(L: Floats, design: ClusteredPrompts) -> Estimate:
    """``information.prompt_lower``: lower bound for the population, by any scorer.

    With scores of the generator itself the value is exact for these prompts; their interval is in the references.
    """
    these = these_prompts(L, design)
    low, high = these.interval(0.95)
    known = {} if math.isinf(low) else {"these prompts, low": low, "these prompts, high": high}
    return _lower(L, design).estimate(
        design,
        method=_LOWER,
        estimand="mutual information of prompt and output: exact in expectation for these prompts, a lower bound over "
        "the population of prompts, to which the interval belongs",
        direction="lower",
        references={"ln K": math.log(design.prompts), **known},
    )


def population_upper(L: Floats, design: ClusteredPrompts) -> Estimate:
    """``information.prompt_upper``: upper bound in expectation for the population.

    With scores of the generator only. Each prompt is left out with all its outputs, and so are the prompts of its
    cluster: the remaining prompts must be independent of it. Infinite when an output is impossible under all remaining
    prompts.
    """
    check_scores(L, design)
    return _upper(L, design).estimate(
        design,
        method=_UPPER,
        estimand="upper bound, in expectation, of the mutual information of prompt and output over the population",
        direction="upper",
        references={"ln K": math.log(design.prompts)},
    )


def bracket(L: Floats, design: ClusteredPrompts, level: float = 0.95) -> Bracket:
    """Interval of the population's prompt information.

    Both one-sided limits are at level ``(1 + level) / 2``.
    """
    check_scores(L, design)
    low = _lower(L, design).interval(level)[0]
    upper = _upper(L, design)
    high = upper.interval(level)[1] if math.isfinite(upper.value) else math.inf
    return Bracket(low=low, high=high, ceiling=math.log(design.prompts))


def mixture_entropy(L: Floats, design: ClusteredPrompts, level: float = 0.95) -> tuple[Estimate, Bracket]:
    """``information.entropy``: H(M(p)) for these prompts, with an interval.

    The interval is for the population. The value for these prompts is unbiased.

    Minus the log-probability under the mixture of all prompts, and of all others: information gain plus either end of
    the prompt information, with errors of the sums, not sums of errors.
    """
    check_scores(L, design)
    own = L[np.arange(len(L)), design.prompt]
    these = mean(-own + _gaps(L, design), design, "these").estimate(
        design,
        method="minus the log-probability of outputs under the mixture of all prompts",
        estimand="entropy of an output of these prompts, uniformly weighted",
    )
    low = _lower(L, design, own).interval(level)[0]
    upper = _upper(L, design, own)
    high = upper.interval(level)[1] if math.isfinite(upper.value) else math.inf
    return these, Bracket(low=low, high=high, ceiling=math.inf)


def whole_prompts(L: Floats, design: ClusteredPrompts) -> Estimate:
    """Information of *all* outputs of a prompt on the prompt, at most ln K.

    Per prompt. Rows of one prompt are dependent, so the dataset contains this amount, not a multiple of the value per
    row.
    """
    check_scores(L, design)
    sums: Floats = np.stack([np.bincount(design.prompt, column, minlength=design.prompts) for column in L.T], axis=1)
    singles = ClusteredPrompts(np.arange(design.prompts), design.cluster)
    return _lower(sums, singles).estimate(
        singles,
        method="summed log-probability of a prompt's outputs under it minus that under the mixture of all prompts",
        estimand="mutual information of these prompts and all their outputs, per prompt; at most ln K",
        direction="lower",
        references={"ln K": math.log(design.prompts)},
    )


def check_scores(L: Floats, design: ClusteredPrompts) -> None:
    """Refuse invalid cross-scores.

    Raises:
        UsageError: another shape, NaN, above zero, or an output that is impossible under its own prompt.
    """
    if design.prompts < 2:
        raise UsageError("outputs of a single prompt", expected="at least 2 prompts", todo="generate from more prompts")
    expected = (len(design.prompt), design.prompts)
    if L.shape != expected:
        raise UsageError(
            f"cross-scores of shape {L.shape}",
            expected=f"outputs by prompts, {expected}",
            todo="score every output under every prompt",
        )
    if np.any(np.isnan(L)) or np.any(L > 1e-6):
        raise UsageError(
            "log-probabilities above zero or missing",
            expected="natural logarithms of probabilities, at most 0",
            todo="score every output under every prompt",
        )
    if np.any(np.isinf(L[np.arange(len(L)), design.prompt])):
        raise UsageError(
            "an output with probability 0 under its own prompt",
            expected="finite log-probabilities under the own prompt",
            todo="score with the generator that produced the outputs",
        )


def _gaps(L: Floats, design: ClusteredPrompts) -> Floats:
    """Own log-probability minus that under the mixture of all prompts, shape (n,)."""
    own = L[np.arange(len(L)), design.prompt]
    return np.asarray(own - logsumexp(L, axis=1) + math.log(design.prompts))


def _lower(L: Floats, design: ClusteredPrompts, own: Floats | None = None) -> Mean:
    """Mean gap to the mixture of all prompts, with its error over prompts.

    Minus ``own`` when given. A prompt has influence through its own outputs and through the mixture: the derivative by
    its weight is its mean gap minus its mean responsibility for all outputs.
    """
    mixture = logsumexp(L, axis=1)
    values = _gaps(L, design) - (0.0 if own is None else own)
    share = np.exp(L - mixture[:, None]) * design.prompts
    return _with_mixture(values, share, design)


def _upper(L: Floats, design: ClusteredPrompts, own: Floats | None = None) -> Mean:
    """The same against the mixture of the prompts of all other clusters."""
    if design.clusters < 2:
        return Mean(value=math.inf, error=math.nan, freedom=0.0)
    kin = design.cluster[design.prompt][:, None] == design.cluster[None, :]
    others = np.where(kin, -np.inf, L)
    mixture = logsumexp(others, axis=1)
    if np.any(np.isinf(mixture)):
        return Mean(value=math.inf, error=math.nan, freedom=0.0)
    count = (~kin).sum(axis=1)
    values = L[np.arange(len(L)), design.prompt] - mixture + np.log(count) - (0.0 if own is None else own)
    return _with_mixture(values, np.exp(others - mixture[:, None]) * count[:, None], design)


def _with_mixture(values: Floats, share: Floats, design: ClusteredPrompts) -> Mean:
    per_prompt = design.within(values)
    weight = 1.0 / design.samples[design.prompt] / design.prompts
    responsible = weight @ share
    influence = per_prompt - per_prompt.mean() - (responsible - responsible.mean())
    return of_influence(float(per_prompt.mean()), influence, design)
