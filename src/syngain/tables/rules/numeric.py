"""Rules among numbers and dates: orders, multiples, sums and products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Literal

import numpy as np

from syngain.tables.rules.rule import CONFIDENCE, SUPPORT, quoted, unrelated
from syngain.tables.typed import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syngain.core.arrays import Flags, Floats, Ints
    from syngain.tables.typed import Column, Table

SCREEN = 256  # rows that are looked at first
MOST = 60  # columns that sums and products are looked for among
WORK = 30_000_000  # comparisons of the screen
LOOSE = 0.9  # of the screened rows that follow a rule
CHANCE = 0.02  # of rows that break an order where one column is shuffled, at least
TIGHT = 0.3  # of rows that follow a formula where one column is shuffled, at most
ALONE = 0.8  # of rows that follow a formula without one of its columns, at most
SLOPES = 400  # pairs of rows that a factor is read from
EXACT = 1e-6  # of the spread: numbers that are not rounded are equal
FEWER = 0.002  # of the rows may be lost for a factor with fewer digits
SLACK = 1.001  # binary fractions of rounded numbers


@dataclass(frozen=True, slots=True)
class AtMost:
    """One number or date is at most another."""

    first: str
    second: str
    kind: Literal["order"] = "order"

    @property
    def columns(self) -> tuple[str, ...]:
        """The smaller and the larger column."""
        return (self.first, self.second)

    @property
    def words(self) -> str:
        """The rule as a formula."""
        return f"{quoted(self.first)} <= {quoted(self.second)}"

    def refit(self, table: Table) -> AtMost:
        """The same rule."""
        del table
        return self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with both numbers, and rows with the first one above the second."""
        first, second = (table.columns[name].numbers for name in self.columns)
        applies = np.isfinite(first) & np.isfinite(second)
        return applies, applies & (first > second)


