"""Sentences of ``compare``: the verdict and the paragraphs on methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from syngain.core.phrases import listed
from syngain.core.result import Verdict
from syngain.gain.outcome.effects import gain_words
from syngain.selection.matched_sets import ANCHORS, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.selection.matched_sets import Contest, RankedPair, Standing


_MORE = " Add test rows, or compare larger datasets."
_NEEDS = "more test rows, or larger datasets"
_NEXT = "syngain audit REAL SYNTHETIC --test TEST"


class _More(TypedDict):
    estimate: str
    needs: str
    next_command: str


def verdict(
    standing: Standing, pairs: Sequence[RankedPair], ranks: Mapping[str, Estimate], metric: str, *, balanced: bool
) -> Verdict:
    """Which dataset is best, and which are not distinguishable from it."""
    order = ordered(ranks)
    best = order[0]
    gain = standing.over(metric, standing.names.index(best), ANCHORS, balanced=balanced)
    tied = [pair.behind for pair in pairs if pair.ahead == best and not pair.told]
    places = "; ".join(f"{name} {_place(ranks[name])}" for name in order)
    rest = ", ".join(f"{pair.ahead} and {pair.behind}" for pair in pairs if not pair.told)
    tail = f" At {standing.size:,} rows of each dataset. Ranks: {places}."
    tail += f" Not distinguishable: {rest}." if rest else ""
    low, high = gain.interval(0.9)
    said = f"{gain_words(gain, metric)}, over your rows alone"
    more: _More = {
        "estimate": f"compare.rank@{best}",
        "needs": "more test rows, or larger datasets",
        "next_command": _NEXT,
    }
    if high < 0:
        sentence = f"Do not use it: {best}, the best dataset, gains {said}.{tail}"
        return Verdict(
            decision="do_not_use",
            sentence=sentence,
            rows_to_use=0,
            action=f"Do not use any: even {best} lowers the score.",
            **more,
        )
    if tied:
        first = f"Inconclusive: {best} ranks first, not distinguishable from {', '.join(tied)}"
        action = f"{best} ranks first, not distinguishable from {listed(tied)}."
        return Verdict(
            decision="cannot_tell", sentence=f"{first}. {best} gains {said}.{tail}{_MORE}", action=action, **more
        )
    if low <= 0:
        first = f"Inconclusive: {best} ranks first, but its gain is not significant"
        action = f"{best} ranks first, but its gain is not significant."
        return Verdict(decision="cannot_tell", sentence=f"{first}: {said}.{tail}{_MORE}", action=action, **more)
    sentence, action = f"Use {best}: {said}.{tail}", f"Use {best}, the best of {len(order)} datasets."
    return Verdict(
        decision="use", sentence=sentence, action=action, estimate=f"compare.rank@{best}", next_command=_NEXT
    )


def _place(rank: Estimate) -> str:
    low, high = (round(end) for end in rank.interval(0.95))
    return f"{low}" if low == high else f"{low} to {high}"


def methods(standing: Standing, contest: Contest, *, balanced: bool) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: equal size, ranking."""
    lengths = "as many from each fifth of all lengths" if contest.lengths else "lengths not matched"
    drawn = (
        f"{standing.size:,} rows of every dataset, added to the same real rows; {contest.draws} draws of each, "
        f"{lengths}. Differences are paired by row; {standing.where}."
    )
    weights = (
        "Datasets are ranked with rows weighted to the class distribution of the real rows."
        if balanced
        else "No class weights."
    )
    order = (
        "Datasets are compared by Student's t on the paired differences, adjusted by Holm over all pairs, at 5%. "
        "Intervals are of single differences, unadjusted. "
    )
    return (("Equal size", drawn), ("Ranking", order + weights))
