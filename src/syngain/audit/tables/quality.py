"""SDMetrics' overall quality score [sdmetrics], computed here: column shapes and column pair trends."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from syngain.audit.tables.columns import kolmogorov_distance
from syngain.core.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syngain.core.arrays import Ints
    from syngain.tables.typed import Column, Table

DIGITS = 14  # numbers are rounded to
DAY = 86_400_000_000_000  # nanoseconds
WIDEST = 100  # columns
CORRELATED, ASSOCIATED = 0.5, 0.3  # least correlation, and Cramer's V, of real pairs that count
MARGINALS = 0.85  # what the rows of Adult score after every column was shuffled (benchmarks/tables_clean.py)


def quality(real: Table, synthetic: Table, keys: frozenset[str]) -> dict[str, Estimate]:
    """``fidelity.sdmetrics_quality``: mean of column shapes and pair trends; nothing for tables that are very wide."""
    names = [name for name in real.columns if name not in keys]
    if not names or len(names) > WIDEST:
        return {}
    sides = [(real.columns[name], synthetic.columns[name]) for name in names]
    shapes = _mean([_shape(*side) for side in sides])
    pairs = _mean(_pair_trends(sides))
    value = _mean([shapes, pairs])
    if math.isnan(value):
        return {}
    return {
        "fidelity.sdmetrics_quality": Estimate(
            value=value,
            unit="share",
            method="overall quality score of SDMetrics 0.32: mean of column shapes and column pair trends",
            estimand="likeness of single columns and pairs of columns, as SDMetrics scores it",
            n=synthetic.size,
            marks=(f"shuffled columns score {MARGINALS} on Adult",),
            references={"column_shapes": shapes} | ({} if math.isnan(pairs) else {"column_pair_trends": pairs}),
        )
    }


def _mean(scores: Sequence[float]) -> float:
    known = [score for score in scores if not math.isnan(score)]
    return sum(known) / len(known) if known else math.nan


def _shape(real: Column, synthetic: Column) -> float:
    if real.kind == "word":
        own, ours = (np.bincount(one.codes[one.filled], minlength=len(one.values)) for one in (real, synthetic))
        return (
            1 - float(np.abs(own / own.sum() - ours / ours.sum()).sum()) / 2 if own.sum() and ours.sum() else math.nan
        )
    sides = [np.sort(np.round(one.numbers[np.isfinite(one.numbers)], DIGITS)) for one in (real, synthetic)]
    return 1 - kolmogorov_distance(*sides) if all(side.size for side in sides) else math.nan


def _pair_trends(sides: Sequence[tuple[Column, Column]]) -> list[float]:
    """Similarity of correlations of two numbers, else of the counts of pairs of values or tenths.

    Only of pairs that are related among the real rows; NaN for others.
    """
    discrete = [[_discrete(one) for one in side] for side in sides]
    out = []
    for one, other in combinations(range(len(sides)), 2):
        if sides[one][0].kind == "word" or sides[other][0].kind == "word":
            out.append(_counts_alike([(discrete[one][side], discrete[other][side]) for side in (0, 1)]))
            continue
        real = _correlation(sides[one][0], sides[other][0])
        related = abs(real) > CORRELATED
        out.append(1 - abs(real - _correlation(sides[one][1], sides[other][1])) / 2 if related else math.nan)
    return out


def _discrete(column: Column) -> Ints:
    """Codes of words, missing ones first; which tenth of its own range a number is in, missing ones last."""
    if column.kind == "word":
        return column.codes + 1
    numbers = column.numbers
    known = np.isfinite(numbers)
    if column.kind == "date":
        numbers = np.where(known, np.round(numbers * DAY), np.nan)
    if not known.any():
        return np.zeros(numbers.size, dtype=np.int64)
    return np.asarray(np.digitize(numbers, np.histogram_bin_edges(numbers[known])), dtype=np.int64)


def _counts_alike(pairs: Sequence[tuple[Ints, Ints]]) -> float:
    """1 minus the total variation of the fractions of pairs of codes; NaN where the real ones are hardly associated."""
    (first, second), (ours, other) = pairs
    if _cramer(first, second) <= ASSOCIATED:
        return math.nan
    width = 1 + max(int(second.max()), int(other.max()))
    joined = np.concatenate([first * width + second, ours * width + other])
    codes = np.unique(joined, return_inverse=True)[1]
    size = 1 + int(codes.max())
    own, synthetic = (
        np.bincount(code, minlength=size) / code.size for code in (codes[: first.size], codes[first.size :])
    )
    return 1 - float(np.abs(own - synthetic).sum()) / 2


def _cramer(first: Ints, second: Ints) -> float:
    """Cramer's V of two codes: chi-squared over its largest value, rooted; 0 where one of them is constant."""
    (rows, row), (columns, column) = (np.unique(code, return_inverse=True) for code in (first, second))
    least = min(rows.size, columns.size) - 1
    if least < 1:
        return 0.0
    cells, counts = np.unique(row * columns.size + column, return_counts=True)
    margin, other = np.bincount(row), np.bincount(column)
    squares = counts**2 / (margin[cells // columns.size] * other[cells % columns.size])
    return math.sqrt(max(float(squares.sum()) - 1, 0.0) / least)


def _correlation(first: Column, second: Column) -> float:
    known = np.isfinite(first.numbers) & np.isfinite(second.numbers)
    x, y = first.numbers[known], second.numbers[known]
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    return float(np.corrcoef(x, y)[0, 1])
