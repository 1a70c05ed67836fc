"""Pictures of the rows for the report: a map, lengths, labels. Nothing here enters a number."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from syngain.audit.tables.pictures import column_pictures
from syngain.core.phrases import shortened
from syngain.core.result import Distribution, MapPoint, MapRegion, Views
from syngain.data.text.words import length, length_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from syngain.audit.frame import Frame
    from syngain.audit.measure import Measurements
    from syngain.audit.measures.regions import Cells
    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.core.rng import Streams

DRAWN = 600  # rows of each side on the map
LENGTH_BINS = 16
STEPS, COARSE = 350, 0.8  # of t-SNE: neighbors stay as they are with 500 steps at .5, in half the time


def views(
    frame: Frame, found: Measurements, ids: Mapping[str, Sequence[str]], dropped: Flags, streams: Streams
) -> Views:
    """The map, the distributions and the texts of "how it was computed"."""
    points, regions = _map(frame, found, ids, dropped, streams)
    distributions = [_lengths(frame, side) for side in frame.sides]
    if frame.real.labels is not None and frame.synthetic.labels is not None:
        distributions.append(_labels(frame.real.labels, frame.synthetic.labels))
    if found.table is not None:
        distributions += column_pictures(found.table)
    drawn = sum(point.group == "real" for point in points)
    note = (
        f"{drawn:,} of {frame.real.size:,} real rows and {len(points) - drawn:,} of {frame.synthetic.size:,} synthetic "
        "rows are drawn, chosen at random. Neighbors on the map (t-SNE of the encoder's vectors) are alike; distances "
        "between far groups mean nothing."
    )
    return Views(
        map_points=points,
        map_regions=regions,
        map_note=note if points else "Too few rows for a map.",
        distributions=tuple(distributions),
    )


def _map(
    frame: Frame, found: Measurements, ids: Mapping[str, Sequence[str]], dropped: Flags, streams: Streams
) -> tuple[tuple[MapPoint, ...], tuple[MapRegion, ...]]:
    if not found.vectors:
        return (), ()
    rng = streams.stream("map")
    real = np.sort(rng.permutation(frame.real.size)[:DRAWN])
    synthetic = np.sort(rng.permutation(frame.synthetic.size)[:DRAWN])
    X = np.hstack([encoded.pooled(real, synthetic) for encoded in found.vectors.values()])
    where = layout(X, int(rng.integers(2**31 - 1)))
    groups = ["real"] * real.size + ["dropped" if dropped[row] else "synthetic" for row in synthetic]
    points = tuple(
        MapPoint(
            x=round(float(x), 3),
            y=round(float(y), 3),
            group=group,
            id=ids["real" if group == "real" else "synthetic"][int(row)],
            text=shortened(side.joined[int(row)], 300),
            label=None if side.labels is None else side.labels[int(row)],
        )
        for (x, y), group, row in zip(where, groups, np.concatenate([real, synthetic]), strict=True)
        for side in (frame.real if group == "real" else frame.synthetic,)
    )
    regions: list[MapRegion] = []
    for place, (cells, names) in found.cells.items():
        regions += _regions(frame, cells, names, place, (real, where[: real.size]))
    return points, tuple(regions)


def layout(X: Floats, state: int) -> Floats:
    """Two coordinates per row, shape (N, 2): t-SNE from the principal components [vandermaaten2008]."""
    if len(X) < 50 or X.shape[1] < 3:
        flat = np.zeros((len(X), 2))
        found = PCA(min(2, *X.shape)).fit_transform(X)
        flat[:, : found.shape[1]] = found
        return flat
    reduced = PCA(min(30, *X.shape), random_state=state).fit_transform(X)
    model = TSNE(2, init="pca", perplexity=min(30.0, len(X) / 4), max_iter=STEPS, angle=COARSE, random_state=state)
    return np.asarray(model.fit_transform(reduced), dtype=np.float64)


def _regions(
    frame: Frame, cells: Cells, names: Sequence[str], place: str, drawn: tuple[Ints, Floats]
) -> list[MapRegion]:
    """The missing cells of one kind that have a drawn row; at most twenty, the largest first."""
    rows, where = drawn
    order = cells.missing[np.argsort(-cells.real_counts[cells.missing])][:20]
    out = []
    for cell in order:
        inside = cells.real[rows] == cell
        if not inside.any():
            continue
        x, y = _heart(where[inside])
        members = np.flatnonzero(cells.real == cell)[:3]
        out.append(
            MapRegion(
                x=round(float(x), 3),
                y=round(float(y), 3),
                name=names[cell] if place == "label" or len(frame.sides) < 2 else f"{names[cell]} ({place})",
                real=int(cells.real_counts[cell]),
                synthetic=int(cells.synthetic_counts[cell]),
                expected=round(float(cells.expected[cell]), 1),
                missing=True,
                examples=tuple(shortened(frame.real.joined[int(row)]) for row in members),
            )
        )
    return out


def _heart(where: Floats) -> Floats:
    """The point whose five nearest fellows are closest: a scattered region has its ring where it is dense."""
    distance = np.sort(np.linalg.norm(where[:, None] - where[None, :], axis=2), axis=1)
    return np.asarray(where[distance[:, : min(6, len(where))].mean(axis=1).argmin()])


def _lengths(frame: Frame, side: str) -> Distribution:
    """Histogram of words per row with edges that both sets share; the last bin takes all longer rows."""
    ours, theirs = (_word_counts(rows.texts[side]) for rows in (frame.real, frame.synthetic))
    top = float(np.quantile(np.concatenate([ours, theirs]), 0.99))
    width = max(1, math.ceil(max(top, 1.0) / LENGTH_BINS))  # whole and equal: uneven bins look like data
    edges = np.arange(0, math.ceil(max(top, 1.0) / width) * width + 1, width)
    counts = [np.histogram(np.minimum(values, edges[-1]), bins=edges)[0] / values.size for values in (ours, theirs)]
    names = [f"{low}-{high - 1}" if high - low > 1 else str(low) for low, high in pairwise(edges)]
    names[-1] = f"{edges[-2]}+"
    title = f"Length in {length_unit(frame.real.texts[side])}" + (f", {side}" if len(frame.sides) > 1 else "")
    return Distribution(
        title=title,
        categories=tuple(names),
        real=tuple(round(float(v), 5) for v in counts[0]),
        synthetic=tuple(round(float(v), 5) for v in counts[1]),
    )


def _word_counts(texts: Sequence[str]) -> Ints:
    return np.array([length(text) for text in texts])


def _labels(real: Sequence[str], synthetic: Sequence[str]) -> Distribution:
    names, inverse = np.unique(np.array([*real, *synthetic]), return_inverse=True)
    ours = np.bincount(inverse[: len(real)], minlength=names.size) / len(real)
    theirs = np.bincount(inverse[len(real) :], minlength=names.size) / len(synthetic)
    order = np.argsort(-ours, kind="stable")
    return Distribution(
        title="Labels",
        categories=tuple(str(names[i]) for i in order),
        real=tuple(round(float(ours[i]), 5) for i in order),
        synthetic=tuple(round(float(theirs[i]), 5) for i in order),
    )
