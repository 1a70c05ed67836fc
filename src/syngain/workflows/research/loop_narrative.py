"""Sentences on recursive training: verdict and methods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from syngain.core.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.estimate import Estimate
    from syngain.lab.text_loop import Loop

COLLAPSE = 0.9  # of the distinct 4-grams of generation 1
FEW = 5  # loops


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOutcome:
    """What recursive training lost, and which fractions of real rows prevent it.

    Attributes:
        estimates: of the last generation, by id. ``shares``: fractions of real rows. generations, loops: how many.
        collapse: the first generation significantly below :data:`COLLAPSE`; None if none is.
        safe: fractions that significantly prevent at least half of the loss, ascending.
    """

    estimates: Mapping[str, Estimate]
    shares: Sequence[float]
    generations: int
    loops: int
    collapse: int | None
    safe: Sequence[float]


def verdict(found: LoopOutcome) -> Verdict:
    """The verdict: the smallest fraction of real rows that prevents half of the loss."""
    estimates, shares, safe = found.estimates, found.shares, found.safe
    shown = list(dict.fromkeys([shares[0], safe[0] if safe else shares[-1]]))
    parts = [_kept(estimates, share) for share in shown]
    if found.collapse:
        parts[0] += (
            f"; significantly less than {100 * COLLAPSE:.0f}% of the 4-grams from generation {found.collapse} on"
        )
    said = f"After {found.generations} generations, versus generation 1: {'; '.join(parts)}."
    unsure = f"Inconclusive: {said[:1].lower()}{said[1:]}"
    if shares[0] != 0:
        return Verdict(
            decision="cannot_tell",
            sentence=f"{unsure} Add the fraction 0: the loss is measured against it.",
            action="The loss needs a run without real rows to compare with.",
            needs="the fraction 0",
            next_command="syngain loop REAL --real-share 0,0.2,0.5",
        )
    if not any(name.startswith("loop.loss_ratio") for name in estimates) and shares[1:]:
        return Verdict(
            decision="cannot_tell",
            sentence=f"{unsure} With 0% real rows no loss is significant.{_more(found.loops)}",
            action="Without real rows no loss is significant.",
            needs="more generations or repetitions",
            next_command="syngain loop REAL --generations 10 --n-repeats 10",
        )
    if not safe:
        return Verdict(
            decision="cannot_tell",
            sentence=f"{unsure} No fraction tried prevents half of the loss significantly.{_more(found.loops)}",
            action="No fraction tried prevents half of the loss significantly.",
            needs="larger fractions of real rows, or more repetitions",
            next_command="syngain loop REAL --real-share 0,0.5,0.8 --n-repeats 10",
        )
    names = ("distinct_fraction", "coverage")
    ratio = next(estimates[key] for name in names if (key := f"loop.loss_ratio_{name}@{part(safe[0])}") in estimates)
    low, high = ratio.interval(0.9)
    sentence = (
        f"Use {100 * safe[0]:g}% real rows in every generation: they prevent most of the loss. "
        f"Loss ratio versus no real rows: {ratio.value:.2f}, 90% CI [{low:.2f}, {high:.2f}]. {said}"
    )
    return Verdict(
        decision="use_subset",
        sentence=sentence,
        action=f"Use {100 * safe[0]:g}% real rows in every generation.",
        estimate=next(key for name in names if (key := f"loop.loss_ratio_{name}@{part(safe[0])}") in estimates),
        next_command="syngain audit REAL SYNTHETIC",
    )


def paragraphs(run: Loop, loops: int, *, pinned: bool) -> tuple[tuple[str, str], ...]:
    """Paragraphs on methods; ``pinned``: one holdout was given for all loops."""
    loop_words = (
        f"{loops} loops of {run.generations} generations. Generation 1 is sampled from a Markov chain of words fitted "
        f"on at most {run.rows:,} real rows. Every later one is sampled from a chain fitted on the previous generation "
        "and newly drawn real rows. All have the same number of words."
    )
    held = "the rows given with --held-out" if pinned else "half of the rows, drawn again for every loop"
    return (
        ("Loop", loop_words),
        ("Holdout", f"{held}; no generation is trained on them."),
        ("Limits", "A Markov chain of words replaces your generator: a language model degrades later and differently."),
    )


def part(share: float) -> str:
    """The part of an id that names a fraction of real rows."""
    return f"real={share:g}"


def _more(loops: int) -> str:
    return f" Raise --n-repeats: {loops} loops are few." if loops < FEW else ""


def _kept(estimates: Mapping[str, Estimate], share: float) -> str:
    left, seen = (estimates.get(f"loop.{name}@{part(share)}") for name in ("distinct_fraction", "coverage"))
    rows = f"{100 * share:g}% real rows keep" if share else "0% real rows keep"
    said = "no 4-grams, as generation 1 has none"
    if left is not None:
        said = f"{100 * left.value:.0f}% of the distinct 4-grams, 90% CI {_points(left)}"
    if seen is None:
        return f"{rows} {said} (generation 1 of some loop has no 4-gram of the holdout, so their loss is not measured)"
    return f"{rows} {said}, and {100 * seen.value:.0f}% of those of the holdout, 90% CI {_points(seen)}"


def _points(estimate: Estimate) -> str:
    low, high = estimate.interval(0.9)
    return f"[{100 * low:.0f}%, {100 * high:.0f}%]"
