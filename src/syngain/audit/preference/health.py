"""``preference.*``: the fraction of synthetic pairs of every kind of bad preference, next to the real pairs' own."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.preference.kinds import COUNTED, KINDS, WHOLE, visible
from syngain.core.estimate import Estimate, holm
from syngain.inference.counts import expected_range, more_often, testable
from syngain.inference.intervals import share_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.audit.frame import Frame
    from syngain.audit.preference.swaps import SwapSearch
    from syngain.core.arrays import Flags, Ints


@dataclass(frozen=True, slots=True)
class PreferenceHealth:
    """What was found of the preferences.

    Attributes:
        estimates: by id. flags: rows of every kind (m,). coherent: see :class:`SwapEvidence`.
    """

    estimates: Mapping[str, Estimate] = field(default_factory=dict)
    flags: Mapping[str, Flags] = field(default_factory=dict)
    coherent: bool = False


def preference_health(frame: Frame, swaps: SwapSearch) -> PreferenceHealth | None:
    """The preferences of both sides; None for other rows."""
    if frame.real.preferences is None or frame.synthetic.preferences is None:
        return None
    expected, found = visible(frame.real), visible(frame.synthetic)
    units = frame.unit if np.unique(frame.unit).size < frame.unit.size else None
    ids = {name: f"preference.{name}" for name in KINDS}
    usable = [~np.any([flags[name] for name in WHOLE], axis=0) for flags in (expected, found)]
    among = {name: usable if KINDS[name].usable else (slice(None), slice(None)) for name in COUNTED}
    pairs = {ids[name]: (found[name][ours], expected[name][theirs]) for name, (theirs, ours) in among.items()}
    pairs = {name: sides for name, sides in pairs.items() if all(side.size for side in sides)}
    counted = {
        ids[name]: _estimate(name, *pairs[ids[name]], None if units is None else units[ours])
        for name, (_, ours) in among.items()
        if ids[name] in pairs
    }
    compared = testable(pairs)
    evidence = swaps(*usable)
    flags = {**found, "swapped": np.zeros(frame.synthetic.size, dtype=bool)}
    if evidence is None:
        return PreferenceHealth(_adjusted(counted, compared), flags)
    further = {"preference.accuracy": replace(evidence.accuracy, p=None, adjusted_p=None)}
    if evidence.fraction is not None:
        counted[ids["swapped"]] = evidence.fraction
        compared = compared | {ids["swapped"]}
    flags["swapped"] = evidence.flags
    return PreferenceHealth({**_adjusted(counted, compared), **further}, flags, evidence.coherent)


def _adjusted(estimates: Mapping[str, Estimate], compared: set[str]) -> dict[str, Estimate]:
    p = holm({name: item.p for name, item in estimates.items() if item.p is not None and name in compared})
    return {name: item.adjusted(p.get(name, 1.0)) for name, item in estimates.items()}


def _estimate(name: str, flags: Flags, real: Flags, units: Ints | None) -> Estimate:
    return Estimate(
        value=float(flags.mean()),
        unit="share",
        method=f"pairs that {KINDS[name].words}; exact test of Fisher against the real pairs",
        estimand=f"fraction of {KINDS[name].of} that {KINDS[name].words}",
        intervals=share_intervals(flags, units),
        null=expected_range(int(real.sum()), real.size, flags.size),
        p=more_often(int(flags.sum()), flags.size, int(real.sum()), real.size),
        n=flags.size,
        clusters=flags.size if units is None else int(np.unique(units).size),
        references={"real": float(real.mean())},
    )
