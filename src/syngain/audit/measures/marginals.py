"""Columns of a table one by one: the largest distance between their marginal distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.core.estimate import Estimate
from syngain.inference.intervals import normal_intervals
from syngain.inference.resampling import permutation, permuted_sides, subsampled_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.core.arrays import Flags, Floats, Ints


@dataclass(frozen=True, slots=True)
class Marginals:
    """Kolmogorov-Smirnov distance of number columns, total variation of the others; the largest over the columns.

    One permutation null for the largest takes care of the number of columns.
    """

    permutations: int = 199
    draws: int = 60

    def __call__(
        self, columns: Mapping[str, Sequence[object]], real: Flags, unit: Ints, rng: np.random.Generator
    ) -> dict[str, Estimate]:
        """``fidelity.marginals`` from pooled columns of N values each; reference: fraction of columns that differ."""
        coded = [_coded(values) for values in columns.values()]
        observed = np.array([distance(column, real) for column in coded])
        sides = [permuted_sides(unit, int(real.sum()), rng) for _ in range(self.permutations)]
        draws = np.array([[distance(column, side) for column in coded] for side in sides])
        value = float(observed.max())
        null = permutation(value, draws.max(axis=1), "upper")
        error = subsampled_error(
            lambda rows: max(distance(column[rows], real[rows]) for column in coded), unit, rng, draws=self.draws
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


def _coded(values: Sequence[object]) -> Floats:
    """Ranks of numbers (missing ones last), or negative codes of categories."""
    numbers = [np.nan if value is None else value for value in values]
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in numbers):
        return np.unique(np.array(numbers, dtype=np.float64), return_inverse=True)[1].astype(np.float64)
    codes = np.unique(np.array([str(value) for value in values]), return_inverse=True)[1]
    return -1.0 - codes.astype(np.float64)
