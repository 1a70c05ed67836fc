"""Vectors of a frame, and scores of every synthetic row in batches: memory does not grow with the set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.measures.neighbors import nearest
from syngain.audit.measures.two_sample import squared_distances
from syngain.core.estimate import Estimate
from syngain.core.passes import run
from syngain.data.blocks import blocks, row_values
from syngain.data.encoders.vectors import HashedNgrams, TableEncoder, fitted_on
from syngain.inference.clusters import clustered_variance
from syngain.inference.intervals import share_intervals, wilson
from syngain.inference.resampling import difference_p

if TYPE_CHECKING:
    from collections.abc import Iterator

    from syngain.audit.frame import Frame
    from syngain.core.arrays import Flags, Floats, Ints, Singles
    from syngain.data.encoders.vectors import FittedEncoder, TextEncoder
    from syngain.data.text.texts import Texts

REFERENCE = 2_000  # real rows that distances are measured to
FAR = 0.99
SAME = 1e-3  # of the length of the embeddings: rows are equal in single precision
TYPICAL = 0.95  # real rows within the radius of support


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of all rows of both sets, float32: real (n, d), synthetic (m, d); fitted on a pooled sample."""

    real: Singles
    synthetic: Singles

    def pooled(self, real: Ints, synthetic: Ints) -> Floats:
        """Some real rows followed by some synthetic rows, float64."""
        return np.vstack([self.real[real], self.synthetic[synthetic]]).astype(np.float64)


def vectors(
    frame: Frame, side: str, real: Ints, synthetic: Ints, encoder: TextEncoder | None, rng: np.random.Generator
) -> Vectors:
    """Fit the encoder on the pooled sample, without saying which rows are real; encode every row once."""
    if not frame.sides:
        return _table_vectors(frame, real, synthetic)
    ours, theirs = frame.real.texts[side], frame.synthetic.texts[side]
    fitted = fitted_on(encoder or HashedNgrams(), [ours.take(real.tolist()), theirs.take(synthetic.tolist())], rng)
    return Vectors(_in_blocks(fitted, ours), _in_blocks(fitted, theirs))


def _table_vectors(frame: Frame, real: Ints, synthetic: Ints) -> Vectors:
    sample = {
        name: [*(values[i] for i in real), *(frame.synthetic.columns[name][i] for i in synthetic)]
        for name, values in frame.real.columns.items()
    }
    fitted = TableEncoder().fit(sample)
    return Vectors(*(fitted(rows.columns).astype(np.float32) for rows in (frame.real, frame.synthetic)))


def _in_blocks(encode: FittedEncoder, texts: Texts) -> Singles:
    return row_values(lambda part: encode(texts.take(range(part.start, part.stop))), len(texts), np.float32)


@dataclass(frozen=True, slots=True)
class RowScores:
    """Where every synthetic row lies among the real ones.

    Attributes:
        distance: to the nearest real row (m,). neighbor: index of that real row (m,). cell: nearest center (m,).
        radius: the 95 % quantile of the distance of a real row to the others. real_rows: rows it was taken from.
        far_radius: the 99 % quantile of the same; rows beyond it are named as being from elsewhere.
        beyond: the fraction of real rows beyond the radius; less than 5 % where nearly all of them repeat.
    """

    distance: Floats
    neighbor: Ints
    cell: Ints
    radius: float
    far_radius: float
    real_rows: int
    beyond: float = 1 - TYPICAL

    @property
    def far(self) -> Flags:
        """Rows farther from every real row than 99 % of real rows are from each other, shape (m,)."""
        return self.distance > self.far_radius

    @property
    def outside(self) -> Flags:
        """Rows farther from every real row than 95 % of real rows are from each other, shape (m,)."""
        return self.distance > self.radius

    def estimate(self, units: Ints) -> Estimate:
        """``fidelity.off_support``: fraction of synthetic rows farther from every real row than real rows are.

        p is for a fraction above that of real rows; the radius is itself estimated from real rows that are each
        other's neighbors, so their binomial variance counts twice.
        """
        value, real = float(self.outside.mean()), self.beyond
        own = clustered_variance(self.outside.astype(float), units)
        chance = max(real, 1 / self.real_rows) * (1 - real)
        error = math.sqrt(2 * chance / self.real_rows + max(own, chance / self.outside.size))
        return Estimate(
            value=value,
            unit="share",
            method=f"distance to the nearest of {self.real_rows} real rows above its {TYPICAL:.0%} quantile among them",
            estimand="fraction of synthetic rows out of distribution for these real rows",
            intervals=share_intervals(self.outside, units),
            null=wilson(real, self.real_rows, 0.95),
            p=difference_p(value - real, error, "upper"),
            n=self.distance.size,
            clusters=int(np.unique(units).size),
            references={"real": real},
        )


@dataclass(frozen=True)
class _Scoring:
    """The pass that places synthetic rows among the real ones: distance, neighbor and cell of each."""

    synthetic: Singles
    reference: Singles
    centers: Floats

    def map(self, block: slice) -> tuple[Floats, Ints, Ints]:
        """The places of one block."""
        X = self.synthetic[block]
        neighbor, distance = nearest(X, self.reference)
        cell = squared_distances(X, self.centers.astype(np.float32)).argmin(axis=1)
        return distance, neighbor, cell

    def merge(self, parts: Iterator[tuple[Floats, Ints, Ints]]) -> tuple[Floats, Ints, Ints]:
        """The places of all rows."""
        distance, neighbor, cell = (np.concatenate(values) for values in zip(*parts, strict=True))
        return distance.astype(np.float64), neighbor.astype(np.int64), cell.astype(np.int64)


def score_rows(encoded: Vectors, centers: Floats) -> RowScores:
    """Distances of all synthetic rows to the real ones, and their cells; computed in float32."""
    step = max(1, -(-len(encoded.real) // REFERENCE))
    reference = encoded.real[::step]
    _, among = nearest(reference, reference, exclude_self=True)
    distance, neighbor, cell = run(_Scoring(encoded.synthetic, reference, centers), blocks(len(encoded.synthetic)))
    radius, far = (float(q) for q in np.quantile(among, (TYPICAL, FAR)))
    beyond, same = 1 - TYPICAL, SAME * float(np.sqrt((reference.astype(np.float64) ** 2).sum(axis=1).mean()))
    if radius <= same < among.max():  # nearly all real rows repeat: the radius is that of the others
        radius, far = (float(q) for q in np.quantile(among[among > same], (TYPICAL, FAR)))
        beyond = float((among > radius).mean())
    return RowScores(distance, neighbor * step, cell, radius, far, len(reference), beyond)
