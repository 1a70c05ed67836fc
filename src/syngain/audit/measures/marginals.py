"""Columns of a table one by one: the largest distance between their marginal distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from syngain.core.estimate import Estimate
from syngain.data.columns.dates import dated
from syngain.inference.intervals import normal_intervals
from syngain.inference.resampling import permutation, permuted_sides, subsampled_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints


WIDE = 1_000  # columns above which fewer draws are made
CELLS = 1_000_000  # cells that are compared at a time
SAMPLE = 1_000  # rows of each side in the test of single columns
SIGNIFICANT = 0.001  # over all columns


@dataclass(frozen=True, slots=True)
class Marginals:
    """Kolmogorov-Smirnov distance of number columns, total variation of the others; the largest over the columns.

    One permutation null for the largest takes care of the number of columns; above 1,000 columns it has a quarter of
    the draws.
    """

    permutations: int = 199
    draws: int = 60

    def __call__(
        self, columns: Mapping[str, Sequence[object]], real: Flags, unit: Ints, rng: np.random.Generator
    ) -> dict[str, Estimate]:
        """``fidelity.marginals`` from pooled columns of N values each; reference: fraction of columns that differ."""
        coded = _Coded.of([_coded(values) for values in columns.values()])
        fewer = 4 if len(columns) > WIDE else 1
        observed = coded.distances(real)
        sides = [permuted_sides(unit, int(real.sum()), rng) for _ in range(self.permutations // fewer)]
        draws = np.array([coded.distances(side).max() for side in sides])
        value = float(observed.max())
        null = permutation(value, draws, "upper")
        error = subsampled_error(
            lambda rows: float(coded.distances(real, rows).max()), unit, rng, draws=self.draws // fewer
        )
        worst = int(observed.argmax())
        return {
            "fidelity.marginals": Estimate(
                value=value,
                unit="share",
                method="largest Kolmogorov-Smirnov distance (numbers) or total variation (categories) over columns; "
                "permutation p of the largest",
                estimand="expected largest distance over the columns, at this sample size",
                intervals=normal_intervals(value, error),
                null=null.range,
                p=null.p,
                n=real.size,
                clusters=int(np.unique(unit).size),
                marks=(f"largest in column {list(columns)[worst]}",),
                references={"real": null.mean, "columns_that_differ": float((observed > null.range[1]).mean())},
            )
        }


@dataclass(frozen=True)
class _Coded:
    """Coded columns of one length, those of numbers sorted once.

    Attributes:
        columns: all of them. ranked, named: which ones are numbers and categories.
        orders: blocks of number columns with the rows in ascending order; each (columns, rows).
    """

    columns: Sequence[Floats]
    ranked: Ints
    named: Ints
    orders: Sequence[Ints]

    @classmethod
    def of(cls, columns: Sequence[Floats]) -> _Coded:
        """Sort the number columns."""
        named = np.array([column.size > 0 and column[0] < 0 for column in columns])
        ranked, size = np.flatnonzero(~named), max(1, CELLS // max(columns[0].size, 1))
        parts = [ranked[start : start + size] for start in range(0, ranked.size, size)]
        orders = [np.argsort(np.array([columns[i] for i in part]), axis=1, kind="stable") for part in parts]
        return cls(columns, ranked, np.flatnonzero(named), orders)

    def distances(self, real: Flags, rows: Ints | None = None) -> Floats:
        """:func:`distance` of every column, of all rows or of some in ascending order."""
        out = np.zeros(len(self.columns))
        kept = np.ones(real.size, dtype=bool) if rows is None else np.isin(np.arange(real.size), rows)
        up, down = 1 / max((real & kept).sum(), 1), -1 / max((~real & kept).sum(), 1)
        start = 0
        for order in self.orders:
            places = self.ranked[start : start + len(order)]
            start += len(order)
            chosen = order if rows is None else order[kept[order]].reshape(len(order), -1)
            ordered = np.take_along_axis(np.array([self.columns[i] for i in places]), chosen, axis=1)
            gaps = np.abs(np.cumsum(np.where(real[chosen], up, down), axis=1))
            gaps[:, :-1][ordered[:, 1:] == ordered[:, :-1]] = 0.0  # ties count together
            out[places] = gaps.max(axis=1)
        for place in self.named.tolist():
            column = self.columns[place] if rows is None else self.columns[place][rows]
            out[place] = distance(column, real if rows is None else real[rows])
        return out


def distance(column: Floats, real: Flags) -> float:
    """Distance of two samples of one column; codes of categories are negative, numbers are ranks from 0 on."""
    if column.size and column[0] < 0:
        codes = (-column).astype(np.int64)
        ours = np.bincount(codes[~real], minlength=codes.max() + 1) / max((~real).sum(), 1)
        theirs = np.bincount(codes[real], minlength=codes.max() + 1) / max(real.sum(), 1)
        return float(np.abs(ours - theirs).sum() / 2)
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    steps = np.where(real[order], 1 / max(real.sum(), 1), -1 / max((~real).sum(), 1))
    gaps = np.cumsum(steps)[np.append(ordered[1:] != ordered[:-1], True)]  # ties count together
    return float(np.abs(gaps).max())


def columns_that_differ(
    real: Mapping[str, Sequence[object]], synthetic: Mapping[str, Sequence[object]], rows: Ints
) -> list[str]:
    """The columns in which these synthetic rows differ from the real ones beyond chance, the farthest first.

    At most 1,000 rows of each; test of Kolmogorov and Smirnov for numbers, chi-squared for categories, adjusted over
    the columns.
    """
    ours = rows[:: max(rows.size // SAMPLE, 1)][:SAMPLE].tolist()
    far: dict[str, float] = {}
    for name, values in real.items():
        theirs = list(values[:: max(len(values) // SAMPLE, 1)])[:SAMPLE]
        column = _coded([*theirs, *(synthetic[name][row] for row in ours)])
        is_real = np.arange(column.size) < len(theirs)
        if _p(column, is_real) < SIGNIFICANT / len(real):
            far[name] = distance(column, is_real)
    return sorted(far, key=lambda name: -far[name])


def _p(column: Floats, real: Flags) -> float:
    """The probability of columns at least this different if both sides had one distribution."""
    ours, theirs = int((~real).sum()), int(real.sum())
    if column[0] >= 0:
        return float(special.kolmogorov(distance(column, real) * np.sqrt(ours * theirs / (ours + theirs))))
    codes = (-column).astype(np.int64) - 1
    counts = np.array([np.bincount(codes[side], minlength=codes.max() + 1) for side in (real, ~real)])
    expected = counts.sum(axis=0) * np.array([[theirs], [ours]]) / column.size
    chi2 = float(((counts - expected) ** 2 / expected).sum())
    return float(special.chdtrc(max(counts.shape[1] - 1, 1), chi2))


def _coded(values: Sequence[object]) -> Floats:
    """Ranks of numbers and dates (missing ones last), or negative codes of categories."""
    numbers = [np.nan if value is None else value for value in values]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers):
        return np.unique(np.array(numbers, dtype=np.float64), return_inverse=True)[1].astype(np.float64)
    days = dated(values)
    if days is not None:
        return np.unique(days, return_inverse=True)[1].astype(np.float64)
    codes = np.unique(np.array([str(value) for value in values]), return_inverse=True)[1]
    return -1.0 - codes.astype(np.float64)
