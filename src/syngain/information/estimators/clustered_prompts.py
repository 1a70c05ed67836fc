"""Outputs grouped by prompt and prompt cluster, and means with cluster errors.

Outputs of one prompt are dependent, and so are prompts from one real row. Outputs are averaged within their prompt, and
clusters of prompts are resampled, never outputs or tokens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from syngain.core.errors import UsageError
from syngain.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.core.estimate import Direction, Interval

LEVELS = (0.90, 0.95)
Over = Literal["population", "these"]
"""The reference of a number: the population of prompts, or these prompts alone."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusteredPrompts:
    """The prompt of every output ``(n,)`` and the cluster of every prompt ``(K,)``.

    Prompts are integers in ``range(K)``. Every prompt has at least one output, every cluster one prompt. All prompts
    have equal weight.

    Raises:
        UsageError: no outputs, or numbers that leave a prompt without outputs.
    """

    prompt: Ints
    cluster: Ints

    def __post_init__(self) -> None:
        count = len(self.cluster)
        if not count or not np.array_equal(np.unique(self.prompt), np.arange(count)):
            raise UsageError(
                "prompts without outputs, or outputs without a prompt",
                expected=f"prompts 0 to {count - 1}",
                todo="number the prompts from 0 without gaps",
            )
        if not np.array_equal(np.unique(self.cluster), np.arange(self.cluster.max() + 1)):
            raise UsageError(
                "clusters without prompts", expected="clusters numbered from 0", todo="number the clusters without gaps"
            )

    @classmethod
    def balanced(cls, prompts: int, samples: int) -> ClusteredPrompts:
        """``samples`` outputs per prompt in order; every prompt is its own cluster."""
        return cls(np.repeat(np.arange(prompts), samples), np.arange(prompts))

    @classmethod
    def of(
        cls, prompts: Sequence[str], clusters: Mapping[str, str] | None = None, *, order: Sequence[str] = ()
    ) -> ClusteredPrompts:
        """Build from prompt names.

        ``clusters`` names the cluster of a prompt, else its own. Prompts are numbered in ``order``, then by first
        appearance.
        """
        names = list(dict.fromkeys([*order, *prompts]))
        number = {name: k for k, name in enumerate(names)}
        groups = [name if clusters is None else clusters[name] for name in names]
        group = {name: g for g, name in enumerate(dict.fromkeys(groups))}
        return cls(
            np.array([number[name] for name in prompts], dtype=np.int64),
            np.array([group[name] for name in groups], dtype=np.int64),
        )

    @property
    def prompts(self) -> int:
        """Number of prompts, K."""
        return len(self.cluster)

    @property
    def clusters(self) -> int:
        """Number of independent clusters of prompts."""
        return int(self.cluster.max()) + 1

    @property
    def samples(self) -> Ints:
        """Outputs of each prompt, shape ``(K,)``."""
        return np.bincount(self.prompt, minlength=self.prompts)

    def within(self, values: Floats) -> Floats:
        """Mean over the outputs of each prompt of ``(n,)`` values, shape ``(K,)``."""
        return np.asarray(np.bincount(self.prompt, values, minlength=self.prompts) / self.samples)

    def check(self, values: Floats, name: str) -> None:
        """Refuse values that are not one finite number per output.

        Raises:
            UsageError: another shape, NaN or infinity.
        """
        if values.shape != self.prompt.shape or not np.all(np.isfinite(values)):
            raise UsageError(
                f"{name} of shape {values.shape}, or not finite",
                expected=f"{len(self.prompt)} finite numbers, one per output",
                todo="pass one finite number per output",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean with its standard error and the degrees of freedom of that error."""

    value: float
    error: float
    freedom: float

    def interval(self, level: float) -> Interval:
        """The Student interval; infinite where the error is unknown."""
        if not math.isfinite(self.error) or self.freedom <= 0:
            return (-math.inf, math.inf)
        half = float(stats.t.isf((1 - level) / 2, self.freedom)) * self.error
        return (self.value - half, self.value + half)

    def estimate(
        self,
        design: ClusteredPrompts,
        *,
        method: str,
        estimand: str,
        unit: str = "nats",
        direction: Direction = "estimate",
        references: Mapping[str, float] | None = None,
    ) -> Estimate:
        """As an estimate of the report."""
        known = math.isfinite(self.error) and math.isfinite(self.value) and self.freedom > 0
        return Estimate(
            value=self.value,
            unit=unit,
            method=method,
            estimand=estimand,
            intervals={level: self.interval(level) for level in LEVELS} if known else {},
            n=len(design.prompt),
            clusters=design.clusters,
            direction=direction,
            references=references or {},
        )


def mean(values: Floats, design: ClusteredPrompts, over: Over = "population") -> Mean:
    """Mean over prompts of the mean of ``(n,)`` values within each.

    Over the population the error is that of independent clusters of prompts (the linearized, cluster-robust one with
    G / (G - 1)); over these prompts it comes from the outputs within them, with the degrees of freedom of
    [satterthwaite1946], and is unknown when a prompt has a single output.
    """
    design.check(values, "values")
    per_prompt = design.within(values)
    if over == "population":
        return of_influence(float(per_prompt.mean()), per_prompt - per_prompt.mean(), design)
    samples = design.samples
    if samples.min() < 2:
        return Mean(value=float(per_prompt.mean()), error=math.nan, freedom=0.0)
    deviations = values - per_prompt[design.prompt]
    parts = np.bincount(design.prompt, deviations**2, minlength=design.prompts) / (samples - 1.0) / samples
    total = float(parts.sum())
    if total > 0:
        shares = parts / total  # squares of the parts themselves may underflow
        freedom = 1.0 / float(np.sum(shares**2 / (samples - 1.0)))
    else:
        freedom = float(samples.sum() - samples.size)
    return Mean(value=float(per_prompt.mean()), error=math.sqrt(total) / design.prompts, freedom=freedom)


def of_influence(value: float, influence: Floats, design: ClusteredPrompts) -> Mean:
    """A statistic with the influence of each prompt ``(K,)``, summing to zero.

    Its error is the infinitesimal jackknife by cluster.
    """
    groups = design.clusters
    if groups < 2:
        return Mean(value=value, error=math.nan, freedom=0.0)
    sums = np.bincount(design.cluster, influence, minlength=groups)
    error = math.sqrt(groups / (groups - 1) * float(sums @ sums)) / design.prompts
    return Mean(value=value, error=error, freedom=groups - 1)


def ratio(above: Floats, below: Floats, design: ClusteredPrompts) -> Mean:
    """Ratio of two means over prompts, of ``(n,)`` values each, linearized.

    Raises:
        UsageError: a denominator that is not above zero.
    """
    design.check(above, "numerators")
    design.check(below, "denominators")
    top, bottom = design.within(above), design.within(below)
    if not bottom.mean() > 0:
        raise UsageError(
            "denominators with mean 0 or below", expected="a positive mean", todo="leave out outputs of length 0"
        )
    value = float(top.mean() / bottom.mean())
    return of_influence(value, (top - value * bottom) / float(bottom.mean()), design)
