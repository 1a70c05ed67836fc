"""Metrics of pattern overfitting: answers to real prompts, loss on real rows.

A state of the model is measured on held-out real rows; the states of several seeds become estimates. The sampling
unit is the prompt (with its near-duplicates), seeds added. The unit is nats.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.measures.uniformity import entropy
from syngain.core.errors import InputError
from syngain.core.estimate import Estimate
from syngain.data.text.words import words
from syngain.inference.clusters import satterthwaite
from syngain.inference.intervals import LEVELS, normal_intervals, wilson
from syngain.inference.ratios import paired_ratio
from syngain.training.repair.sampling import SampledResponse, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.learners.causal import CausalModel
    from syngain.learners.completions import Completion, Reader
    from syngain.training.repair.openings import Template

SATURATED = 0.5  # different first words per generation: above it the entropy is a lower bound
SEEDS_ADDED = "clustered by near-duplicate prompts, seed variance added (Satterthwaite)"


@dataclass(frozen=True, slots=True)
class State:
    """A model at one moment of one seed, on rows in a fixed order.

    Attributes:
        loss: surprisal of the response of each row (n,), in nats. tokens: how many were scored of each (n,).
        said: the beginning of an answer to the prompt of each of the first rows.
        other: the state on rows of other kinds; None where there are none.
    """

    loss: Floats
    tokens: Ints
    said: tuple[SampledResponse, ...]
    other: State | None = None

    def only(self, rows: Flags) -> State:
        """The state on some of its rows (n,)."""
        said = tuple(one for one, kept in zip(self.said, rows, strict=False) if kept)
        return State(self.loss[rows], self.tokens[rows], said)


def state_of(
    model: CausalModel,
    *,
    reader: Reader,
    rows: Sequence[Completion],
    prompts: Sequence[str],
    tokens: int,
    seed: int,
) -> State:
    """Score the rows, and sample answers to the prompts of the first rows.

    Raises:
        InputError: a row has no finite surprisal. UnfinishedError: not enough memory.
    """
    loss = model.score(rows)
    if not np.isfinite(loss).all():
        raise InputError(
            f"{model.proxy.model} gives a row no finite surprisal",
            expected="finite probabilities",
            todo="set dtype to float32, or lower the learning rate",
        )
    scored = np.array([row.scored for row in rows], dtype=np.int64)
    return State(loss, scored, tuple(say(model, reader, prompts, tokens=tokens, seed=seed)))


def measures(states: Sequence[State], clusters: Sequence[Ints], template: Template) -> dict[str, Estimate]:
    """The ``pattern.*`` estimates of one variant.

    They are ``template_share``, ``opening_entropy``, ``format`` and ``real_loss``.

    Args:
        states: one per seed.
        clusters: near-duplicate cluster of the rows of each seed.
        template: of the dataset.
    """
    spoken = [own[: len(state.said)] for state, own in zip(states, clusters, strict=True)]
    found = {"pattern.real_loss": real_loss(states, clusters)}
    if all(state.said for state in states):
        found |= {
            "pattern.template_share": _share(
                states,
                spoken,
                lambda said: template.opens(said.text),
                f"fraction of answers to real prompts that open with: {template.opening}",
                {"synthetic rows": template.share},
            ),
            "pattern.opening_entropy": opening_entropy(states, spoken),
            "pattern.format": _share(
                states,
                spoken,
                lambda said: bool(words(said.text)) and not said.broken,
                "fraction of answers with at least one word and no special token but the end of the turn",
                {},
            ),
        }
    return found


def real_loss(states: Sequence[State], clusters: Sequence[Ints], *, of: str = "held-out real rows") -> Estimate:
    """Surprisal per response token of these rows in nats, ratio of sums over seeds."""
    value, error, freedom = paired_ratio(
        [state.loss for state in states], [state.tokens.astype(np.float64) for state in states], clusters
    )
    return Estimate(
        value=value,
        unit="nats per token",
        method=f"ratio of sums over rows and {len(states)} seeds, {SEEDS_ADDED}",
        estimand=f"surprisal of the responses of {of}",
        intervals=_intervals(value, error, freedom),
        n=sum(state.loss.size for state in states),
        clusters=_count(clusters),
    )


def opening_entropy(states: Sequence[State], clusters: Sequence[Ints]) -> Estimate:
    """Entropy of the first word of an answer, in nats, mean of the seeds.

    The plug-in entropy of n draws lies about (words - 1) / (2 n) too low. The jackknife over whole prompt clusters,
    G H - (G - 1) mean H_(-g), removes that term and gives the variance (G - 1) / G sum (H_(-g) - mean)^2 [zahl1977];
    seeds add s^2 / K. Where most answers have a first word of their own it is still too low, and marked so.
    """
    codes = _first_words(states)
    names = np.unique(np.concatenate(list(clusters)))

    def plugged(without: int | None) -> float:
        kept = [code[own != without] for code, own in zip(codes, clusters, strict=True)]
        return float(np.mean([entropy(code) for code in kept if code.size]))

    plain, count = plugged(None), names.size
    value, error, freedom = jackknifed(plugged, names, np.array([entropy(code) for code in codes]))
    size = min(code.size for code in codes)
    saturated = float(np.mean([np.unique(code).size / code.size for code in codes])) > SATURATED
    return Estimate(
        value=value,
        unit="nats",
        method=f"first word of {size} answers in each of {len(states)} seeds; jackknife over prompts, "
        "seed variance added",
        estimand="entropy of the first word of an answer to a real prompt",
        intervals=_intervals(value, error, freedom),
        n=sum(code.size for code in codes),
        clusters=count,
        marks=("saturated",) if saturated else (),
        references={"plug-in": plain, "ceiling of the plug-in": math.log(size)},
    )


def jackknifed(statistic: Callable[[int | None], float], names: Ints, several: Floats) -> tuple[float, float, float]:
    """Value, error and degrees of freedom by the jackknife over clusters; seeds add ``s^2 / K``.

    Args:
        statistic: without the rows of a cluster, or of all rows.
        names: of the clusters.
        several: the statistic of each of the K seeds.
    """
    plain, count = statistic(None), names.size
    if count < 2:
        return plain, math.inf, 1.0
    left = np.array([statistic(int(name)) for name in names])
    parts = [((count - 1) / count * float(np.sum((left - left.mean()) ** 2)), count - 1.0)]
    if several.size > 1:
        parts.append((float(several.var(ddof=1)) / several.size, several.size - 1.0))
    value = count * plain - (count - 1) * float(left.mean())
    return value, math.sqrt(sum(part for part, _ in parts)), satterthwaite(*parts)


def _share(
    states: Sequence[State],
    clusters: Sequence[Ints],
    holds: Callable[[SampledResponse], bool],
    estimand: str,
    references: Mapping[str, float],
) -> Estimate:
    """A fraction of generations, Wilson interval with the effective number of trials."""
    hits = [np.array([holds(said) for said in state.said], dtype=np.float64) for state in states]
    share, error, freedom = paired_ratio(hits, [np.ones(own.size) for own in hits], clusters)
    count = _count(clusters)
    trials, spread = float(count), math.inf
    if 0 < share < 1:
        trials = min(share * (1 - share) / error**2, float(sum(own.size for own in hits))) if error > 0 else count
        spread = max(freedom, 1.0)
    return Estimate(
        value=share,
        unit="share",
        method=f"one answer to each prompt in each of {len(states)} seeds, temperature 1; Wilson, {SEEDS_ADDED}",
        estimand=estimand,
        intervals={level: wilson(share, trials, level, spread) for level in LEVELS},
        n=sum(own.size for own in hits),
        clusters=count,
        references=references,
    )


def _first_words(states: Sequence[State]) -> list[Ints]:
    """The first word of each answer as a number; no word is one of its own."""
    known: dict[str, int] = {}
    return [
        np.array(
            [known.setdefault(next(iter(words(said.text)), ""), len(known)) for said in state.said], dtype=np.int64
        )
        for state in states
    ]


def _intervals(value: float, error: float, freedom: float) -> dict[float, tuple[float, float]]:
    return normal_intervals(value, error, freedom) if math.isfinite(error) else {}


def _count(clusters: Sequence[Ints]) -> int:
    return int(np.unique(np.concatenate(list(clusters))).size)
