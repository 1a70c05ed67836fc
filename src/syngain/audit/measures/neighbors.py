"""Fidelity by nearest neighbors: density and coverage between two calibration ends, and distance to the real rows.

Density and coverage are those of [naeem2020]. When both sides follow one law their expectations are known exactly:
density 1, and coverage ``1 - prod_{i<k} (n - 1 - i) / (n - 1 + m - i)``, because a real row is uncovered only if
its first k neighbors among all others are real. This is the end "real against real"; the other end is noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.measures.two_sample import Pooled, Real, squared_distances
from syngain.core.estimate import Estimate
from syngain.inference.intervals import error_intervals, normal_intervals
from syngain.inference.resampling import permutation, permuted_sides, subsampled_errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.inference.resampling import Tail

BLOCK = 2_048


@dataclass(frozen=True, slots=True)
class Neighbors:
    """Density, coverage and distance ratio on a size-matched sample.

    Attributes:
        k: neighbors that span a ball. permutations, draws: of the null, and for the standard error.
    """

    k: int = 5
    permutations: int = 99
    draws: int = 60

    def __call__(self, pooled: Pooled, rng: np.random.Generator) -> dict[str, Estimate]:
        """``fidelity.density``, ``fidelity.coverage`` and ``novelty.distance_ratio``."""
        distance = squared_distances(pooled.X, pooled.X)
        np.fill_diagonal(distance, np.inf)
        values = (density(distance, pooled.real, self.k), coverage(distance, pooled.real, self.k))
        observed = np.array([*values, distance_ratio(distance, pooled.real)])
        ranked = Ranked.of(distance)
        n, m = int(pooled.real.sum()), int((~pooled.real).sum())
        permuted = [ranked.statistics(permuted_sides(pooled.unit, n, rng), self.k) for _ in range(self.permutations)]
        errors = self._errors(distance, pooled, rng)
        intervals = [normal_intervals(float(value), error) for value, error in zip(observed, errors, strict=True)]
        intervals[1] = error_intervals(float(observed[1]), coverage_error(distance, pooled, self.k), n)
        noise = self._noise_end(pooled, rng)
        ends = (1.0, expected_coverage(n, m, self.k), 1.0)
        tied = bool((distance[np.ix_(pooled.real, pooled.real)].min(axis=1) == 0).any())
        out = {}
        for index, (name, (tail, unit, estimand)) in enumerate(_PLANS.items()):
            null = permutation(float(observed[index]), np.array(permuted)[:, index], tail)
            references = {"real": null.mean if tied else ends[index]}  # the ends are exact without ties
            if index < len(noise):
                references["noise"] = noise[index]
            out[name] = Estimate(
                value=float(observed[index]),
                unit=unit,
                method=f"exact nearest neighbors, k = {self.k}, equal sizes; permutation p; subsampled interval",
                estimand=f"expected {estimand}, at this sample size",
                intervals=intervals[index],
                null=null.range,
                p=null.p,
                n=pooled.real.size,
                clusters=int(np.unique(pooled.unit).size),
                references=references,
            )
        return out

    def _errors(self, distance: Floats, pooled: Pooled, rng: np.random.Generator) -> list[float]:
        """Subsampled standard errors of the three measures; whole units of both sides leave together."""
        to_real = Ranked.of(np.where(pooled.real[None, :], distance, np.inf), length=32)
        across = distance[np.ix_(pooled.real, ~pooled.real)]

        def on_rows(rows: Ints) -> Floats:
            kept = np.zeros(pooled.real.size, dtype=bool)
            kept[rows] = True
            return _kept_statistics(to_real, across, pooled.real, kept, self.k)

        return subsampled_errors(on_rows, pooled.together, rng, draws=self.draws)

    def _noise_end(self, pooled: Pooled, rng: np.random.Generator) -> tuple[float, float]:
        """The same measures for rows whose coordinates are drawn independently from the real ones."""
        real = pooled.X[pooled.real]
        noise = np.column_stack([rng.permutation(column) for column in real.T])
        flags = np.concatenate([np.ones(len(real), bool), np.zeros(len(real), bool)])
        stacked = np.vstack([real, noise])
        distance = squared_distances(stacked, stacked)
        np.fill_diagonal(distance, np.inf)
        return density(distance, flags, self.k), coverage(distance, flags, self.k)


_PLANS: dict[str, tuple[Tail, str, str]] = {
    "fidelity.density": ("both", "ratio", "synthetic rows per ball of k real neighbors, over k"),
    "fidelity.coverage": ("lower", "share", "fraction of real rows with a synthetic row among their neighbors"),
    "novelty.distance_ratio": (
        "lower",
        "ratio",
        "mean distance of a synthetic row to its nearest real row over that of a real row to another one",
    ),
}


@dataclass(frozen=True, slots=True)
class Ranked:
    """The nearest ``length`` rows of every row: indices and squared distances, each (N, length), ascending."""

    index: Ints
    distance: Floats

    @classmethod
    def of(cls, distance: Floats, length: int = 64) -> Ranked:
        """Rank the columns of a distance matrix; columns at infinity come last."""
        length = min(length, distance.shape[1] - 1)
        index = np.argpartition(distance, length - 1, axis=1)[:, :length]
        order = np.argsort(np.take_along_axis(distance, index, axis=1), axis=1)
        index = np.take_along_axis(index, order, axis=1)
        return cls(index, np.take_along_axis(distance, index, axis=1))

    def statistics(self, real: Flags, k: int) -> tuple[float, float, float]:
        """Density, coverage and distance ratio for another labeling of the same pooled rows.

        Exact when every real row has k real rows among its ranked ones, which permuted sides of similar size
        satisfy up to a fraction of about 1e-9 of rows; the others count the synthetic rows that are ranked.
        """
        labels = real[self.index]
        of_real = labels[real]
        before = (np.cumsum(of_real, axis=1) < k) & ~of_real
        density_value = before.sum() / (k * (~real).sum())
        coverage_value = 1 - of_real[:, :k].all(axis=1).mean()
        first = np.sqrt(self.distance[np.arange(real.size), labels.argmax(axis=1)])
        theirs = first[real].mean()
        return float(density_value), float(coverage_value), float(first[~real].mean() / theirs) if theirs > 0 else 1.0


def _kept_statistics(to_real: Ranked, across: Floats, real: Flags, kept: Flags, k: int) -> Floats:
    """The three measures when only ``kept`` rows exist; undefined (NaN) without k others among the real ones."""
    if (kept & real).sum() <= k or not (kept & ~real).any():
        return np.full(3, np.nan)
    usable = kept[to_real.index] & np.isfinite(to_real.distance)
    rank = np.cumsum(usable, axis=1)
    radius = np.where(usable & (rank == k), to_real.distance, -1.0).max(axis=1)
    nearest_real = np.where(usable & (rank == 1), to_real.distance, 0.0).max(axis=1)
    rows, columns = kept[real], kept[~real]
    inside = (across[rows] <= radius[real][rows][:, None])[:, columns]
    ours, theirs = np.sqrt(nearest_real[kept & ~real]).mean(), np.sqrt(nearest_real[kept & real]).mean()
    return np.array([inside.sum() / (k * columns.sum()), inside.any(axis=1).mean(), ours / theirs if theirs else 1.0])


def density(distance: Floats, real: Flags, k: int) -> float:
    """Density from pooled squared distances (N, N) with infinite diagonal [naeem2020, equation 2]."""
    radius = _radius(distance, real, k)
    inside = (distance[np.ix_(real, ~real)] <= radius[:, None]).sum()
    return float(inside / (k * (~real).sum()))


def coverage(distance: Floats, real: Flags, k: int) -> float:
    """Coverage from pooled squared distances (N, N) with infinite diagonal [naeem2020, equation 4]."""
    radius = _radius(distance, real, k)
    return float((distance[np.ix_(real, ~real)].min(axis=1) <= radius).mean())


def coverage_error(distance: Floats, pooled: Pooled, k: int) -> float:
    """Standard error of coverage, by the covariances of the real rows' indicators.

    Near by: pairs of real rows one of which is among the k nearest of the other, or that belong together (a
    dependency graph, as in [chen2004]). Far apart: pairs that one and the same synthetic unit alone covers, for
    ``Cov = exp(-a - b) (exp(c) - 1)`` when units fall into two balls at Poisson rates a and b, into both at rate c.
    Their number is fixed: minus ``(rows covered once)^2 / units``. Subsampling reads 1.3 to 2 times too much:
    coverage is far from linear in the rows. Where far more rows are covered in one place than in another, near ones
    agree beyond their covariance, and this error reads too much as well, in few dimensions up to 1.5 times.
    """
    real, kin = pooled.real, pooled.together
    radius = _radius(distance, real, k)
    among = distance[np.ix_(real, real)] <= radius[:, None]
    near = among | among.T | (kin[real][:, None] == kin[real][None, :])
    inside = distance[np.ix_(real, ~real)] <= radius[:, None]
    residual = inside.any(axis=1) - inside.any(axis=1).mean()
    unit = np.unique(pooled.unit[~real], return_inverse=True)[1]
    first = unit[inside.argmax(axis=1)]
    once = inside.any(axis=1) & ~(inside & (unit[None, :] != first[:, None])).any(axis=1)
    far = (first[:, None] == first[None, :]) & once[:, None] & once[None, :] & ~near
    total = residual @ near @ residual + far.sum() - once.sum() ** 2 / (unit.max() + 1)
    # the sum is not certain to be positive; never less than independent rows would have
    return float(np.sqrt(max(total, residual @ residual)) / residual.size)


def distance_ratio(distance: Floats, real: Flags) -> float:
    """Mean distance synthetic to nearest real over mean distance real to nearest other real; 1 for fresh real rows."""
    ours = np.sqrt(distance[np.ix_(~real, real)].min(axis=1)).mean()
    theirs = np.sqrt(distance[np.ix_(real, real)].min(axis=1)).mean()
    return float(ours / theirs) if theirs > 0 else 1.0


def expected_coverage(n: int, m: int, k: int) -> float:
    """Expected coverage of n real rows by m rows of the same distribution, exact in the absence of ties."""
    steps = np.arange(min(k, n - 1))
    return float(1 - np.prod((n - 1 - steps) / (n - 1 + m - steps)))


def nearest(X: NDArray[Real], reference: NDArray[Real], *, exclude_self: bool = False) -> tuple[Ints, Floats]:
    """Index of and distance to the nearest reference row, in blocks; shapes (n,)."""
    index, distance = np.zeros(len(X), dtype=np.int64), np.zeros(len(X))
    for start in range(0, len(X), BLOCK):
        block = squared_distances(X[start : start + BLOCK], reference)
        if exclude_self:
            rows = np.arange(len(block))
            block[rows, rows + start] = np.inf
        index[start : start + BLOCK] = block.argmin(axis=1)
        distance[start : start + BLOCK] = np.sqrt(block.min(axis=1))
    return index, distance


def _radius(distance: Floats, real: Flags, k: int) -> Floats:
    among_real = distance[np.ix_(real, real)]
    k = min(k, among_real.shape[0] - 1)
    return np.asarray(np.partition(among_real, k - 1, axis=1)[:, k - 1])
