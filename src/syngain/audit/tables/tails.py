"""``tails.*``: values far beyond the real ones, and real tails that synthetic rows do not reach."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

from syngain.core.estimate import Estimate, holm
from syngain.inference.counts import expected_range, more_often
from syngain.inference.intervals import share_intervals
from syngain.tables.rules.single import keys_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.audit.tables.typed_frame import TypedStudy
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.typed import Column, Table

FEWEST = 40  # real rows with a number
SPANS = (1.0, 2.0, 5.0)  # times the distance of the 1% and 99% quantiles beyond them
TOP = 0.1  # of the real rows, from which the decay of a tail is read
DIFFERENT = 20  # real numbers from which a tail is read
SLOWEST = 0.25  # of the power, where the real tail ends abruptly
FEWER = 0.01  # p of the exact test from which real rows beyond a limit leave the decay its word
FAR = 0.05  # of the real rows are a tail
FEWEST_FAR = 5
SURE = 1e-5  # p from which the nearest limit is taken that few real-like rows pass
MIXED = 0.1  # of the rows
LEVELS = {"invented": 0.02, "missing": 0.01}  # over all columns and both sides
WHOLE = 0.5  # of the rows: beyond it the column lies elsewhere
LEFT = 0.25  # of the expected rows in a tail, below which it is missing

Side = Literal["upper", "lower"]


@dataclass(frozen=True, slots=True)
class Tail:
    """One tail of one column.

    Attributes:
        limit: synthetic rows beyond it count. rows: those rows (m,). known: rows with a number.
        expected: the fraction of real rows.
        p: of so many rows (invented) or so few (missing). adjusted_p: over all columns and both sides.
        possible: whether it could be significant.
    """

    column: Column
    kind: Literal["invented", "missing"]
    side: Side
    limit: float
    rows: Flags
    known: int
    expected: float
    p: float
    adjusted_p: float = 1.0
    possible: bool = True

    @property
    def rate(self) -> float:
        """The fraction of synthetic rows beyond the limit."""
        return float(self.rows.sum()) / max(self.known, 1)

    @property
    def found(self) -> bool:
        """Whether the tail is invented or missing beyond chance."""
        return self.adjusted_p < LEVELS[self.kind] and (self.kind == "invented" or self.rate < LEFT * self.expected)


@dataclass(frozen=True, slots=True)
class TailHealth:
    """What was found of the tails; ``tails``: all that were looked at. ``estimates``: by id."""

    tails: Sequence[Tail]
    estimates: Mapping[str, Estimate] = field(default_factory=dict)

    def found(self, kind: Literal["invented", "missing"]) -> list[Tail]:
        """The invented or missing tails, the clearest first."""
        return sorted((one for one in self.tails if one.kind == kind and one.found), key=lambda one: one.p)

    @property
    def invented(self) -> Flags | None:
        """Rows with a value in an invented tail (m,); None where there is none."""
        rows = [one.rows for one in self.found("invented")]
        return np.any(rows, axis=0) if rows else None

    @property
    def to_drop(self) -> Flags | None:
        """Those rows, without columns that as a whole lie elsewhere, as in another unit: no row is at fault there."""
        rows = [one.rows for one in self.found("invented") if one.rate <= WHOLE]
        return np.any(rows, axis=0) if rows else None


def table_tails(tables: TypedStudy, units: Ints) -> TailHealth:
    """The tails of all number and date columns but keys."""
    real, synthetic = tables.real, tables.synthetic
    keys = keys_of(real)
    names = [one.name for one in real.of_kind("number", "date") if one.name not in keys]
    tails = [tail for name in names for tail in _tails(real.columns[name], synthetic.columns[name])]
    judged = [one for kind in ("invented", "missing") for one in _judged([tail for tail in tails if tail.kind == kind])]
    return TailHealth(judged, _estimates(judged, real, units)) if judged else TailHealth([])


def _judged(tails: Sequence[Tail]) -> Iterator[Tail]:
    """Tails of one kind with the p adjusted over those that could be significant [tarone1990]."""
    adjusted = holm({str(place): tail.p for place, tail in enumerate(tails) if tail.possible})
    for place, tail in enumerate(tails):
        yield replace(tail, adjusted_p=adjusted.get(str(place), 1.0))


def _tails(real: Column, synthetic: Column) -> list[Tail]:
    """Both tails of a column, invented and missing."""
    own = np.sort(real.numbers[np.isfinite(real.numbers)])
    known = np.isfinite(synthetic.numbers)
    if own.size < FEWEST or own[0] == own[-1] or known.sum() < FEWEST_FAR:
        return []
    sides: tuple[Side, Side] = ("upper", "lower")
    return [
        make(
            real,
            side,
            own if side == "upper" else -own[::-1],
            (synthetic.numbers if side == "upper" else -synthetic.numbers),
        )
        for side in sides
        for make in (_invented, _missing)
    ]


def _invented(column: Column, side: Side, own: Floats, ours: Floats) -> Tail:
    """Rows beyond the real quantiles by spans; own ascending, turned so that the tail is the upper one."""
    low, high = (float(q) for q in np.quantile(own, (0.01, 0.99)))
    span = (high - low) or float(own[-1] - own[0])
    known = np.isfinite(ours)
    tried = []
    for times in SPANS:
        limit = high + times * span
        rows = known & (ours > limit)
        p, natural = _surprise(own, limit, int(rows.sum()), int(known.sum()))
        tried.append((min(1.0, len(SPANS) * p), limit, rows, natural * known.sum()))
    sure = [one for one in tried if one[0] < SURE and one[3] <= MIXED * one[2].sum()]  # the nearest names more rows
    p, limit, rows, _ = sure[0] if sure else min(tried, key=lambda one: one[0])
    expected = float((own > limit).mean())
    sign = 1.0 if side == "upper" else -1.0
    # where neither side has a row beyond the nearest limit, no exact test is significant, whichever rows are real
    possible = _is_read(own) or bool(own[-1] > tried[0][1] or tried[0][2].any())
    return Tail(column, "invented", side, sign * limit, rows, int(known.sum()), expected, p, possible=possible)


def _surprise(own: Floats, limit: float, hits: int, rows: int) -> tuple[float, float]:
    """P of so many rows beyond a limit, and the fraction expected there: exact test of Fisher against the real rows.

    Also from the decay of the real tail; where real rows lie beyond the limit as well, only if they are fewer at level
    ``FEWER`` by themselves: a real tail of a few values far apart does not decay.
    """
    if not hits:
        return 1.0, 0.0
    beyond = int((own > limit).sum())
    exact = more_often(hits, rows, beyond, own.size)
    decayed = None if beyond and exact > FEWER else _decayed(own, limit)
    if decayed is None:
        return exact, beyond / own.size
    expected = max(decayed, beyond / own.size)
    return min(exact, float(stats.binom.sf(hits - 1, rows, min(expected, 1.0)))), expected


def _decayed(own: Floats, limit: float) -> float | None:
    """The fraction of rows beyond a limit where the real tail decays as a power [hill1975], slowed by two errors.

    None for numbers with few different values, whose gaps say nothing of a tail.
    """
    center, top = float(np.quantile(own, TOP)), max(int(TOP * own.size), FEWEST_FAR)
    threshold = float(own[-top - 1]) - center
    if threshold <= 0 or not _is_read(own):
        return None
    decay = float(np.log((own[-top:] - center) / threshold).mean()) * (1 + 2 / math.sqrt(top))
    return float(top / own.size * ((limit - center) / threshold) ** (-1 / max(decay, SLOWEST)))


def _is_read(own: Floats) -> bool:
    return np.unique(own).size >= DIFFERENT


def _missing(column: Column, side: Side, own: Floats, ours: Floats) -> Tail:
    """Synthetic rows in the outermost twentieth of the real rows: beta-binomial beyond an order statistic."""
    count = max(round(FAR * own.size), FEWEST_FAR)
    limit = float(own[-count])
    known = np.isfinite(ours)
    rows = known & (ours >= limit)
    p = float(stats.betabinom.cdf(int(rows.sum()), int(known.sum()), count, own.size + 1 - count))
    expected = float((own >= limit).mean())
    sign = 1.0 if side == "upper" else -1.0
    return Tail(column, "missing", side, sign * limit, rows, int(known.sum()), expected, p)


def _estimates(tails: Sequence[Tail], real: Table, units: Ints) -> dict[str, Estimate]:
    """The fraction of rows beyond an invented tail, and the largest fraction that a real tail lacks."""
    invented = [one for one in tails if one.kind == "invented"]
    missing = [one for one in tails if one.kind == "missing"]
    rows: Flags = np.any([one.rows for one in invented], axis=0)
    lacking = [1 - min(one.rate / one.expected, 1.0) if one.adjusted_p < LEVELS["missing"] else 0.0 for one in missing]
    worst = int(np.argmax(lacking))
    p = [min(one.adjusted_p for one in some) for some in (invented, missing)]
    return {
        "tails.invented": Estimate(
            value=float(rows.mean()),
            unit="share",
            method="rows beyond the 1% or 99% quantile of a column by one, two or five times their distance; "
            "p from the decay of the real tail, adjusted over columns",
            estimand="fraction of synthetic rows with a value far beyond the real ones",
            intervals=share_intervals(rows, units),
            null=expected_range(0, real.size, rows.size),
            p=p[0],
            adjusted_p=p[0],
            n=rows.size,
            clusters=int(np.unique(units).size),
        ),
        "tails.missing": Estimate(
            value=lacking[worst],
            unit="share",
            method="synthetic rows in the outermost 5% of the real rows, over what is expected; the column that lacks "
            "most; beta-binomial p, adjusted over columns",
            estimand="largest fraction of a real tail that the synthetic rows lack",
            p=p[1],
            adjusted_p=p[1],
            n=rows.size,
            clusters=int(np.unique(units).size),
            marks=(f"{missing[worst].side} tail of {missing[worst].column.name}",) if lacking[worst] > 0 else (),
        ),
    }
