"""Columns that others determine: sums, products, ratios and look-ups that hold in nearly all rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from syngain.core.arrays import Floats, Ints

Form = Literal["sum", "product", "ratio", "lookup"]
HOLDS = 0.75  # fraction of the rows, without the most frequent and the highest value, in which a formula holds
EQUAL = 0.25  # the same for two equal columns
RANGE = 1.5  # ratio of different values from which a column is computed in place of another
EXACT = 0.99  # fraction of the rows in which a sum holds that orders the columns
DISTINCT = 10  # values of a column that is equal to another one in some rows only
FIRST = 32  # rows that formulas are tried on first
ENOUGH = 0.8  # of them, from which a formula is tried on all rows
CLIPPED = 0.005  # fraction of rows that limits must explain
FEWEST = 20  # rows from which formulas are looked for
SHOWN_BY_CHANCE = 10  # rows that a look-up must explain beyond the most frequent value
MOST = 64  # earlier columns that enter formulas
WIDE = 200  # columns of a table beyond which fewer enter
TRIED = 12  # formulas of a kind that are tried on all rows


@dataclass(frozen=True)
class DerivedColumn:
    """A formula for one column from others.

    Attributes:
        form: ``sum`` (coefficients and a constant last), ``product`` or ``ratio`` (a factor), ``lookup``.
        sources: the columns it is computed from. numbers: coefficients, or the keys and then the values of a look-up.
        unit: distance of neighboring values. holds: fraction of rows in which it holds. half_up: how halves are
            rounded. limits: lowest and highest value.
    """

    form: Form
    sources: tuple[int, ...]
    numbers: Floats
    unit: float
    holds: float = 0.0
    half_up: bool = False
    limits: tuple[float, float] = (-np.inf, np.inf)

    def compute(self, columns: Sequence[Floats] | Mapping[int, Floats]) -> Floats:
        """The values of the column, from columns by position; NaN where the formula gives none."""
        if self.form == "lookup":
            keys, values = self.numbers
            found = columns[self.sources[0]]
            at = np.minimum(np.searchsorted(keys, found), keys.size - 1)
            return np.where(keys[at] == found, values[at], np.nan)
        raw = _raw(self.form, self.numbers, [columns[source] for source in self.sources])
        steps = np.clip(raw, *self.limits) / self.unit
        near = np.rint(steps * 1e6) / 1e6  # a half that a division missed by 1e-16 is a half
        rounded = np.floor(near + 0.5) if self.half_up else np.rint(near)
        return np.asarray(rounded * self.unit)

    def sentence(self, name: str, names: Sequence[str]) -> str:
        """The formula in words."""
        sources = [names[source] for source in self.sources]
        if self.form == "lookup":
            return f"{name} is determined by {sources[0]}"
        if self.form == "sum":
            terms = [_term(c, s) for c, s in zip(self.numbers[:-1], sources, strict=True)]
            terms += [f"{self.numbers[-1]:.6g}"] if self.numbers[-1] else []
            formula = " + ".join(terms).replace("+ -", "- ")
        else:
            factor = "" if self.numbers[0] == 1 else f"{self.numbers[0]:.6g} * "
            formula = factor + (" * " if self.form == "product" else " / ").join(sources)
        limits = f" within {self.limits[0]:g} and {self.limits[1]:g}" if np.isfinite(self.limits[0]) else ""
        return f"{name} = {formula}{limits}"


def _term(coefficient: float, name: str) -> str:
    return {1.0: name, -1.0: f"-{name}"}.get(coefficient, f"{coefficient:.6g} * {name}")


def _raw(form: Form, numbers: Floats, sources: Sequence[Floats]) -> Floats:
    if form == "sum":
        total = np.full(sources[0].shape, numbers[-1])
        for coefficient, source in zip(numbers[:-1], sources, strict=True):
            total = total + coefficient * source
        return total
    first, second = sources
    if form == "product":
        return np.asarray(numbers[0] * first * second)
    return np.where(second == 0, np.nan, numbers[0] * first / np.where(second == 0, 1.0, second))


def derived_columns(columns: Sequence[Floats], units: Sequence[float]) -> dict[int, DerivedColumn]:
    """The columns of a table that earlier ones determine, by position.

    Args:
        columns: the values of each column, NaN where missing; codes where it holds words.
        units: the distance of neighboring numbers of each column, NaN where it holds words.
    """
    if not columns or columns[0].size < FEWEST:
        return {}
    found: dict[int, DerivedColumn] = {}
    most = MOST if len(columns) <= WIDE else MOST // 8
    codes = [np.unique(column, return_index=True, return_inverse=True) for column in columns]
    varied = [values.size > 1 for values, _, _ in codes]
    earlier: list[int] = []
    for target in range(1, len(columns)):
        earlier = [*earlier, target - 1][-most:] if varied[target - 1] else earlier
        before = earlier
        if not before or not varied[target]:
            continue
        formula = _lookup(columns, codes, before, target)
        if formula is None and units[target] == units[target]:
            numeric = [c for c in before if units[c] == units[c]]
            formula = _formula(columns, numeric, target, units[target])
        if formula is not None:
            found[target] = formula
    return found


def _formula(columns: Sequence[Floats], before: Sequence[int], target: int, unit: float) -> DerivedColumn | None:
    """The formula that holds in most rows, where one holds in nearly all."""
    y = columns[target]
    known = np.flatnonzero(np.isfinite(y))
    if known.size < FEWEST or not before:
        return None
    values, counts = np.unique(y[known], return_counts=True)
    inside = known[(y[known] != values[np.argmax(counts)]) & (y[known] != values[-1])]
    if inside.size < FEWEST:
        return None
    first = inside[np.linspace(0, inside.size - 1, min(FIRST, inside.size)).astype(np.int64)]
    best: DerivedColumn | None = None
    for form, sources, numbers in _candidates(columns, before, (y, first), unit):
        equal = form == "sum" and numbers.tolist() == [1.0, 0.0] and values.size >= DISTINCT
        for up in (False, True):
            one = _measured(DerivedColumn(form, sources, numbers, unit, half_up=up), columns, y, inside)
            if one.holds >= (EQUAL if equal else HOLDS) and (best is None or one.holds > best.holds):
                best = one
        if best is not None and best.holds == 1.0:
            break
    if best is None:
        return None
    plain = _measured(best, columns, y, known)
    clipped = _measured(replace(best, limits=(float(values[0]), float(values[-1]))), columns, y, known)
    return clipped if clipped.holds > plain.holds + CLIPPED else plain


def _measured(one: DerivedColumn, columns: Sequence[Floats], y: Floats, rows: Ints) -> DerivedColumn:
    few = {source: columns[source][rows] for source in one.sources}
    if not rows.size:
        return one
    values = one.compute(few)
    return replace(one, holds=float(np.mean(np.abs(values - y[rows]) < one.unit / 2)))


def _candidates(
    columns: Sequence[Floats], before: Sequence[int], target: tuple[Floats, Ints], unit: float
) -> Iterator[tuple[Form, tuple[int, ...], Floats]]:
    """Formulas that fit the first rows, their factors fitted on these."""
    y, rows = target[0][target[1]], target[1]
    few = np.stack([_without_gaps(columns[c])[rows] for c in before])
    for at, column in enumerate(before):
        if np.mean(np.abs(few[at] - y) < unit / 2) >= EQUAL / 2:
            yield "sum", (column,), np.array([1.0, 0.0])
        line = _line(few[at], y, unit)
        if line is not None:
            yield "sum", (column,), line
    for left, right in ((1.0, 1.0), (1.0, -1.0), (-1.0, 1.0)):
        rest = y - left * few[:, None] - right * few[None]
        middle = np.median(rest, axis=2)
        fits = np.mean(np.abs(rest - middle[:, :, None]) < unit * 0.51, axis=2)
        for one, other in _most_fitting(fits, symmetric=left == right):
            if left == right or one < other:
                numbers = np.array([left, right, _nice(float(middle[one, other]))])
                yield "sum", (before[one], before[other]), numbers
    yield from _products(few, before, y, unit)
    whole = _least_squares(few, before, y)
    if whole is not None:
        yield whole


def _products(
    few: Floats, before: Sequence[int], y: Floats, unit: float
) -> Iterator[tuple[Form, tuple[int, ...], Floats]]:
    """Products and ratios of two columns times a factor."""
    forms: tuple[tuple[Form, Floats], ...] = (("product", few), ("ratio", 1 / np.where(few == 0, np.nan, few)))
    for form, second in forms:
        raw = few[:, None] * second[None]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            factor = np.median(y / raw, axis=2)
            fits = np.mean(np.abs(factor[:, :, None] * raw - y) <= unit + 0.01 * np.abs(y), axis=2)
        for one, other in _most_fitting(fits, symmetric=form == "product"):
            fitted = float(factor[one, other])
            rough = float(f"{fitted:.1g}")  # rounded values hide the factor of small ratios
            near = rough if abs(rough - fitted) <= 0.03 * abs(fitted) else fitted
            for number in dict.fromkeys((near, _nice(fitted))):
                yield form, (before[one], before[other]), np.array([number])


def _without_gaps(values: Floats) -> Floats:
    """A column with its middle value where one is missing."""
    gaps = np.isnan(values)
    return np.where(gaps, np.median(values[~gaps]) if not gaps.all() else 0.0, values) if gaps.any() else values


def _most_fitting(fits: Floats, *, symmetric: bool) -> list[tuple[int, int]]:
    """Pairs of columns that fit enough of the first rows, the best first."""
    fits = np.nan_to_num(fits)
    np.fill_diagonal(fits, 0.0)
    found = np.triu(fits) if symmetric else fits
    order = np.argsort(-found, axis=None)[:TRIED]
    pairs = zip(*np.unravel_index(order, found.shape), strict=True)
    return [(int(a), int(b)) for a, b in pairs if found[a, b] >= ENOUGH]


def _line(x: Floats, y: Floats, unit: float) -> Floats | None:
    """Slope and constant through the ends; None where most points are off."""
    low, high = int(np.argmin(x)), int(np.argmax(x))
    if x[low] == x[high] or y[low] == y[high]:
        return None
    slope = _nice(float((y[high] - y[low]) / (x[high] - x[low])))
    rest = y - slope * x
    middle = float(np.median(rest))
    middle = 0.0 if abs(middle) < unit else middle
    if np.mean(np.abs(rest - middle) <= 0.02 * np.ptp(y)) < ENOUGH:
        return None
    return np.array([slope, _nice(middle)])


def _nice(value: float) -> float:
    """The shortest decimal close to a number."""
    if not np.isfinite(value) or value == 0:
        return value
    for digits in (1, 2, 3, 4):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= (5e-3, 5e-4, 5e-5, 5e-6)[digits - 1] * abs(value):
            return short
    return float(f"{value:.9g}")


def _least_squares(few: Floats, before: Sequence[int], y: Floats) -> tuple[Form, tuple[int, ...], Floats] | None:
    """A sum of several columns that is exact on the first rows; None where there is none."""
    if len(before) < 3 or y.size < len(before) + 8:
        return None
    scale = np.abs(few).max(axis=1) + 1e-300
    coefficients = np.linalg.lstsq((few / scale[:, None]).T, y, rcond=1e-10)[0] / scale
    used = np.flatnonzero(np.abs(coefficients) * scale > 1e-3 * (np.abs(y).max() + 1e-300))
    if not 3 <= used.size <= 8:
        return None
    numbers = np.array([*(_nice(float(c)) for c in coefficients[used]), 0.0])
    if any(float(f"{number:.4g}") != number for number in numbers):
        return None  # not the sum of an accountant
    return "sum", tuple(before[int(i)] for i in used), numbers


def _lookup(
    columns: Sequence[Floats], codes: Sequence[tuple[Floats, Ints, Ints]], before: Sequence[int], target: int
) -> DerivedColumn | None:
    """A column that a single earlier one determines."""
    y, place = columns[target], codes[target][2]
    counts = np.bincount(place)
    rarer = 1 - counts.max() / y.size
    best: DerivedColumn | None = None
    for column in before:
        keys, first, key = codes[column]
        if not counts.size <= keys.size <= y.size / 4 or np.isnan(keys[-1]):
            continue
        if (place != place[first][key]).any():
            continue
        repeated = int((np.bincount(key)[key] > 1).sum())
        if rarer * repeated >= SHOWN_BY_CHANCE and (best is None or keys.size < best.numbers.shape[1]):
            best = DerivedColumn("lookup", (column,), np.stack([keys, y[first]]), np.nan, 1.0)
    return best


def computed_last(columns: Sequence[Floats], units: Sequence[float], fixed: int) -> list[int]:
    """An order of the columns in which sums compute the column with the most values: `end = start + days`.

    The first ``fixed`` columns keep their place.
    """
    order = list(range(len(columns)))
    distinct = [np.unique(column).size for column in columns]
    for target, formula in derived_columns(columns, units).items():
        if formula.form != "sum" or formula.holds < EXACT or len(formula.sources) < 2:
            continue
        last = max(formula.sources, key=lambda source: (distinct[source], source))
        if last >= fixed and distinct[last] > RANGE * distinct[target] and order.index(last) < order.index(target):
            order.remove(last)
            order.insert(order.index(target) + 1, last)
    return order
