"""One trial of a Markov-chain simulation: estimators versus exact values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from syngain.information.estimators import (
    generation_divergence,
    information_gain,
    prompt_information,
    semantic,
    token_entropy,
)
from syngain.information.estimators.clustered_prompts import ClusteredPrompts
from syngain.lab.worlds.information_worlds import SpokenWorld, enumerate_laws, score, speak

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate
    from syngain.lab.worlds.information_worlds import Kind, Spoken

PROMPTS, SAMPLES = 64, 8  # of the estimators
BRACKETS, BRACKET_SAMPLES = (16, 64, 256), 4  # prompts and outputs of each, of the brackets
TOP = 2  # listed tokens of the top-k estimators


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An estimate with its true value; ``error`` is that of its interval."""

    value: float
    truth: float
    error: float
    low: float
    high: float

    @property
    def z(self) -> float:
        """Distance from the true value in standard errors."""
        return (self.value - self.truth) / self.error

    @property
    def covers(self) -> bool:
        """Whether the 95% interval contains the true value."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Variances:
    """Exact variances of the mean over these prompts, up to the factor 1 / (K S)."""

    plain: float
    rao_blackwell: float
    combined: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BracketReading:
    """The interval for one number of prompts, with the true value.

    ``rows_left_out`` is the invalid upper bound.
    """

    low: float
    high: float
    truth: float
    lower: float
    upper: float
    rows_left_out: float
    saturated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationTrial:
    """All results of a simulation: estimators, one-sided bounds, variances, intervals.

    Bounds are pairs of limit and true value.
    """

    unbiased: Mapping[str, Reading]
    bounds: Mapping[str, bool]
    variances: Variances
    brackets: Mapping[int, BracketReading]


def trial(kind: Kind, seed: int) -> InformationTrial:
    """Draw a simulation, prompts and outputs from ``seed``; estimate all quantities."""
    rng = np.random.default_rng([seed, 0 if kind == "fixed" else 1])
    world = SpokenWorld.draw(kind, rng)
    tables = world.prompts(PROMPTS, rng)
    design = ClusteredPrompts.balanced(PROMPTS, SAMPLES)
    said = speak(tables, design.prompt, rng)
    own, whole = said.chosen.sum(axis=1), -said.chosen.sum(axis=1) - said.entropies
    listed, lower, upper = _top_k(said)
    laws = enumerate_laws(tables)
    scores = score(tables, said.words)
    first = said.words[:, 0]
    unbiased = {
        "gain, plain": _reading(information_gain.plain(own, design), world.gain),
        "gain, Rao-Blackwell": _reading(information_gain.rao_blackwell(said.entropies, design), world.gain),
        "gain, combined": _reading(information_gain.combined(own, whole, design), world.gain),
        "gain, combined, top 2": _reading(information_gain.combined(own, listed, design), world.gain),
        "bits per byte": _reading(
            information_gain.bits_per_byte(own, said.bytes, design), world.gain / world.bytes / math.log(2.0)
        ),
        "generation divergence": _reading(
            generation_divergence.generation_divergence(first == 0, design.prompt), float(world.base[0, 0, 0])
        ),
        "gain of these prompts, plain": _reading(information_gain.plain(own, design, "these"), laws.gain, fixed=True),
        "gain of these prompts, Rao-Blackwell": _reading(
            information_gain.rao_blackwell(said.entropies, design, "these"), laws.gain, fixed=True
        ),
        "gain of these prompts, combined": _reading(
            information_gain.combined(own, whole, design, "these"), laws.gain, fixed=True
        ),
        "prompt information of these prompts": _reading(
            prompt_information.these_prompts(scores, design), laws.entropy - laws.gain, fixed=True
        ),
        "entropy of these prompts": _reading(
            prompt_information.mixture_entropy(scores, design)[0], laws.entropy, fixed=True
        ),
    }
    least, most = information_gain.top_k_bounds(lower, upper, design)
    texts = ["".join(map(str, row)) for row in said.words]
    meaning = semantic.meaning_entropy(first.tolist(), design)
    meaning_upper = semantic.meaning_entropy_upper(own, first.tolist(), texts, design)
    entropy = prompt_information.mixture_entropy(scores, design)[1]
    bounds = {
        "top-2 lower": least.interval()[0] <= world.gain,
        "top-2 upper": most.interval()[1] >= world.gain,
        "semantic lower": meaning.interval()[0] <= world.first_word_entropy,
        "semantic upper": meaning_upper.interval()[1] >= world.first_word_entropy,
        "entropy bracket": entropy.low <= world.entropy <= entropy.high,
    }
    weights = information_gain.control_weight(own, whole, design)
    return InformationTrial(
        unbiased=unbiased,
        bounds=bounds,
        variances=_variances(laws.spread(), weights),
        brackets={count: _bracket(world, count, rng) for count in BRACKETS},
    )


def _reading(estimate: Estimate, truth: float, *, fixed: bool = False) -> Reading:
    """Build a reading.

    ``fixed``: the error is from outputs within prompts, with about K (S - 1) degrees of freedom.
    """
    low, high = estimate.interval()
    freedom = estimate.clusters * (SAMPLES - 1) if fixed else estimate.clusters - 1
    error = (high - low) / 2 / float(stats.t.isf(0.025, freedom))
    return Reading(value=estimate.value, truth=truth, error=error, low=low, high=high)


def _top_k(said: Spoken) -> tuple[Floats, Floats, Floats]:
    """Excess, lower and upper end of every output from top-k lists."""
    count, length, symbols = said.laws.shape
    ended = np.all(said.laws == 0, axis=2)
    laws = np.where(ended[:, :, None], np.where(np.arange(symbols) == 0, 0.0, -np.inf), said.laws)
    top = -np.sort(-laws, axis=2)[:, :, :TOP].reshape(-1, TOP)
    parts = token_entropy.each_step(said.chosen.ravel(), top, vocabulary=symbols)
    excess, lower, upper = (part.reshape(count, length).sum(axis=1) for part in parts)
    return excess, lower, upper


def _variances(spread: Floats, weights: Floats) -> Variances:
    """Variances of the plain, Rao-Blackwell and combined estimators.

    The combined one uses the fitted weights, averaged over outputs.
    """
    plain, both, steps_ = float(spread[0, 0]), float(spread[0, 1]), float(spread[1, 1])
    excess, with_plain = plain + steps_ - 2 * both, plain - both
    combined = plain - 2 * weights * with_plain + weights**2 * excess
    return Variances(plain=plain, rao_blackwell=steps_, combined=float(combined.mean()))


def _bracket(world: SpokenWorld, count: int, rng: np.random.Generator) -> BracketReading:
    tables = world.prompts(count, rng)
    design = ClusteredPrompts.balanced(count, BRACKET_SAMPLES)
    scores = score(tables, speak(tables, design.prompt, rng).words)
    found = prompt_information.bracket(scores, design)
    return BracketReading(
        low=found.low,
        high=found.high,
        truth=world.prompt_information,
        lower=prompt_information.population_lower(scores, design).value,
        upper=prompt_information.population_upper(scores, design).value,
        rows_left_out=rows_left_out(scores, design),
        saturated=found.saturated,
    )


def rows_left_out(L: Floats, design: ClusteredPrompts) -> float:
    """The invalid upper bound that leaves out a row but not its prompt.

    The prompt stays in the mixture with its other rows.
    """
    samples = design.samples
    shift = L.max(axis=1, keepdims=True)
    mass = np.exp(L - shift)
    own = mass[np.arange(len(L)), design.prompt]
    others = (mass @ samples - own) / (len(L) - 1)
    gaps = L[np.arange(len(L)), design.prompt] - np.log(others) - shift[:, 0]
    return float(design.within(gaps).mean())
