"""Hits on two sides: whether one side has more of them than the other, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.core.arrays import Flags
    from syngain.core.estimate import Interval

LEVEL = 0.05


def testable(flags: Mapping[str, tuple[Flags, Flags]]) -> set[str]:
    """Kinds that could be significant with so many hits on both sides [tarone1990]; the others need no correction.

    The least p of a kind is that of all its hits on the synthetic side; the number of hits does not depend on the side.
    """
    least = {}
    for name, (ours, theirs) in flags.items():
        hits = int(ours.sum() + theirs.sum())
        least[name] = more_often(hits, ours.size, 0, theirs.size) if 0 < hits <= ours.size else float(hits == 0)
    for number in range(1, len(least) + 1):
        names = {name for name, p in least.items() if p <= LEVEL / number}
        if len(names) <= number:
            return names
    return set(least)


def more_often(hits: int, rows: int, real_hits: int, real_rows: int) -> float:
    """One-sided exact test of Fisher: as many synthetic hits, or more, where both rates are equal."""
    return float(stats.hypergeom.sf(hits - 1, rows + real_rows, hits + real_hits, rows))


def expected_range(real_hits: int, real_rows: int, rows: int) -> Interval:
    """The 95% range of the fraction among ``rows`` rows at the real rows' rate, which is itself estimated."""
    found = stats.betabinom(rows, real_hits + 0.5, real_rows - real_hits + 0.5)
    low, high = (float(found.ppf(q)) / rows for q in (0.025, 0.975))
    return (low, high)
