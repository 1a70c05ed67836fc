"""Measures of outputs: gain, prompt information, entropy, semantic split, bits."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.information.estimators import information_gain, prompt_information, semantic
from syngain.information.estimators.clustered_prompts import LEVELS, ClusteredPrompts, mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats
    from syngain.core.estimate import Estimate
    from syngain.information.cross_scoring import Cross, ScorerLimit
    from syngain.information.estimators.clustered_prompts import Over
    from syngain.information.estimators.prompt_information import Bracket
    from syngain.information.outputs import Outputs

FEW = 7  # clusters, below which the error over outputs is the more accurate one
AGREES = 0.05  # allowed difference in nats per token between two computations of one distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerAgreement:
    """Whether the scorer uses the sampling distribution, as an upper bound requires.

    Attributes:
        limit: the scorer's known limit. raw: the rows' log-probabilities are not of that distribution either.
        difference: from the log-probabilities of the rows, in nats per token; NaN where it was not computed.
    """

    limit: ScorerLimit | None = None
    raw: bool = False
    difference: float = math.nan

    @property
    def exact(self) -> bool:
        """Whether the scores are of the sampling distribution."""
        return self.limit is None and not self.raw and self.difference <= AGREES


@dataclass(frozen=True, slots=True)
class NoSplit:
    """Why there is no semantic split.

    The fewest samples of a prompt; None where prompts determine the labels.
    """

    samples: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMeasures:
    """The measures of a group of outputs.

    Attributes:
        estimates: by id. chained: whether common real rows connect most prompts, which then count as independent.
            unsplit: why there is no semantic split. bracket: of the prompt information, when there is one. agreement:
            of the scorer.
        surplus: mean of surprisal minus entropy of the steps, and its error; zero for unselected outputs.
    """

    estimates: Mapping[str, Estimate]
    chained: bool
    unsplit: NoSplit | None = None
    bracket: Bracket | None = None
    agreement: ScorerAgreement | None = None
    surplus: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RealComparison:
    """Novelty, divergence and gain of the kept rows of a group against real rows.

    Attributes:
        nothing_kept: whether no row of the group was kept. refused: why the audit refused the rows, where it did.
    """

    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    nothing_kept: bool = False
    refused: str = ""


def measure(said: Outputs, cross: Cross | None) -> GroupMeasures:
    """All measures of these outputs, which all have log-probabilities.

    ``cross`` numbers their rows.
    """
    design, chained = design_of(said)
    found: dict[str, Estimate] = {"information.gain": _gain(said, design)}
    found["information.gain@total"] = _total(found["information.gain"], len(said))
    if said.bytes.any():
        found["information.bits_per_byte"] = information_gain.bits_per_byte(said.own, said.bytes, design)
    split, unsplit = _semantic(said, design)
    found |= split
    agreement, limits = None, None
    if cross is not None:
        scored = said.take(cross.rows.tolist())
        inner, _ = design_of(scored, order=cross.names)
        agreement = _agreement(scored, cross)
        found["information.prompt_lower"] = prompt_information.population_lower(cross.scores, inner)
        found["information.prompt_lower@whole_prompts"] = prompt_information.whole_prompts(cross.scores, inner)
        if agreement.exact:
            found["information.prompt_upper"] = prompt_information.population_upper(cross.scores, inner)
            found["information.entropy"] = _entropy(cross.scores, inner)
            limits = prompt_information.bracket(cross.scores, inner)
    if "information.entropy" not in found:
        found["information.entropy"] = _entropy_without_scores(found["information.gain"], design)
    return GroupMeasures(
        estimates=found,
        chained=chained,
        unsplit=unsplit,
        bracket=limits,
        agreement=agreement,
        surplus=_surplus(said, design),
    )


def design_of(said: Outputs, order: Sequence[str] = ()) -> tuple[ClusteredPrompts, bool]:
    """Prompts of the outputs, clustered by common real rows; ``order`` numbers them.

    Prompts with several real rows may form large clusters. When more than half of all prompts would be in one cluster,
    every prompt is its own cluster, given the real rows; the second value is then true.
    """
    anchors: dict[str, set[str]] = {name: set() for name in order}
    for name, made_from in zip(said.prompts, said.anchors, strict=True):
        anchors.setdefault(name, set()).update(made_from)
    clusters = _components(anchors)
    sizes = Counter(clusters.values())
    several = any(len(own) > 1 for own in anchors.values())
    if several and max(sizes.values()) > max(len(anchors) / 2, 1):
        return ClusteredPrompts.of(said.prompts, order=order), True
    return ClusteredPrompts.of(said.prompts, clusters, order=order), False


def _components(anchors: Mapping[str, set[str]]) -> dict[str, str]:
    """The cluster of every prompt, named by one of its prompts.

    Prompts of one cluster have real rows in common, directly or through others.
    """
    leader: dict[str, str] = {}
    owner: dict[str, str] = {}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    for prompt, own in anchors.items():
        leader[prompt] = prompt
        for anchor in sorted(own):
            if anchor in owner:
                leader[find(prompt)] = find(owner[anchor])
            owner[anchor] = prompt
    return {prompt: find(prompt) for prompt in anchors}


def _gain(said: Outputs, design: ClusteredPrompts) -> Estimate:
    """The best estimator for the rows; over these prompts without a second cluster."""
    over: Over = "population" if design.clusters > 1 else "these"
    if said.raw.any():
        found = information_gain.cross_entropy(said.own, design)
    elif np.all(np.isfinite(said.excess)):
        found = information_gain.combined(said.own, said.excess, design, over)
        ends = {
            f"entropies, {name}": float(design.within(values).mean())
            for name, values in (("low", said.lower), ("high", said.upper))
            if np.all(np.isfinite(values))
        }
        found = replace(found, references=ends)
    else:
        found = information_gain.plain(said.own, design, over)
    marks = (*(("upper bound",) if said.raw.any() else ()), *(("cut outputs",) if said.cut.any() else ()))
    return replace(found, unit="nats per row", marks=marks)


def _surplus(said: Outputs, design: ClusteredPrompts) -> tuple[float, float] | None:
    """Mean surprisal minus entropy, which is 0 for unselected outputs."""
    if said.raw.any() or not np.all(np.isfinite(said.excess)):
        return None
    found = mean(said.excess, design, "population" if design.clusters > FEW else "these")
    return (found.value, found.error) if math.isfinite(found.error) else None


def _total(per_row: Estimate, rows: int) -> Estimate:
    """The gain of all rows: a sum, as outputs are independent given their prompts."""
    return replace(
        per_row,
        value=per_row.value * rows,
        unit="nats",
        intervals={level: (low * rows, high * rows) for level, (low, high) in per_row.intervals.items()},
        estimand="conditional entropy of all these outputs given their prompts",
        references={},
    )


def _semantic(said: Outputs, design: ClusteredPrompts) -> tuple[dict[str, Estimate], NoSplit | None]:
    """The split, when every prompt has enough samples; else the reason."""
    meanings = said.meanings
    if meanings is None:
        return {}, None
    if said.labels and len(set(zip(said.prompts, meanings, strict=True))) == design.prompts:
        return {}, NoSplit(None)
    fewest = int(design.samples.min())
    if fewest < semantic.FEWEST:
        return {}, NoSplit(fewest)
    lower = semantic.meaning_entropy(meanings, design)
    if not said.raw.any():
        upper = semantic.meaning_entropy_upper(said.own, meanings, said.texts, design)
        lower = replace(lower, references={**lower.references, "by probabilities, high": upper.value})
    return {"information.semantic": replace(lower, unit="nats per row")}, None


def _entropy_without_scores(own: Estimate, design: ClusteredPrompts) -> Estimate:
    """Entropy between the gain and the gain plus ln K.

    Prompt information is at least 0 and at most ln K for these prompts.
    """
    most = math.log(design.prompts)
    return replace(
        own,
        direction="upper" if own.direction == "upper" else "lower",
        intervals={level: (low, high + most) for level, (low, high) in own.intervals.items()},
        method="information gain; the upper end of the interval adds ln K, because the generator did not score outputs "
        "under other prompts",
        estimand="entropy of an output of these prompts, uniformly weighted",
        references={"ln K": most},
        marks=("not cross-scored",),
    )


def _entropy(scores: Floats, design: ClusteredPrompts) -> Estimate:
    """The value for these prompts, with the population's bounds as interval."""
    limits = {level: prompt_information.mixture_entropy(scores, design, level) for level in LEVELS}
    these = limits[LEVELS[0]][0]
    return replace(
        these,
        unit="nats per row",
        intervals={level: (bracket.low, bracket.high) for level, (_, bracket) in limits.items()},
        estimand="entropy of an output: value for these prompts, interval for the population of prompts",
    )


def _agreement(scored: Outputs, cross: Cross) -> ScorerAgreement:
    """Compare the scores of outputs with the log-probabilities in their rows."""
    if cross.limit is not None or scored.raw.any():
        return ScorerAgreement(limit=cross.limit, raw=bool(scored.raw.any()))
    number = {name: k for k, name in enumerate(cross.names)}
    own = cross.scores[np.arange(len(scored)), [number[name] for name in scored.prompts]]
    difference = float(np.mean(np.abs(own - scored.own)) / np.mean(np.maximum(scored.tokens, 1.0)))
    return ScorerAgreement(difference=difference)
