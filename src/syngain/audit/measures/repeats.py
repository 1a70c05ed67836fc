"""Repeats of a frame: near duplicates of texts, equal rows of tables, and whether rows repeat as real rows do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.frame import near_clusters
from syngain.audit.measures.duplicates import effective_size, repeated_fraction
from syngain.data.text import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from syngain.audit.frame import Frame
    from syngain.core.arrays import Flags, Ints
    from syngain.core.estimate import Estimate

EQUAL = "equal in all columns but ids"
NEAR = "MinHash, Jaccard of character 4-grams at least .8"
LEVEL = 0.05


@dataclass(frozen=True)
class Repeats:
    """Rows that repeat earlier ones.

    Attributes:
        exact, near: flags per synthetic row (m,). clusters: near duplicates over all real and synthetic rows (n + m,).
        habit: whether rows of a table repeat, and not significantly more than the real rows.
    """

    estimates: Mapping[str, Estimate]
    exact: Flags
    near: Flags
    clusters: Ints
    habit: bool

    @classmethod
    def of(cls, frame: Frame) -> Repeats:
        """The repeats of a frame."""
        near, n, drawn = near_clusters(frame), frame.real.size, not frame.sides
        real, exact = (
            (near[:n], near[n:]) if drawn else near_duplicates.shared_codes(frame.real.joined, frame.synthetic.joined)
        )
        unit = frame.unit if np.unique(frame.unit).size < frame.unit.size else None
        kinds = (EQUAL, EQUAL) if drawn else ("equal after normalization", NEAR)
        found = {
            "duplicates.exact_fraction": repeated_fraction(exact, real, kind=kinds[0], units=unit, drawn=drawn),
            "duplicates.near_fraction": repeated_fraction(near[n:], near[:n], kind=kinds[1], units=unit, drawn=drawn),
            "size.effective": effective_size(near[n:], unit),
        }
        habit = drawn and _as_real(found["duplicates.near_fraction"])
        return cls(found, _seen_before(exact), _seen_before(near[n:]), near, habit)


def _as_real(repeated: Estimate) -> bool:
    return repeated.references.get("real_at_equal_size", 0.0) > 0 and (repeated.p or 0.0) >= LEVEL


def _seen_before(codes: Ints) -> Flags:
    repeated = np.ones(codes.size, dtype=bool)
    repeated[np.unique(codes, return_index=True)[1]] = False
    return repeated
