"""Effect of a repair: removed fraction of a loss increase, Fieller's interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.inference.intervals import normal_intervals
from syngain.inference.ratios import fieller, paired_ratio
from syngain.training.repair.pattern_metrics import SEEDS_ADDED
from syngain.training.repair.treatment import PREVENTIONS, REPAIRS, RETAINING_PREVENTIONS, RETAINING_REPAIRS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Floats, Ints
    from syngain.training.repair.pattern_metrics import State


def removals(states: Mapping[str, Sequence[State]], clusters: Sequence[Ints]) -> dict[str, Estimate]:
    """Every contrast of the variants, by id.

    ``repair.increase``: loss of the overfitted model minus the untrained one's, nats per token. ``repair.removed@arm``:
    the fraction of it that a repair removes, or a prevention avoids; above 1 the model is better than untrained.
    ``repair.added@forget``: what the forgetting loss removes on top of replay. ``repair.left@arm``: loss of a repaired
    model minus that of one that learned from the same real rows alone, which never saw the dataset.

    Args:
        states: by variant, one per seed, of the same rows in every variant.
        clusters: of the rows of each seed.
    """
    over, untrained = states["overfitted"], states["untrained"]
    increase = _gaps(over, untrained)
    found = {"repair.increase": loss_difference(over, untrained, clusters, "overfitted minus untrained")}
    preventions = (*PREVENTIONS, *RETAINING_PREVENTIONS)
    for arm in (*REPAIRS, *RETAINING_REPAIRS, *preventions):
        if arm in states:
            did = "avoids" if arm in preventions else "removes"
            words = f"fraction of the loss increase that {arm} {did}"
            found[f"repair.removed@{arm}"] = _share(_gaps(over, states[arm]), increase, clusters, words)
        if arm in states and arm in REPAIRS and "anchors" in states:
            words = f"{arm} minus the same real rows alone"
            found[f"repair.left@{arm}"] = loss_difference(states[arm], states["anchors"], clusters, words)
    if "replay" in states and "both" in states:
        words = "fraction of the loss increase that the forgetting loss removes on top of replay"
        found["repair.added@forget"] = _share(_gaps(states["replay"], states["both"]), increase, clusters, words)
    return found


def _gaps(before: Sequence[State], after: Sequence[State]) -> list[Floats]:
    return [first.loss - second.loss for first, second in zip(before, after, strict=True)]


def loss_difference(
    before: Sequence[State],
    after: Sequence[State],
    clusters: Sequence[Ints],
    words: str,
    *,
    of: str = "held-out real rows",
) -> Estimate:
    """Paired difference of losses, ``before`` minus ``after``, in nats per token.

    Args:
        before: one state per seed.
        after: the same, of the same rows.
        clusters: of the rows of each seed.
        words: what is compared.
        of: the rows.
    """
    tokens = [state.tokens.astype(np.float64) for state in before]
    value, error, freedom = paired_ratio(_gaps(before, after), tokens, clusters)
    return Estimate(
        value=value,
        unit="nats per token",
        method=f"paired ratio of sums over rows and {len(before)} seeds, {SEEDS_ADDED}",
        estimand=f"surprisal of the responses of {of}, {words}",
        intervals=normal_intervals(value, error, freedom) if math.isfinite(error) else {},
        n=int(sum(own.size for own in tokens)),
        clusters=int(np.unique(np.concatenate(list(clusters))).size),
        marks=_marks(before),
    )


def _share(above: Sequence[Floats], below: Sequence[Floats], clusters: Sequence[Ints], words: str) -> Estimate:
    found = fieller(above, below, clusters)
    return Estimate(
        value=found.value,
        unit="share",
        method=f"ratio of paired sums over rows and {len(above)} seeds; Fieller's interval, {SEEDS_ADDED}",
        estimand=f"{words}, on held-out real rows",
        intervals=found.intervals,
        n=int(sum(own.size for own in above)),
        clusters=int(np.unique(np.concatenate(list(clusters))).size),
        marks=_marks(above),
    )


def _marks(seeds: Sequence[object]) -> tuple[str, ...]:
    return ("one seed",) if len(seeds) == 1 else ()
