"""Every column of a table by itself: distance with its expected range, bounds, values, missing cells."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from syngain.core.estimate import holm
from syngain.tables.rules.single import keys_of

if TYPE_CHECKING:
    from syngain.core.arrays import Floats, Ints
    from syngain.tables.typed import Column, Table

DRAWS = 200  # of the counts of categories under one law
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """One column on both sides.

    Attributes:
        distance: Kolmogorov-Smirnov of numbers and dates, total variation of words. expected: its 95% quantile where
            both sides have one law. p: of such a distance. adjusted_p: over the columns.
        within: synthetic values inside the real range, or among the real values. covered: real values, or the part of
            the real range, that synthetic rows reach.
        real_missing, synthetic_missing: fractions of missing cells.
    """

    name: str
    kind: str
    distance: float
    expected: float
    p: float
    within: float
    covered: float
    real_missing: float
    synthetic_missing: float
    adjusted_p: float = 1.0

    def record(self) -> dict[str, object]:
        """The column as a line of ``columns.jsonl``."""
        return {
            "column": self.name,
            "kind": self.kind,
            "distance": round(self.distance, 6),
            "expected": round(self.expected, 6),
            "adjusted_p": self.adjusted_p,
            "within": round(self.within, 6),
            "covered": round(self.covered, 6),
            "real_missing": round(self.real_missing, 6),
            "synthetic_missing": round(self.synthetic_missing, 6),
        }


def column_reports(real: Table, synthetic: Table, rng: np.random.Generator) -> list[ColumnReport]:
    """All columns but keys, the farthest from its expected range first."""
    keys = keys_of(real)
    names = [name for name in real.columns if name not in keys]
    found = [_report(real.columns[name], synthetic.columns[name], rng) for name in names]
    adjusted = holm({one.name: one.p for one in found})
    judged = [replace(one, adjusted_p=adjusted[one.name]) for one in found]
    return sorted(judged, key=lambda one: (one.adjusted_p, one.expected - one.distance))


def _report(real: Column, synthetic: Column, rng: np.random.Generator) -> ColumnReport:
    if real.kind == "word":
        distance, expected, p, within, covered = _words(real, synthetic, rng)
    else:
        distance, expected, p, within, covered = _numbers(real.numbers, synthetic.numbers)
    return ColumnReport(
        real.name,
        real.kind,
        distance,
        expected,
        p,
        within,
        covered,
        float((~real.filled).mean()),
        float((~synthetic.filled).mean()),
    )


def _numbers(real: Floats, synthetic: Floats) -> tuple[float, float, float, float, float]:
    own, ours = (np.sort(side[np.isfinite(side)]) for side in (real, synthetic))
    if not own.size or not ours.size:
        return 1.0, 1.0, 1.0, 1.0, 0.0
    scale = math.sqrt(own.size * ours.size / (own.size + ours.size))
    distance = kolmogorov_distance(own, ours)
    width = float(own[-1] - own[0])
    reach = min(float(ours[-1]), float(own[-1])) - max(float(ours[0]), float(own[0]))
    return (
        distance,
        float(special.kolmogi(1 - LEVEL)) / scale,
        float(special.kolmogorov(distance * scale)),
        float(((ours >= own[0]) & (ours <= own[-1])).mean()),
        1.0 if width == 0 else max(reach, 0.0) / width,
    )


def kolmogorov_distance(one: Floats, other: Floats) -> float:
    """The largest difference of two empirical distribution functions; both samples in ascending order."""
    points = np.concatenate([one, other])
    gaps = np.searchsorted(one, points, "right") / one.size - np.searchsorted(other, points, "right") / other.size
    return float(np.abs(gaps).max())


def _words(real: Column, synthetic: Column, rng: np.random.Generator) -> tuple[float, float, float, float, float]:
    own, ours = (_counts(column) for column in (real, synthetic))
    if not own.sum() or not ours.sum():
        return 1.0, 1.0, 1.0, 1.0, 0.0
    seen = own > 0
    distance = _variation(own, ours)
    pooled = (own + ours) / (own + ours).sum()
    draws = [
        _variation(rng.multinomial(int(own.sum()), pooled), rng.multinomial(int(ours.sum()), pooled))
        for _ in range(DRAWS)
    ]
    spread, center = float(np.std(draws, ddof=1)), float(np.mean(draws))
    p = float(special.ndtr(-(distance - center) / spread)) if spread else 1.0
    counted = float((1 + np.sum(np.array(draws) >= distance)) / (1 + DRAWS))
    return (
        distance,
        float(np.quantile(draws, LEVEL)),
        p if distance > max(draws) else counted,
        float(ours[seen].sum() / ours.sum()),
        float((ours[seen] > 0).mean()),
    )


def _counts(column: Column) -> Ints:
    return np.bincount(column.codes[column.filled], minlength=len(column.values))


def _variation(own: Ints, ours: Ints) -> float:
    return float(np.abs(own / own.sum() - ours / ours.sum()).sum()) / 2
