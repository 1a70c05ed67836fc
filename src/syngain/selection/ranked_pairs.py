"""Pairs of datasets by their paired difference, and the ranks that the pairs leave open."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from syngain.core.estimate import Estimate, holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.selection.matched_sets import Standing

LEVEL = 0.05  # of Holm's test over all pairs


@dataclass(frozen=True)
class RankedPair:
    """Two sets; the first is ahead, ``told`` if Holm's test says so at 5 %."""

    ahead: str
    behind: str
    estimate: Estimate
    told: bool


def ranked_pairs(standing: Standing, metric: str, *, balanced: bool) -> list[RankedPair]:
    """All pairs, the one ahead first; told apart by Holm over all of them."""
    found: dict[tuple[int, int], Estimate] = {}
    for a, b in combinations(range(len(standing.names)), 2):
        over = standing.over(metric, a, b, balanced=balanced)
        if over.value < 0:
            a, b, over = b, a, standing.over(metric, b, a, balanced=balanced)  # noqa: PLW2901  (turned around)
        found[a, b] = over
    adjusted = holm({f"{a} {b}": item.p if item.p is not None else 1.0 for (a, b), item in found.items()})
    return [
        RankedPair(
            standing.names[a], standing.names[b], item.adjusted(adjusted[f"{a} {b}"]), adjusted[f"{a} {b}"] < LEVEL
        )
        for (a, b), item in found.items()
    ]


def ranks_of(names: Sequence[str], pairs: Sequence[RankedPair]) -> dict[str, Estimate]:
    """Rank of each set by mean, from 1, with the ranks that the told pairs leave open [mogstad2024]."""
    out = {}
    for name in names:
        better = sum(pair.told for pair in pairs if pair.behind == name)
        worse = sum(pair.told for pair in pairs if pair.ahead == name)
        bounds = (1.0 + better, float(len(names) - worse))
        out[name] = Estimate(
            value=1.0 + sum(pair.behind == name for pair in pairs),
            intervals={0.95: bounds},
            n=len(names),
            unit="rank",
            method="1 + sets ahead; the interval holds the ranks that no pair told apart by Holm at 5 % excludes",
            estimand="place of the set among those compared",
        )
    return out


def ordered(ranks: Mapping[str, Estimate]) -> list[str]:
    """Names by rank, the best first."""
    return sorted(ranks, key=lambda name: ranks[name].value)
