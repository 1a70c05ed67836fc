"""Meanings of outputs by clusters of embeddings, where no column names them.

Encoder and cluster centers are fitted to the real rows alone, before any output is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from syngain.core.errors import InputError, UsageError
from syngain.data.text import near_duplicates
from syngain.data.text.normal_forms import joined_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Floats
    from syngain.data.dataset import Dataset
    from syngain.data.encoders.vectors import FittedEncoder, TextEncoder
    from syngain.information.outputs import Outputs

ROWS, MOST = 10, 40  # different real rows per cluster, and maximum of clusters
FEWEST = 2 * ROWS


@dataclass(frozen=True, slots=True)
class MeaningRegions:
    """Clusters of a real dataset that serve as meanings: number and dataset."""

    count: int
    real: str


def with_meanings(
    said: Outputs, real: Dataset | None, encoder: TextEncoder, *, rng: np.random.Generator
) -> tuple[Outputs, MeaningRegions]:
    """The outputs with their cluster as meaning, and the clusters.

    Raises:
        UsageError: no real rows. InputError: too few different ones, or a table.
    """
    if real is None:
        raise UsageError(
            "meanings from an encoder, without real rows",
            expected="real rows, from which the clusters of meanings are computed",
            todo="add --real, or name a column with --meaning",
        )
    if not real.sides:
        raise InputError(
            f"{real.name} is a table of columns",
            expected="texts, whose clusters serve as meanings",
            todo="name a text column with --text, or a column with --meaning",
        )
    texts = _said_side(real)
    different = np.unique(near_duplicates.codes(texts)).size
    if different < FEWEST:
        raise InputError(
            f"{real.name} has {different} different texts",
            expected=f"at least {FEWEST}, for clusters of meanings",
            todo="add real rows, or name a column with --meaning",
        )
    count = min(different // ROWS, MOST)
    fitted = encoder.fit(texts, rng)
    with threadpool_limits(1):
        regions = KMeans(count, n_init=3, random_state=int(rng.integers(2**31))).fit(_vectors(fitted, texts))
        found = regions.predict(_vectors(fitted, said.texts))
    return replace(said, meanings=[str(code) for code in found], labels=False), MeaningRegions(count, real.name)


def _said_side(real: Dataset) -> list[str]:
    """The side of real rows that corresponds to outputs: the response of pairs."""
    if "response" in real.sides:
        return list(real.sides["response"])
    return joined_sides([list(side) for side in real.sides.values()])


def _vectors(fitted: FittedEncoder, texts: Sequence[str]) -> Floats:
    return np.asarray(fitted(list(texts)), dtype=np.float64)
