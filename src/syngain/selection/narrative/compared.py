"""Sentences of ``compare``: the verdict and the paragraphs on methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from syngain.core.result import Verdict
from syngain.selection.matched_sets import ANCHORS, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.selection.matched_sets import Contest, RankedPair, Standing


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
    tail = f" At {standing.size:,} rows of each. Ranks: {places}." + (f" Cannot tell apart: {rest}." if rest else "")
    low, high = gain.interval(0.9)
    said = f"{gain.value:+.3g} {gain.unit} over your rows alone (90 % interval {low:+.3g} to {high:+.3g})"
    if high < 0:
        sentence = f"None helps: even {best}, which does best, is at {said}.{tail}"
        return Verdict(decision="do_not_use", sentence=sentence, rows_to_use=0)
    if tied:
        first = f"Cannot tell {best}, first by its mean, apart from {', '.join(tied)}"
        return Verdict(decision="cannot_tell", sentence=f"{first}: {best} is at {said}.{tail}")
    if low <= 0:
        return Verdict(
            decision="cannot_tell", sentence=f"{best} is the best of them, but it may not help: {said}.{tail}"
        )
    return Verdict(decision="use", sentence=f"{best} is the best of them: {said}.{tail}")


def _place(rank: Estimate) -> str:
    low, high = (round(end) for end in rank.interval(0.95))
    return f"{low}" if low == high else f"{low} to {high}"


def methods(standing: Standing, contest: Contest, *, balanced: bool) -> tuple[tuple[str, str], ...]:
    """Heading and paragraph pairs: equal terms, order."""
    lengths = "as many from each fifth of all lengths" if contest.lengths else "lengths are as they come"
    drawn = (
        f"{standing.size:,} rows of every set beside the same anchors, {contest.draws} draws of each, {lengths}. "
        f"Differences are paired by row; {standing.where}."
    )
    weights = (
        "The order is decided with the rows of every set weighted to the class shares of the anchors."
        if balanced
        else "No class weights."
    )
    order = (
        "Sets are told apart by Student's t on the paired differences, adjusted by Holm over all pairs, at 5 %; "
        "intervals are of single differences, unadjusted. "
    )
    return (("Equal terms", drawn), ("Order", order + weights))
