"""``relations.*``: whether the columns of a table are related as among the real rows, all pairs together and each."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

from syngain.core.estimate import Estimate, holm
from syngain.inference.clusters import clustered_freedom, clustered_variance, satterthwaite
from syngain.inference.intervals import normal_intervals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.tables.typed_frame import TypedStudy
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.typed import Column, Table

FEWEST = 60  # rows of each side
SEEN = 20  # rows of each side with a value, and without it, from which the value is a feature
VALUES = 8  # frequent values of a column
WIDEST = 300  # features; of wider tables a random part of the columns
RELATED = 0.1  # correlation from which two columns are related: of both sides pooled (strength), of one side (pairs)
ONE_ROW = 4.0  # what a single row can contribute to a correlation, times n
SURE = 0.01  # adjusted p of a pair that differs
LISTED = 500  # pairs in a file


@dataclass(frozen=True, slots=True)
class PairOfColumns:
    """Two columns and their largest change of correlation.

    Attributes:
        columns: names; a value is named where it stands for its column. real, synthetic: correlations. p: of the
            difference, adjusted over the values of both columns. adjusted_p: over all pairs.
    """

    columns: tuple[str, str]
    real: float
    synthetic: float
    p: float
    adjusted_p: float = 1.0

    def record(self) -> dict[str, object]:
        """The pair as a line of ``pairs.jsonl``."""
        return {
            "columns": list(self.columns),
            "real": round(self.real, 6),
            "synthetic": round(self.synthetic, 6),
            "adjusted_p": self.adjusted_p,
        }


@dataclass(frozen=True, slots=True)
class PairRelations:
    """Correlations of all pairs of columns on both sides: those that differ most first."""

    pairs: Sequence[PairOfColumns]
    estimates: Mapping[str, Estimate]

    @property
    def found(self) -> list[PairOfColumns]:
        """Pairs that differ, adjusted over all pairs."""
        return [pair for pair in self.pairs if pair.adjusted_p < SURE]

    def records(self) -> list[dict[str, object]]:
        """The first pairs as lines of ``pairs.jsonl``."""
        return [pair.record() for pair in self.pairs[:LISTED]]


def pair_relations(
    tables: TypedStudy, keys: frozenset[str], units: tuple[Ints, Ints], rng: np.random.Generator
) -> PairRelations | None:
    """How strongly columns are related, next to the real rows; None where rows or related columns are too few.

    Every number counts by the normal score of its rank within its side, every frequent value as 0 or 1; correlations
    are Pearson's of these. ``units``: independent units of the real and of the synthetic rows.
    """
    real, synthetic = tables.held_out or tables.real, tables.synthetic
    if min(real.size, synthetic.size) < FEWEST:
        return None
    features = _PairFeatures.of(real, synthetic, keys, rng)
    if len(set(features.owner)) < 2:
        return None
    sides = [_Correlations.of(X, unit) for X, unit in zip(features.sides, units, strict=True)]
    owner = np.array(features.owner)
    pooled = (sides[0].size * sides[0].r + sides[1].size * sides[1].r) / (sides[0].size + sides[1].size)
    apart = owner[:, None] != owner
    weights = np.where(apart & (np.abs(pooled) >= RELATED), pooled, 0.0)
    pairs = _pairs(features, apart, sides)
    if not weights.any() or not pairs:
        return None
    strength = _strength(weights, sides)
    changed = _changed(pairs, sides)
    adjusted = holm({item.estimand: item.p for item in (strength, changed) if item.p is not None})
    estimates = {"relations.strength": strength, "relations.changed": changed}
    return PairRelations(
        pairs, {name: replace(one, adjusted_p=adjusted[one.estimand]) for name, one in estimates.items()}
    )


@dataclass(frozen=True, slots=True)
class _PairFeatures:
    """Features of both sides (n, d), the column that each is of, and its name."""

    sides: tuple[Floats, Floats]
    owner: Sequence[str]
    names: Sequence[str]

    @classmethod
    def of(cls, real: Table, synthetic: Table, keys: frozenset[str], rng: np.random.Generator) -> _PairFeatures:
        made: list[tuple[str, str, Floats, Floats]] = []
        columns = [name for name in real.columns if name not in keys]
        for place in rng.permutation(len(columns)).tolist():
            if len(made) < WIDEST:
                made += _features(real.columns[columns[place]], synthetic.columns[columns[place]])
        made.sort(key=lambda one: columns.index(one[0]))
        sides = [np.column_stack([one[at] for one in made]) if made else np.zeros((0, 0)) for at in (2, 3)]
        return cls((sides[0], sides[1]), [one[0] for one in made], [one[1] for one in made])


def _features(real: Column, synthetic: Column) -> list[tuple[str, str, Floats, Floats]]:
    """Column, name and standardized values of both sides; a missing cell is at the mean."""
    sides = (real, synthetic)
    if real.kind != "word":
        if not all(_varied(side.numbers) for side in sides):
            return []
        return [(real.name, real.name, _scores(real.numbers), _scores(synthetic.numbers))]
    counts = [np.bincount(side.codes[side.filled], minlength=len(real.values)) for side in sides]
    filled = [int(count.sum()) for count in counts]
    codes = [
        code
        for code in np.argsort(-counts[0], kind="stable")[:VALUES].tolist()
        if all(SEEN <= count[code] <= size - SEEN for count, size in zip(counts, filled, strict=True))
    ]
    if len(codes) == 2 and counts[0][codes].sum() == filled[0]:
        codes = codes[:1]  # the other one says the same
    return [
        (real.name, f"{real.name}={real.values[code]}", _indicator(real, code), _indicator(synthetic, code))
        for code in codes
    ]


def _indicator(column: Column, code: int) -> Floats:
    return _standard(column.codes == code, column.filled)


def _varied(numbers: Floats) -> bool:
    known = numbers[np.isfinite(numbers)]
    return known.size >= SEEN and known.size - int(np.unique(known, return_counts=True)[1].max()) >= SEEN


def _scores(numbers: Floats) -> Floats:
    """Normal scores of ranks [waerden1952] (n,)."""
    known = np.isfinite(numbers)
    scores = np.zeros(numbers.size)
    scores[known] = special.ndtri((stats.rankdata(numbers[known]) - 0.5) / known.sum())
    return _standard(scores, known)


def _standard(values: Floats | Flags, known: Flags) -> Floats:
    """Mean 0 and variance 1 over all rows, with missing cells at the mean of the others."""
    centered = np.where(known, values - values[known].mean(), 0.0)
    return np.asarray(centered / centered.std())


@dataclass(frozen=True, slots=True)
class _Correlations:
    """Correlations of one side (d, d), the variance of a row's influence on each, and the number of rows.

    ``effective``: rows over the design effect of units of unequal size [kish1965].
    """

    Z: Floats
    units: Ints
    r: Floats
    variance: Floats

    @classmethod
    def of(cls, Z: Floats, units: Ints) -> _Correlations:
        n = len(Z)
        squares = Z * Z
        r = Z.T @ Z / n
        both, cubed, fourth = squares.T @ squares / n, (squares * Z).T @ Z / n, (squares * squares).mean(axis=0)
        variance = both - r * (cubed + cubed.T) + r * r / 4 * (fourth[:, None] + 2 * both + fourth)
        return cls(Z, units, r, np.maximum(variance, 0.0))

    @property
    def size(self) -> int:
        return len(self.Z)

    @property
    def effective(self) -> float:
        counts = np.unique(self.units, return_counts=True)[1].astype(float)
        return self.size**2 / float((counts**2).sum())

    def weighted(self, weights: Floats) -> tuple[float, Floats]:
        """Sum of weighted correlations, and each row's influence on it (n,): z'Sz less half of r (z_i^2 + z_j^2)."""
        half = (weights * self.r).sum(axis=1)
        influence = np.einsum("ij,ij->i", self.Z @ weights, self.Z) - (self.Z * self.Z) @ half
        return float((weights * self.r).sum()), np.asarray(influence)


def _strength(weights: Floats, sides: Sequence[_Correlations]) -> Estimate:
    """The weighted sum of synthetic correlations over that of the real ones; delta method over units."""
    (own, one), (ours, other) = (side.weighted(weights) for side in sides)
    ratio = ours / own if own > 0 else math.inf
    parts = [
        (clustered_variance(values, side.units), clustered_freedom(values, side.units))
        for values, side in zip((one, other), sides, strict=True)
    ]
    freedom = satterthwaite(*parts)
    error = math.sqrt(parts[0][0] + parts[1][0])
    spread = math.sqrt(parts[0][0] * ratio**2 + parts[1][0]) / own if own > 0 else math.inf
    p = 2 * float(stats.t.sf(abs(ours - own) / error, freedom)) if error > 0 else 1.0
    half = float(stats.t.ppf(0.975, freedom)) * error / own if own > 0 else math.inf
    return Estimate(
        value=ratio,
        unit="ratio",
        method="correlations of normal scores and of frequent values, weighted by those of both sides pooled: "
        "synthetic over real; delta method",
        estimand="strength of the relations between columns, over that among real rows",
        intervals=normal_intervals(ratio, spread, freedom),
        null=(1 - half, 1 + half),
        p=p,
        n=sides[1].size,
        clusters=int(np.unique(sides[1].units).size),
        references={"real": 1.0, "correlations": float((weights != 0).sum() / 2)},
    )


def _pairs(features: _PairFeatures, apart: Flags, sides: Sequence[_Correlations]) -> list[PairOfColumns]:
    """Every related pair of columns with its largest change, the surest first; p by Holm over all pairs."""
    first, second = np.nonzero(np.triu(apart, 1))
    one, other = sides
    floor = [ONE_ROW**2 / side.size for side in sides]
    variance = np.maximum(one.variance + floor[0], other.variance + floor[1])[first, second]
    error = np.sqrt(variance * (1 / one.effective + 1 / other.effective))
    p = 2 * special.ndtr(-np.abs(one.r - other.r)[first, second] / error)
    found: dict[tuple[str, str], list[int]] = {}
    for place, (i, j) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        found.setdefault((features.owner[i], features.owner[j]), []).append(place)
    pairs = []
    for places in found.values():
        best = min(places, key=lambda place: float(p[place]))
        i, j = int(first[best]), int(second[best])
        names = (features.names[i], features.names[j])
        value = min(1.0, len(places) * float(p[best]))
        pairs.append(PairOfColumns(names, float(one.r[i, j]), float(other.r[i, j]), value))
    adjusted = holm({str(place): pair.p for place, pair in enumerate(pairs)})
    pairs = [replace(pair, adjusted_p=adjusted[str(place)]) for place, pair in enumerate(pairs)]
    pairs = [pair for pair in pairs if max(abs(pair.real), abs(pair.synthetic)) >= RELATED]
    return sorted(pairs, key=lambda pair: (pair.p, -abs(pair.real - pair.synthetic)))


def _changed(pairs: Sequence[PairOfColumns], sides: Sequence[_Correlations]) -> Estimate:
    return Estimate(
        value=sum(pair.adjusted_p < SURE for pair in pairs) / len(pairs),
        unit="share",
        method=f"{len(pairs):,} pairs of related columns; difference of correlations over the larger error of both "
        "sides, Holm over all pairs",
        estimand="fraction of related pairs of columns whose correlation differs",
        p=pairs[0].adjusted_p,
        n=sides[1].size,
        references={"real": 0.0, "pairs": float(len(pairs))},
    )
