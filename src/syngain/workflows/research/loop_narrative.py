"""Sentences on a loop: when it collapses, which share of real rows prevents it, and how it was run."""

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
    """What was found.

    Attributes:
        estimates: of the last generation, by id. shares: of real rows. generations, loops: how many.
        collapse: the first generation that is surely below :data:`COLLAPSE`; None if none is.
        safe: shares that surely prevent at least half of the loss, ascending.
    """

    estimates: Mapping[str, Estimate]
    shares: Sequence[float]
    generations: int
    loops: int
    collapse: int | None
    safe: Sequence[float]


def verdict(found: LoopOutcome) -> Verdict:
    """When it collapses, and the smallest share that surely prevents at least half of the loss."""
    estimates, shares, safe = found.estimates, found.shares, found.safe
    shown = list(dict.fromkeys([shares[0], safe[0] if safe else shares[-1]]))
    parts = [_kept(estimates, share) for share in shown]
    if found.collapse:
        parts[0] += f", and surely less than {100 * COLLAPSE:.0f} % of the former from generation {found.collapse} on"
    said = f"After {found.generations} generations, of generation 1: {'; '.join(parts)}."
    if shares[0] != 0:
        return Verdict(decision="cannot_tell", sentence=f"{said} Without the share 0 there is no loss to compare with.")
    if not any(name.startswith("loop.loss_ratio") for name in estimates) and shares[1:]:
        return Verdict(
            decision="cannot_tell", sentence=f"{said} No loss is sure with full replacement either{_more(found.loops)}."
        )
    if not safe:
        return Verdict(
            decision="cannot_tell",
            sentence=f"{said} No share that was tried surely prevents half of it{_more(found.loops)}.",
        )
    names = ("distinct_fraction", "coverage")
    ratio = next(estimates[key] for name in names if (key := f"loop.loss_ratio_{name}@{part(safe[0])}") in estimates)
    low, high = ratio.interval(0.9)
    sentence = (
        f"{said} {100 * safe[0]:g} % real rows in every generation prevent most of the loss: it is {ratio.value:.2f} "
        f"({low:.2f} to {high:.2f}) of that without."
    )
    return Verdict(decision="use_subset", sentence=sentence)


def paragraphs(run: Loop, loops: int, *, pinned: bool) -> tuple[tuple[str, str], ...]:
    """How it was run; ``pinned`` says that one holdout was given for all loops."""
    loop_words = (
        f"{loops} loops of {run.generations} generations. Generation 1 is said by a word chain of at most "
        f"{run.rows:,} real rows; every later one by a chain of the generation before and real rows drawn anew. "
        "All have the same number of words."
    )
    held = "the rows given with --holdout" if pinned else "half of the rows, drawn anew for every loop"
    return (
        ("Loop", loop_words),
        ("Holdout", f"{held}; no generation learns them."),
        ("What it is not", "A word chain stands in for your generator: a language model forgets later and otherwise."),
    )


def part(share: float) -> str:
    """The part of an id that names a share of real rows."""
    return f"real={share:g}"


def _more(loops: int) -> str:
    return f"; {loops} loops are few, more --seeds would narrow this" if loops < FEW else ""


def _kept(estimates: Mapping[str, Estimate], share: float) -> str:
    left, seen = (estimates.get(f"loop.{name}@{part(share)}") for name in ("distinct_fraction", "coverage"))
    rows = f"{100 * share:g} % real rows keep" if share else "no real rows keep"
    said = "no 4-gram to begin with"
    if left is not None:
        said = f"{100 * left.value:.0f} % of the different 4-grams ({_points(left)})"
    if seen is None:
        return f"{rows} {said} (in some loop generation 1 says none of the holdout's, so their loss is not measured)"
    return f"{rows} {said} and {100 * seen.value:.0f} % of those of real rows ({_points(seen)})"


def _points(estimate: Estimate) -> str:
    low, high = estimate.interval(0.9)
    return f"{100 * low:.0f} to {100 * high:.0f}"