@dataclass(frozen=True, slots=True)
class Multiple:
    """A number is a factor times another plus a constant, up to rounding."""

    result: str
    source: str
    factor: float
    constant: float
    kind: Literal["formula"] = "formula"

    @property
    def columns(self) -> tuple[str, ...]:
        """The result and what it is computed from."""
        return (self.result, self.source)

    @property
    def words(self) -> str:
        """The rule as a formula."""
        scaled = quoted(self.source) if self.factor == 1 else f"{shown(self.factor)} * {quoted(self.source)}"
        if not self.constant:
            return f"{quoted(self.result)} = {scaled}"
        sign = "+" if self.constant > 0 else "-"
        return f"{quoted(self.result)} = {scaled} {sign} {shown(abs(self.constant))}"

    def refit(self, table: Table) -> Multiple:
        """Factor and constant of these rows."""
        return _fitted(table.columns[self.result], table.columns[self.source]) or self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with both numbers, and rows farther off than rounding explains."""
        result, source = (table.columns[name] for name in self.columns)
        gap = np.abs(result.numbers - self.factor * source.numbers - self.constant)
        applies = np.isfinite(gap)
        return applies, applies & ~(gap <= _tolerance(result, [(source, abs(self.factor))]))


@dataclass(frozen=True, slots=True)
class Combined:
    """A number is the sum or the product of two others, up to rounding."""

    result: str
    first: str
    second: str
    sign: Literal["+", "*"]
    kind: Literal["formula"] = "formula"

    @property
    def columns(self) -> tuple[str, ...]:
        """The result and what it is computed from."""
        return (self.result, self.first, self.second)

    @property
    def words(self) -> str:
        """The rule as a formula."""
        return f"{quoted(self.result)} = {quoted(self.first)} {self.sign} {quoted(self.second)}"

    def refit(self, table: Table) -> Combined:
        """The same rule."""
        del table
        return self

    def check(self, table: Table) -> tuple[Flags, Flags]:
        """Rows with all three numbers, and rows farther off than rounding explains."""
        result, first, second = (table.columns[name] for name in self.columns)
        gap = np.abs(result.numbers - _joined(self.sign, first.numbers, second.numbers))
        weights = (1.0, 1.0) if self.sign == "+" else (np.abs(second.numbers), np.abs(first.numbers))
        applies = np.isfinite(gap)
        allowed = _tolerance(result, list(zip((first, second), weights, strict=True)))
        return applies, applies & ~(gap <= allowed)


def numeric_rules(
    table: Table, keys: frozenset[str], rng: np.random.Generator
) -> Iterator[AtMost | Multiple | Combined]:
    """The orders and formulas that hold in nearly all of these rows and would not by chance."""
    columns = [one for one in table.of_kind("number", "date") if one.name not in keys and _varies(one)]
    rows = np.sort(rng.permutation(table.size)[:SCREEN])
    for one, other in combinations(columns, 2):
        if one.kind != other.kind:
            continue
        multiple = _multiple(table, one, other, rng)
        if multiple is not None:
            yield multiple
            continue
        for first, second in ((one, other), (other, one)):
            if _is_order(first, second, rows, rng):
                yield AtMost(first.name, second.name)
    yield from _combined(table, columns[:MOST], rng)


def _is_order(first: Column, second: Column, rows: Ints, rng: np.random.Generator) -> bool:
    a, b = first.numbers, second.numbers
    if (a[rows] > b[rows]).mean() > 1 - CONFIDENCE:
        return False
    known = np.isfinite(a) & np.isfinite(b)
    if known.sum() < SUPPORT or (a[known] > b[known]).mean() > 1 - CONFIDENCE:
        return False
    wrong = float((a[known] > b[known]).mean())
    by_chance = unrelated(lambda mixed: np.asarray(a[known] > mixed), b[known], rng)
    return by_chance >= max(CHANCE, 10 * wrong)


def _multiple(table: Table, one: Column, other: Column, rng: np.random.Generator) -> Multiple | None:
    """One of two columns computed from the other, in the direction with the simpler formula."""
    known = np.flatnonzero(np.isfinite(one.numbers) & np.isfinite(other.numbers))
    some = known[:: max(1, known.size // SCREEN)]
    if known.size < SUPPORT or abs(_correlation(one.numbers[some], other.numbers[some])) < LOOSE:
        return None
    found = [_fitted(one, other), _fitted(other, one)]
    simple = sorted(
        (rule for rule in found if rule is not None), key=lambda rule: (rule.constant != 0, len(rule.words))
    )
    return next((rule for rule in simple if _is_multiple(rule, table, known, rng)), None)


def _is_multiple(rule: Multiple, table: Table, known: Ints, rng: np.random.Generator) -> bool:
    """Whether nearly all rows follow the rule, and few do where one column is shuffled."""
    applies, broken = rule.check(table)
    if broken.sum() > (1 - CONFIDENCE) * applies.sum():
        return False
    result, source = (table.columns[name] for name in rule.columns)
    limits = _tolerance(result, [(source, abs(rule.factor))])[known]
    rest = result.numbers[known] - rule.constant

    def away(mixed: Floats) -> Flags:
        return np.asarray(np.abs(rest - rule.factor * mixed) > limits)

    return 1 - unrelated(away, source.numbers[known], rng) <= TIGHT


def _fitted(result: Column, source: Column) -> Multiple | None:
    """Factor and constant: the median slope between rows, refined on the rows that fit, with few digits."""
    known = np.flatnonzero(np.isfinite(result.numbers) & np.isfinite(source.numbers))
    y, x = result.numbers[known], source.numbers[known]
    if known.size < SUPPORT // 2:
        return None
    order = np.argsort(x, kind="stable")
    reach = known.size // 2
    pairs = np.arange(0, known.size - reach, max(1, (known.size - reach) // SLOPES))
    low, high = order[pairs], order[pairs + reach]
    apart = x[high] > x[low]
    if not apart.any():
        return None
    factor = float(np.median((y[high] - y[low])[apart] / (x[high] - x[low])[apart]))
    constant = float(np.median(y - factor * x))
    allowed = _step_tolerance(result, source, factor)
    for _ in range(3):
        near = np.abs(y - factor * x - constant) <= 3 * allowed
        if near.sum() < SUPPORT // 2 or np.ptp(x[near]) == 0:
            break
        factor, constant = (float(value) for value in np.polyfit(x[near], y[near], 1))
    return _with_few_digits(Multiple(result.name, source.name, factor, constant), x, y, allowed)


def _with_few_digits(rule: Multiple, x: Floats, y: Floats, allowed: float) -> Multiple | None:
    """The factor and constant with the fewest digits that fit as many rows."""
    if rule.factor == 0 or not np.isfinite(rule.factor):
        return None

    def fits(factor: float, constant: float) -> float:
        return float((np.abs(y - factor * x - constant) <= allowed * SLACK + 1e-12 * np.abs(y)).mean())

    tried: list[tuple[float, float, float]] = [(fits(rule.factor, rule.constant), rule.factor, rule.constant)]
    for digits in range(8, 0, -1):
        factor = float(f"{rule.factor:.{digits - 1}e}")
        if factor:
            constants = {0.0, float(f"{_middle(y - factor * x, allowed):.{digits - 1}e}")}
            tried += [
                (fits(factor, constant), factor, constant) for constant in sorted(constants, key=abs, reverse=True)
            ]
    best = max(tried)[0]
    _, factor, constant = [one for one in tried if one[0] >= best - FEWER][-1]
    return replace(rule, factor=factor, constant=constant) if best >= CONFIDENCE else None


def _middle(rest: Floats, allowed: float) -> float:
    """The middle of what is left of rounded numbers, of those near the median."""
    median = float(np.median(rest))
    near = rest[np.abs(rest - median) <= 2 * allowed]
    return float(near.min() + near.max()) / 2 if near.size else median


def _combined(table: Table, columns: Sequence[Column], rng: np.random.Generator) -> Iterator[Combined]:
    """Sums and products of two columns that are a third one."""
    if len(columns) < 3:
        return
    dates = np.array([column.kind == "date" for column in columns])
    values = np.array([column.numbers for column in columns])
    count = int(np.clip(WORK // len(columns) ** 3, SUPPORT, SCREEN))
    rows = np.sort(rng.permutation(table.size)[:count])
    few = values[:, rows]
    slack = np.array([column.step / 2 or EXACT * _spread(column) for column in columns])
    for one, other in combinations(range(len(columns)), 2):
        for sign in ("+", "*"):
            if dates[[one, other]].sum() > (sign == "+"):
                continue
            joined = _joined(sign, few[one], few[other])
            rough = _rough(sign, columns, (one, other), few)
            gaps = np.abs(few - joined) <= SLACK * (slack[:, None] + rough)
            known = np.isfinite(few) & np.isfinite(joined)
            hits = gaps.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
            for place in np.flatnonzero((hits >= LOOSE) & (known.sum(axis=1) >= SUPPORT // 2)).tolist():
                if place in {one, other} or dates[place] != dates[[one, other]].any():
                    continue
                found = Combined(columns[place].name, columns[one].name, columns[other].name, sign)
                if _is_formula(found, table, rng):
                    yield found


def _rough(sign: str, columns: Sequence[Column], places: tuple[int, int], few: Floats) -> Floats | float:
    """What the rounding of both parts adds to the rounding of the result."""
    one, other = (columns[place] for place in places)
    if sign == "+":
        return _own(one) + _own(other)
    return np.asarray(_own(one) * np.abs(few[places[1]]) + _own(other) * np.abs(few[places[0]]))


def _is_formula(rule: Combined, table: Table, rng: np.random.Generator) -> bool:
    """Whether the rule holds where it says something, and not without one of its columns or by chance."""
    result, first, second = (table.columns[name].numbers for name in rule.columns)
    applies, broken = rule.check(table)
    telling = applies & (first != 0) & (second != 0)
    if rule.sign == "*":
        telling &= (first != 1) & (second != 1)
    if telling.sum() < SUPPORT or broken[telling].mean() > 1 - CONFIDENCE:
        return False
    if broken[applies].mean() > 1 - CONFIDENCE or telling.sum() < (1 - ALONE) * applies.sum():
        return False
    rows = np.flatnonzero(telling)
    mixed = dict(table.columns)
    for name, numbers in zip(rule.columns, (result, first, second), strict=True):
        shuffled = numbers.copy()
        shuffled[rows] = rng.permutation(numbers[rows])
        other = type(table)({**mixed, name: replace(mixed[name], numbers=shuffled)}, table.size)
        if 1 - rule.check(other)[1][rows].mean() > TIGHT:
            return False
    return True


def _joined(sign: str, first: Floats, second: Floats) -> Floats:
    return np.asarray(first + second if sign == "+" else first * second)


def _tolerance(result: Column, sources: Sequence[tuple[Column, float | Floats]]) -> Floats:
    """How far a result may be off by rounding: half its last digit, and that of what it is computed from."""
    allowed: Floats | float = result.step / 2 or EXACT * _spread(result)
    for source, weight in sources:
        allowed = allowed + _own(source) * weight
    return np.asarray(allowed * SLACK + 1e-12 * np.abs(np.nan_to_num(result.numbers)))


def _step_tolerance(result: Column, source: Column, factor: float) -> float:
    return (result.step / 2 or EXACT * _spread(result)) + _own(source) * abs(factor)


def _own(source: Column) -> float:
    """Half the last digit of a rounded number; whole numbers and dates are exact."""
    return source.step / 2 if source.kind == "number" and 0 < source.step < 1 else 0.0


def _spread(column: Column) -> float:
    if column.kind == "date":
        return 1e-5 / EXACT  # a second
    return float(np.nanstd(column.numbers)) or 1.0


def _varies(column: Column) -> bool:
    known = column.numbers[np.isfinite(column.numbers)]
    return known.size >= SUPPORT and float(np.ptp(known)) > 0


def _correlation(x: Floats, y: Floats) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
