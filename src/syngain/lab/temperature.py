"""Preset ``temperature``: a Markov-chain language model whose temperature, prompt mixture and curation vary.

Strings of at most four symbols are enumerated, so entropies, divergences and the true gain of a learner are exact.
The point: information gain alone does not order benefit.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.special import log_softmax, xlogy

from syngain.core.errors import UsageError
from syngain.core.estimate import finite
from syngain.core.progress import Progress, silent
from syngain.information.prompts import information_gain, prompt_information
from syngain.theory import discrete

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from syngain.core.rng import Streams

    Array = NDArray[np.float64]
    Ints = NDArray[np.int64]

SYMBOLS, LONGEST, PROMPTS = 3, 4, 4
START, END = SYMBOLS, SYMBOLS  # row of the start context, column of the end token
TEMPERATURES = (0.2, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.5, 5.0)
SPREADS = (0.0, 0.5, 1.0, 2.0)  # how far the prompts' chains lie from the truth
CURATIONS = ("none", "likely half", "short")
WEIGHT = 30.0  # synthetic rows that the learner sees, in expectation
SMOOTHING = 0.5
NOTE = "Information gain is H(M | p); divergences are of the curated law to the truth; gain is exact, in nats per row."


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One generator: what was varied and every quantity of it, in nats."""

    temperature: float
    spread: float
    curation: str
    information_gain: float
    prompt_information: float
    estimated_gain: float
    estimated_prompt_information: float
    total_variation: float
    kl_from_truth: float
    generation_divergence: float
    true_gain: float

    def as_json(self) -> dict[str, object]:
        """All fields by name; an infinite divergence is null."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: finite(value) if isinstance(value, float) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureResult:
    """All settings and the rank correlation of each quantity with the true gain."""

    settings: Sequence[Setting]

    @property
    def rankings(self) -> dict[str, float]:
        """Spearman correlation with the true gain over the settings."""
        gain = [setting.true_gain for setting in self.settings]
        names = ("information_gain", "prompt_information", "total_variation", "kl_from_truth", "generation_divergence")
        return {
            name: float(stats.spearmanr([getattr(setting, name) for setting in self.settings], gain).statistic)
            for name in names
        }

    def as_json(self) -> dict[str, object]:
        """The result in plain values."""
        return {
            "preset": "temperature",
            "note": NOTE,
            "rankings": self.rankings,
            "settings": [setting.as_json() for setting in self.settings],
        }


def temperature(*, streams: Streams, samples: int = 200, progress: Progress = silent) -> TemperatureResult:
    """Every combination of temperature, prompt spread and curation; ``samples`` per prompt for the estimators.

    Raises:
        UsageError: fewer than 2 samples.
    """
    if samples < 2:
        raise UsageError(f"{samples} samples per prompt", expected="at least 2")
    world = Strings.all()
    truth = streams.stream("truth").normal(size=(SYMBOLS + 1, SYMBOLS + 1))
    directions = streams.stream("prompts").normal(size=(PROMPTS, SYMBOLS + 1, SYMBOLS + 1))
    learner = Learner(world, np.exp(world.log_law(truth)))
    settings = []
    grid = list(itertools.product(TEMPERATURES, SPREADS, CURATIONS))
    for position, (heat, spread, curation) in enumerate(grid):
        progress(f"temperature {heat}", position / len(grid))
        laws = np.array([world.log_law((truth + spread * direction) / heat) for direction in directions])
        rng = streams.stream("samples", str(heat), str(spread))
        settings.append(_setting(world, learner, laws, (heat, spread, curation), samples, rng))
    progress("done", 1.0)
    return TemperatureResult(settings=settings)


def _setting(
    world: Strings,
    learner: Learner,
    laws: Array,
    varied: tuple[float, float, str],
    samples: int,
    rng: np.random.Generator,
) -> Setting:
    heat, spread, curation = varied
    joint = np.exp(laws) / PROMPTS
    generated = joint.sum(axis=0)
    acceptance = _acceptance(world, generated, curation)
    curated = discrete.accepted(generated, acceptance)
    drawn = np.array([rng.choice(world.count, size=samples, p=np.exp(law)) for law in laws])
    scored = np.stack([law[drawn] for law in laws], axis=2)  # (prompt, sample, scoring prompt)
    information = discrete.mutual_information(joint)
    return Setting(
        temperature=heat,
        spread=spread,
        curation=curation,
        information_gain=discrete.entropy(generated) - information,
        prompt_information=information,
        estimated_gain=information_gain(np.einsum("isi->is", scored)).value,
        estimated_prompt_information=prompt_information(scored).value,
        total_variation=discrete.total_variation(learner.truth, curated),
        kl_from_truth=discrete.kl(learner.truth, curated),
        generation_divergence=discrete.acceptance_divergence(generated, acceptance),
        true_gain=learner.gain(curated),
    )


def _acceptance(world: Strings, law: Array, curation: str) -> Array:
    if curation == "none":
        return np.ones(world.count)
    if curation == "short":  # what a length filter does: only strings of at most two symbols
        return (world.lengths <= 2).astype(float)
    order = np.argsort(-law, kind="stable")  # keep the most likely strings that make up half of the mass
    kept = np.cumsum(law[order]) - law[order] < 0.5
    out = np.zeros(world.count)
    out[order[kept]] = 1.0
    return out


@dataclass(frozen=True, slots=True)
class Strings:
    """All strings of one to four symbols, and how often each uses each transition.

    Attributes:
        transitions: counts (strings, contexts, next symbols): context START first, END last column.
        free: the same without the forced end after the longest strings. lengths: (strings,).
    """

    transitions: Array
    free: Array
    lengths: Ints

    @classmethod
    def all(cls) -> Strings:
        """Enumerate them, short ones first."""
        strings = [s for size in range(1, LONGEST + 1) for s in itertools.product(range(SYMBOLS), repeat=size)]
        transitions = np.zeros((len(strings), SYMBOLS + 1, SYMBOLS + 1))
        free = np.zeros_like(transitions)
        for row, symbols in enumerate(strings):
            for before, after in itertools.pairwise((START, *symbols, END)):
                transitions[row, before, after] += 1
                free[row, before, after] += not (after == END and len(symbols) == LONGEST)
        return cls(transitions, free, np.array([len(s) for s in strings]))

    @property
    def count(self) -> int:
        """How many strings there are."""
        return self.lengths.size

    def log_law(self, logits: Array) -> Array:
        """Log-probability of every string under next-symbol logits (contexts, next); sums to one.

        The first symbol is never the end, and after four symbols the end is certain.
        """
        masked = logits.copy()
        masked[START, END] = -np.inf
        table = log_softmax(masked, axis=1)
        return np.asarray(np.einsum("sab,ab->s", self.free, np.where(np.isfinite(table), table, 0.0)))


@dataclass(frozen=True, slots=True)
class Learner:
    """A smoothed Markov chain trained on anchors with or without synthetic rows; its risk is KL(truth || model)."""

    world: Strings
    truth: Array

    def gain(self, synthetic: Array) -> float:
        """Expected fall of the risk when ``WEIGHT`` synthetic rows (their expected counts) join two anchors.

        The expectation over anchor sets is a sum over all pairs of strings: exact.
        """
        added = WEIGHT * np.einsum("s,sab->ab", synthetic, self.world.free)
        means, probabilities = self._anchor_counts()
        return float(probabilities @ (self._risks(means) - self._risks(means + added)))

    def _anchor_counts(self) -> tuple[Array, Array]:
        """Transition counts of all pairs of anchors, and how probable each pair is."""
        pairs = list(itertools.combinations_with_replacement(range(self.world.count), 2))
        first, second = np.array(pairs).T
        counts = self.world.free[first] + self.world.free[second]
        probabilities = self.truth[first] * self.truth[second] * np.where(first == second, 1, 2)
        return counts, probabilities

    def _risks(self, counts: Array) -> Array:
        """KL(truth || smoothed chain) for a batch of counts (c, contexts, next), in nats per row."""
        smoothed = counts + SMOOTHING
        smoothed[:, START, END] = 0.0
        logs = np.log(np.where(smoothed > 0, smoothed, 1.0)) - np.log(smoothed.sum(axis=2, keepdims=True))
        usage = np.einsum("s,sab->ab", self.truth, self.world.free)
        negative_entropy = float(xlogy(self.truth, self.truth).sum())
        return np.asarray(negative_entropy - np.einsum("ab,cab->c", usage, logs))
